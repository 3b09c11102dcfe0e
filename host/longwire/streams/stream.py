"""One stream's outgoing side: what it may send, in which order, and its one terminal frame."""

from collections.abc import Callable, Hashable

from longwire.fair_pool import FairPool
from longwire.protocol.errors import Phase, StreamError
from longwire.protocol.frames import encode, encode_chunk
from longwire.protocol.limits import CHUNK_SHARED_BYTES, WINDOW_FLOOR_BYTES
from longwire.protocol.messages import (
    StreamAborted,
    StreamBodyAck,
    StreamBodyAgain,
    StreamEnd,
    StreamErrorMessage,
    StreamHeaders,
)
from longwire.protocol.records import Completeness, Timings
from longwire.streams.counters import Counters
from longwire.streams.credit import Window
from longwire.streams.memory import DecoderLoan
from longwire.streams.packing import Packer
from longwire.streams.state import Event, State, advance
from longwire.streams.upload import Upload


class Stream:
    """Between the upstream (which pushes) and the scheduler (which takes). Every frame goes through the state table.

    `push` and `finish` are for the upstream side and are in order: a failure of the body reaches the page behind the
    bytes that came before it. `abort` and `fail_now` overtake, and drop what is buffered.
    """

    def __init__(
        self,
        stream_id: int,
        tab_frame: Hashable,
        pool: FairPool,
        decoders: DecoderLoan,
        packer: Packer | None = None,
    ) -> None:
        self.id = stream_id
        self.tab_frame = tab_frame
        self.window = Window(pool, tab_frame)
        self.decoders = decoders
        self._packer = packer  # where the extension undoes it
        self.state = State.OPEN
        self.upload: Upload | None = None  # of a request body that comes as a stream
        self.counters = Counters()
        self.when_over: Callable[[], None] | None = None  # called once, when the terminal message is taken, or never is
        self.grant: str | None = None  # what allowed it, as long as no STREAM_HEADERS said so
        self.queued = False  # whether it stands in the scheduler's round; kept here so that looking is free
        self._buffer = bytearray()
        self._announced_window: int | None = None
        self._last: tuple[Event, bytes] | None = None

    # --- the upstream's side ---------------------------------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether a terminal frame is still to come."""
        return self.state is not State.CLOSED

    @property
    def phase(self) -> Phase:
        """Where an error would find it that does not come from its exchange."""
        return Phase.BODY if self.state is State.BODY else Phase.HEADERS

    @property
    def pushed(self) -> int:
        """Bytes that came from upstream, sent or not."""
        return self.window.sent + len(self._buffer)

    @property
    def spent(self) -> bool:
        """Whether it neither has anything ready for the pipe nor may read anything before its page does."""
        return not self._buffer and not self.window.credit

    def wants(self, limit: int) -> int:
        """How many more bytes may be read from the socket now: within the credit, and up to `limit` buffered.

        While half of `limit` waits for the pipe, a small read is not worth while: it may be a large one after that.
        """
        if self.state is not State.BODY:
            return 0
        room = max(0, min(self.window.credit, limit) - len(self._buffer))
        return 0 if room <= WINDOW_FLOOR_BYTES and 2 * len(self._buffer) >= limit else room

    def headers(self, message: StreamHeaders) -> bytes:
        """The frame that opens the body."""
        self.state = advance(self.state, Event.HEADERS)
        self.grant = None
        return encode(message)

    def body_ack(self, consumed: int, window: int) -> bytes | None:
        """The frame that gives upload credit. None once the stream is over: its upload may run on for a turn of the
        loop until it is cancelled, and the terminal frame is out by then.
        """
        if self.state not in (State.OPEN, State.BODY):
            return None
        self.state = advance(self.state, Event.BODY_ACK)
        return encode(StreamBodyAck(type="STREAM_BODY_ACK", id=self.id, consumed=consumed, window=window))

    def body_again(self, again: int) -> bytes | None:
        """The frame that asks for the request body once more. None once the stream is over, as with `body_ack`."""
        if self.state is not State.OPEN:
            return None
        self.state = advance(self.state, Event.BODY_AGAIN)
        return encode(StreamBodyAgain(type="STREAM_BODY_AGAIN", id=self.id, again=again))

    def push(self, data: bytes) -> None:
        """Bytes from upstream, in order."""
        self._buffer += data
        self.counters.pushed(len(self._buffer))

    def finish(self, completeness: Completeness, timings: Timings) -> None:
        """The body is whole: STREAM_END follows the last buffered byte."""
        end = StreamEnd(type="STREAM_END", id=self.id, bytes=self.pushed, completeness=completeness, timings=timings)
        self._last = (Event.END, encode(end))

    def fail(self, error: StreamError) -> None:
        """The upstream failed: STREAM_ERROR follows the last buffered byte."""
        self._last = (Event.ERROR, encode(error_message(self.id, error, self.grant)))

    # --- the scheduler's side --------------------------------------------------------------------------------

    @property
    def sendable(self) -> bool:
        """Whether `take` would give a frame."""
        if self.state not in (State.OPEN, State.BODY):
            return False
        if self._buffer:
            return self.window.credit > 0
        return self._last is not None

    @property
    def ready(self) -> int:
        """Bytes that `take` would give now if there were no limit. Only when `sendable`."""
        return min(len(self._buffer), self.window.credit)

    def take(self, limit: int = CHUNK_SHARED_BYTES) -> bytes:
        """The next frame: a chunk of at most `limit` bytes, or the terminal frame once the buffer is empty.

        Only when `sendable`.
        """
        if not self._buffer:
            return self._take_last()
        offset = self.window.sent
        size = min(len(self._buffer), self.window.credit, limit)
        if size == len(self._buffer):
            data, self._buffer = self._buffer, bytearray()
        else:
            data = self._buffer[:size]
            del self._buffer[:size]
        self.state = advance(self.state, Event.CHUNK)
        self.window.on_sent(size)
        window = self.window.size
        announced = None if window == self._announced_window else window
        self._announced_window = window
        packed = None if self._packer is None else self._packer.pack(data)
        if packed is None:
            self.counters.left(size, packed=False)
            return encode_chunk(self.id, offset, data, announced)
        self.counters.left(len(packed), packed=True)
        return encode_chunk(self.id, offset, packed, announced, plain_bytes=size)

    @property
    def terminal_next(self) -> bool:
        """Whether the next frame is the terminal one: it counts as control and overtakes data of others."""
        return self._last is not None and not self._buffer and self.state in (State.OPEN, State.BODY)

    def _take_last(self) -> bytes:
        assert self._last is not None  # noqa: S101  (`sendable` said so)
        event, frame = self._last
        self._close(event)
        return frame

    # --- what overtakes --------------------------------------------------------------------------------------

    def abort(self) -> None:
        """The page gave up: nothing more is sent but STREAM_ABORTED, once the socket is closed."""
        self.state = advance(self.state, Event.ABORT)
        self._buffer.clear()
        self._last = None

    def aborted(self) -> bytes:
        """The frame that confirms an abort."""
        self._close(Event.ABORTED)
        return encode(StreamAborted(type="STREAM_ABORTED", id=self.id))

    def fail_now(self, error: StreamError) -> bytes:
        """The terminal frame of a failure that must not wait behind data: a protocol error, a shutdown."""
        self._close(Event.ERROR)
        return encode(error_message(self.id, error, self.grant))

    def drop(self) -> None:
        """Nothing more of it leaves, its terminal message neither: the channel is gone."""
        over, self.when_over = self.when_over, None
        if over is not None:
            over()

    def _close(self, event: Event) -> None:
        self.state = advance(self.state, event)
        self._buffer.clear()
        self._last = None
        self.window.close()
        self.drop()


def error_message(stream_id: int, error: StreamError, grant: str | None = None) -> StreamErrorMessage:
    """`error` as the page is told of it; the grant is the worker's alone. Its text fits: see `LongwireError`."""
    return StreamErrorMessage(
        type="STREAM_ERROR",
        id=stream_id,
        code=error.code,
        message=error.text,
        phase=error.phase,
        retryable=error.retryable,
        first=error.first,
        grant=grant,
    )
