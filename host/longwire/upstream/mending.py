"""What is mended in the head of a final response before the HTTP library reads it, because browsers take it.

Only what has one meaning: nothing here decides where a body ends that two readers could see at two places. What stays
refused, and why, stands in docs/compatibility.md.
"""

import re
from typing import Final

# One rule for status line and fields: a control character is a space. RFC 9110 section 5.5 allows that of a recipient;
# NUL and CR, at which some readers end a line, are left to be refused. So is one that begins a line: as a space
# it would make that line one with the line before, and so say another length or another coding than was written.
_CONTROL: Final = re.compile(rb"(?<!\n)[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")

# Not one that goes on in the next line: nobody writes that, but to be read in two ways.
_TRANSFER_ENCODING: Final = re.compile(rb"(?<=\n)transfer-encoding:([^\r\n]*)\r?\n(?![ \t])", re.IGNORECASE)


def mend_head(head: bytes) -> bytes:
    """`head`, its empty line included, as the server meant it.

    - Control characters in a line are spaces.
    - `Transfer-Encoding` that says chunked several times says it once: servers and the proxies before them each add it.
      One that says `identity`, or nothing, is not there (RFC 2616 section 3.6). The connection is not used again.
    """
    head = _CONTROL.sub(b" ", head)
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
