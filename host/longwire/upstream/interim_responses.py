"""What comes before the body of a response: interim answers (1xx) and empty lines are taken out, the head is measured.

Interim answers mean nothing to a page, and to the clocks only that the server is alive; they have a budget. The head of
the final response is given on as a whole, so that it has one limit however the network cuts it.
A repair is a guess, so an interim head with a syntax error is refused, as h11 does. Two things are repaired: empty
lines that some servers send after a body (RFC 9112 section 2.2), and what `mending` names.
"""

import re
from collections.abc import Callable
from typing import Final

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.errors import NO_HTTP
from longwire.upstream.mending import mend_head
from longwire.upstream.response_head import MAX_RESPONSE_PAIRS

# Of one request, before its final response. A `102` every five seconds lasts for more than an hour.
MAX_INTERIM_ANSWERS: Final = 1024
MAX_INTERIM_BYTES: Final = 256 * 1024
# A server may say how far it has come with a request body, for hours: each of these many bytes sent earns one more
# answer, of this size on average.
UPLOADED_PER_INTERIM_BYTES: Final = 16 * 1024
INTERIM_BYTES: Final = 256
# Of the final head, from its status line to its empty line; as Chromium has it.
MAX_HEAD_BYTES: Final = 256 * 1024
# Before each status line; as Chromium has it.
MAX_EMPTY_LINE_BYTES: Final = 4

# A chunk's size whose line ends in LF alone. To h11 the line has not ended. A trailer does not match: it has a colon.
_BARE_CHUNK_LINE: Final = re.compile(rb"[0-9A-Fa-f]+[ \t]*(?:;[^\r\n]*)?\n")

# Bare LF is tolerated, as h11 does. 101 is no interim answer: it ends HTTP.
_UNDECIDED: Final = re.compile(rb"HTTP/\d\.\d 1(?!01)")
_STATUS_LINE_START: Final = len(b"HTTP/1.1 100")
_STATUS_LINE: Final = re.compile(rb"HTTP/\d\.\d \d\d\d")
_EMPTY_LINE: Final = re.compile(rb"\r?\n")
_HEAD_END: Final = re.compile(rb"\n\r?\n")
_INTERIM_HEAD: Final = re.compile(
    rb"HTTP/\d\.\d 1\d\d(?: [^\x00-\x08\x0a-\x1f\x7f]*)?\r?\n"
    rb"(?:[-!#$%&'*+.^_`|~0-9A-Za-z]+:[^\x00\r\n]*\r?\n(?:[ \t][^\x00\r\n]*\r?\n)*)*"
    rb"\r?\n"
)


class InterimAnswers:
    """Fed with what the server sends for one request, in any split; gives what belongs to the final response."""

    def __init__(self, alive: Callable[[], None] = lambda: None, unparsed: Callable[[], bytes] = bytes) -> None:
        """`alive` is called when interim answers came; `unparsed` gives what h11 holds of the final response."""
        self._alive = alive
        self._unparsed = unparsed
        self._pending = bytearray()
        self._searched = 0
        self._count = 0
        self._bytes = 0
        self._uploaded = 0
        self._empty_line_bytes = 0
        self._lines = 0
        self._counted = 0
        self._heard = False
        self._head_over = False
        # Whether a final response (or 101) has begun.
        self.final = False

    def uploaded(self, size: int) -> None:
        """The server took `size` more bytes of the request."""
        self._uploaded += size

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes; give those of the final response.

        Raises:
            StreamError: UPSTREAM_PROTOCOL, phase `headers` (trailers: `body`): over a budget, or not HTTP.
        """
        self._heard = True
        if self._head_over:
            # It holds a line that has not ended, or the trailers so far, which it would take all at once.
            if self._unparsed().count(b"\n") > MAX_RESPONSE_PAIRS:
                raise _refused(f"the server sent more than {MAX_RESPONSE_PAIRS} trailers", Phase.BODY)
            return data
        self._pending += data
        if not self.final:
            self._take_interim()
        return self._head() if self.final or self._begun() else b""

    @property
    def silent(self) -> bool:
        """Whether nothing at all has come."""
        return not self._heard

    def before_waiting(self) -> None:
        """Before the next bytes are waited for: what the library holds must be able to become something with them.

        Raises:
            StreamError: UPSTREAM_PROTOCOL, phase `body`.
        """
        if self._head_over and _BARE_CHUNK_LINE.match(self._unparsed()):
            raise _refused("a line of the body's chunks ends in LF alone, which hides where a chunk ends", Phase.BODY)

    def rest(self) -> bytes:
        """What was held back. The connection is at its end, or a final response has begun."""
        data = bytes(self._pending)
        self._pending.clear()
        return data

    def _begun(self) -> bool:
        pending = self._pending
        self.final = len(pending) >= _STATUS_LINE_START and _UNDECIDED.match(pending) is None
        return self.final

    def _take_interim(self) -> None:
        before = self._count
        earned = self._uploaded // UPLOADED_PER_INTERIM_BYTES
        self._skip_empty_lines()
        while self._count <= MAX_INTERIM_ANSWERS + earned and _UNDECIDED.match(self._pending):
            end = _HEAD_END.search(self._pending, self._searched)
            if end is None:
                self._searched = max(0, len(self._pending) - 2)
                break
            if not _INTERIM_HEAD.fullmatch(self._pending, 0, end.end()):
                raise _refused("the server sent an interim answer (1xx) that is not valid HTTP/1.1")
            self._count += 1
            self._bytes += end.end()
            self._searched = 0
            del self._pending[: end.end()]
            self._empty_line_bytes = 0
            self._skip_empty_lines()
        if self._count > MAX_INTERIM_ANSWERS + earned:
            raise _over(f"{MAX_INTERIM_ANSWERS:,}")
        begun = len(self._pending) if _UNDECIDED.match(self._pending) else 0
        if self._bytes + begun > MAX_INTERIM_BYTES + INTERIM_BYTES * earned:
            raise _over(f"{MAX_INTERIM_BYTES // 1024} KiB of")
        if self._count > before:
            self._alive()

    def _skip_empty_lines(self) -> None:
        while line := _EMPTY_LINE.match(self._pending):
            self._empty_line_bytes += line.end()
            if self._empty_line_bytes > MAX_EMPTY_LINE_BYTES:
                raise _refused("the server sent empty lines instead of a response")
            del self._pending[: line.end()]

    def _head(self) -> bytes:
        """The head of the final response once it is whole, and what follows it."""
        pending = self._pending
        if not _STATUS_LINE.match(pending):
            raise StreamError(ErrorCode.UPSTREAM_PROTOCOL, NO_HTTP, Phase.HEADERS) from None
        end = _HEAD_END.search(pending, self._searched)
        size = len(pending) if end is None else end.end()
        # h11 would take a head of tiny fields all at once, and a tenth of a second.
        self._lines += pending.count(b"\n", self._counted, size)
        self._counted = size
        if self._lines > MAX_RESPONSE_PAIRS + 2:  # and the status line, and the empty one
            raise _refused(f"the server sent more than {MAX_RESPONSE_PAIRS} header fields")
        if size > MAX_HEAD_BYTES:
            raise _refused(f"the head of the server's response is larger than {MAX_HEAD_BYTES // 1024} KiB")
        if end is None:
            self._searched = max(0, size - 2)
            return b""
        self._head_over = True
        held = self.rest()
        return mend_head(held[:size]) + held[size:]


class Unread(InterimAnswers):
    """After a 101: what comes is no HTTP, and nobody here looks at it."""

    def feed(self, data: bytes) -> bytes:
        """See `InterimAnswers`."""
        return data

    def before_waiting(self) -> None:
        """See `InterimAnswers`."""

    def rest(self) -> bytes:
        """See `InterimAnswers`."""
        return b""


def _over(budget: str) -> StreamError:
    return _refused(
        f"the server sent more than {budget} interim answers (1xx) and no final one. That many are allowed before the "
        f"response, and one more for each {UPLOADED_PER_INTERIM_BYTES // 1024} KiB of the request"
    )


def _refused(text: str, phase: Phase = Phase.HEADERS) -> StreamError:
    return StreamError(ErrorCode.UPSTREAM_PROTOCOL, f"{text}; the server must be fixed", phase)
