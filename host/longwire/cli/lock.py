"""One run at a time changes an installation: two at once would each forget what the other recorded."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from longwire.cli.output import complain


@contextmanager
def exclusive(folder: Path, make: Callable[[Path], None] | None = None) -> Iterator[None]:
    """Hold the lock of the installation in `folder`; wait for whoever holds it.

    POSIX: the folder itself is locked, so that no lock file stays behind. Whoever held the lock may have removed it,
    hence the second look; `make` then makes it (again). The lock ends with the process.

    Raises:
        FileNotFoundError: there is no such folder, and `make` was not given. Its `filename` is the folder.
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
            _lock(descriptor)
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

    def _lock(descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            complain("waiting for another `longwire install` or `uninstall` …")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
