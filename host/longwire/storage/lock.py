"""One process at a time changes what lies in a folder: two at once would each forget what the other recorded."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOOK_AGAIN_S: Final = 0.01


@contextmanager
def exclusive(
    folder: Path,
    make: Callable[[Path], None] | None = None,
    *,
    waiting: Callable[[], None] = lambda: None,
    patience_s: float | None = None,
) -> Iterator[None]:
    """Hold the lock of `folder`; wait for whoever holds it, `patience_s` at most (None: as long as it takes).

    POSIX: the folder itself is locked, so that no lock file stays behind. Whoever held the lock may have removed it,
    hence the second look; `make` then makes it (again). The lock ends with the process. `waiting` is called once
    if it has to be waited for.

    Raises:
        FileNotFoundError: there is no such folder, and `make` was not given. Its `filename` is the folder.
        TimeoutError: another process held it for `patience_s`.
        OSError: the folder cannot be made or opened.
    """
    if sys.platform == "win32":
        if make is not None:
            make(folder)
        with _exclusive_windows():
            yield
        return
    while True:
        try:
            if make is not None:
                make(folder)
            descriptor = os.open(str(folder), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
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


def _is_still(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), folder.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def _exclusive_windows() -> Iterator[None]:
        # Folders cannot be locked there; the folder for temporary files is the user's own.
        with (Path(tempfile.gettempdir()) / "longwire-install.lock").open("w") as file:
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # waits up to ten seconds
            yield
else:
    import fcntl

    def _lock(descriptor: int, waiting: Callable[[], None], patience_s: float | None) -> None:
        if _is_had(descriptor):
            return
        waiting()
        if patience_s is None:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            return
        deadline = time.monotonic() + patience_s
        while not _is_had(descriptor):
            if time.monotonic() >= deadline:
                raise TimeoutError("another process holds the lock")
            time.sleep(_LOOK_AGAIN_S)

    def _is_had(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
