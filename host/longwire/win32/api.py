"""The functions of Windows that are called, each with its types, and one error for whichever fails.

The types are exact, which those of `ctypes.wintypes` are on Windows only: a DWORD has 32 bits wherever the tests run.
Types and numbers of this room were compared with Microsoft's Win32 metadata, one by one.
"""

import ctypes
import errno
import sys
from collections.abc import Callable
from ctypes import POINTER, Structure, c_int32, c_size_t, c_uint32, c_void_p, c_wchar_p
from functools import cache
from typing import Any, Final

HANDLE: Final = c_void_p
DWORD: Final = c_uint32
BOOL: Final = c_int32
INVALID_HANDLE: Final = c_void_p(-1).value

# winerror.h
FILE_NOT_FOUND: Final = 2
PATH_NOT_FOUND: Final = 3
ACCESS_DENIED: Final = 5
SHARING_VIOLATION: Final = 32
LOCK_VIOLATION: Final = 33
BROKEN_PIPE: Final = 109
SEMAPHORE_TIMEOUT: Final = 121
PIPE_BUSY: Final = 231
NO_DATA: Final = 232
PIPE_NOT_CONNECTED: Final = 233
MORE_DATA: Final = 234
OPERATION_ABORTED: Final = 995
IO_PENDING: Final = 997
# An end of a pipe whose other end is gone.
PIPE_ENDS: Final = frozenset({BROKEN_PIPE, NO_DATA, PIPE_NOT_CONNECTED})

_ERRNO: Final = {
    FILE_NOT_FOUND: errno.ENOENT,
    PATH_NOT_FOUND: errno.ENOENT,
    ACCESS_DENIED: errno.EACCES,
    SHARING_VIOLATION: errno.EACCES,
    BROKEN_PIPE: errno.EPIPE,
    NO_DATA: errno.EPIPE,
    PIPE_NOT_CONNECTED: errno.EPIPE,
    80: errno.EEXIST,  # FILE_EXISTS
    112: errno.ENOSPC,  # DISK_FULL
}


class SecurityAttributes(Structure):
    """SECURITY_ATTRIBUTES."""

    _fields_ = (("size", DWORD), ("descriptor", c_void_p), ("inherits", BOOL))


class Overlapped(Structure):
    """OVERLAPPED. Must stay where it is until its operation is over."""

    _fields_ = (
        ("internal", c_size_t),
        ("internal_high", c_size_t),
        ("offset", DWORD),
        ("offset_high", DWORD),
        ("event", HANDLE),
    )


_DWORD_OUT: Final = POINTER(DWORD)
_OVERLAPPED: Final = POINTER(Overlapped)
_SECURITY: Final = POINTER(SecurityAttributes)
_ANY_OUT: Final = POINTER(c_void_p)
# What it takes, and gives. A BOOL that is 0 and a HANDLE that is none are failures; so is a DWORD that is not 0 where
# the function gives its error.
_KERNEL32: Final[dict[str, tuple[list[Any], Any]]] = {
    "CloseHandle": ([HANDLE], BOOL),
    "LocalFree": ([c_void_p], c_void_p),
    "GetCurrentProcess": ([], HANDLE),
    "OpenProcess": ([DWORD, BOOL, DWORD], HANDLE),
    "CreateEventW": ([_SECURITY, BOOL, BOOL, c_wchar_p], HANDLE),
    "WaitForSingleObject": ([HANDLE, DWORD], DWORD),
    "CreateFileW": ([c_wchar_p, DWORD, DWORD, _SECURITY, DWORD, DWORD, HANDLE], HANDLE),
    "ReadFile": ([HANDLE, c_void_p, DWORD, _DWORD_OUT, _OVERLAPPED], BOOL),
    "WriteFile": ([HANDLE, c_void_p, DWORD, _DWORD_OUT, _OVERLAPPED], BOOL),
    "CancelIoEx": ([HANDLE, _OVERLAPPED], BOOL),
    "GetOverlappedResult": ([HANDLE, _OVERLAPPED, _DWORD_OUT, BOOL], BOOL),
    "LockFileEx": ([HANDLE, DWORD, DWORD, DWORD, DWORD, _OVERLAPPED], BOOL),
    "CreateNamedPipeW": ([c_wchar_p, DWORD, DWORD, DWORD, DWORD, DWORD, DWORD, _SECURITY], HANDLE),
    "WaitNamedPipeW": ([c_wchar_p, DWORD], BOOL),
    "SetNamedPipeHandleState": ([HANDLE, _DWORD_OUT, _DWORD_OUT, _DWORD_OUT], BOOL),
    "PeekNamedPipe": ([HANDLE, c_void_p, DWORD, _DWORD_OUT, _DWORD_OUT, _DWORD_OUT], BOOL),
    "GetNamedPipeClientProcessId": ([HANDLE, _DWORD_OUT], BOOL),
    "GetNamedPipeServerProcessId": ([HANDLE, _DWORD_OUT], BOOL),
    "K32GetProcessMemoryInfo": ([HANDLE, c_void_p, DWORD], BOOL),
}
_ADVAPI32: Final[dict[str, tuple[list[Any], Any]]] = {
    "OpenProcessToken": ([HANDLE, DWORD, POINTER(HANDLE)], BOOL),
    "GetTokenInformation": ([HANDLE, DWORD, c_void_p, DWORD, _DWORD_OUT], BOOL),
    "GetSecurityInfo": ([HANDLE, DWORD, DWORD, _ANY_OUT, _ANY_OUT, _ANY_OUT, _ANY_OUT, _ANY_OUT], DWORD),
    "ConvertSidToStringSidW": ([c_void_p, _ANY_OUT], BOOL),
    "ConvertStringSecurityDescriptorToSecurityDescriptorW": ([c_wchar_p, DWORD, _ANY_OUT, _DWORD_OUT], BOOL),
}


class CallFailed(OSError):
    """Windows refused. `function` is which, `code` why (winerror.h). Neither says anything of a page."""

    def __init__(self, function: str, code: int) -> None:
        super().__init__(_ERRNO.get(code, errno.EIO), f"{function} failed with error {code} of Windows")
        self.function = function
        self.code = code


class Api:
    """The functions, ready to be called. `libraries` are kernel32 and advapi32.

    `handle_of` and `descriptor_of` are `msvcrt.get_osfhandle` and `msvcrt.open_osfhandle`.
    """

    def __init__(
        self,
        libraries: tuple[Any, Any],
        last_error: Callable[[], int],
        handle_of: Callable[[int], int],
        descriptor_of: Callable[[int, int], int],
    ) -> None:
        self._functions: dict[str, Any] = {}
        self.last_error = last_error
        self.handle_of = handle_of
        self.descriptor_of = descriptor_of
        for library, functions in zip(libraries, (_KERNEL32, _ADVAPI32), strict=True):
            for name, (takes, gives) in functions.items():
                function = getattr(library, name)
                function.argtypes = takes
                function.restype = gives
                self._functions[name] = function

    def ask(self, name: str, *arguments: Any) -> bool:
        """Call what gives a BOOL; `last_error` says why where that is false."""
        return bool(self._functions[name](*arguments))

    def call(self, name: str, *arguments: Any) -> None:
        """Call what gives a BOOL.

        Raises:
            CallFailed: it was false.
        """
        if not self.ask(name, *arguments):
            raise CallFailed(name, self.last_error())

    def open(self, name: str, *arguments: Any) -> int:
        """Call what gives a handle, which is the caller's to close.

        Raises:
            CallFailed: it gave none.
        """
        handle = self._functions[name](*arguments)
        if handle is None or handle == INVALID_HANDLE:
            raise CallFailed(name, self.last_error())
        return int(handle)

    def number(self, name: str, *arguments: Any) -> int:
        """Call what gives a number that says by itself how it went."""
        return int(self._functions[name](*arguments))

    def current_process(self) -> int:
        """A handle that need not be closed; it is -1, which elsewhere means none."""
        return int(self._functions["GetCurrentProcess"]() or 0)

    def close(self, handle: int) -> None:
        """Close a handle. That it could not be would be a defect of ours, and nothing is to be done about it."""
        self._functions["CloseHandle"](handle)

    def free(self, memory: int | None) -> None:
        """Give back what a function made for its caller."""
        self._functions["LocalFree"](memory)


@cache
def own_api() -> Api:
    """Of the system that this is.

    Raises:
        OSError: it is not Windows.
    """
    if sys.platform == "win32":
        import msvcrt

        # By name from System32: a library beside the program, or in the PATH, is none.
        kernel32, advapi32 = (
            ctypes.WinDLL(name, use_last_error=True, winmode=0x800) for name in ("kernel32", "advapi32")
        )
        return Api((kernel32, advapi32), ctypes.get_last_error, msvcrt.get_osfhandle, msvcrt.open_osfhandle)
    raise OSError(errno.ENOSYS, "this is not Windows")
