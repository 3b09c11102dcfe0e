"""Files that several processes have open: no link is followed, others may delete them; and locks, for one or many."""

import os
from ctypes import byref
from typing import Final

from longwire.win32.api import (
    FILE_NOT_FOUND,
    IO_PENDING,
    LOCK_VIOLATION,
    PATH_NOT_FOUND,
    Api,
    CallFailed,
    Overlapped,
)

_GENERIC_READ: Final = 0x80000000
_GENERIC_WRITE: Final = 0x40000000
# Read, write, delete: the C library leaves out the last one, and what it opened nobody can delete.
_SHARE_ALL: Final = 0x7
_OPEN_EXISTING: Final = 3
_OPEN_ALWAYS: Final = 4
_ATTRIBUTE_NORMAL: Final = 0x80
# The link itself, and not where it leads to.
_OPEN_REPARSE_POINT: Final = 0x00200000
_FAIL_IMMEDIATELY: Final = 1
_EXCLUSIVE: Final = 2


def open_shared(api: Api, path: str, flags: int) -> int:
    """A descriptor, in bytes as they are; of `flags` O_RDONLY, O_WRONLY, O_RDWR and O_CREAT count.

    A link is opened itself: whether it is one, the caller has to ask.

    Raises:
        OSError: it cannot be opened; FileNotFoundError, PermissionError where that is why.
    """
    access = {os.O_RDONLY: _GENERIC_READ, os.O_WRONLY: _GENERIC_WRITE}.get(
        flags & (os.O_WRONLY | os.O_RDWR), _GENERIC_READ | _GENERIC_WRITE
    )
    disposition = _OPEN_ALWAYS if flags & os.O_CREAT else _OPEN_EXISTING
    try:
        handle = api.open(
            "CreateFileW", path, access, _SHARE_ALL, None, disposition, _ATTRIBUTE_NORMAL | _OPEN_REPARSE_POINT, None
        )
    except CallFailed as failed:
        if failed.code in (FILE_NOT_FOUND, PATH_NOT_FOUND):
            raise FileNotFoundError(failed.errno, failed.strerror, path) from None
        raise OSError(failed.errno, failed.strerror, path) from None
    try:
        # No O_TEXT: else a line end would become two bytes.
        return api.descriptor_of(handle, flags & (os.O_WRONLY | os.O_RDWR))
    except BaseException:
        api.close(handle)
        raise


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """As `pread`, but for the place of the descriptor: nobody else may use that meanwhile. Raises OSError."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)


def write_at(descriptor: int, data: memoryview, offset: int) -> int:
    """As `pwrite`, with the same exception. Raises OSError."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.write(descriptor, data)


def lock_now(api: Api, descriptor: int, *, exclusive: bool) -> bool:
    """Lock the file behind a descriptor until that is closed; False if another has it. For one, or shared by many.

    It is the first byte that is locked, and Windows keeps others from reading that: the file must have no contents.

    Raises:
        OSError: it cannot be locked.
    """
    flags = _FAIL_IMMEDIATELY | (_EXCLUSIVE if exclusive else 0)
    if _lock(api, descriptor, flags):
        return True
    code = api.last_error()
    if code in (LOCK_VIOLATION, IO_PENDING):
        return False
    raise CallFailed("LockFileEx", code)


def wait_for_lock(api: Api, descriptor: int) -> None:
    """As `lock_now`, for one; waits for whoever has it.

    Raises:
        OSError: it cannot be locked.
    """
    if not _lock(api, descriptor, _EXCLUSIVE):
        raise CallFailed("LockFileEx", api.last_error())


def _lock(api: Api, descriptor: int, flags: int) -> bool:
    return api.ask("LockFileEx", api.handle_of(descriptor), flags, 0, 1, 0, byref(Overlapped()))
