"""What is sent of a recorded stream, and when: a list that is made once and gone through for each request."""

from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise
from typing import Final

from longwire.recording.reader import Bytes, RecordedStream
from longwire.replay.faults import Faults, middle_of, offset_of

# Between the halves of what was split: long enough for them to be read apart.
SPLIT_GAP_MS: Final = 50.0
NO_BODY: Final = (204, 304)


class Act(Enum):
    """What a step does."""

    HEAD = auto()
    DATA = auto()
    FINISH = auto()  # the answer is whole
    STALL = auto()  # nothing more comes, and the connection stays
    BREAK = auto()  # the connection is gone


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, `t` milliseconds after the request. `opcode` and `last` are of a socket's messages."""

    t: float
    act: Act
    data: bytes = b""
    opcode: int | None = None
    last: bool = True


def steps_of(stream: RecordedStream, faults: Faults) -> list[Step]:
    """All of a stream's, in order. The last is FINISH, STALL or BREAK."""
    if stream.response is None:
        return [Step(_end_t(stream), Act.BREAK)]
    head = Step(stream.response.t, Act.HEAD)
    if stream.request.kind == "websocket" and stream.response.status == 101:
        return [head, *_messages(stream, faults)]
    if stream.request.method == "HEAD" or stream.response.status in NO_BODY:
        return [head, Step(_end_t(stream), Act.FINISH)]
    return [head, *_body(stream, faults)]


def content_type(stream: RecordedStream) -> str:
    """Of the response, empty if it says none."""
    headers = stream.response.headers if stream.response is not None else []
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _body(stream: RecordedStream, faults: Faults) -> list[Step]:
    body, kind = b"".join(each.data for each in stream.down), content_type(stream)
    points = {
        Act.STALL: offset_of(faults.stall, body, kind) if faults.stall else None,
        Act.BREAK: offset_of(faults.cut, body, kind) if faults.cut else None,
    }
    found = [(offset, act) for act, offset in points.items() if offset is not None]
    fault = min(found, default=None, key=lambda each: each[0])
    splits = {middle for split in faults.splits if (middle := middle_of(split, body, kind))}
    steps: list[Step] = []
    at, t = 0, 0.0
    for piece in stream.down:
        end_of_piece = at + len(piece.data)
        cuts = [at, *sorted(each for each in splits if at < each < end_of_piece), end_of_piece]
        t = max(piece.t, t)  # what was split took longer
        for number, (start, end) in enumerate(pairwise(cuts)):
            t += SPLIT_GAP_MS if number else 0
            if fault is not None and fault[0] <= end:
                kept = piece.data[start - at : fault[0] - at]
                return [*steps, *([Step(t, Act.DATA, kept)] if kept else []), Step(t, fault[1])]
            steps.append(Step(t, Act.DATA, piece.data[start - at : end - at]))
        at = end_of_piece
    if fault is not None:  # of a body that is empty
        return [Step(t, fault[1])]
    return [*steps, Step(max(_end_t(stream), t), _ending(stream))]


def _messages(stream: RecordedStream, faults: Faults) -> list[Step]:
    steps: list[Step] = []
    whole, size = 0, 0
    for part in stream.down:
        for point, act in ((faults.stall, Act.STALL), (faults.cut, Act.BREAK)):
            if point is not None and (whole if point.of_events else size) >= point.count:
                return [*steps, Step(part.t, act)]
        steps += _split(part, faults, whole, size)
        size += len(part.data)
        whole += part.last
    closed = bool(stream.down) and stream.down[-1].opcode == 8
    return [*steps, Step(_end_t(stream), Act.FINISH if closed else _ending(stream))]


def _split(part: Bytes, faults: Faults, whole: int, size: int) -> list[Step]:
    """A message as it is, or as two frames."""
    for point in faults.splits:
        at = len(part.data) // 2 if point.of_events and point.count == whole + 1 else point.count - size
        if not point.of_events and not 0 < at < len(part.data):
            continue
        if (point.of_events and point.count != whole + 1) or part.opcode == 8:
            continue
        first = Step(part.t, Act.DATA, part.data[:at], part.opcode, last=False)
        return [first, Step(part.t + SPLIT_GAP_MS, Act.DATA, part.data[at:], part.opcode, part.last)]
    return [Step(part.t, Act.DATA, part.data, part.opcode, part.last)]


def _ending(stream: RecordedStream) -> Act:
    """Of one that its page gave up nobody knows the rest; what failed, breaks off again."""
    whole = stream.end is not None and stream.end.how == "whole" and stream.request.kind != "websocket"
    return Act.FINISH if whole else Act.BREAK


def _end_t(stream: RecordedStream) -> float:
    """When it ended; of one that had not, when the last was seen of it."""
    return stream.end.t if stream.end is not None else max(stream.last_t.values())
