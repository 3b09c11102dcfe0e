"""The files of many spools, of which only those lately used are open: descriptors are bounded, however many spools."""

import os
import stat
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Final

MAX_OPEN_FILES: Final = 64
_OTHERS: Final = 0o077
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


class OpenFiles:
    """Descriptors by path; the one that was not used for longest is closed first. Of one thread."""

    def __init__(self, limit: int = MAX_OPEN_FILES) -> None:
        self._limit = limit
        self._open: OrderedDict[tuple[str, bool], int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._open)

    def reading(self, path: str) -> int:
        """A descriptor to read from: good until the next call.

        Raises:
            OSError: there is no such file, or it is none of this user's alone.
        """
        descriptor = self._known((path, True))
        if descriptor is None:
            descriptor = self._known((path, False))
        return self._add((path, False), os.O_RDONLY) if descriptor is None else descriptor

    def writing(self, path: str) -> int:
        """A descriptor to read from and to write to; the file is made. Good until the next call.

        Raises:
            OSError: it cannot be made, or is none of this user's alone.
        """
        descriptor = self._known((path, True))
        return self._add((path, True), os.O_RDWR | os.O_CREAT) if descriptor is None else descriptor

    def close(self, path: str) -> None:
        """Nobody reads or writes it any more."""
        for writing in (True, False):
            descriptor = self._open.pop((path, writing), None)
            if descriptor is not None:
                os.close(descriptor)

    def close_all(self) -> None:
        """Every one."""
        while self._open:
            os.close(self._open.popitem()[1])

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
    """Open a file that is this user's alone, and no link.

    Raises:
        OSError: it cannot be opened. PermissionError: it is no such file.
    """
    descriptor = os.open(path, flags | _NO_LINKS, 0o600)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not is_own(status):
        os.close(descriptor)
        raise PermissionError(f"{path} is not a file of this user alone")
    return descriptor


def is_own(status: os.stat_result) -> bool:
    """Whether a file or folder is this user's, and nobody else can read or write it."""
    return sys.platform == "win32" or (status.st_uid == os.getuid() and not status.st_mode & _OTHERS)
