"""Writing files so that nobody ever sees half of one, and making folders that others cannot write to."""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

# Windows keeps what is open from being replaced; who reads one of our files reads all of it at once.
REPLACE_PATIENCE_S: Final = 2.0 if sys.platform == "win32" else 0.0
_LOOK_AGAIN_S: Final = 0.01
_FOLDER: Final = 0o755


def write_atomically(path: Path, data: bytes, mode: int, gid: int | None = None, *, through: bool = True) -> None:
    """Put `data` at `path` so that a reader sees the old file or the new one; leave an identical file untouched.

    With `gid` the file is that group's, and never was another's that could read it. Unless it is written `through` to
    the disk, a loss of power soon afterwards may leave an empty one.
    """
    if gid is None and path.is_file() and not path.is_symlink() and path.read_bytes() == data:
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
        return
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if through:
                os.fsync(descriptor)
            if sys.platform == "win32":
                Path(temporary).chmod(mode)
            else:
                # By descriptor: whoever may write to the folder can put a link to any other file under that name.
                if gid is not None:
                    os.fchown(descriptor, -1, gid)
                os.fchmod(descriptor, mode)
        replace_when_closed(Path(temporary), path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def replace_when_closed(temporary: Path, path: Path, patience_s: float = REPLACE_PATIENCE_S) -> None:
    """Put a file in another's place; wait for whoever has that open, where this keeps it from being done.

    Raises:
        OSError: the disk refuses. PermissionError: it was open for `patience_s`, or the folder is closed to us.
    """
    ends_at = time.monotonic() + patience_s
    while True:
        try:
            temporary.replace(path)
        except PermissionError:
            if time.monotonic() >= ends_at:
                raise
            time.sleep(_LOOK_AGAIN_S)
        else:
            return


def keep_name(path: Path) -> None:
    """Have the name of a file that was written survive a loss of power: its folder is written, too.

    Raises:
        OSError: the disk refuses.
    """
    if sys.platform == "win32":
        return  # folders cannot be opened there
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def missing_folders(folder: Path) -> list[str]:
    """The folders that would have to be made, outermost first."""
    missing: list[str] = []
    while not folder.exists():
        missing.insert(0, str(folder))
        folder = folder.parent
    return missing


def make_folder(folder: Path, *, exact_mode: bool = False) -> list[str]:
    """Make a folder and those above it; gives back those that this call made, outermost first.

    They are writable by this user alone whatever the umask says; with `exact_mode` they are open to everybody, too.

    Raises:
        OSError: it cannot be made.
    """
    made: list[str] = []
    for missing in missing_folders(folder):
        path = Path(missing)
        try:
            path.mkdir(mode=_FOLDER)
        except FileExistsError:
            if not path.is_dir():
                raise
            continue
        made.append(missing)
        if exact_mode:
            path.chmod(_FOLDER)
    return made
