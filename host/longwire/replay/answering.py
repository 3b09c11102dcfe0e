"""The head of an answer: what of the recorded one still holds, and what a page on this machine needs to read it."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from longwire.recording.reader import RecordedStream

Fields = list[tuple[str, str]]

# What was of that connection, of the body as it was coded, or of that server for all time.
_NOT_AGAIN: Final = re.compile(
    r"content-(?:length|encoding)|transfer-encoding|connection|keep-alive|proxy-.*|te|trailer|upgrade|date|vary|alt-svc"
    r"|strict-transport-security|set-cookie|access-control-.*|sec-websocket-.*|clear-site-data",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_PREFLIGHT_S: Final = "600"


def is_loopback(host: str) -> bool:
    """Whether a Host field, or the authority of an origin, is this machine's: a name that another resolves is not."""
    try:
        return urlsplit(f"//{host}").hostname in _LOOPBACK
    except ValueError:
        return False


def is_page_here(origin: str) -> bool:
    """Whether the origin is one of a page that this machine serves."""
    scheme, _, host = origin.partition("://")
    return scheme in ("http", "https") and is_loopback(host)


def cors(origin: str | None, headers: Sequence[tuple[str, str]] = ()) -> Fields:
    """What lets a page of this machine read the answer; nothing for any other page."""
    if origin is None or not is_page_here(origin):
        return []
    names = ", ".join(dict.fromkeys(name for name, _ in headers))
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
        *([("Access-Control-Expose-Headers", names)] if names else []),
    ]


def preflight(origin: str | None, wanted_method: str | None, wanted_headers: str | None) -> Fields:
    """The answer to the browser's own question."""
    allowed = cors(origin)
    if not allowed:
        return []
    return [
        *allowed,
        ("Access-Control-Allow-Methods", _clean(wanted_method) or "GET"),
        ("Access-Control-Allow-Headers", _clean(wanted_headers) or "*"),
        ("Access-Control-Allow-Private-Network", "true"),
        ("Access-Control-Max-Age", _PREFLIGHT_S),
    ]


def fields_of(stream: RecordedStream) -> Fields:
    """The recorded fields that still hold and can be sent."""
    if stream.response is None:
        return []
    return [
        (name, value.strip(" \t"))
        for name, value in stream.response.headers
        if not _NOT_AGAIN.fullmatch(name) and _TOKEN.fullmatch(name) and _VALUE.fullmatch(value)
    ]


def reason_of(stream: RecordedStream) -> bytes:
    """What stands behind the status, as far as it can be sent."""
    reason = stream.response.reason if stream.response is not None else ""
    return reason.encode("latin-1") if _VALUE.fullmatch(reason) else b""


def length_of(stream: RecordedStream) -> int | None:
    """The body's, where the server announced it; None: it is sent in chunks."""
    known = stream.end is not None and stream.end.how == "whole" and stream.end.completeness == "length"
    return stream.size if known else None


def _clean(value: str | None) -> str:
    return value if value is not None and _VALUE.fullmatch(value) else ""
