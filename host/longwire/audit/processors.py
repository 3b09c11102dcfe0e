"""What every line passes on its way into the file. Each is a structlog processor."""

import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from longwire.audit.vocabulary import PRIVATE
from longwire.authority import authority

# A URL may have 64 KiB, and a reason may quote it.
MAX_TEXT_CHARS: Final = 300
# By what became of a stream. One that a page gave up is nothing to look at.
_LEVEL_OF_OUTCOME = {"denied": "warning", "failed": "error"}


def without_query(url: str) -> str:
    """`url` as it may be logged: no query, no fragment, no user information."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, authority(parts.hostname or "", parts.port), parts.path, "", ""))


def level_by_outcome(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: a line about a refusal is a warning, one about a failure an error, whoever wrote it."""
    level = _LEVEL_OF_OUTCOME.get(str(event.get("outcome")))
    if level is not None:
        event["level"] = level
    return event


def strip_queries(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: a `destination` never carries its query, whoever logged it."""
    destination = event.get("destination")
    if isinstance(destination, str) and destination != PRIVATE:
        try:
            event["destination"] = without_query(destination)
        except ValueError:
            event["destination"] = "(not a URL)"
    return event


def shorten_texts(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: what a page or a server wrote takes little room."""
    for name in ("destination", "reason"):
        text = event.get(name)
        if isinstance(text, str) and len(text) > MAX_TEXT_CHARS:
            event[name] = text[: MAX_TEXT_CHARS - 1] + "…"
    return event


def exception_without_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: an exception becomes its type and its places, never its text.

    Libraries quote what they choke on (h11 a header value, and a header value may be a secret).
    """
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["exception"] = type(error).__qualname__
        event["at"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return event
