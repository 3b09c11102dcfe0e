"""A scripted `Upstream` without network or clock, for tests of the rooms above.

    upstream = FakeUpstream()
    upstream.script(FakeResponse(chunks=[b"one", b"two"]))
    upstream.script(StreamError(ErrorCode.UPSTREAM_DNS, "no", Phase.CONNECT))

`open` takes the scripted answers in order, and waits for the next if there is none: a server that does not answer.
"""

import time
from collections import deque
from collections.abc import Sequence

import anyio
import anyio.lowlevel

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.records import Completeness
from longwire.upstream import StreamedBody, Timings, UpstreamRequest


class FakeResponse:
    """An `UpstreamResponse` that gives `chunks`, then what `feed`, `end` and `fail` say.

    With `complete`, the body ends after `chunks`; else it waits for more.
    """

    def __init__(
        self,
        *,
        status: int = 200,
        reason: str = "OK",
        headers: Sequence[tuple[str, str]] = (),
        chunks: Sequence[bytes] = (),
        complete: bool = True,
        completeness: Completeness = Completeness.CHUNKED,
        url: str = "",
        redirected: bool = False,
    ) -> None:
        self.status = status
        self.reason = reason
        self.headers = list(headers)
        self.completeness = completeness
        self.url = url
        self.redirected = redirected
        self.timings = Timings(None, time.monotonic())
        self.sent_bytes = 0
        self.uploading = False
        self.closed = False
        # How often `read` was called, and the credit it was called with.
        self.reads: list[int] = []
        self._items: deque[bytes | StreamError] = deque(chunks)
        self._ended = complete
        self._changed = anyio.Event()

    def feed(self, data: bytes) -> None:
        """More bytes arrive."""
        self._items.append(data)
        self._note()

    def end(self) -> None:
        """The body is complete."""
        self._ended = True
        self._note()

    def fail(self, error: StreamError) -> None:
        """The body breaks here."""
        self._items.append(error)
        self._note()

    async def read(self, max_bytes: int) -> bytes:
        """See `UpstreamResponse`."""
        self.reads.append(max_bytes)
        while True:
            if self.closed:
                raise StreamError(ErrorCode.UPSTREAM_RESET, "The response was closed on this side.", Phase.BODY)
            if self._items:
                item = self._items.popleft()
                if isinstance(item, StreamError):
                    self._items.appendleft(item)
                    raise item
                if len(item) > max_bytes:
                    self._items.appendleft(item[max_bytes:])
                    item = item[:max_bytes]
                await anyio.lowlevel.checkpoint()
                return item
            if self._ended:
                return b""
            await self._changed.wait()

    async def aclose(self) -> None:
        """See `UpstreamResponse`."""
        self.closed = True
        self._note()

    def _note(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


class FakeUpstream:
    """An `Upstream` that gives what was scripted and remembers what was asked."""

    def __init__(self, *, read_bodies: bool = True) -> None:
        """With `read_bodies`, a streamed request body is read to its end before the answer, into `bodies`."""
        self._read_bodies = read_bodies
        self._answers: deque[FakeResponse | StreamError] = deque()
        self._changed = anyio.Event()
        self.requests: list[UpstreamRequest] = []
        self.bodies: list[bytes] = []
        self.responses: list[FakeResponse] = []
        # Calls of `open` that are waiting, and that were cancelled.
        self.opening = 0
        self.cancelled = 0
        self.closed = False

    def script(self, *answers: FakeResponse | StreamError) -> None:
        """Add answers for the next requests."""
        self._answers.extend(answers)
        self._changed.set()
        self._changed = anyio.Event()

    async def open(self, request: UpstreamRequest) -> FakeResponse:
        """See `Upstream`."""
        self.requests.append(request)
        self.opening += 1
        try:
            if self._read_bodies:
                self.bodies.append(await _whole(request))
            while not self._answers:
                await self._changed.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        finally:
            self.opening -= 1
        answer = self._answers.popleft()
        if isinstance(answer, StreamError):
            raise answer
        answer.url = answer.url or request.hop.href
        answer.sent_bytes = len(self.bodies[-1]) if self._read_bodies else 0
        self.responses.append(answer)
        return answer

    async def aclose(self) -> None:
        """See `Upstream`."""
        self.closed = True
        for response in self.responses:
            await response.aclose()


async def _whole(request: UpstreamRequest) -> bytes:
    if isinstance(request.body, StreamedBody):
        return b"".join([piece async for piece in request.body.pieces])
    return request.body or b""
