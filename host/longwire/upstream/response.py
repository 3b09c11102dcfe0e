"""A response being read: framing and content coding undone, the clocks, and the end of the connection's use.

The request may still be on its way out beside it; the exchange is over when both are.
"""

from collections.abc import Awaitable, Callable

import anyio
import httpcore2

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import WINDOW_FLOOR_BYTES
from longwire.protocol.records import Completeness
from longwire.upstream.account import Aside
from longwire.upstream.connection import UpstreamConnection
from longwire.upstream.decoding import make_decoder
from longwire.upstream.errors import FOREIGN, EndWithoutNotice, exchange_error, unproven_end
from longwire.upstream.model import DecoderMemory, Timings
from longwire.upstream.response_head import ResponseHead
from longwire.upstream.sockets import LEAST_READ_BYTES, READ_BYTES, SMALL_READ_BYTES
from longwire.upstream.timers import Timers
from longwire.upstream.upload import Upload


class HttpResponse:
    """An `UpstreamResponse` over HTTP/1.1."""

    def __init__(
        self,
        *,
        url: str,
        redirected: bool,
        head: ResponseHead,
        raw: httpcore2.Response,
        connection: UpstreamConnection,
        upload: Upload,
        timers: Timers,
        timings: Timings,
        step: Callable[[], Awaitable[None]],
        aside: Aside,
        memory: DecoderMemory,
        release: Callable[[UpstreamConnection], None],
    ) -> None:
        """`step`, `aside`: see `Turns`. `release` gets the connection back once, to keep or to forget.

        Raises:
            StreamError: DECODE_FAILED, too many codings.
        """
        self.url = url
        self.redirected = redirected
        self.status = head.status
        self.reason = head.reason
        self.headers = head.headers
        self.completeness = head.completeness
        self.timings = timings
        self._coded_bytes = 0
        self._decoder = make_decoder(head.headers, memory, aside, has_body=head.completeness is not Completeness.NONE)
        # A body that nobody can read is left where it is: one without a length ends when the server likes.
        self._left_unread = head.status == 205 and ("content-length", "0") not in head.headers
        self._raw = raw
        self._pieces = raw.aiter_stream()
        self._connection = connection
        self._upload = upload
        self._timers = timers
        self._step = step
        self._release = release
        self._ready = b""
        self._reading = False
        self._done = False
        self._failure: StreamError | None = None

    @property
    def sent_bytes(self) -> int:
        """See `UpstreamResponse`."""
        return self._upload.sent_bytes

    @property
    def uploading(self) -> bool:
        """See `UpstreamResponse`."""
        return not self._upload.over

    async def read(self, max_bytes: int) -> bytes:
        """See `UpstreamResponse`. Cancelling it closes the connection: there is no way to go on from there."""
        if max_bytes < 1:
            raise ValueError("max_bytes must be positive")
        if self._reading:
            raise RuntimeError("two tasks read one response")
        self._reading = True
        try:
            # What was received and what was decoded already needs no waiting, be it a bomb of nothings.
            await self._step()
            while not self._ready:
                if self._failure is not None:
                    raise self._failure
                if self._done:
                    return b""
                await self._advance(max_bytes)
                if not self._ready:
                    await self._step()
        except StreamError as error:
            self._fail(error)
            raise
        except BaseException:
            self._fail(_closed_here())
            raise
        finally:
            self._reading = False
            if self._done:
                self._close_decoder()
        # Not a view of what is left: an empty one would hold all of it as long as nobody reads.
        data, self._ready = self._ready[:max_bytes], self._ready[max_bytes:]
        return data

    async def aclose(self) -> None:
        """See `UpstreamResponse`."""
        if not self._done:
            self._fail(_closed_here())
            if not self._reading:
                # The socket is closed: this only unwinds the library's generators, which must not be left to the
                # garbage collector.
                with anyio.CancelScope(shield=True):
                    await self._pieces.aclose()
                    await self._raw.aclose()
        await self._upload.stop()

    async def discard(self) -> None:
        """Release a response whose body nobody wants. An empty body leaves the connection usable."""
        empty = self.completeness is Completeness.NONE or ("content-length", "0") in self.headers
        try:
            if empty and self._upload.over:
                async for _ in self._pieces:
                    pass
                await self._end()
        finally:
            await self.aclose()

    async def _advance(self, wanted: int) -> None:
        """One step: make `_ready` longer, by about `wanted` bytes at most, or set `_done`, or neither."""
        made = await self._decoder.step(wanted)
        if made is not None:
            self._ready = made
            return
        piece = await self._next_piece(wanted)
        if piece:
            self._coded_bytes += len(piece)
            self._decoder.feed(piece)
            return
        self._decoder.finish()
        await self._end()

    async def _next_piece(self, wanted: int) -> bytes:
        """What the framing gives next, b"" at its end."""
        if self._left_unread:
            return b""
        self._connection.stream.limit_reads(min(max(self._worth(wanted), LEAST_READ_BYTES), READ_BYTES))
        with self._timers.between_bytes():
            try:
                async for piece in self._pieces:
                    if piece:
                        return piece
            except FOREIGN as error:
                self._raise_failed_upload()
                if isinstance(error, EndWithoutNotice) and self.completeness is Completeness.CLOSE:
                    raise unproven_end(self._coded_bytes) from None
                raise exchange_error(error, Phase.BODY, ended=self._connection.ended, uploading=False) from None
        return b""

    def _raise_failed_upload(self) -> None:
        failure = self._upload.failure
        if isinstance(failure, StreamError):
            raise failure.in_phase(Phase.BODY)
        if failure is not None:
            raise failure

    def _worth(self, wanted: int) -> int:
        """How much to take from the kernel for a reader that wants so much and may then stop for long.

        The latest piece stays in the library's generators until the next one comes, so the last one is to be small.
        What a coding makes of it is not known.
        """
        if wanted > WINDOW_FLOOR_BYTES:  # it has read on before
            return wanted
        if self._decoder.codes or wanted < 2 * SMALL_READ_BYTES:
            return min(wanted, SMALL_READ_BYTES)
        return wanted - SMALL_READ_BYTES

    async def _end(self) -> None:
        if self._connection.closing:
            await self._upload.stop()  # RFC 9112 section 9.6
        elif not self._upload.over:
            with self._timers.after_body():
                await self._upload.finish()
        self._raise_failed_upload()
        # Closes the connection unless both directions ended in order.
        await self._pieces.aclose()
        await self._raw.aclose()
        self._done = True
        self._close_decoder()
        self._release(self._connection)

    def _close_decoder(self) -> None:
        # While a `read` is on, a thread may be decoding: it closes the decoder itself when it is over.
        if not self._reading:
            self._decoder.close()

    def _fail(self, error: StreamError) -> None:
        if self._done:
            return
        self._failure = error
        self._done = True
        self._ready = b""
        self._close_decoder()
        self._upload.cancel()
        self._connection.close()
        self._release(self._connection)


def _closed_here() -> StreamError:
    return StreamError(ErrorCode.UPSTREAM_RESET, "the response was closed on this side", Phase.BODY)
