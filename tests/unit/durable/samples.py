"""Records of made-up requests, and disks that fail."""

import errno
import os
from pathlib import Path
from typing import Any

from longwire.durable.open_files import OpenFiles
from longwire.durable.record import Ending, Head, Record, RecordState
from longwire.durable.store import Store
from longwire.protocol.records import Completeness, Timings

START = 1_700_000_000_000
HEAD = Head(
    url="https://api.example.com/v1/answers",
    redirected=False,
    status=200,
    reason="OK",
    headers=[("content-type", "text/event-stream")],
)
ENDING = Ending(completeness=Completeness.CHUNKED, timings=Timings(total_ms=1200))


def request(name: str = "answer", owner: str = "one", **changes: Any) -> Record:
    """A request that is about to be sent."""
    fields: dict[str, Any] = {
        "profile": "profile-1",
        "origin": "https://chat.example.com",
        "name": name,
        "owner": owner,
        "kind": "http",
        "method": "POST",
        "url": "https://api.example.com/v1/answers",
        "digest": "0" * 64,
        "grant": "chat",
        "pages": "https://chat.example.com",
        "started_ms": START,
        "keep_ms": 3_600_000,
    }
    return Record(**{**fields, **changes})


def ended(record: Record, size: int, at_ms: int = START + 1000) -> Record:
    """What became of it."""
    return record.model_copy(
        update={"state": RecordState.ENDED, "ended_ms": at_ms, "bytes": size, "head": HEAD, "ending": ENDING}
    )


def carried_out(store: Store, name: str, body: bytes, **changes: Any) -> Record:
    """A request of that store that has ended."""
    record = request(name, store.owner, **changes)
    store.claim(record)
    spool = store.spool(record.id)
    spool.append(body)
    spool.sync()
    record = ended(record, len(body))
    store.save(record)
    return record


def names_in(folder: Path) -> set[str]:
    """Of all that lies there but locks."""
    return {path.name for path in folder.iterdir() if path.suffix != ".lock"}


def open_descriptors() -> int:
    """Of this process."""
    return sum(1 for _ in Path("/dev/fd").iterdir())


class SmallDisk(OpenFiles):
    """Files on a disk that takes so many bytes more and then fails, in the middle of a write."""

    def __init__(self, room: int, limit: int = 64, error: int = errno.ENOSPC) -> None:
        super().__init__(limit)
        self.room = room
        self.error = error

    def write(self, path: str, data: memoryview, offset: int) -> int:
        if self.room == 0:
            raise OSError(self.error, os.strerror(self.error))
        size = super().write(path, data[: self.room], offset)
        self.room -= size
        return size
