"""The files of many spools, of which only those lately used are open: descriptors are bounded, however many spools."""

import errno
import os
import stat
import sys
from collections import OrderedDict
from pathlib import Path
from threading import RLock
from typing import Final

MAX_OPEN_FILES: Final = 64
_OTHERS: Final = 0o077
# A pipe that somebody put there must not be waited for.
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
# What opening a link without following it fails with; FreeBSD says EMLINK.
_LINK: Final = {errno.ELOOP, errno.EMLINK}


class OpenFiles:
    """Reads and writes by path; the file that was not used for longest is closed first.

    Of several threads: a descriptor that one of them closes must not become another file's in the middle of a read.
    """

    def __init__(self, limit: int = MAX_OPEN_FILES) -> None:
        self._limit = limit
        self._open: OrderedDict[tuple[str, bool], int] = OrderedDict()
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._open)

    def read(self, path: str, size: int, offset: int) -> bytes:
        """As `pread`.

        Raises:
            OSError: there is no such file, it is none of this user's alone, or the disk fails.
        """
        with self._lock:
            descriptor = self._known((path, True))
            if descriptor is None:
                descriptor = self._known((path, False))
            if descriptor is None:
                descriptor = self._add((path, False), os.O_RDONLY)
            return _read_at(descriptor, size, offset)

    def write(self, path: str, data: memoryview, offset: int) -> int:
        """As `pwrite`. The file is made.

        Raises:
            OSError: it cannot be made, is none of this user's alone, or the disk takes nothing.
        """
        with self._lock:
            return _write_at(self._writing(path), data, offset)

    def truncate(self, path: str, size: int) -> None:
        """Cut off what a write left behind.

        Raises:
            OSError: the disk refuses.
        """
        with self._lock:
            os.ftruncate(self._writing(path), size)

    def close(self, path: str) -> None:
        """Nobody reads or writes it any more."""
        with self._lock:
            for writing in (True, False):
                descriptor = self._open.pop((path, writing), None)
                if descriptor is not None:
                    os.close(descriptor)

    def close_all(self) -> None:
        """Every one."""
        with self._lock:
            while self._open:
                os.close(self._open.popitem()[1])

    def _writing(self, path: str) -> int:
        descriptor = self._known((path, True))
        return self._add((path, True), os.O_RDWR | os.O_CREAT) if descriptor is None else descriptor

    def _known(self, key: tuple[str, bool]) -> int | None:
        descriptor = self._open.get(key)
        if descriptor is not None:
            self._open.move_to_end(key)
        return descriptor

    def _add(self, key: tuple[str, bool], flags: int) -> int:
        while len(self._open) >= self._limit:
            os.close(self._open.popitem(last=False)[1])
        descriptor = open_own(key[0], flags)
        self._open[key] = descriptor
        return descriptor


def open_own(path: str | Path, flags: int) -> int:
    """Open a file that is this user's alone, and no link. It is made with those rights.

    Raises:
        OSError: it cannot be opened. PermissionError: it is no such file. The `strerror` of a link and of such a file
            names the path.
    """
    try:
        descriptor = _open(path, flags)
    except OSError as error:
        if error.errno not in _LINK:
            raise
        raise OSError(error.errno, f"{path} is a link") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or _is_link(status) or not is_own(status):
            raise PermissionError(errno.EACCES, f"{path} is not a file of this user alone")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_own(status: os.stat_result) -> bool:
    """Whether a file or folder is this user's, and nobody else can read or write it."""
    return sys.platform == "win32" or (status.st_uid == os.getuid() and not status.st_mode & _OTHERS)


def _is_link(status: os.stat_result) -> bool:
    """Of a file that was opened without following one, as Windows has them."""
    return bool(getattr(status, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_REPARSE_POINT)


if sys.platform == "win32":
    from longwire.win32.api import own_api
    from longwire.win32.files import open_shared
    from longwire.win32.files import read_at as _read_at
    from longwire.win32.files import write_at as _write_at

    def _open(path: str | Path, flags: int) -> int:
        return open_shared(own_api(), str(path), flags)
else:

    def _open(path: str | Path, flags: int) -> int:
        return os.open(path, flags | _NO_LINKS, 0o600)

    def _read_at(descriptor: int, size: int, offset: int) -> bytes:
        return os.pread(descriptor, size, offset)

    def _write_at(descriptor: int, data: memoryview, offset: int) -> int:
        return os.pwrite(descriptor, data, offset)
