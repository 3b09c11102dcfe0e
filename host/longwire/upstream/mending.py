"""What is mended in the head of a final response before the HTTP library reads it, because browsers take it.

Only what has one meaning: nothing here decides where a body ends that two readers could see at two places. What stays
refused, and why, stands in docs/compatibility.md.
"""

import re
from typing import Final

# One rule for status line and fields: a control character is a space. RFC 9110 section 5.5 allows that of a recipient;
# NUL and CR, at which some readers end a line, are left to be refused.
_CONTROLS: Final = bytes(code for code in (*range(32), 127) if code not in b"\0\t\n\r")
_AS_SPACES: Final = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))

# Not one that goes on in the next line: nobody writes that, but to be read in two ways.
_TRANSFER_ENCODING: Final = re.compile(rb"(?<=\n)transfer-encoding:([^\r\n]*)\r?\n(?![ \t])", re.IGNORECASE)


def mend_head(head: bytes) -> bytes:
    """`head`, its empty line included, as the server meant it.

    - Control characters are spaces.
    - `Transfer-Encoding` that says chunked several times says it once: servers and the proxies before them each add it.
      One that says `identity`, or nothing, is not there (RFC 2616 section 3.6). The connection is not used again.
    """
    head = head.translate(_AS_SPACES)
    if b"transfer-encoding" not in head.lower():
        return head
    fields = [field[1] for field in _TRANSFER_ENCODING.finditer(head)]
    codings = [coding.strip(b" \t").lower() for field in fields for coding in field.split(b",")]
    if codings == [b"chunked"] or not set(codings) <= {b"chunked", b"identity", b""}:
        return head
    mended = _TRANSFER_ENCODING.sub(b"", head)
    if len(mended) == len(head):
        return head
    start, _, rest = mended.partition(b"\n")
    chunked = b"Transfer-Encoding: chunked\r\n" if b"chunked" in codings else b""
    return start + b"\n" + chunked + b"Connection: close\r\n" + rest
