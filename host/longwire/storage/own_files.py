"""Reading a small file that only its owner may have written, and that is no bigger than what belongs into it."""

import os
import sys
from pathlib import Path
from typing import Final

_OTHERS_WRITE: Final = 0o022


class UnusableFile(Exception):
    """What is wrong with the file: a sentence that names it. For people of this machine."""


def read_own_file(path: Path, max_bytes: int) -> bytes | None:
    """All of it; None where there is no file.

    Raises:
        UnusableFile: no regular file, another's, writable by others, too large, or not readable.
    """
    try:
        if not path.is_file():
            if path.exists() or path.is_symlink():
                raise UnusableFile(f"{path} is not a regular file")
            return None
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnusableFile(f"{path} cannot be read: {error.strerror}") from None
    if sys.platform != "win32" and (status.st_uid != os.getuid() or status.st_mode & _OTHERS_WRITE):
        raise UnusableFile(f"{path} may be written by others")
    if len(data) > max_bytes:
        raise UnusableFile(f"{path} is too large to be what it should")
    return data
