"""The host's end of the protocol with one extension, without I/O: bytes in, events out, bytes to send.

    receive(bytes, now) ──► events          tick(now) ──► events          data_to_send() ──► bytes
    headers, push, finish, fail … (what an exchange has for its page)      closed(stream)

Handshake, version skew, ids, late messages, violations, the caps on streams, liveness, the machine's sleep and the last
message are decided here and nowhere else. It knows no clock: `now` is seconds of a monotonic clock, whichever.

A stream's slot is free after both: its terminal message was taken to be sent, and the engine said `closed`, in either
order. Both are said of the stream object and not of its id, because ids repeat across connections.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from longwire import __version__
from longwire.protocol.errors import ErrorCode, FrameError, LongwireError, Phase, StreamError
from longwire.protocol.frames import BadMessage, FrameDecoder, encode, parse_to_host
from longwire.protocol.limits import (
    MAX_STREAMS_PER_HOST,
    MAX_STREAMS_PER_TAB_FRAME,
    PEER_SILENCE_MS,
    PING_INTERVAL_MS,
    PROTOCOL_VERSION,
    WINDOW_MAX_BYTES,
)
from longwire.protocol.messages import (
    Fatal,
    FromHost,
    Hello,
    StatusRequest,
    StreamAbort,
    StreamAck,
    StreamBody,
    StreamBodyEnd,
    StreamHeaders,
    StreamPing,
    StreamPong,
    StreamStart,
    Switches,
    ToHost,
    Welcome,
)
from longwire.protocol.records import (
    Completeness,
    InlineRequestBody,
    Limits,
    PolicySummary,
    StreamedRequestBody,
    Timings,
)
from longwire.streams.credit import BadAck
from longwire.streams.events import (
    Aborted,
    ConnectionEvent,
    Greeted,
    Noted,
    Over,
    Progressed,
    Refused,
    Started,
    StatusAsked,
    Switched,
    Violated,
)
from longwire.streams.late_messages import receiver
from longwire.streams.packing import ENCODING
from longwire.streams.scheduler import Scheduler
from longwire.streams.state import State
from longwire.streams.stream import Stream, error_message
from longwire.streams.table import StreamTable
from longwire.streams.upload import BadUpload, Upload, decode_base64
from longwire.streams.version import GRANT, TAKEN, VersionMismatch, as_known, head_as_known

# A tick this late means that the machine slept; silence during sleep says nothing about the other end.
SLEPT_S: Final = 10.0


class Connection:
    """One connection to one extension, from before HELLO to its last message."""

    def __init__(self, now: float) -> None:
        self._table = StreamTable()
        self._scheduler = Scheduler()
        self._decoder = FrameDecoder()
        self._closed: set[Stream] = set()  # socket and task are gone, the terminal message is still to be taken
        self._greeted = False
        self._knows: frozenset[str] = frozenset()
        self._over = False
        self._last_heard = self._last_ping = self._last_tick = now
        self._pings = 0
        self._handlers: dict[type[ToHost], Callable[[Any], ConnectionEvent | None]] = {
            StreamStart: self._on_start,
            StreamBody: lambda m: self._on_stream(m.id, lambda stream: _receive_body(stream, m)),
            StreamBodyEnd: lambda m: self._on_stream(m.id, lambda stream: _finish_body(stream, m)),
            StreamAck: lambda m: self._on_stream(m.id, lambda stream: stream.window.on_consumed(m.consumed)),
            StreamAbort: self._on_abort,
            StreamPong: lambda _: None,  # hearing it was the point
            StatusRequest: StatusAsked,
            Switches: Switched,
        }

    # --- bytes in --------------------------------------------------------------------------------------------

    @property
    def greeted(self) -> bool:
        """Whether HELLO came."""
        return self._greeted

    @property
    def over(self) -> bool:
        """Whether nothing more is received."""
        return self._over

    def receive(self, data: bytes, now: float) -> Iterator[ConnectionEvent | None]:
        """Take `data`, any split of frames, at once; b"" is the end of input.

        Its frames are handled as the events are asked for: an event or None for each frame, so that the caller can do
        other things in between.
        """
        self._last_heard = now
        if self._over:
            return iter(())
        return self._events(self._decoder.feed(data)) if data else self._end_of_input()

    def lose(self, reason: str) -> ConnectionEvent | None:
        """The channel is gone, or its other end: nothing is received or sent any more."""
        if self._over:
            return None
        self._over = True
        return Over(reason)

    def drop(self) -> None:
        """The engine's word that nothing is sent any more: what waited to leave does not."""
        for stream in self._table:
            stream.drop()

    def tick(self, now: float) -> list[ConnectionEvent]:
        """Once a second or so: windows shrink, the other end is asked whether it lives, its silence is judged."""
        if self._over:
            return []
        if now - self._last_tick > SLEPT_S:
            self._last_heard = now
        self._last_tick = now
        for stream in self._table:
            stream.window.tick()
        if not len(self._table):
            self._last_heard = self._last_ping = now  # silence is judged only while streams live
            return []
        if (now - self._last_ping) * 1000 >= PING_INTERVAL_MS:
            self._last_ping = now
            self._pings += 1
            self.send(StreamPing(type="STREAM_PING", seq=self._pings))
        if (now - self._last_heard) * 1000 < PEER_SILENCE_MS:
            return []
        self._over = True
        return [Over(f"no frame from the extension for {now - self._last_heard:.0f} s")]

    # --- bytes to send ---------------------------------------------------------------------------------------

    @property
    def backlogged(self) -> bool:
        """Whether so many messages wait that there must not be more: the other end does not read."""
        return self._scheduler.backlogged

    @property
    def idle(self) -> bool:
        """Whether there is nothing to send."""
        return self._scheduler.idle

    def data_to_send(self) -> tuple[bytes, list[Stream]]:
        """What leaves next, b"" if nothing: all messages that overtake, and behind them as much as one chunk at most.

        With it the streams whose chunks these were: they may read on.
        """
        frames, streams = self._scheduler.next_step()
        for stream in streams:
            self._settle(stream)
        return b"".join(frames), streams

    def welcome(self, policy: PolicySummary) -> None:
        """Answer HELLO."""
        limits = Limits(
            streams_per_frame=MAX_STREAMS_PER_TAB_FRAME,
            streams_per_host=MAX_STREAMS_PER_HOST,
            window_max_bytes=WINDOW_MAX_BYTES,
        )
        self.send(
            Welcome(
                type="WELCOME",
                protocol=PROTOCOL_VERSION,
                host=__version__,
                limits=limits,
                policy=policy,
                takes=TAKEN,
            )
        )

    def send(self, message: FromHost) -> None:
        """Queue a message that overtakes all bodies. After the last message it does nothing."""
        self._queue(encode(as_known(message, self._knows)))

    # --- what an exchange has for its page -------------------------------------------------------------------

    @property
    def streams(self) -> int:
        """How many slots are taken."""
        return len(self._table)

    @property
    def read_ahead(self) -> int:
        """Bytes that each stream may hold ready now."""
        return self._scheduler.read_ahead

    def allowed(self, stream: Stream, grant: str) -> None:
        """Which grant lets its request be carried out."""
        if GRANT in self._knows:
            stream.grant = grant

    def headers(self, stream: Stream, head: StreamHeaders) -> None:
        """The response's head."""
        if not self._over and stream.state is State.OPEN:
            self._queue(stream.headers(head_as_known(head, self._knows)))

    def acknowledge_body(self, stream: Stream, consumed: int, window: int) -> None:
        """Upload credit. Without effect once the stream is over: its upload may run on until it is cancelled."""
        if not self._over and (frame := stream.body_ack(consumed, window)) is not None:
            self._queue(frame)

    def ask_body_again(self, stream: Stream, again: int) -> None:
        """The request body is wanted once more. Without effect once the stream is over, as with `acknowledge_body`."""
        if not self._over and (frame := stream.body_again(again)) is not None:
            self._queue(frame)

    def push(self, stream: Stream, data: bytes) -> None:
        """The next bytes of the body."""
        if not self._over and stream.state is State.BODY:
            stream.push(data)
            self._offer(stream)

    def finish(self, stream: Stream, completeness: Completeness, timings: Timings) -> None:
        """The body is whole: STREAM_END follows its last byte."""
        if not self._over and stream.state is State.BODY:
            stream.finish(completeness, timings)
            self._offer(stream)

    def fail(self, stream: Stream, error: StreamError) -> None:
        """The upstream failed: STREAM_ERROR follows the last byte that came."""
        if not self._over and stream.state in (State.OPEN, State.BODY):
            stream.fail(error)
            self._offer(stream)

    def fail_now(self, stream: Stream, error: StreamError) -> bool:
        """End the stream with an error that overtakes its bytes. False if it is over, or being aborted, already."""
        if self._over or stream.state not in (State.OPEN, State.BODY):
            return False
        self._queue(stream.fail_now(error))
        self._settle(stream)
        return True

    def body_gone(self, stream: Stream) -> None:
        """The stream's inline request body is held no longer."""
        if self._table.get(stream.id) is stream:
            self._table.body_gone(stream)

    def closed(self, stream: Stream) -> None:
        """The engine's word that the stream's socket and task are gone. Idempotent."""
        if self._table.get(stream.id) is not stream or stream in self._closed:
            return
        self._closed.add(stream)
        if stream.state is State.ABORTING:
            self._queue(stream.aborted())
        self._settle(stream)

    # --- frames ----------------------------------------------------------------------------------------------

    def _events(self, payloads: Iterator[bytes]) -> Iterator[ConnectionEvent | None]:
        try:
            for payload in payloads:
                if self._over:  # lost since the frame before was handled
                    return
                yield self._receive(payload)
        except VersionMismatch as mismatch:
            yield from self._fatal(mismatch, mismatch.fix)
        except LongwireError as error:
            yield from self._fatal(error, "reload the extension; if it happens again, update it")

    def _end_of_input(self) -> Iterator[ConnectionEvent]:
        self._over = True
        if self._decoder.mid_frame:
            yield Noted("channel ended inside a frame", "")
        yield Over(f"the browser closed the input{'' if self._greeted else ' before HELLO'}")

    def _fatal(self, failure: LongwireError, fix: str) -> Iterator[ConnectionEvent]:
        for stream in self._table:
            error = StreamError(failure.code, failure.text, stream.phase, retryable=False)
            if self.fail_now(stream, error):
                yield Violated(stream, error)
        self.send(Fatal(type="FATAL", code=failure.code, message=failure.text, fix=fix))
        self._over = True
        yield Over(failure.text, failure.code)

    def _receive(self, payload: bytes) -> ConnectionEvent | None:
        try:
            message = parse_to_host(payload)
        except BadMessage as bad:
            return self._on_bad_message(bad)
        if not self._greeted:
            return self._greet(message)
        if isinstance(message, Hello):
            raise FrameError("a second HELLO")
        return self._handlers[type(message)](message)

    def _greet(self, message: ToHost) -> ConnectionEvent:
        if not isinstance(message, Hello):
            raise FrameError(f"{message.type} before HELLO")
        if message.protocol != PROTOCOL_VERSION:
            raise VersionMismatch(message.protocol, message.extension)
        self._greeted = True
        self._table.packs = ENCODING in (message.chunk_encodings or ())
        self._knows = frozenset(message.knows or ())
        return Greeted(message.extension)

    def _on_bad_message(self, bad: BadMessage) -> ConnectionEvent | None:
        """A bad frame of one stream ends that stream; any other ends the connection."""
        if not self._greeted or bad.stream_id is None:
            raise bad
        if (stream := receiver(self._table, bad.stream_id)) is not None:
            return self._violate(stream, bad.text)
        if bad.message_type == "STREAM_START" and self._table.get(bad.stream_id) is None:
            return self._refuse(bad.stream_id, StreamError(ErrorCode.PROTOCOL, bad.text, Phase.POLICY), None)
        return Noted("bad frame for a past stream", bad.text)

    def _on_start(self, start: StreamStart) -> ConnectionEvent | None:
        known = self._table.get(start.id)
        if known is not None:
            return self._violate(known, f"a second STREAM_START with id {start.id}")
        page = start.page
        try:
            # The writer has streams of its own: a page could else count them, and leave it none.
            frame = (page.tab, page.frame, page.document, page.principal)
            stream = self._table.open(start.id, frame, page.tab, _inline_bytes(start))
        except StreamError as error:
            return self._refuse(start.id, error, start)
        if isinstance(start.body, StreamedRequestBody):
            size = start.body.size
            widen = partial(self._table.widen_upload, stream)
            stream.upload = Upload(size, self._table.upload_window(stream, size), widen)
        self._scheduler.live_streams = len(self._table)
        return Started(stream, start)

    def _on_stream(self, stream_id: int, act: Callable[[Stream], None]) -> ConnectionEvent | None:
        if (stream := receiver(self._table, stream_id)) is None:
            return None
        try:
            act(stream)
        except (BadAck, BadUpload) as error:
            return self._violate(stream, str(error))
        self._offer(stream)
        return Progressed(stream)

    def _on_abort(self, message: StreamAbort) -> ConnectionEvent | None:
        if (stream := receiver(self._table, message.id)) is None:
            return None
        stream.abort()
        if stream in self._closed:
            self._queue(stream.aborted())
            self._settle(stream)
        return Aborted(stream, message.reason)

    # --- ends ------------------------------------------------------------------------------------------------

    def _violate(self, stream: Stream, text: str) -> ConnectionEvent | None:
        error = StreamError(ErrorCode.PROTOCOL, text, stream.phase, retryable=False)
        return Violated(stream, error) if self.fail_now(stream, error) else None

    def _refuse(self, stream_id: int, error: StreamError, start: StreamStart | None) -> ConnectionEvent:
        self.send(error_message(stream_id, error))
        return Refused(stream_id, error, start)

    def _queue(self, frame: bytes) -> None:
        if not self._over:
            self._scheduler.add_control(frame)

    def _offer(self, stream: Stream) -> None:
        self._scheduler.offer(stream)
        self._settle(stream)

    def _settle(self, stream: Stream) -> None:
        if not stream.live and stream in self._closed:
            self._closed.discard(stream)
            self._table.remove(stream)
            self._scheduler.forget(stream)
            self._scheduler.live_streams = len(self._table)


def _inline_bytes(start: StreamStart) -> int:
    """How much the host holds of the request body, as it came."""
    return len(start.body.data) if isinstance(start.body, InlineRequestBody) else 0


def _expect_upload(stream: Stream) -> Upload:
    if stream.upload is None:
        raise BadUpload("STREAM_BODY for a stream that announced no streamed body")
    return stream.upload


def _receive_body(stream: Stream, message: StreamBody) -> None:
    _expect_upload(stream).receive(message.offset, decode_base64(message.data), message.again or 0)


def _finish_body(stream: Stream, message: StreamBodyEnd) -> None:
    _expect_upload(stream).finish(message.bytes, message.again or 0)
