"""Lines of a log, as a host writes them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PAGE = "https://chat.example.com"
DESTINATION = "https://api.example.com/v1/chat"


def ended(outcome: str = "completed", *, ago_s: float = 60, **fields: Any) -> dict[str, Any]:
    """The line about the end of a stream."""
    event = {"completed": "end", "aborted": "abort"}.get(outcome, "error")
    stream = {"stream": 1, "page": PAGE, "method": "GET", "destination": DESTINATION, "grant": "chat"}
    timed = {"bytes": 1000, "ms": 400, "headers_ms": 100, "first_byte_ms": 120, "host_ms": 7}
    return {"event": event, "outcome": outcome, "code": None, **stream, **timed, **at(ago_s), **fields}


def at(ago_s: float) -> dict[str, Any]:
    """When it was written."""
    return {"timestamp": (datetime.now(UTC) - timedelta(seconds=ago_s)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}


def write(home: Path, lines: Iterable[dict[str, Any]], name: str = "host-20261121T100000-41.jsonl") -> Path:
    """Into the log of that home."""
    folder = home / ".local" / "state" / "longwire"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
