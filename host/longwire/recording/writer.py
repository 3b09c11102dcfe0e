"""A stream, written down while it passes. What goes into the file has no credentials in it any more."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, Literal

import orjson
import pybase64

from longwire.protocol.limits import MAX_RECORDED_PIECE_BYTES, MAX_RECORDING_BYTES, RECORDING_LINE_BYTES
from longwire.recording.credentials import Redaction
from longwire.recording.masking import Masking, Timed

Pairs = Sequence[tuple[str, str]]
_HEAD_BYTES: Final = 1024  # of the room, for what ends a stream


class RecordingWriter:
    """A file that is open for writing. Lines are flushed as they come: what is there is readable whoever dies."""

    def __init__(self, out: BinaryIO, made_by: str, limit: int = MAX_RECORDING_BYTES) -> None:
        """`limit`: bytes that it may count."""
        self._out = out
        self._room = limit - _HEAD_BYTES
        self._streams = 0
        self._line({"longwire_recording": 1, "made_by": made_by, "made_at": _time_of_day(datetime.now(UTC))})

    def stream(self) -> "StreamWriter":
        """The next one."""
        self._streams += 1
        return StreamWriter(self, self._streams)

    def write(self, line: dict[str, Any], size: int) -> bool:
        """A line with `size` bytes of body; whether there was room for it."""
        if line["type"] != "end" and self._room < size + RECORDING_LINE_BYTES:
            return False
        self._room -= size + RECORDING_LINE_BYTES
        self._line(line)
        return True

    def _line(self, line: dict[str, Any]) -> None:
        self._out.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        self._out.flush()


class StreamWriter:
    """One stream of a recording. Times are milliseconds since its request."""

    def __init__(self, writer: RecordingWriter, number: int) -> None:
        self._writer = writer
        self._number = number
        self._redaction = Redaction()
        self._bodies: dict[str, Masking] = {}
        self._over = False

    @property
    def over(self) -> bool:
        """Nothing more of this stream goes into the file: it has ended there, or the file is full."""
        return self._over

    def request(
        self, page: str, method: str, url: str, headers: Pairs, body: bytes = b"", *, kind: str = "http"
    ) -> None:
        """The stream begins. `body` is all of the request's."""
        fields = {"at": _time_of_day(datetime.now(UTC)), "kind": kind, "page": page, "method": method}
        redacted = {"url": self._redaction.url(url), "headers": self._redaction.headers(headers)}
        self._put("request", 0.0, fields | redacted)
        self._bodies["up"] = Masking("up", self._redaction.needles, _content_type(headers))
        if body:
            self.piece(0.0, "up", body)
            self._pieces("up", self._bodies["up"].end())

    def response(self, t: float, url: str, status: int, reason: str, headers: Pairs, *, redirected: bool) -> None:
        """Its head."""
        fields = {"url": self._redaction.url(url), "redirected": redirected, "status": status, "reason": reason}
        self._put("response", t, fields | {"headers": self._redaction.headers(headers)})
        self._bodies["down"] = Masking("down", self._redaction.needles, _content_type(headers))

    def piece(self, t: float, way: Literal["up", "down"], data: bytes) -> None:
        """Bytes of a body, as they came."""
        for start in range(0, len(data), MAX_RECORDED_PIECE_BYTES):
            self._pieces(way, self._bodies[way].push(data[start : start + MAX_RECORDED_PIECE_BYTES], t))

    def end(self, t: float, **fields: Any) -> None:
        """Its last line: `how`, and what `RecordedEnd` has beside it."""
        for way, body in self._bodies.items():
            self._pieces(way, body.end())
        if not self._over:
            self._over = True
            self._put("end", t, {name: value for name, value in fields.items() if value is not None})

    def _pieces(self, way: str, pieces: list[Timed]) -> None:
        for data, t, masked in pieces:
            self._put("piece", t, {"way": way, **_written(data), **({"masked": True} if masked else {})}, len(data))

    def _put(self, kind: str, t: float, fields: dict[str, Any], size: int = 0) -> None:
        if self._over and kind != "end":
            return
        line = {"type": kind, "stream": self._number, "t": round(t, 3)}
        if not self._writer.write(line | fields, size):
            self._over = True
            self._writer.write(line | {"type": "end", "how": "full"}, 0)


def _written(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": pybase64.b64encode(data).decode()}


def _content_type(headers: Pairs) -> str:
    return next((value for name, value in headers if name.lower() == "content-type"), "")


def _time_of_day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
