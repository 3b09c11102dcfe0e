"""One durable request: its exchange puts the answer into a spool, and its readers take it from there.

    the exchange ──► SpoolOutlet ──► DurableRequest: record, spool, share of the entry's bytes ──► readers

An upstream is read as long as the entry of `pages` has room. Where it has none, what every reader has acknowledged
goes first; without a reader nothing goes, and the upstream waits.
"""

from collections.abc import Callable
from typing import Final, Protocol

import structlog

from longwire.durable.budget import Share
from longwire.durable.listing import ListedRequest, short
from longwire.durable.record import Ending, Failure, Head, Record, RecordState
from longwire.durable.spool import Spool, SpoolFull
from longwire.engine.exchange import Exchange
from longwire.policy.grants import DurableLimits
from longwire.protocol.errors import Category, ErrorCode, Phase, StreamError
from longwire.protocol.limits import CHUNK_SHARED_BYTES, KIB
from longwire.protocol.messages import StreamHeaders
from longwire.protocol.records import Completeness, Timings
from longwire.streams.counters import Counters
from longwire.streams.memory import DecoderLoan
from longwire.streams.state import State
from longwire.streams.upload import Upload

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.durable")

# Beyond the room of an entry, where its readers have had everything: a page acknowledges a part of its window at a
# time, so what it owes may be all that is kept. The next bytes bring the acknowledgement.
OVER_BYTES: Final = 16 * KIB
# How long a policy that cannot be used is waited for, by what it neither allows nor forbids: to be mended, or replaced.
STANDS_STILL_MS: Final = 60_000
# Below this what is trimmed is coarser than what is kept.
MIN_ENTRY_BYTES: Final = 64 * KIB


class Follower(Protocol):
    """A reader, as far as what it reads has to do with it."""

    @property
    def position(self) -> int:
        """The next byte that it is given."""
        ...

    @property
    def taken(self) -> int:
        """Every byte below is acknowledged."""
        ...

    def feed(self, data: bytes, offset: int) -> None:
        """These bytes came; `offset` is that of the first."""
        ...

    def wake(self) -> None:
        """Something else changed."""
        ...

    def revoke(self, error: StreamError) -> None:
        """It may read no longer."""
        ...


class Surroundings(Protocol):
    """What a request has to do with the others, and with the disk."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        ...

    def moment_ms(self) -> int:
        """Milliseconds of a clock that nobody sets."""
        ...

    def changed(self, request: "DurableRequest") -> None:
        """Its record is to be written down."""
        ...

    def held(self, request: "DurableRequest") -> int:
        """How many bytes are kept for its entry."""
        ...

    def make_room(self, request: "DurableRequest") -> None:
        """Let others of the same entry throw away what their readers have."""
        ...

    def freed(self, request: "DurableRequest") -> None:
        """There is room in its entry."""
        ...


class DurableRequest:
    """From its claim until it is forgotten. `exchange` is there while it runs here."""

    def __init__(
        self, record: Record, spool: Spool, share: Share, limits: DurableLimits, surroundings: Surroundings
    ) -> None:
        self.record = record
        self.spool = spool
        self.share = share
        self.limits = limits
        self.exchange: Exchange | None = None
        self.deleted = False  # nothing of it is to be written any more
        self.ended_now: StreamError | None = None  # what it failed with in this process, as it was said
        self._readers: dict[Follower, None] = {}
        self._surroundings = surroundings
        self.alone_since_ms = surroundings.moment_ms()
        self.held_back = False  # its upstream waits for room
        self.stands_still: StreamError | None = None  # nothing is read from its upstream, and why
        self._still_since_ms = 0

    # --- what it is ------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether its end is still to come."""
        return self.record.state is RecordState.RUNNING

    @property
    def head(self) -> Head | None:
        """The response's head, once it is there."""
        return self.record.head

    @property
    def end(self) -> int:
        """How many bytes of the body there were."""
        return self.spool.end

    @property
    def max_bytes(self) -> int:
        """What its entry may hold."""
        return max(self.limits.max_bytes, MIN_ENTRY_BYTES)

    @property
    def readers(self) -> int:
        """How many pages read it now."""
        return len(self._readers)

    @property
    def error(self) -> StreamError | None:
        """What it ended with, if that was a failure."""
        failure = self.record.failure
        if self.ended_now is not None or failure is None:
            return self.ended_now
        return StreamError(failure.code, failure.message, failure.phase, retryable=failure.retryable)

    def listed(self) -> ListedRequest:
        """As it is told of."""
        told = ListedRequest.of(self.record, self.spool.first)
        return told._replace(bytes=self.end, readers=self.readers, elsewhere=False)

    # --- readers ---------------------------------------------------------------------------------------------

    def join(self, reader: Follower) -> None:
        """From here on nothing goes that it has not acknowledged."""
        self._readers[reader] = None

    def leave(self, reader: Follower) -> None:
        """It reads no longer."""
        self._readers.pop(reader, None)
        if not self._readers:
            self.alone_since_ms = self._surroundings.moment_ms()
        # It may have been the slowest; or there is nobody any more for whose sake the upstream may be read on.
        self.progressed()

    def progressed(self) -> None:
        """A reader acknowledged something: an upstream that was held back may be read on."""
        if self.held_back and self.exchange is not None and self.room() > 0:
            self.exchange.wake()

    def wake(self) -> None:
        """There may be room now."""
        if self.exchange is not None:
            self.exchange.wake()

    # --- standing still --------------------------------------------------------------------------------------

    def stand_still(self, error: StreamError) -> bool:
        """Read no more from the upstream, and let nobody read: it may pass. False: it has lasted for too long."""
        now_ms = self._surroundings.moment_ms()
        if self.stands_still is None:
            self.stands_still, self._still_since_ms = error, now_ms
            log.warning("durable request stands still", durable=short(self.record.id), reason=error.text)
            self.revoke(error)
        return now_ms - self._still_since_ms < STANDS_STILL_MS

    def go_on(self) -> None:
        """It may be read again."""
        self.stands_still = None
        self.wake()

    # --- room ------------------------------------------------------------------------------------------------

    def room(self) -> int:
        """How many bytes more may be kept now."""
        if self.stands_still is not None:
            return 0
        room = self.share.room(self.max_bytes)
        if room == 0:
            self.trim()
            room = self.share.room(self.max_bytes)
        if room == 0:
            self._surroundings.make_room(self)
            room = self.share.room(self.max_bytes)
        if room == 0 and self._readers and all(reader.position == self.end for reader in self._readers):
            room = max(0, self.max_bytes + OVER_BYTES - self._surroundings.held(self))
        self.held_back = room == 0
        return min(room, CHUNK_SHARED_BYTES)

    def trim(self) -> None:
        """Throw away what every reader has acknowledged, if there is a reader and more to come."""
        if self._readers and self.running:
            freed = self.spool.trim(min(reader.taken for reader in self._readers))
            if freed:
                self.share.give(freed)
                self._surroundings.freed(self)

    # --- from its exchange -----------------------------------------------------------------------------------

    def begin(self, head: Head) -> None:
        """The response's head is here. It is written down with the end: of a request that dies nothing can be had."""
        self.record = self.record.model_copy(update={"head": head})
        self._wake_readers()

    def push(self, data: bytes) -> None:
        """More of the body.

        Raises:
            SpoolFull: the disk takes no more.
        """
        offset = self.spool.end
        self.spool.append(data)
        self.share.take(len(data))
        for reader in list(self._readers):
            reader.feed(data, offset)

    def finish(self, ending: Ending) -> None:
        """The body is whole."""
        self._over(state=RecordState.ENDED, ending=ending)

    def fail(self, error: StreamError, *, now: bool = False) -> None:
        """It failed. `now`: what allowed it does so no longer, so nobody reads on."""
        failure = Failure(code=error.code, message=error.text, phase=error.phase, retryable=error.retryable)
        self.ended_now = error
        self._over(state=RecordState.FAILED, failure=failure)
        if now and error.info.category is Category.POLICY:
            self.revoke(error)

    def revoke(self, error: StreamError) -> None:
        """Nobody reads on."""
        for reader in list(self._readers):
            reader.revoke(error)

    def _over(self, **fields: object) -> None:
        now_ms = self._surroundings.now_ms()
        ended_ms = max(now_ms, self.record.started_ms)
        self._update(bytes=self.spool.end, ended_ms=ended_ms, **fields)

    def _update(self, **fields: object) -> None:
        self.record = self.record.model_copy(update=fields)
        self._surroundings.changed(self)
        self._wake_readers()

    def _wake_readers(self) -> None:
        for reader in list(self._readers):
            reader.wake()


class SpoolStream:
    """What an exchange sees of a durable request. See `OutgoingStream`."""

    upload: Upload | None = None

    def __init__(self, number: int, request: DurableRequest, decoders: DecoderLoan) -> None:
        self.id = number
        self.decoders = decoders
        self.counters = Counters()
        self.when_over: Callable[[], None] | None = None
        self.state = State.OPEN
        self._request = request

    @property
    def phase(self) -> Phase:
        """See `OutgoingStream`."""
        return Phase.BODY if self.state is State.BODY else Phase.HEADERS

    @property
    def pushed(self) -> int:
        """See `OutgoingStream`."""
        return self._request.end

    @property
    def spent(self) -> bool:
        """Only readers, or whoever forgets another request, can let it go on where there is no room."""
        return True


class SpoolOutlet:
    """Into the spool of a durable request. See `Outlet`."""

    gone = "the daemon ends"

    def __init__(self, stream: SpoolStream, request: DurableRequest, body_gone: Callable[[], None]) -> None:
        self.stream = stream
        self._request = request
        self._body_gone = body_gone

    def wants(self) -> int:
        """See `Outlet`."""
        return self._request.room() if self.stream.state is State.BODY else 0

    def taken(self) -> int:
        """Nothing is kept here for anybody."""
        return self.stream.pushed

    def allowed(self, grant: str) -> None:
        """Each reader has been allowed by itself."""

    async def may_begin(self) -> None:
        """At once."""

    def headers(self, head: StreamHeaders) -> None:
        """See `Outlet`."""
        if self.stream.state is State.OPEN:
            self.stream.state = State.BODY
            self._request.begin(
                Head(
                    url=head.url,
                    redirected=head.redirected,
                    status=head.status,
                    reason=head.reason,
                    headers=head.headers,
                )
            )

    def push(self, data: bytes) -> None:
        """See `Outlet`."""
        if self.stream.state is not State.BODY:
            return
        try:
            self._request.push(data)
        except SpoolFull as full:
            message = f"the disk takes no more of the response: {full.text}. What came before can be read"
            exchange = self._request.exchange
            assert exchange is not None  # noqa: S101  (it pushes)
            exchange.revoke(StreamError(ErrorCode.SPOOL_FULL, message, Phase.BODY))
            return
        self.stream.counters.pushed(0)

    def finish(self, completeness: Completeness, timings: Timings) -> None:
        """See `Outlet`."""
        if self.stream.state is State.BODY:
            self._close()
            self._request.finish(Ending(completeness=completeness, timings=timings))

    def fail(self, error: StreamError) -> None:
        """See `Outlet`."""
        if self.stream.state is not State.CLOSED:
            self._close()
            self._request.fail(error)

    def fail_now(self, error: StreamError) -> None:
        """See `Outlet`."""
        if self.stream.state is not State.CLOSED:
            self._close()
            self._request.fail(error, now=True)

    def waits_out(self, error: StreamError) -> bool:
        """A policy that cannot be used, once the answer has begun: before that something might yet be sent."""
        in_body = self.stream.state is State.BODY
        return in_body and error.code is ErrorCode.POLICY_INVALID and self._request.stand_still(error)

    def body_gone(self) -> None:
        """See `Outlet`."""
        self._body_gone()

    def acknowledge_body(self, consumed: int, window: int) -> None:
        """The body came whole."""

    def ask_body_again(self, again: int) -> None:
        """The body came whole."""

    def _close(self) -> None:
        self.stream.state = State.CLOSED
        over, self.stream.when_over = self.stream.when_over, None
        if over is not None:
            over()
