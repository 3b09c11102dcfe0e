"""When two requests are the same: method, URL and body. Headers do not count.

A browser makes up the boundary of a `multipart/form-data` body anew each time. It is taken out of the digest, so that
the same entries in the same order are the same body.
"""

import hashlib
import re
from typing import Final

_TAG: Final = b"longwire durable request 1"
# RFC 2046 section 5.1.1: what a boundary is made of, quoted or not.
_BOUNDARY: Final = re.compile(
    r"""multipart/form-data[ \t]*;(?:.*;)?[ \t]*
        boundary=(?:"([0-9A-Za-z'()+_,\-./:=?\ ]{1,70})"|([0-9A-Za-z'+_.\-]{1,70}))[ \t]*(?:;.*)?""",
    re.IGNORECASE | re.VERBOSE,
)


def request_digest(method: str, url: str, content_type: str | None, body: bytes) -> str:
    """64 hex digits. `url` is the canonical one; `body` is the whole of it, empty where there is none."""
    digest = hashlib.sha256(_TAG)
    parts = None if content_type is None else _parts(content_type, body)
    # Each piece with its length, so that no two lists of pieces are the same bytes.
    pieces = [b"plain", body] if parts is None else [b"form", *parts]
    for piece in (method.encode(), url.encode(), *pieces):
        digest.update(b"%d:" % len(piece))
        digest.update(piece)
    return digest.hexdigest()


def _parts(content_type: str, body: bytes) -> list[bytes] | None:
    """The parts of a form, each with its own headers; None where it is no form as browsers write one."""
    match = _BOUNDARY.fullmatch(content_type.strip())
    if match is None:
        return None
    delimiter = b"--" + (match[1] or match[2]).encode()
    if body in (delimiter + b"--\r\n", delimiter + b"--"):
        return []
    opening, closing = delimiter + b"\r\n", b"\r\n" + delimiter + b"--"
    text = body.removesuffix(b"\r\n")
    if not text.startswith(opening) or not text.endswith(closing):
        return None
    return text[len(opening) : -len(closing)].split(b"\r\n" + opening)
