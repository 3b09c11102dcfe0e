"""Where an answer is to go wrong: behind so many bytes of its body, or so many of its events."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_UNITS: Final = {"": 1, "kib": 1024, "mib": 1024**2, "kb": 1000, "mb": 1000**2}
_BYTES: Final = re.compile(r"([0-9]{1,12})\s*([a-z]*)", re.IGNORECASE)
_EVENT: Final = re.compile(r"event:([0-9]{1,9})", re.IGNORECASE)
# A blank line ends an event; a line end is one of three (HTML, section 9.2.5).
_END_OF_EVENT: Final = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_END_OF_LINE: Final = re.compile(rb"\n")


class BadPoint(ValueError):
    """No point of an answer."""


@dataclass(frozen=True, slots=True)
class Point:
    """Behind `count` bytes, or events: of an event stream its events, of lines the lines, of a socket its messages."""

    count: int
    of_events: bool = False

    @classmethod
    def parse(cls, text: str) -> "Point":
        """`4096`, `64KiB` or `event:12`.

        Raises:
            BadPoint: it is none of these.
        """
        if (event := _EVENT.fullmatch(text.strip())) is not None:
            return cls(int(event[1]), of_events=True)
        size = _BYTES.fullmatch(text.strip())
        if size is None or size[2].lower() not in _UNITS:
            raise BadPoint(text)
        return cls(int(size[1]) * _UNITS[size[2].lower()])


@dataclass(frozen=True, slots=True)
class Faults:
    """What is to go wrong. The one that comes first counts."""

    stall: Point | None = None
    cut: Point | None = None
    splits: tuple[Point, ...] = ()


def offset_of(point: Point, body: bytes, content_type: str) -> int | None:
    """Where `point` is in a body; None if the body ends before."""
    if not point.of_events:
        return point.count if point.count <= len(body) else None
    if point.count == 0:
        return 0
    ends = _event_ends(body, content_type)
    return ends[point.count - 1] if point.count <= len(ends) else None


def middle_of(point: Point, body: bytes, content_type: str) -> int | None:
    """Where a split is: behind so many bytes, or in the middle of that event."""
    if not point.of_events:
        return offset_of(point, body, content_type)
    ends = [0, *_event_ends(body, content_type)]
    return (ends[point.count - 1] + ends[point.count]) // 2 if 0 < point.count < len(ends) else None


def _event_ends(body: bytes, content_type: str) -> Sequence[int]:
    kind = content_type.partition(";")[0].strip().lower()
    end = _END_OF_EVENT if kind in ("text/event-stream", "") else _END_OF_LINE
    return [found.end() for found in end.finditer(body)]
