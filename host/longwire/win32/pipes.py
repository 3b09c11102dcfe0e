"""An end of a named pipe: made so that its user alone gets at it, opened so that its server can do nothing with that.

They carry messages, so that one without a byte can say that nothing more comes: a process that dies says nothing. Apart
from that they are bytes, and nobody minds where a message ends.
"""

import ctypes
import time
from ctypes import byref, c_void_p
from typing import Final

from longwire.win32.api import (
    ACCESS_DENIED,
    BROKEN_PIPE,
    DWORD,
    FILE_NOT_FOUND,
    IO_PENDING,
    MORE_DATA,
    OPERATION_ABORTED,
    PIPE_BUSY,
    PIPE_ENDS,
    PIPE_NOT_CONNECTED,
    SEMAPHORE_TIMEOUT,
    Api,
    CallFailed,
    Overlapped,
    SecurityAttributes,
)

# What the kernel holds of what was written and not read, in each direction.
BUFFER_BYTES: Final = 64 * 1024

_DUPLEX: Final = 0x3
_OVERLAPPED: Final = 0x40000000
_FIRST_INSTANCE: Final = 0x00080000
# Messages written, messages read, waiting for them.
_MESSAGES: Final = 0x4 | 0x2
_REJECT_REMOTE: Final = 0x8
_READ_MESSAGES: Final = 0x2
_UNLIMITED: Final = 255
_SDDL_REVISION: Final = 1
_GENERIC_READ_WRITE: Final = 0x80000000 | 0x40000000
_OPEN_EXISTING: Final = 3
# Whoever serves may ask who we are, and not act as us.
_IDENTIFICATION: Final = 0x00100000 | 0x00010000
_INFINITE: Final = 0xFFFFFFFF
_WAIT_TIMEOUT: Final = 0x102


class PipeDenied(PermissionError):
    """The pipe is another user's, or that of a program with higher rights."""


def owner_only(sid: str) -> str:
    """A security descriptor in its text form: the user's, and nobody else may anything, with nothing inherited."""
    return f"O:{sid}D:P(A;;GA;;;{sid})"


def create_instance(api: Api, name: str, sid: str, *, first: bool) -> int:
    """One end at which one client can connect: a handle for overlapped operations. `first`: nobody has the name yet.

    Raises:
        CallFailed: it cannot be made. ACCESS_DENIED: somebody has the name.
    """
    descriptor = c_void_p()
    api.call(
        "ConvertStringSecurityDescriptorToSecurityDescriptorW", owner_only(sid), _SDDL_REVISION, byref(descriptor), None
    )
    try:
        security = SecurityAttributes(ctypes.sizeof(SecurityAttributes), descriptor.value, 0)
        return api.open(
            "CreateNamedPipeW",
            name,
            _DUPLEX | _OVERLAPPED | (_FIRST_INSTANCE if first else 0),
            _MESSAGES | _REJECT_REMOTE,
            _UNLIMITED,
            BUFFER_BYTES,
            BUFFER_BYTES,
            0,
            byref(security),
        )
    finally:
        api.free(descriptor.value)


def open_pipe(api: Api, name: str, patience_s: float | None) -> int:
    """Connect to it: a handle for overlapped operations. While all its instances are taken, wait (None: for ever).

    Raises:
        ConnectionRefusedError: nobody serves it.
        PipeDenied: it is not for us.
        TimeoutError: no instance became free.
        CallFailed: something else.
    """
    ends_at = None if patience_s is None else time.monotonic() + patience_s
    while (handle := _opened(api, name)) is None:
        # Another may take the instance meanwhile: hence the loop.
        if not api.ask("WaitNamedPipeW", name, _milliseconds(ends_at)):
            _explain(CallFailed("WaitNamedPipeW", api.last_error()))
        if ends_at is not None and time.monotonic() >= ends_at:
            raise TimeoutError("no instance of the pipe became free")
    try:
        api.call("SetNamedPipeHandleState", handle, byref(DWORD(_READ_MESSAGES)), None, None)
    except BaseException:
        api.close(handle)
        raise
    return handle


def client_of(api: Api, handle: int) -> int:
    """The number of the process that connected. Raises CallFailed."""
    pid = DWORD()
    api.call("GetNamedPipeClientProcessId", handle, byref(pid))
    return pid.value


def server_of(api: Api, handle: int) -> int:
    """The number of the process that made the end to which we are connected. Raises CallFailed."""
    pid = DWORD()
    api.call("GetNamedPipeServerProcessId", handle, byref(pid))
    return pid.value


def other_end_closed(api: Api, handle: int) -> bool:
    """Whether nobody is at the other end any more, and all that came from there was read. Of unnamed pipes, too."""
    return not api.ask("PeekNamedPipe", handle, None, 0, None, None, None) and api.last_error() in PIPE_ENDS


class Carrier:
    """Reads and writes of one handle, which block: one thread for each direction. Owns the handle.

    Raises:
        CallFailed: there is nothing to wait with.
    """

    def __init__(self, api: Api, handle: int) -> None:
        self._api = api
        self.handle = handle
        self._events: list[int] = []
        try:
            for _ in range(2):
                self._events.append(api.open("CreateEventW", None, 1, 0, None))
        except BaseException:
            self.close()
            raise

    def read(self, into: memoryview, timeout_s: float | None) -> int:
        """The next bytes of one message; 0 is one without a byte: nothing more comes.

        Raises:
            ConnectionResetError: nobody is at the other end any more.
            TimeoutError, CallFailed: nothing came, or it cannot be read.
        """
        return self._carry("ReadFile", (ctypes.c_char * len(into)).from_buffer(into), len(into), timeout_s)

    def write(self, data: bytes, timeout_s: float | None) -> None:
        """All of it, as one message.

        Raises:
            ConnectionResetError: nobody is at the other end any more.
            TimeoutError, CallFailed: it was not taken, or cannot be written.
        """
        written = self._carry("WriteFile", ctypes.c_char_p(data), len(data), timeout_s)
        if written != len(data):
            raise ConnectionResetError("a part of what was written was not taken")

    def give_up(self) -> int:
        """The handle, which is the caller's from now on."""
        handle, self.handle = self.handle, 0
        self.close()
        return handle

    def close(self) -> None:
        """Idempotent."""
        events, self._events = self._events, []
        for event in events:
            self._api.close(event)
        handle, self.handle = self.handle, 0
        if handle:
            self._api.close(handle)

    def _carry(self, name: str, memory: object, size: int, timeout_s: float | None) -> int:
        if not self.handle:
            raise ConnectionResetError("the pipe is closed")
        ends_at = None if timeout_s is None else time.monotonic() + timeout_s
        event = self._events[name == "WriteFile"]
        overlapped, count = Overlapped(event=event), DWORD()
        begun = self._api.ask(name, self.handle, memory, size, None, byref(overlapped))
        code = 0 if begun else self._api.last_error()
        if code not in (0, IO_PENDING, MORE_DATA):
            raise _failure(name, code)
        timed_out, waited = False, False
        try:
            timed_out = self._api.number("WaitForSingleObject", event, _milliseconds(ends_at)) == _WAIT_TIMEOUT
            waited = not timed_out
        finally:
            # Until it is over the kernel writes into this memory, whatever happened here meanwhile.
            if not waited:
                self._api.ask("CancelIoEx", self.handle, byref(overlapped))
            over = self._api.ask("GetOverlappedResult", self.handle, byref(overlapped), byref(count), 1)
            code = 0 if over else self._api.last_error()
        if code == OPERATION_ABORTED and timed_out:
            raise TimeoutError(f"{name} waited for too long")
        if code not in (0, MORE_DATA):
            raise _failure(name, code)
        return count.value


def _opened(api: Api, name: str) -> int | None:
    """None while all instances are taken."""
    flags = _OVERLAPPED | _IDENTIFICATION
    try:
        return api.open("CreateFileW", name, _GENERIC_READ_WRITE, 0, None, _OPEN_EXISTING, flags, None)
    except CallFailed as failed:
        _explain(failed)
        return None


def _failure(name: str, code: int) -> OSError:
    if code in PIPE_ENDS:
        return ConnectionResetError("nobody is at the other end of the pipe any more")
    return CallFailed(name, code)


def _explain(failed: CallFailed) -> None:
    """Raise what it means, unless it is that all instances are taken."""
    if failed.code in (FILE_NOT_FOUND, BROKEN_PIPE, PIPE_NOT_CONNECTED):
        raise ConnectionRefusedError("nobody serves that pipe") from None
    if failed.code == ACCESS_DENIED:
        raise PipeDenied(failed.errno, "the pipe is another user's, or of a program with higher rights") from None
    if failed.code == SEMAPHORE_TIMEOUT:
        raise TimeoutError("no instance of the pipe became free") from None
    if failed.code != PIPE_BUSY:
        raise failed


def _milliseconds(ends_at: float | None) -> int:
    """Until then; at least one, for 0 means a default. Windows waits for ever where it is given the largest number."""
    if ends_at is None:
        return _INFINITE
    return min(max(1, round((ends_at - time.monotonic()) * 1000)), _INFINITE - 1)
