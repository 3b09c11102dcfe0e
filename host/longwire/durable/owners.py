"""Who lives: each daemon holds the lock of a file of its own. The lock ends with its process, however that ends."""

import os
import re
from pathlib import Path
from typing import Final

from longwire.durable.open_files import open_own
from longwire.durable.record import NOBODY, OWNER_PATTERN
from longwire.storage.file_locks import lock_now

SUFFIX: Final = ".lock"
_OWNER: Final = re.compile(OWNER_PATTERN)


class OwnerLives(Exception):
    """Another process holds the lock of that name."""


def owners_in(folder: Path) -> list[str]:
    """Whose lock files lie there, alive or dead.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        names = [entry.name.removesuffix(SUFFIX) for entry in entries if entry.name.endswith(SUFFIX)]
    return sorted(name for name in names if _OWNER.fullmatch(name))


def lock_path(folder: Path, owner: str) -> Path:
    """The file that this owner holds."""
    return folder / f"{owner}{SUFFIX}"


class OwnerLock:
    """Hold it until `release`. Call it under the folder's lock, so that nobody takes a fresh file for a dead one's.

    Raises:
        OwnerLives: another holds it.
        OSError: it cannot be made.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self._path = lock_path(folder, owner)
        self._descriptor = open_own(self._path, os.O_RDWR | os.O_CREAT)
        if not lock_now(self._descriptor, exclusive=True):
            os.close(self._descriptor)
            raise OwnerLives

    @property
    def is_there(self) -> bool:
        """Whether others can see that it is held: nobody removed its file."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat(follow_symlinks=False))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """This owner is gone. Its file stays: whoever finds it looks at what it left."""
        os.close(self._descriptor)


def is_alive(folder: Path, owner: str) -> bool:
    """Whether somebody holds the lock of that owner.

    Raises:
        OSError: it cannot be looked at.
    """
    if owner == NOBODY:
        return False
    try:
        descriptor = open_own(lock_path(folder, owner), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not lock_now(descriptor, exclusive=False)
    finally:
        os.close(descriptor)
