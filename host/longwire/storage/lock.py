"""One process at a time changes what lies in a folder: two at once would each forget what the other recorded."""

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from longwire.storage.file_locks import lock_now, wait_for_lock

_LOOK_AGAIN_S: Final = 0.01
_LOCK_SUFFIX: Final = ".lock"
# Which Windows has not.
_FOLDER_FLAGS: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def exclusive(
    folder: Path,
    make: Callable[[Path], None] | None = None,
    *,
    waiting: Callable[[], None] = lambda: None,
    patience_s: float | None = None,
    platform: str = sys.platform,
) -> Iterator[None]:
    """Hold the lock of `folder`; wait for whoever holds it, `patience_s` at most (None: as long as it takes).

    POSIX: the folder itself is locked, so that no lock file stays behind. Whoever held the lock may have removed it,
    hence the second look; `make` then makes it (again). The lock ends with the process. `waiting` is called once
    if it has to be waited for. Windows: folders cannot be locked there, so it is an empty file beside it, which stays.

    Raises:
        FileNotFoundError: there is no such folder, and `make` was not given. Its `filename` is the folder.
        TimeoutError: another process held it for `patience_s`.
        OSError: the folder cannot be made or opened.
    """
    if platform == "win32":
        with _exclusive_beside(folder, make, waiting, patience_s):
            yield
        return
    while True:
        try:
            if make is not None:
                make(folder)
            descriptor = os.open(str(folder), _FOLDER_FLAGS)
        except FileNotFoundError:
            if make is None:
                raise
            continue
        try:
            _lock(descriptor, waiting, patience_s)
            if _is_still(folder, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


def forget_lock(folder: Path) -> None:
    """Remove what stays beside a folder, if that is gone. Windows keeps it while somebody has it open."""
    if folder.exists():
        return
    with suppress(OSError):
        folder.with_name(f"{folder.name}{_LOCK_SUFFIX}").unlink(missing_ok=True)


def _is_still(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), folder.stat())
    except FileNotFoundError:
        return False


@contextmanager
def _exclusive_beside(
    folder: Path, make: Callable[[Path], None] | None, waiting: Callable[[], None], patience_s: float | None
) -> Iterator[None]:
    if not folder.parent.exists() and make is not None:
        make(folder)  # and what is above it: it may note that down
    if not folder.exists() and make is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    lock = folder.with_name(f"{folder.name}{_LOCK_SUFFIX}")
    descriptor = os.open(str(lock), os.O_RDWR | os.O_CREAT | getattr(os, "O_NOINHERIT", 0), 0o600)
    try:
        _lock(descriptor, waiting, patience_s)
        if make is not None:
            make(folder)  # under the lock: nobody removes it any more
        elif not folder.exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, waiting: Callable[[], None], patience_s: float | None) -> None:
    if lock_now(descriptor, exclusive=True):
        return
    waiting()
    if patience_s is None:
        wait_for_lock(descriptor)
        return
    deadline = time.monotonic() + patience_s
    while not lock_now(descriptor, exclusive=True):
        if time.monotonic() >= deadline:
            raise TimeoutError("another process holds the lock")
        time.sleep(_LOOK_AGAIN_S)
