"""Records as files: what is read is believed if it is this user's alone, no link, and of a format that is known."""

import errno
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import orjson
from pydantic import ValidationError

from longwire.durable.open_files import open_own
from longwire.durable.record import FORMAT_VERSION, ID_CHARS, MAX_RECORD_BYTES, Record
from longwire.storage.files import keep_name, write_atomically

SUFFIX: Final = ".json"
_OWNER_ONLY: Final = 0o600
# Of opening a link without following it (FreeBSD says EMLINK), a socket, and a device that is not there.
_NO_FILE: Final = {errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.ENODEV}
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that nothing can be made of. NEWER: a newer Longwire wrote it. `text` names the file."""

    id: str
    why: Literal["damaged", "newer"]
    text: str


def is_id(name: str) -> bool:
    """Whether a name is that of a key's files."""
    return len(name) == ID_CHARS and set(name) <= _HEX


def record_path(folder: Path, key_id: str) -> Path:
    """Where the record is."""
    return folder / f"{key_id}{SUFFIX}"


def ids_in(folder: Path) -> list[str]:
    """Of all records that lie there, readable or not.

    Raises:
        OSError: the folder cannot be read.
    """
    with os.scandir(folder) as entries:
        names = [entry.name.removesuffix(SUFFIX) for entry in entries if entry.name.endswith(SUFFIX)]
    return sorted(name for name in names if is_id(name))


def read_record(folder: Path, key_id: str) -> Record | Unreadable | None:
    """None where there is none.

    Raises:
        OSError: the disk fails.
    """
    path = record_path(folder, key_id)
    try:
        data = _read(path)
    except FileNotFoundError:
        return None
    except (PermissionError, IsADirectoryError):
        return Unreadable(key_id, "damaged", f"{path} is not a file of this user alone")
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        return Unreadable(key_id, "damaged", f"{path} is a link, or no file")
    if _version(data) > FORMAT_VERSION:
        return Unreadable(key_id, "newer", f"{path} was written by a newer Longwire")
    record = _parsed(data)
    return Unreadable(key_id, "damaged", f"{path} is damaged") if record is None or record.id != key_id else record


def write_record(folder: Path, record: Record, *, through: bool = True) -> None:
    """Replace it as a whole, and keep it and its name over a loss of power; the latter only `through` to the disk.

    Raises:
        OSError: the disk refuses; then the old one is there.
    """
    path = record_path(folder, record.id)
    data = f"{record.model_dump_json(exclude_none=True)}\n".encode()
    write_atomically(path, data, _OWNER_ONLY, through=through)
    if through:
        keep_name(path)


def write_through(folder: Path, key_ids: Sequence[str]) -> None:
    """Keep these records over a loss of power. What is gone meanwhile, or cannot be written through, is passed over."""
    for key_id in key_ids:
        with suppress(OSError):
            descriptor = open_own(record_path(folder, key_id), os.O_RDWR)  # as Windows wants it
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    with suppress(OSError):
        keep_name(folder / "records")


def remove_record(folder: Path, key_id: str) -> None:
    """Free a key; the name is gone over a loss of power, too.

    Raises:
        OSError: the disk refuses.
    """
    path = record_path(folder, key_id)
    try:
        path.unlink(missing_ok=True)
    except (PermissionError, IsADirectoryError):
        shutil.rmtree(path)  # somebody made a folder of that name
    keep_name(path)


def remove_spool(path: Path) -> None:
    """Delete the bytes of a response, if there are any. Follows no link.

    Raises:
        OSError: the disk refuses.
    """
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return


def _read(path: Path) -> bytes:
    descriptor = open_own(path, os.O_RDONLY)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(MAX_RECORD_BYTES + 1)
    return data if len(data) <= MAX_RECORD_BYTES else b""


def _version(data: bytes) -> int:
    """0 where there is none."""
    try:
        version = orjson.loads(data)["version"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return 0
    return version if isinstance(version, int) else 0


def _parsed(data: bytes) -> Record | None:
    try:
        return Record.model_validate_json(data)
    except (ValidationError, RecursionError):
        return None
