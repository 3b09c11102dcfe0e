"""Judges the head of a response: how its body's end will be known, and whether the head can be trusted at all.

RFC 9112 section 6.3 lets a recipient repair some contradictions. A repair is a guess, and a wrong guess about where a
body ends hides truncation and smuggling. So here every contradiction is an error.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import MAX_HEADER_NAME_CHARS, MAX_HEADER_PAIRS, MAX_HEADER_VALUE_CHARS
from longwire.protocol.records import Completeness

# What STREAM_HEADERS can carry.
MAX_RESPONSE_PAIRS: Final = 4 * MAX_HEADER_PAIRS


class ResponseHead(NamedTuple):
    """A head that passed. `headers` in order, names in lower case, values latin-1."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    completeness: Completeness


def judge_head(
    method: str, http_version: bytes, status: int, reason: bytes, fields: Sequence[tuple[bytes, bytes]]
) -> ResponseHead:
    """Check and decode what the HTTP library parsed.

    Raises:
        StreamError: UPSTREAM_PROTOCOL, phase `headers`.
    """
    if status == 101:
        raise _refused("the server switched protocols without being asked")
    if not 200 <= status <= 599:
        raise _refused("the server's status code is outside 200 to 599")
    if len(fields) > MAX_RESPONSE_PAIRS:
        raise _refused(f"the server sent more than {MAX_RESPONSE_PAIRS} header fields")
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in fields]
    for name, value in headers:
        if len(name) > MAX_HEADER_NAME_CHARS or len(value) > MAX_HEADER_VALUE_CHARS:
            raise _refused(f"the server sent a header field that is longer than {MAX_HEADER_VALUE_CHARS // 1024} KiB")
    return ResponseHead(
        status,
        reason.decode("latin-1"),
        headers,
        _completeness(method, http_version, status, headers),
    )


def _completeness(method: str, http_version: bytes, status: int, headers: Sequence[tuple[str, str]]) -> Completeness:
    codings = [value for name, value in headers if name == "transfer-encoding"]
    lengths = {part.strip() for name, value in headers if name == "content-length" for part in value.split(",")}
    if codings and lengths:
        raise _refused("the server sent both Content-Length and Transfer-Encoding")
    if codings and http_version < b"HTTP/1.1":
        raise _refused("the server sent Transfer-Encoding with HTTP/1.0")  # RFC 9112 section 6.1
    if codings and [coding.strip().lower() for coding in codings] != ["chunked"]:
        raise _refused("the server used a transfer coding other than chunked")
    if len(lengths) > 1:
        raise _refused("the server sent contradicting Content-Length values")
    # Fetch standard, "null body status": 205 may have a body by its framing (RFC 9112 section 6.3), but no reader.
    if method == "HEAD" or status in (204, 205, 304):
        return Completeness.NONE
    if codings:
        return Completeness.CHUNKED
    if lengths:
        return Completeness.LENGTH
    return Completeness.CLOSE


def _refused(text: str) -> StreamError:
    return StreamError(ErrorCode.UPSTREAM_PROTOCOL, f"{text}; the server must be fixed", Phase.HEADERS)
