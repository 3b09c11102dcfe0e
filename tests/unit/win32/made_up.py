"""A Windows that is made up: as much of it as Longwire calls, with real threads, files and locks of this machine.

Each call is looked at as ctypes would (number and types of its arguments), written down, and may be told to fail. What
was opened and not closed is in `handles`, what was allocated and not freed in `memory`.
"""

# ruff: noqa: N802  (the names are those of Windows)

import ctypes
import fcntl
import os
import threading
from collections.abc import Callable
from typing import Any, Final

from longwire.win32 import api as w
from longwire.win32.api import Api
from longwire.win32.pipes import BUFFER_BYTES
from tests.patience import PATIENCE_S
from tests.unit.win32.made_up_ends import End, Event, Operation, Pipe

ME: Final = "S-1-5-21-1-2-3-1001"
OTHER: Final = "S-1-5-21-1-2-3-1002"
_DESCRIPTORS: Final = 0x100000  # handles of descriptors begin here
_NOT_FOUND: Final = 1168
_FAIL_IMMEDIATELY, _EXCLUSIVE = 1, 2


class MadeUpWindows:
    """`api` is what production code gets; `pid` is the process that calls."""

    def __init__(self) -> None:
        self.pid = 100
        self.users = {100: ME, 200: OTHER}
        self.ended: set[int] = set()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.fails: dict[str, int] = {}
        self.handles: dict[int, Any] = {}
        self.memory: dict[int, Any] = {}
        self.pipes: dict[str, Pipe] = {}
        self.changed = threading.Condition(threading.RLock())
        self._error = threading.local()
        self._results: dict[int, tuple[int, int] | None] = {}
        self._next = 0x10
        self.api = Api(
            (Library(self), Library(self)),
            lambda: int(self._error.code),
            lambda fd: _DESCRIPTORS + fd,
            self.descriptor_of,
        )

    def called(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of each call of that function."""
        return [arguments for each, arguments in self.calls if each == name]

    def act(self, name: str, arguments: tuple[Any, ...]) -> Any:
        with self.changed:
            self.calls.append((name, arguments))
            if name in self.fails:
                return self._refuse(name, self.fails[name])
            return getattr(self, name)(*arguments)

    def descriptor_of(self, handle: int, flags: int) -> int:
        """As `msvcrt.open_osfhandle`: the handle is the descriptor's from now on."""
        if "open_osfhandle" in self.fails:
            raise OSError(24, "too many")
        descriptor: int = self.handles.pop(handle)
        return descriptor

    def _refuse(self, name: str, code: int) -> Any:
        self._error.code = code
        if name == "GetSecurityInfo":
            return code
        return w.INVALID_HANDLE if name in ("CreateFileW", "CreateNamedPipeW") else 0

    def _new(self, thing: Any) -> int:
        self._next += 4
        self.handles[self._next] = thing
        return self._next

    def _allocate(self, memory: Any) -> int:
        address = ctypes.addressof(memory)
        self.memory[address] = memory
        return address

    def _thing(self, handle: Any) -> Any:
        return self.handles[(handle.value or 0) if isinstance(handle, ctypes.c_void_p) else handle]

    # --- processes and users ---------------------------------------------------------------------------------

    def CloseHandle(self, handle: Any) -> int:
        thing = self.handles.pop(handle)  # one that is not open is a defect of the caller
        if isinstance(thing, End):
            self.close_end(thing)
        elif isinstance(thing, int):
            os.close(thing)
        return 1

    def close_end(self, end: End) -> None:
        end.closed = True
        end.pipe.ends -= end.server
        if end in end.pipe.free:
            end.pipe.free.remove(end)
        if not end.pipe.ends:
            self.pipes.pop(end.pipe.name, None)
        if end.connecting is not None:
            end.connecting(w.OPERATION_ABORTED, 0)
        end.pump()
        if end.other is not None:
            end.other.pump()
        self.changed.notify_all()

    def LocalFree(self, address: int | None) -> None:
        if address:
            del self.memory[address]

    def GetCurrentProcess(self) -> int:
        return w.INVALID_HANDLE or 0

    def OpenProcess(self, access: int, inherit: int, pid: int) -> int:
        assert access in (0x1000, 0x00100000) and not inherit
        return self._new(("process", pid)) if pid in self.users else self._refuse("OpenProcess", 87)

    def OpenProcessToken(self, process: int, access: int, token: Any) -> int:
        assert access == 8
        pid = self.pid if process == w.INVALID_HANDLE else self._thing(process)[1]
        token._obj.value = self._new(("token", self.users[pid]))
        return 1

    def GetTokenInformation(self, token: Any, what: int, into: Any, size: int, needed: Any) -> int:
        assert what == 1 and size == ctypes.sizeof(into)
        sid = ctypes.create_string_buffer(self._thing(token)[1].encode())
        self._kept = sid
        ctypes.c_void_p.from_buffer(into).value = ctypes.addressof(sid)
        needed._obj.value = 44
        return 1

    def ConvertSidToStringSidW(self, sid: Any, text: Any) -> int:
        said = ctypes.string_at(sid.value).decode()
        text._obj.value = self._allocate(ctypes.create_unicode_buffer(said))
        return 1

    def ConvertStringSecurityDescriptorToSecurityDescriptorW(
        self, text: str, revision: int, descriptor: Any, size: Any
    ) -> int:
        assert revision == 1 and size is None
        descriptor._obj.value = self._allocate(ctypes.create_unicode_buffer(text))
        return 1

    def GetSecurityInfo(self, handle: int, kind: int, what: int, owner: Any, *others: Any) -> int:
        assert kind == 6 and what == 1 and others[:3] == (None, None, None)
        sid = ctypes.create_string_buffer(self._thing(handle).pipe.owner.encode())
        owner._obj.value = others[3]._obj.value = self._allocate(sid)
        return 0

    def K32GetProcessMemoryInfo(self, process: int, counters: Any, size: int) -> int:
        assert process == w.INVALID_HANDLE and size == counters._obj.size == ctypes.sizeof(counters._obj)
        counters._obj.working_set = 12345678
        return 1

    # --- files -----------------------------------------------------------------------------------------------

    def CreateFileW(self, name: str, access: int, share: int, security: Any, how: int, flags: int, like: Any) -> int:
        assert security is None and like is None
        if name.startswith("\\\\.\\pipe\\"):
            return self._open_pipe(name, access, share, how, flags)
        mode = {0x80000000: os.O_RDONLY, 0x40000000: os.O_WRONLY}.get(access, os.O_RDWR)
        try:
            return self._new(os.open(name, mode | (os.O_CREAT if how == 4 else 0), 0o600))
        except OSError as error:
            code = w.FILE_NOT_FOUND if isinstance(error, FileNotFoundError) else w.ACCESS_DENIED
            return int(self._refuse("CreateFileW", code))

    def LockFileEx(self, handle: int, flags: int, zero: int, low: int, high: int, overlapped: Any) -> int:
        assert (zero, low, high, overlapped._obj.offset) == (0, 1, 0, 0)
        operation = fcntl.LOCK_EX if flags & _EXCLUSIVE else fcntl.LOCK_SH
        try:
            fcntl.flock(handle - _DESCRIPTORS, operation | (fcntl.LOCK_NB if flags & _FAIL_IMMEDIATELY else 0))
        except BlockingIOError:
            return int(self._refuse("LockFileEx", w.LOCK_VIOLATION))
        return 1

    # --- pipes -----------------------------------------------------------------------------------------------

    def CreateNamedPipeW(
        self, name: str, opening: int, mode: int, most: int, out: int, into: int, wait: int, security: Any
    ) -> int:
        assert opening & 0x40000003 == 0x40000003 and mode & 6 == 6 and most == 255 and out == into == BUFFER_BYTES
        text = ctypes.wstring_at(security._obj.descriptor)
        assert security._obj.size == ctypes.sizeof(security._obj) and not security._obj.inherits and wait == 0
        pipe = self.pipes.get(name)
        if pipe is not None and (opening & 0x80000 or pipe.owner != self.users[self.pid]):
            return int(self._refuse("CreateNamedPipeW", w.ACCESS_DENIED))
        if pipe is None:
            pipe = self.pipes[name] = Pipe(name, text, self.users[self.pid])
        end = End(pipe, server=True, pid=self.pid)
        pipe.ends += 1
        pipe.free.append(end)
        self.changed.notify_all()
        return self._new(end)

    def _open_pipe(self, name: str, access: int, share: int, how: int, flags: int) -> int:
        assert (access, share, how) == (0xC0000000, 0, 3) and flags & 0x40000000
        pipe = self.pipes.get(name)
        if pipe is None:
            return int(self._refuse("CreateFileW", w.FILE_NOT_FOUND))
        if f"(A;;GA;;;{self.users[self.pid]})" not in pipe.security:
            return int(self._refuse("CreateFileW", w.ACCESS_DENIED))
        if not pipe.free:
            return int(self._refuse("CreateFileW", w.PIPE_BUSY))
        server = pipe.free.pop(0)
        client = End(pipe, server=False, pid=self.pid, other=server)
        server.other = client
        if server.connecting is not None:
            connecting, server.connecting = server.connecting, None
            connecting(0, 0)
        return self._new(client)

    def WaitNamedPipeW(self, name: str, milliseconds: int) -> int:
        def free() -> bool:
            return name not in self.pipes or bool(self.pipes[name].free)

        if not self.changed.wait_for(free, min(milliseconds / 1000, PATIENCE_S)):
            return int(self._refuse("WaitNamedPipeW", w.SEMAPHORE_TIMEOUT))
        return 1 if name in self.pipes else int(self._refuse("WaitNamedPipeW", w.FILE_NOT_FOUND))

    def SetNamedPipeHandleState(self, handle: int, mode: Any, collect: Any, timeout: Any) -> int:
        assert isinstance(self._thing(handle), End) and mode._obj.value == 2 and collect is timeout is None
        return 1

    def PeekNamedPipe(self, handle: int, *rest: Any) -> int:
        assert rest == (None, 0, None, None, None)
        if handle >= _DESCRIPTORS:
            end: End = self.handles[handle]
        else:
            end = self._thing(handle)
        if end.inbox or end.other is None or not end.other.closed:
            return 1
        return int(self._refuse("PeekNamedPipe", w.BROKEN_PIPE))

    def GetNamedPipeClientProcessId(self, handle: int, pid: Any) -> int:
        end: End = self._thing(handle)
        assert end.server and end.other is not None
        pid._obj.value = end.other.pid
        return 1

    def GetNamedPipeServerProcessId(self, handle: int, pid: Any) -> int:
        end: End = self._thing(handle)
        assert not end.server and end.other is not None
        pid._obj.value = end.other.pid
        return 1

    # --- overlapped operations -------------------------------------------------------------------------------

    def CreateEventW(self, security: Any, manual: int, state: int, name: Any) -> int:
        assert (security, manual, state, name) == (None, 1, 0, None)
        return self._new(Event())

    def _begin(self, name: str, overlapped: Any, begin: Callable[[Callable[[int, int], None]], object]) -> int:
        key = ctypes.addressof(overlapped._obj)
        event: Event = self._thing(overlapped._obj.event)
        event.set = False
        self._results[key] = None

        def done(code: int, count: int) -> None:
            self._results[key] = (code, count)
            event.set = True
            self.changed.notify_all()

        begin(done)
        result = self._results[key]
        if result is None:
            return int(self._refuse(name, w.IO_PENDING))
        return 1 if not result[0] else int(self._refuse(name, result[0]))

    def ReadFile(self, handle: int, into: Any, size: int, count: Any, overlapped: Any) -> int:
        assert count is None
        return self._begin("ReadFile", overlapped, lambda done: self.read(self._thing(handle), into, size, done))

    def WriteFile(self, handle: int, data: Any, size: int, count: Any, overlapped: Any) -> int:
        assert count is None
        said = ctypes.string_at(data, size)
        return self._begin("WriteFile", overlapped, lambda done: self.write(self._thing(handle), said, done))

    def read(self, end: End, into: Any, size: int, done: Callable[[int, int], None]) -> Operation:
        operation = Operation(done, into=into, size=size)
        end.readers.append(operation)
        end.pump()
        if end.other is not None:
            end.other.pump()  # there is room now
        return operation

    def write(self, end: End, data: bytes, done: Callable[[int, int], None]) -> Operation:
        operation = Operation(done, data=data)
        end.writers.append(operation)
        end.pump()
        return operation

    def WaitForSingleObject(self, event: int, milliseconds: int) -> int:
        thing = self._thing(event)
        if not isinstance(thing, Event):
            return 0 if thing[1] in self.ended else 0x102
        return 0 if self.changed.wait_for(lambda: thing.set, min(milliseconds / 1000, PATIENCE_S)) else 0x102

    def CancelIoEx(self, handle: int, overlapped: Any) -> int:
        key = ctypes.addressof(overlapped._obj)
        if self._results[key] is not None:
            return int(self._refuse("CancelIoEx", _NOT_FOUND))
        end: End = self._thing(handle)
        for waiting in (end.readers, end.writers):
            for operation in list(waiting):
                operation.done(w.OPERATION_ABORTED, 0)
                waiting.remove(operation)
                if self._results[key] is not None:
                    return 1
        raise AssertionError("nothing to cancel")

    def GetOverlappedResult(self, handle: int, overlapped: Any, count: Any, wait: int) -> int:
        key = ctypes.addressof(overlapped._obj)
        assert wait and self.changed.wait_for(lambda: self._results[key] is not None, PATIENCE_S)
        result = self._results.pop(key)
        assert result is not None
        count._obj.value = result[1]
        return 1 if not result[0] else int(self._refuse("GetOverlappedResult", result[0]))


class Library:
    """kernel32 or advapi32: both have everything."""

    def __init__(self, windows: MadeUpWindows) -> None:
        self._windows = windows

    def __getattr__(self, name: str) -> "Function":
        assert hasattr(MadeUpWindows, name), f"{name} is not made up yet"
        function = Function(name, self._windows)
        setattr(self, name, function)
        return function


class Function:
    """As ctypes has them: looks at its arguments before it is called."""

    def __init__(self, name: str, windows: MadeUpWindows) -> None:
        self.name = name
        self.windows = windows
        self.argtypes: list[Any] | None = None
        self.restype: Any = None

    def __call__(self, *arguments: Any) -> Any:
        assert self.argtypes is not None and len(arguments) == len(self.argtypes), f"{self.name} takes others"
        for kind, argument in zip(self.argtypes, arguments, strict=True):
            kind.from_param(argument)
        result = self.windows.act(self.name, arguments)
        return None if self.restype is ctypes.c_void_p and result == 0 else result
