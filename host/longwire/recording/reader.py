"""A file of a recording, read and checked line by line: who wrote it is not known."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ValidationError

from longwire.protocol.limits import (
    MAX_RECORDED_STREAMS,
    MAX_RECORDING_BYTES,
    MAX_RECORDING_LINE_CHARS,
    MIB,
    RECORDING_LINE_BYTES,
)
from longwire.recording.model import (
    RECORDING_LINE,
    RecordedAgain,
    RecordedEnd,
    RecordedMessage,
    RecordedPiece,
    RecordedRequest,
    RecordedResponse,
    RecordingHead,
    RecordingLine,
)

_CLOSE: Final = 8
_SWITCHED: Final = 101
_READ_AGAIN: Final = "export it again, from the popup or dashboard of Longwire or with `longwire record`"


class BadRecording(Exception):
    """A file that is no recording. `message` names the line, `fix` what to do."""

    def __init__(self, message: str, fix: str = _READ_AGAIN) -> None:
        super().__init__(f"{message} ({fix})")
        self.message = message
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Bytes:
    """Some of a body, or of a socket's message, and when. `opcode` and `last` are of messages."""

    t: float
    data: bytes
    opcode: int | None = None
    last: bool = True


@dataclass(slots=True)
class RecordedStream:
    """What happened to one stream. `down` and `up` are in the order of time."""

    number: int
    request: RecordedRequest
    response: RecordedResponse | None = None
    down: list[Bytes] = field(default_factory=list)
    up: list[Bytes] = field(default_factory=list)
    end: RecordedEnd | None = None
    masked: bool = False
    open: dict[str, int] = field(default_factory=dict)  # by way, what a message is that goes on
    last_t: dict[str, float] = field(default_factory=lambda: {"up": 0.0, "down": 0.0})

    @property
    def size(self) -> int:
        """Bytes of the response."""
        return sum(len(each.data) for each in self.down)


@dataclass(frozen=True, slots=True)
class Recording:
    """A file. Its streams are in the order in which they began."""

    head: RecordingHead
    streams: list[RecordedStream]


def read_recording(path: Path, told: Callable[[int, int], None] = lambda done, whole: None) -> Recording:
    """Read and check a file. `told` hears now and then how many bytes of how many are read.

    Raises:
        BadRecording: it cannot be read, is no recording, or is larger than one may be.
    """
    try:
        with path.open("rb") as file:
            return parse_recording(_lines(file, os.fstat(file.fileno()).st_size, told))
    except OSError as error:
        raise BadRecording(
            f"{path} cannot be read: {error.strerror or type(error).__name__}", "name a file of a recording"
        ) from None


def parse_recording(lines: Iterable[bytes]) -> Recording:
    """The lines of a file, each without its end.

    Raises:
        BadRecording: see `read_recording`.
    """
    numbered = iter(enumerate(lines, 1))
    head = _head(next(numbered, (1, b""))[1])
    streams: dict[int, RecordedStream] = {}
    room = MAX_RECORDING_BYTES
    for number, text in numbered:
        room -= RECORDING_LINE_BYTES
        try:
            if text.strip():
                room -= _take(streams, RECORDING_LINE.validate_json(text))
        except ValidationError as error:
            raise BadRecording(f"line {number} is not of a recording: {_said(error)}") from None
        except ValueError as error:
            raise BadRecording(f"line {number} is not of a recording: {error}") from None
        if room < 0:
            raise BadRecording(
                f"the recording is larger than {MAX_RECORDING_BYTES // MIB} MiB",
                "record fewer streams, or a shorter time",
            )
    if not streams:
        raise BadRecording("there is no stream in the recording")
    return Recording(head, list(streams.values()))


def _head(text: bytes) -> RecordingHead:
    try:
        return RecordingHead.model_validate_json(text)
    except ValidationError:
        if b'"longwire_recording"' in text[:200]:
            raise BadRecording("this version of Longwire does not know this form of recordings", "update it") from None
        raise BadRecording("the file is no recording of Longwire: its first line does not say so") from None


def _take(streams: dict[int, RecordedStream], line: RecordingLine) -> int:
    """Put a line where it belongs; gives the bytes of body in it."""
    if isinstance(line, RecordedRequest):
        if line.stream in streams:
            raise ValueError(f"stream {line.stream} begins twice")
        if len(streams) == MAX_RECORDED_STREAMS:
            raise ValueError(f"a recording has at most {MAX_RECORDED_STREAMS} streams")
        streams[line.stream] = RecordedStream(line.stream, line)
        return 0
    stream = streams.get(line.stream)
    if stream is None:
        raise ValueError(f"stream {line.stream} has not begun")
    if stream.end is not None:
        raise ValueError(f"stream {line.stream} has ended before")
    # What is masked waits for what follows it, so the two bodies are each in order, and not one with the other.
    way = "up" if getattr(line, "way", None) == "up" or isinstance(line, RecordedAgain) else "down"
    before = max(stream.last_t.values()) if isinstance(line, RecordedEnd) else stream.last_t[way]
    if line.t < before:
        raise ValueError(f"it is of an earlier time than the line of stream {line.stream} before it")
    stream.last_t[way] = line.t
    if isinstance(line, RecordedPiece | RecordedMessage):
        return _take_data(stream, line)
    if isinstance(line, RecordedResponse):
        if stream.response is not None or stream.down:
            raise ValueError(f"stream {line.stream} has a response already")
        if line.status == _SWITCHED and stream.request.kind != "websocket":
            raise ValueError("status 101 is of sockets")
        stream.response = line
    elif isinstance(line, RecordedAgain):
        stream.up.clear()
    else:
        stream.end = line
    return 0


def _take_data(stream: RecordedStream, line: RecordedPiece | RecordedMessage) -> int:
    if isinstance(line, RecordedMessage) != (stream.request.kind == "websocket"):
        raise ValueError("messages are of sockets, pieces of all others")
    if line.way == "down" and stream.response is None:
        raise ValueError(f"stream {line.stream} has no response yet")
    data = line.data
    if isinstance(line, RecordedMessage):
        _check_part(stream.open, line)
        taken = Bytes(line.t, data, line.opcode, last=line.more is None)
    else:
        taken = Bytes(line.t, data)
    (stream.down if line.way == "down" else stream.up).append(taken)
    stream.masked = stream.masked or line.masked is True
    return len(data)


def _check_part(goes_on: dict[str, int], line: RecordedMessage) -> None:
    """A message is of one kind. Only a close may come before its end."""
    began = goes_on.pop(line.way, None)
    if began is not None and line.opcode not in (began, _CLOSE):
        raise ValueError("a message goes on as another kind than it began")
    if line.more is not None:
        goes_on[line.way] = line.opcode


def _lines(file: BinaryIO, whole: int, told: Callable[[int, int], None]) -> Iterator[bytes]:
    number = done = shown = 0
    while line := file.readline(MAX_RECORDING_LINE_CHARS + 1):
        number += 1
        done += len(line)
        if done - shown >= MIB:
            shown = done
            told(done, whole)
        if len(line) > MAX_RECORDING_LINE_CHARS:
            raise BadRecording(f"line {number} is longer than {MAX_RECORDING_LINE_CHARS:,} bytes")
        yield line.rstrip(b"\r\n")


def _said(error: ValidationError) -> str:
    """Field and reason of the first fault; never what stands there, which may be anything."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part not in ("request", "response", "piece", "message"))
    return f"{where or 'it'}: {first['msg']}"
