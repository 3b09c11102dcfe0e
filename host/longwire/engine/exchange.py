"""One stream, from an accepted STREAM_START to its terminal frame.

    decide (policy) ──► open (upstream) ──► STREAM_HEADERS ──► pump: room? read, push, offer ──► STREAM_END

It runs as one task in one cancel scope. Whatever ends it, the socket is closed before the slot is free.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Protocol

import anyio
import anyio.lowlevel
import structlog

from longwire.audit.vocabulary import audit_fields, failure_fields
from longwire.engine.authorization import RequestPlan, asker_of
from longwire.protocol.errors import ErrorCode, LongwireError, Phase, StreamError
from longwire.protocol.messages import StreamHeaders, StreamStart
from longwire.protocol.records import Completeness, InlineRequestBody, StreamedRequestBody, Timings
from longwire.streams.state import State
from longwire.streams.stream import Stream
from longwire.streams.upload import BadUpload, Upload, decode_base64
from longwire.upstream.model import Upstream, UpstreamResponse

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.stream")


class Outbox(Protocol):
    """What an exchange has for its page, and what it must know of the way there. See `Connection`."""

    def headers(self, stream: Stream, head: StreamHeaders) -> None:
        """The response's head."""
        ...

    def push(self, stream: Stream, data: bytes) -> None:
        """The next bytes of the body."""
        ...

    def finish(self, stream: Stream, completeness: Completeness, timings: Timings) -> None:
        """The body is whole."""
        ...

    def fail(self, stream: Stream, error: StreamError) -> None:
        """The upstream failed, behind the bytes that came."""
        ...

    def fail_now(self, stream: Stream, error: StreamError) -> None:
        """The stream ends with an error that overtakes its bytes."""
        ...

    def acknowledge_body(self, stream: Stream, consumed: int, window: int) -> None:
        """Upload credit."""
        ...

    def ask_body_again(self, stream: Stream, again: int) -> None:
        """The request body is wanted once more, from its first byte."""
        ...

    async def room(self) -> None:
        """Wait until a large control frame may be queued: at once, but where the browser does not read."""
        ...

    def body_gone(self, stream: Stream) -> None:
        """The stream's inline request body is held no longer."""
        ...

    def read_ahead(self) -> int:
        """How many bytes a stream may hold ready for the pipe."""
        ...


@dataclass(slots=True)
class Clock:
    """Milliseconds since the start was accepted, at each point of a stream's life."""

    started: float
    connected_ms: int | None = None
    headers_ms: int | None = None
    first_byte_ms: int | None = None

    def since_start_ms(self, moment: float) -> int:
        """A moment of the loop's clock."""
        return max(0, round((moment - self.started) * 1000))

    def elapsed_ms(self) -> int:
        """Now."""
        return self.since_start_ms(anyio.current_time())

    def timings(self) -> Timings:
        """For STREAM_END."""
        return Timings(
            connected_ms=self.connected_ms,
            headers_ms=self.headers_ms,
            first_byte_ms=self.first_byte_ms,
            total_ms=self.elapsed_ms(),
        )


class Exchange:
    """Couples one `Stream` to one upstream request."""

    def __init__(
        self,
        start: StreamStart,
        stream: Stream,
        outbox: Outbox,
        upstream: Upstream,
        plan: Callable[[StreamStart], RequestPlan],
    ) -> None:
        self.stream = stream
        self.asker = asker_of(start)
        self.closed = anyio.Event()  # the task is over: socket closed, places given back
        # Apart from the start, which lives as long as the stream: a body is let go once it was sent.
        self._inline, self._start = _without_inline_body(start)
        self._outbox = outbox
        self._upstream = upstream
        self._make_plan = plan
        self._scope = anyio.CancelScope()
        self._changed = anyio.Event()
        self._clock = Clock(anyio.current_time())
        self._log = log.bind(**audit_fields(start), grant=None)
        self._audited = False

    # --- from the connection ---------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something changed that the task may be waiting for: credit, body bytes, a chunk that left."""
        # Both bodies may wait, each for something else.
        self._changed.set()
        self._changed = anyio.Event()

    def on_abort(self, reason: str) -> None:
        """The page gave up: close the socket."""
        self._audit_end("abort", outcome="aborted", code=None, reason=reason)
        self._scope.cancel()

    def end(self, error: StreamError) -> None:
        """The stream ended with `error`, which the page is told already."""
        self._audit_failure(error)
        self._scope.cancel()

    # --- the task --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Carry the request out. Returns when the socket is closed; never raises but on cancellation from outside."""
        try:
            with self._scope:
                await self._carry_out()
        except StreamError as error:
            self._fail(error)
        except LongwireError as error:
            self._fail(StreamError(error.code, error.message, Phase.POLICY))
        except BadUpload as error:
            self._fail(StreamError(ErrorCode.PROTOCOL, str(error), Phase.POLICY))
        except Exception as error:  # noqa: BLE001  (one stream's defect must not take the others down)
            self._log.error("defect", exc_info=error)
            message = "the host failed inside and dropped this stream; its log says where (`longwire logs`)"
            self._fail(StreamError(ErrorCode.HOST_LOST, message, Phase.CLOSE))
        finally:
            self.closed.set()
            # Without effect but where the task was cancelled from outside, with the whole session.
            self._audit_end("abort", outcome="aborted", code=None, reason="the channel to the browser is gone")

    async def _carry_out(self) -> None:
        # Aborted in the very batch that started it: nothing was decided, no place, rate or secret is touched.
        await anyio.lowlevel.checkpoint_if_cancelled()
        plan = self._make_plan(self._start)
        try:
            await plan.begin(self._on_revoked)
            self._log = self._log.bind(grant=plan.grant_name)
            self._log.info("start", outcome="allowed")
            # Without a name for the request: it would hold the body as long as the stream lives.
            response = await self._upstream.open(
                replace(plan.request(self._body(), self._body_again()), memory=self.stream.decoders),
            )
            if not response.uploading:
                self._outbox.body_gone(self.stream)
            try:
                # An abort in the very turn of the loop that brought the response found nothing left to cancel.
                await anyio.lowlevel.checkpoint_if_cancelled()
                await self._outbox.room()
                await self._deliver(plan, response)
            finally:
                with anyio.CancelScope(shield=True):
                    await response.aclose()
        except StreamError:
            await plan.failed()
            raise
        finally:
            self.stream.decoders.close()
            plan.close()

    async def _deliver(self, plan: RequestPlan, response: UpstreamResponse) -> None:
        stream, clock = self.stream, self._clock
        connected_at = response.timings.connected_at
        clock.connected_ms = None if connected_at is None else clock.since_start_ms(connected_at)
        clock.headers_ms = clock.since_start_ms(response.timings.headers_at)
        head = StreamHeaders(
            type="STREAM_HEADERS",
            id=stream.id,
            url=response.url,
            redirected=response.redirected,
            status=response.status,
            reason=response.reason[:200],
            headers=plan.response_headers(
                response.headers,
                response.reason,  # whole: the guard looks at it before it is cut
                response.url if response.redirected else "",
                status=response.status,
            ),
        )
        self._log = self._log.bind(grant=plan.grant_name)  # of the last hop
        self._outbox.headers(stream, head)
        self._log.info("headers", status=response.status, ms=clock.headers_ms)
        while data := await response.read(await self._room()):
            if clock.first_byte_ms is None:
                clock.first_byte_ms = clock.elapsed_ms()
                self._log.info("first byte", ms=clock.first_byte_ms)
            plan.inspect(data, stream.pushed + len(data))
            self._outbox.push(stream, data)
            data = b""  # not held while nobody reads
        self._audit_end("end", outcome="completed", code=None, completeness=response.completeness)
        self._outbox.finish(stream, response.completeness, clock.timings())

    async def _room(self) -> int:
        """Wait until the page's credit and the read-ahead allow to read; returns how many bytes."""
        while not (room := self.stream.wants(self._outbox.read_ahead())):
            await self._changed.wait()
        return room

    def _body(self) -> bytes | AsyncIterator[bytes] | None:
        inline, self._inline = self._inline, None
        if inline is not None:
            return decode_base64(inline)
        upload = self.stream.upload
        return None if upload is None else self._stream_upload(upload)

    def _body_again(self) -> Callable[[], AsyncIterator[bytes]] | None:
        body, upload = self._start.body, self.stream.upload
        if upload is None or not (isinstance(body, StreamedRequestBody) and body.repeatable):
            return None
        return lambda: self._stream_upload(upload, again=True)

    async def _stream_upload(self, upload: Upload, *, again: bool = False) -> AsyncIterator[bytes]:
        """The request body as the page sends it, acknowledged as the socket takes it."""
        if again:
            self._outbox.ask_body_again(self.stream, upload.again())
        self._outbox.acknowledge_body(self.stream, *upload.open())
        while True:
            piece = upload.take()
            if piece is not None:
                yield piece
            if (progress := upload.acknowledge()) is not None:
                self._outbox.acknowledge_body(self.stream, *progress)
            if piece is None:
                if upload.complete:
                    return
                await self._changed.wait()

    def _fail(self, error: StreamError) -> None:
        if self.stream.state not in (State.OPEN, State.BODY):
            return
        self._audit_failure(error)
        self._outbox.fail(self.stream, error)

    def _on_revoked(self, error: StreamError) -> None:
        """Another policy came into force and no longer allows this stream: nothing more of it reaches the page."""
        if self.stream.state in (State.OPEN, State.BODY):
            error = StreamError(error.code, error.message, self.stream.phase, retryable=error.retryable)
            self._audit_failure(error)
            self._outbox.fail_now(self.stream, error)
        self._scope.cancel()

    def _audit_failure(self, error: StreamError) -> None:
        self._audit_end("error", **failure_fields(error, private=self._start.page.private))

    def _audit_end(self, event: str, **fields: object) -> None:
        """The one line about how the stream ended."""
        if not self._audited:
            self._audited = True
            self._log.info(event, **fields, bytes=self.stream.pushed, ms=self._clock.elapsed_ms())


def _without_inline_body(start: StreamStart) -> tuple[str | None, StreamStart]:
    if not isinstance(start.body, InlineRequestBody):
        return None, start
    emptied = start.body.model_copy(update={"data": ""})
    return start.body.data, start.model_copy(update={"body": emptied})
