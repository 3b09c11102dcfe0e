"""One stream, from an accepted STREAM_START to its terminal frame.

    decide (policy) ──► open (upstream) ──► STREAM_HEADERS ──► pump: room? read, push, offer ──► STREAM_END

It runs as one task in one cancel scope. Whatever ends it, the socket is closed before the slot is free.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Protocol

import anyio
import anyio.lowlevel
import pybase64
import structlog

from longwire.native.log import audit_fields, failure_fields
from longwire.native.requests import RequestPlan, asker_of
from longwire.protocol.errors import ErrorCode, LongwireError, Phase, StreamError
from longwire.protocol.messages import StreamBody, StreamBodyEnd, StreamHeaders, StreamStart
from longwire.protocol.parts import InlineRequestBody, StreamedRequestBody, Timings
from longwire.streams.state import State
from longwire.streams.stream import Stream
from longwire.streams.upload import BadUpload, Upload
from longwire.upstream.model import Upstream, UpstreamResponse

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.stream")


class Outbox(Protocol):
    """Where a stream's frames go: the session, seen from one of its exchanges."""

    def send_control(self, frame: bytes) -> None:
        """Queue a frame that overtakes data."""
        ...

    async def room(self) -> None:
        """Wait until a large control frame may be queued: at once, but where the browser does not read."""
        ...

    def offer(self, stream: Stream) -> None:
        """Let the scheduler look at the stream again."""
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
    """Couples one `Stream` to one upstream request. Events from the page come in through the `on_…` methods."""

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
        self._upload = Upload(start.body.size) if isinstance(start.body, StreamedRequestBody) else None
        self._log = log.bind(**audit_fields(start), grant=None)
        self._audited = False

    # --- from the page ---------------------------------------------------------------------------------------

    def on_ack(self, consumed: int) -> None:
        """STREAM_ACK. Raises BadAck."""
        self.stream.window.on_consumed(consumed)
        self._resume()

    def on_pause(self, *, paused: bool) -> None:
        """STREAM_PAUSE and STREAM_RESUME."""
        self.stream.paused = paused
        self._resume()

    def on_sent(self) -> None:
        """A chunk of this stream left its buffer."""
        self._wake()

    def on_body(self, message: StreamBody) -> None:
        """STREAM_BODY. Raises BadUpload."""
        self._expect_upload().receive(message.offset, decode_base64(message.data))
        self._wake()

    def on_body_end(self, message: StreamBodyEnd) -> None:
        """STREAM_BODY_END. Raises BadUpload."""
        self._expect_upload().finish(message.bytes)
        self._wake()

    def on_abort(self, reason: str) -> None:
        """STREAM_ABORT: close the socket; STREAM_ABORTED follows when it is closed."""
        if self.stream.state in (State.ABORTING, State.CLOSED):
            return
        self._audit_end("abort", outcome="aborted", code=None, reason=reason)
        self.stream.abort()
        self._scope.cancel()
        if self.closed.is_set():
            self._outbox.send_control(self.stream.aborted())

    def kill(self, code: ErrorCode, message: str, *, retryable: bool) -> None:
        """End the stream at once with an error that overtakes its data."""
        if self.stream.state is State.ABORTING:
            self._scope.cancel()
        elif self.stream.live:
            phase = Phase.BODY if self.stream.state is State.BODY else Phase.HEADERS
            self._audit_failure(StreamError(code, message, phase))
            self._outbox.send_control(self.stream.fail_now(code, message, phase, retryable=retryable))
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
            if self.stream.state is State.ABORTING:
                self._outbox.send_control(self.stream.aborted())

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
                replace(plan.request(self._body()), memory=self.stream.decoders),
            )
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
        self._outbox.send_control(stream.headers(head))
        self._log.info("headers", status=response.status, ms=clock.headers_ms)
        while data := await response.read(await self._room()):
            if clock.first_byte_ms is None:
                clock.first_byte_ms = clock.elapsed_ms()
                self._log.info("first byte", ms=clock.first_byte_ms)
            plan.inspect(data, stream.pushed + len(data))
            stream.push(data)
            self._outbox.offer(stream)
            data = b""  # not held while nobody reads
        stream.finish(response.completeness, clock.timings())
        self._audit_end("end", outcome="completed", code=None, completeness=response.completeness)
        self._outbox.offer(stream)

    async def _room(self) -> int:
        """Wait until the page's credit and the read-ahead allow to read; returns how many bytes."""
        while not (room := self.stream.wants(self._outbox.read_ahead())):
            self._changed = anyio.Event()
            await self._changed.wait()
        return room

    def _body(self) -> bytes | AsyncIterator[bytes] | None:
        inline, self._inline = self._inline, None
        if inline is not None:
            return decode_base64(inline)
        return None if self._upload is None else self._stream_upload(self._upload)

    async def _stream_upload(self, upload: Upload) -> AsyncIterator[bytes]:
        """The request body as the page sends it, acknowledged as the socket takes it."""
        self._acknowledge(*upload.open())
        while True:
            piece = upload.take()
            if piece is not None:
                yield piece
                if (progress := upload.acknowledge()) is not None:
                    self._acknowledge(*progress)
            elif upload.complete:
                return
            else:
                self._changed = anyio.Event()
                await self._changed.wait()

    def _acknowledge(self, consumed: int, window: int) -> None:
        if (frame := self.stream.body_ack(consumed, window)) is not None:
            self._outbox.send_control(frame)

    def _expect_upload(self) -> Upload:
        if self._upload is None:
            raise BadUpload("STREAM_BODY for a stream that announced no streamed body")
        return self._upload

    def _fail(self, error: StreamError) -> None:
        if self.stream.state not in (State.OPEN, State.BODY):
            return
        self._audit_failure(error)
        self.stream.fail(error.code, error.message, error.phase, retryable=error.retryable)
        self._outbox.offer(self.stream)

    def _on_revoked(self, error: StreamError) -> None:
        """Another policy came into force and no longer allows this stream: nothing more of it reaches the page."""
        self.kill(error.code, error.message, retryable=error.retryable)

    def _audit_failure(self, error: StreamError) -> None:
        self._audit_end("error", **failure_fields(error, private=self._start.page.private))

    def _audit_end(self, event: str, **fields: object) -> None:
        """The one line about how the stream ended."""
        if not self._audited:
            self._audited = True
            self._log.info(event, **fields, bytes=self.stream.pushed, ms=self._clock.elapsed_ms())

    def _resume(self) -> None:
        self._outbox.offer(self.stream)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()


def inline_bytes(start: StreamStart) -> int:
    """How much the host holds of the request body, as it came."""
    return len(start.body.data) if isinstance(start.body, InlineRequestBody) else 0


def _without_inline_body(start: StreamStart) -> tuple[str | None, StreamStart]:
    if not isinstance(start.body, InlineRequestBody):
        return None, start
    emptied = start.body.model_copy(update={"data": ""})
    return start.body.data, start.model_copy(update={"body": emptied})


def decode_base64(text: str) -> bytes:
    """Bytes of a frame's `data`.

    Raises:
        BadUpload: not canonical base64.
    """
    try:
        return pybase64.b64decode(text, validate=True)
    except ValueError:
        raise BadUpload("data is not base64") from None
