"""How bodies were carried, from the log's lines about the ends of streams. See `streams.counters`."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from longwire.audit.reader import Event


@dataclass(frozen=True, slots=True)
class Carriage:
    """Of several streams together, save `first_byte_ms`, which is their median. None where none of them says so."""

    streams: int
    body_bytes: int
    carried_bytes: int
    pieces: int
    chunks: int
    packed_chunks: int
    most_queued_bytes: int
    credit_wait_ms: int
    first_byte_ms: float | None

    def describe(self) -> str:
        """In one line, with nothing in it of who asked for what."""
        first = "" if self.first_byte_ms is None else f"; first byte after {self.first_byte_ms:g} ms (median)"
        return (
            f"{self.streams} streams, {self.body_bytes} bytes of body carried as {self.carried_bytes} in {self.chunks} "
            f"chunks ({self.packed_chunks} compressed) of {self.pieces} pieces; at most {self.most_queued_bytes} bytes "
            f"queued; waited {self.credit_wait_ms} ms for pages to read{first}"
        )


def carriage_of(events: Iterable[Event]) -> Carriage | None:
    """Of the streams that carried a body and ended, whichever way; None where there was none."""
    ends = [event.fields for event in events if _number(event.fields, "chunks")]
    if not ends:
        return None
    first_bytes = [fields["first_byte_ms"] for fields in ends if isinstance(fields.get("first_byte_ms"), int)]

    def total(name: str) -> int:
        return sum(_number(fields, name) for fields in ends)

    return Carriage(
        streams=len(ends),
        body_bytes=total("bytes"),
        carried_bytes=total("carried_bytes"),
        pieces=total("pieces"),
        chunks=total("chunks"),
        packed_chunks=total("packed_chunks"),
        most_queued_bytes=max(_number(fields, "most_queued_bytes") for fields in ends),
        credit_wait_ms=total("credit_wait_ms"),
        first_byte_ms=statistics.median(first_bytes) if first_bytes else None,
    )


def _number(fields: dict[str, Any], name: str) -> int:
    """A log is a file that anybody may have written to."""
    value = fields.get(name)
    return value if isinstance(value, int) else 0
