"""What is told of durable requests, to their pages and to people."""

from typing import NamedTuple

from longwire.durable.record import Failure, Record
from longwire.engine.durable_producer import DurableRequest


class ListedRequest(NamedTuple):
    """One durable request. Times are milliseconds since 1970; `elsewhere`: another daemon has it."""

    id: str
    profile: str
    origin: str
    key: str
    url: str
    method: str
    state: str
    bytes: int
    first: int
    started_ms: int
    ended_ms: int | None
    error: Failure | None
    readers: int = 0
    elsewhere: bool = False

    def for_page(self) -> dict[str, object]:
        """What its page hears of it."""
        error = None if self.error is None else {"code": self.error.code, "message": self.error.message}
        return {
            "key": self.key,
            "url": self.url,
            "method": self.method,
            "state": self.state,
            "bytes": self.bytes,
            "first": self.first,
            "started": self.started_ms,
            "ended": self.ended_ms,
            "error": error,
        }


def listed(request: DurableRequest) -> ListedRequest:
    """One that is here."""
    told = listed_record(request.record)
    return told._replace(bytes=request.end, first=request.spool.first, readers=request.readers, elsewhere=False)


def listed_record(record: Record) -> ListedRequest:
    """One of which there is only the record: it is unknown, or another daemon's, which alone knows how far it is."""
    return ListedRequest(
        id=record.id,
        profile=record.profile,
        origin=record.origin,
        key=record.name,
        url=record.url,
        method=record.method,
        state=record.state,
        bytes=record.bytes,
        first=0,
        started_ms=record.started_ms,
        ended_ms=record.ended_ms,
        error=record.failure,
        elsewhere=record.state == "running",
    )


def short(key_id: str) -> str:
    """What the log says of which one it is: the name is the page's own business."""
    return key_id[:12]
