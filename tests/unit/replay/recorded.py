"""Recordings for the tests of this folder, made of lines as a file has them."""

import base64
import json
from typing import Any

from longwire.recording.reader import RecordedStream, Recording, parse_recording

HEAD = {"longwire_recording": 1, "made_by": "longwire test", "made_at": "2026-12-01T00:00:00Z"}
SSE = [["content-type", "text/event-stream"]]


def request(number: int = 1, **changes: Any) -> dict[str, Any]:
    """The first line of a stream."""
    fields = {"kind": "http", "page": "http://localhost:1", "method": "GET", "url": "https://api.example/events"}
    at = "2026-12-01T00:00:00.000001Z"
    return {"type": "request", "stream": number, "t": 0, "at": at, "headers": [], **fields, **changes}


def response(t: float = 10, number: int = 1, **changes: Any) -> dict[str, Any]:
    """Its head."""
    fields = {"url": "https://api.example/events", "redirected": False, "status": 200, "reason": "OK", "headers": SSE}
    return {"type": "response", "stream": number, "t": t, **fields, **changes}


def piece(t: float, data: str | bytes, number: int = 1, **changes: Any) -> dict[str, Any]:
    """Some of its body."""
    return {"type": "piece", "stream": number, "t": t, "way": "down", **_written(data), **changes}


def message(t: float, data: str | bytes, opcode: int = 1, **changes: Any) -> dict[str, Any]:
    """A socket's."""
    return {"type": "message", "stream": 1, "t": t, "way": "down", "opcode": opcode, **_written(data), **changes}


def _written(data: str | bytes) -> dict[str, str]:
    return {"text": data} if isinstance(data, str) else {"base64": base64.b64encode(data).decode()}


def end(t: float, number: int = 1, **fields: Any) -> dict[str, Any]:
    """Its end."""
    how = fields or {"how": "whole", "completeness": "chunked"}
    return {"type": "end", "stream": number, "t": t, **how}


def recording(*lines: dict[str, Any]) -> Recording:
    """All of a file."""
    return parse_recording(json.dumps(line).encode() for line in (HEAD, *lines))


def stream(*lines: dict[str, Any]) -> RecordedStream:
    """The only one of a file."""
    (only,) = recording(*lines).streams
    return only
