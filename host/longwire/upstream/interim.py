"""Tells a final response from interim ones (1xx) while a request body is still being sent.

A server may say 100 or 103 during an upload, which ends nothing. h11 reads the bytes properly afterwards; all that is
decided here is whether to go on sending, so a wrong guess on malformed input costs a broken exchange its upload.
"""

import re
from typing import Final

# Interim heads are small and few. A server that sends more than this while we send is not waiting for the body.
MAX_INTERIM_BYTES: Final = 16 * 1024

# A whole interim head: status line, fields, empty line (bare LF is tolerated, as h11 does).
_INTERIM_HEAD: Final = re.compile(rb"HTTP/\d\.\d 1(?!01)\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n")
_UNDECIDED: Final = re.compile(rb"HTTP/\d\.\d 1(?!01)")
_STATUS_LINE_START: Final = len(b"HTTP/1.1 100")


class InterimScanner:
    """Fed with what the server sends during an upload, in any split."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._seen = 0

    def final_begins(self, data: bytes) -> bool:
        """Whether a final response (or 101, which ends HTTP as well) has begun by the end of `data`."""
        self._seen += len(data)
        self._pending += data
        while head := _INTERIM_HEAD.match(self._pending):
            del self._pending[: head.end()]
        if self._seen > MAX_INTERIM_BYTES:
            return True
        return len(self._pending) >= _STATUS_LINE_START and _UNDECIDED.match(self._pending) is None
