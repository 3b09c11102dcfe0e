"""What lies in the folder of durable requests, for people: without a daemon, a lock, or a change of anything."""

import os
from dataclasses import dataclass
from pathlib import Path

from longwire.durable.open_files import is_own
from longwire.durable.owners import SUFFIX as LOCK_SUFFIX
from longwire.durable.owners import is_alive
from longwire.durable.record import Record, RecordState
from longwire.durable.record_files import Unreadable, ids_in, is_id, read_record
from longwire.durable.spool import PART_SUFFIX, Spool, SpoolLost


@dataclass(frozen=True, slots=True)
class Found:
    """One request. `first` is the first byte that can be read."""

    record: Record
    first: int


@dataclass(frozen=True, slots=True)
class Look:
    """All there is. What ran when its daemon died has the state UNKNOWN here, although nobody wrote that down yet.

    `open_to_others` are the paths that other users may read or write, or that are links. `spool_bytes` is what the
    responses take on the disk.
    """

    found: tuple[Found, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    spool_bytes: int = 0
    open_to_others: tuple[Path, ...] = ()


def look(folder: Path) -> Look:
    """Look at it. Nothing there is nothing kept.

    Raises:
        OSError: it cannot be read.
    """
    of_folder = _status(folder)
    if of_folder is None:
        return Look()
    if not is_own(of_folder) or not folder.is_dir():
        return Look(open_to_others=(folder,))
    found: list[Found] = []
    unreadable: list[Unreadable] = []
    for key_id in ids_in(folder):
        record = read_record(folder, key_id)
        if isinstance(record, Record):
            found.append(_found(folder, record))
        elif record is not None:
            unreadable.append(record)
    paths = [path for name in _names(folder) for path in (folder / name, *_parts(folder / name))]
    there = [(path, status) for path in paths if (status := _status(path)) is not None]
    return Look(
        tuple(sorted(found, key=lambda each: (each.record.started_ms, each.record.id))),
        tuple(unreadable),
        sum(status.st_size for path, status in there if path.suffix == PART_SUFFIX),
        tuple(path for path, status in there if not is_own(status)),
    )


def _found(folder: Path, record: Record) -> Found:
    if record.state is RecordState.RUNNING and not _lives(folder, record.owner):
        record = record.model_copy(update={"state": RecordState.UNKNOWN})
    try:
        spool = Spool(folder / record.id, end=record.bytes if record.over else 0)
    except SpoolLost:
        return Found(record.model_copy(update={"state": RecordState.UNKNOWN}), 0)
    return Found(record, spool.first)


def _lives(folder: Path, owner: str) -> bool:
    try:
        return is_alive(folder, owner)
    except OSError:  # a lock that is a link, or another's: `open_to_others` has it
        return False


def _names(folder: Path) -> list[str]:
    """Of what is the store's own."""
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries)
    return [name for name in names if is_id(name.partition(".")[0]) or name.endswith(LOCK_SUFFIX)]


def _parts(path: Path) -> list[Path]:
    try:
        return sorted(path.iterdir()) if is_id(path.name) and not path.is_symlink() else []
    except OSError:  # gone meanwhile, or no folder
        return []


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
