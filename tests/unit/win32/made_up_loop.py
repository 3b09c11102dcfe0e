"""What asyncio's loop does with pipes on Windows, on any loop: as much of `IocpProactor` as Longwire calls."""

import asyncio
import ctypes
from collections.abc import Callable
from typing import Any

import pytest

from longwire.native import pipe_channel, pipe_listener
from longwire.win32 import api as w
from tests.unit.win32.made_up import MadeUpWindows
from tests.unit.win32.made_up_ends import End, Operation


class MadeUpHandle:
    """As `asyncio.windows_utils.PipeHandle`."""

    def __init__(self, windows: MadeUpWindows, handle: int) -> None:
        self._windows = windows
        self._handle: int | None = handle

    def fileno(self) -> int:
        if self._handle is None:
            raise ValueError("I/O operation on closed pipe")
        return self._handle

    def close(self) -> None:
        if self._handle is not None:
            self._windows.api.close(self._handle)
            self._handle = None


class Overlapping(asyncio.Future[Any]):
    """Cancelling it cancels what the system does, as `_OverlappedFuture` does."""

    cancel_operation: Callable[[], None] = staticmethod(lambda: None)

    def cancel(self, msg: Any | None = None) -> bool:
        self.cancel_operation()
        return super().cancel(msg)


class MadeUpProactor:
    """See `pipe_listener.Proactor`."""

    def __init__(self, windows: MadeUpWindows) -> None:
        self._windows = windows

    def accept_pipe(self, pipe: MadeUpHandle) -> "asyncio.Future[Any]":
        with self._windows.changed:
            end = self._end(pipe)
            future, done = self._future(lambda _: pipe)
            if end.other is None:
                end.connecting = done
                future.cancel_operation = lambda: setattr(end, "connecting", None)
            else:
                done(w.NO_DATA if end.other.closed else 0, 0)
            return future

    def recv_into(self, conn: MadeUpHandle, buf: bytearray) -> "asyncio.Future[int]":
        with self._windows.changed:
            end = self._end(conn)
            future, done = self._future(lambda count: count)

            def over(code: int, count: int) -> None:
                done(0 if code in (w.MORE_DATA, w.BROKEN_PIPE) else code, count)

            into = (ctypes.c_char * len(buf)).from_buffer(buf)
            operation = self._windows.read(end, into, len(buf), over)
            future.cancel_operation = lambda: self._forget(end.readers, operation)
            return future

    def send(self, conn: MadeUpHandle, buf: bytes) -> "asyncio.Future[int]":
        with self._windows.changed:
            end = self._end(conn)
            future, done = self._future(lambda count: count)
            operation = self._windows.write(end, bytes(buf), done)
            future.cancel_operation = lambda: self._forget(end.writers, operation)
            return future

    def _end(self, pipe: MadeUpHandle) -> End:
        end: End = self._windows.handles[pipe.fileno()]
        return end

    def _forget(self, waiting: Any, operation: Operation) -> None:
        with self._windows.changed:
            if operation in waiting:
                waiting.remove(operation)

    @staticmethod
    def _future(result: Callable[[int], Any]) -> tuple[Overlapping, Callable[[int, int], None]]:
        loop = asyncio.get_running_loop()
        future = Overlapping(loop=loop)

        def settle(code: int, count: int) -> None:
            if future.done():
                return
            if code:
                future.set_exception(w.CallFailed("GetOverlappedResult", code) if code == 1450 else _as_python(code))
            else:
                future.set_result(result(count))

        def done(code: int, count: int) -> None:
            loop.call_soon_threadsafe(settle, code, count)

        return future, done


def _as_python(code: int) -> OSError:
    """As `_overlapped` raises it."""
    return BrokenPipeError("the pipe is broken") if code in w.PIPE_ENDS else OSError(code, f"error {code}")


def patch_loop(windows: MadeUpWindows, monkeypatch: pytest.MonkeyPatch) -> MadeUpProactor:
    """Have any loop do what that of Windows does."""
    proactor = MadeUpProactor(windows)
    monkeypatch.setattr(pipe_listener, "own_proactor", lambda: proactor)
    monkeypatch.setattr(pipe_channel, "own_proactor", lambda: proactor)
    monkeypatch.setattr(pipe_listener, "wrapped", lambda handle: MadeUpHandle(windows, handle))
    return proactor
