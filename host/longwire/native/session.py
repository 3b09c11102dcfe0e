"""The engine: handshake, dispatch, fairness, timers, and the end of everything, over one channel.

Three loops share one event loop: receive (frames in), send (the scheduler's next step out), tick (windows, pings,
policy changes). Streams are tasks beside them. When the channel is lost, everything is cancelled and every socket
closes. Where output is not read, what would make more of it waits: input, and heads of responses.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypedDict

import anyio
import anyio.abc
import structlog

from longwire import __version__
from longwire.native.channel import Channel, ChannelLost
from longwire.native.exchange import Exchange, inline_bytes
from longwire.native.last_words import LAST_WORDS, START_FAILED
from longwire.native.live_policy import LivePolicy
from longwire.native.log import audit_fields, failure_fields, tick
from longwire.native.requests import RequestPlanner
from longwire.native.suspending import fix_for
from longwire.policy import Policy as PolicyInForce
from longwire.policy import Suspensions
from longwire.protocol.errors import ErrorCode, FrameError, LongwireError, Phase, StreamError
from longwire.protocol.frames import BadMessage, FrameDecoder, encode, parse_to_host
from longwire.protocol.limits import (
    MAX_MESSAGE_CHARS,
    MAX_STREAMS_PER_FRAME,
    MAX_STREAMS_PER_HOST,
    PEER_SILENCE_MS,
    PING_INTERVAL_MS,
    PROTOCOL_VERSION,
    WINDOW_MAX_BYTES,
)
from longwire.protocol.messages import (
    Fatal,
    FromHost,
    Hello,
    Policy,
    Status,
    StatusRequest,
    StreamAbort,
    StreamAck,
    StreamBody,
    StreamBodyEnd,
    StreamErrorMessage,
    StreamPause,
    StreamPing,
    StreamPong,
    StreamResume,
    StreamStart,
    ToHost,
    Welcome,
)
from longwire.protocol.parts import BridgeState, Limits, PolicyState
from longwire.streams.credit import BadAck
from longwire.streams.scheduler import Scheduler
from longwire.streams.state import State
from longwire.streams.stream import Stream
from longwire.streams.table import StreamTable
from longwire.streams.upload import BadUpload
from longwire.turns import Turns
from longwire.upstream.model import Upstream

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.session")

TICK_S = 1.0
# A policy is read before the greeting that tells of it, unless that takes so long; then POLICY tells.
FIRST_POLICY_S = 0.5
# A tick this late means that the machine slept; silence during sleep says nothing about the other end.
SLEPT_S = 10.0
# Whose work a frame is before it is read.
_BROWSER: Final = "the browser"


class Session:
    """One connection to one extension. `run` returns when it is over."""

    def __init__(
        self,
        channel: Channel,
        policy: LivePolicy,
        upstream: Upstream,
        suspensions: Suspensions | None = None,
        *,
        turns: Turns | None = None,
    ) -> None:
        """Without `suspensions` what the reflection guard finds is forgotten with the session. `turns` are those of
        everything else in this event loop.
        """
        self._turns = turns or Turns()
        self._channel = channel
        self._policy = policy
        self._suspensions = suspensions or Suspensions()
        self._planner = RequestPlanner(policy, suspensions=self._suspensions)
        self._upstream = upstream
        self._table = StreamTable()
        self._scheduler = Scheduler()
        self._exchanges: dict[int, Exchange] = {}
        # Of each page those that it aborted and whose socket is not closed yet, by id.
        self._aborting: dict[str, dict[int, Exchange]] = {}
        # What each page was told of the policy since the last piece of input came. Looking at the files costs more than
        # all else in an answer, and what came in one piece was asked at one time.
        self._statuses: dict[tuple[str, bool], _StatusFields] = {}
        self._work = anyio.Event()  # something to send
        self._unsent = b""  # of a step that was taken, what the channel did not take at once
        self._sent_at_once = False  # in this round of the loop
        self._written = anyio.Event()  # a step was written
        self._writing = False
        self._greeted = False
        self._reason = ""  # why it is over, for the log
        self._last_heard = anyio.current_time()
        self._last_ping = anyio.current_time()
        self._pings = 0
        self._tasks: anyio.abc.TaskGroup | None = None
        self._handlers: dict[type, Callable[..., None]] = {
            StreamStart: self._on_start,
            StreamBody: lambda m: self._on_stream(m.id, lambda exchange: exchange.on_body(m)),
            StreamBodyEnd: lambda m: self._on_stream(m.id, lambda exchange: exchange.on_body_end(m)),
            StreamAck: lambda m: self._on_stream(m.id, lambda exchange: exchange.on_ack(m.consumed)),
            StreamPause: lambda m: self._on_stream(m.id, lambda exchange: exchange.on_pause(paused=True)),
            StreamResume: lambda m: self._on_stream(m.id, lambda exchange: exchange.on_pause(paused=False)),
            StreamAbort: lambda m: self._on_stream(m.id, lambda exchange: exchange.on_abort(m.reason)),
            StreamPong: lambda _: None,  # hearing it was the point
            StatusRequest: self._on_status_request,
        }

    # --- the three loops -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Serve until the channel ends or the bridge cannot go on. All sockets are closed on return."""
        unwatch = self._policy.watch(self._announce)
        # Popups ask anew when they hear of the policy.
        unwatch_suspensions = self._suspensions.watch(lambda: self._announce(self._policy.current()))
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                tasks.start_soon(self._send_forever)
                tasks.start_soon(self._tick_forever)
                tasks.start_soon(self._end_when_hung_up)
                tasks.start_soon(self._policy.follow)
                with anyio.move_on_after(FIRST_POLICY_S), suppress(StreamError):
                    await self._policy.settled()
                try:
                    await self._receive_forever()
                except ChannelLost as lost:
                    self._reason = str(lost)
                tasks.cancel_scope.cancel()
        finally:
            unwatch()
            unwatch_suspensions()
            await self._planner.keep()
        streams = len(self._table)
        if LAST_WORDS.welcomed:
            log.info("session over", streams=streams, reason=self._reason)
        else:
            log.error(START_FAILED, reason=self._reason)

    async def _receive_forever(self) -> None:
        decoder = FrameDecoder()
        while data := await self._channel.receive():
            self._last_heard = anyio.current_time()
            self._statuses.clear()
            try:
                for payload in decoder.feed(data):
                    await self._turns.step(_BROWSER)
                    self._receive(payload)
                    await self.room()  # for what it was answered
            except LongwireError as error:
                await self._end_with(error.code, error.message, "reload the extension; if it happens again, update it")
                return
            except _VersionMismatch as mismatch:
                await self._end_with(ErrorCode.VERSION_MISMATCH, mismatch.message, mismatch.fix)
                return
        if decoder.mid_frame:
            log.warning("channel ended inside a frame")
        self._reason = f"the browser closed the input{'' if self._greeted else ' before HELLO'}"

    async def _end_when_hung_up(self) -> None:
        """The end of input counts although input before it waits: for output that nobody reads, it may be for ever."""
        await self._channel.hung_up()
        self._stop("the browser closed the input, and has not read what it was sent")

    async def _send_forever(self) -> None:
        while True:
            data = self._next_step()
            if not data:
                self._work = anyio.Event()
                await self._work.wait()
                continue
            self._writing = True
            # Before the write: the browser may have read it, and ended this process, before this task goes on.
            before, LAST_WORDS.welcomed = LAST_WORDS.welcomed, self._greeted
            try:
                await self._channel.write(data)
            except ChannelLost as lost:
                # The receive loop would see the end of input as well, but it may be waiting for this loop.
                LAST_WORDS.welcomed = before
                self._stop(str(lost))
                return
            self._writing = False
            self._written.set()
            self._written = anyio.Event()

    def _next_step(self) -> bytes:
        """What leaves next, b"" if nothing waits."""
        if self._unsent:
            data, self._unsent = self._unsent, b""
            return data
        frames, stream = self._scheduler.next_step()
        if stream is not None:
            self._after_chunk(stream)
        return b"".join(frames)

    def _send_at_once(self) -> None:
        """Send the next step from here, as far as the channel takes it at once; the sending task does the rest.

        An event then need not wait for the sending task, behind all else that this round of the loop still does. Only
        once a round: where more comes in it, one frame carries it all.
        """
        if self._writing or self._work.is_set() or self._sent_at_once:
            self._work.set()
            return
        self._sent_at_once = True
        asyncio.get_running_loop().call_soon(self._round_over)
        data = self._next_step()
        try:
            taken = self._channel.write_at_once(data)
        except ChannelLost as lost:
            self._stop(str(lost))
            return
        if taken < len(data):
            self._unsent = data[taken:]
            self._work.set()

    def _round_over(self) -> None:
        self._sent_at_once = False

    async def _tick_forever(self) -> None:
        last_tick = anyio.current_time()
        while True:
            await anyio.sleep(TICK_S)
            now = anyio.current_time()
            if now - last_tick > SLEPT_S:
                self._last_heard = now
            last_tick = now
            tick()
            self._policy.poke()  # whoever watches it hears of a change
            await self._planner.keep()
            for stream in self._table:
                stream.window.tick()
            if not await self._peer_alive(now):
                return

    async def _peer_alive(self, now: float) -> bool:
        if not len(self._table):
            self._last_heard = self._last_ping = now  # silence is judged only while streams live
            return True
        if (now - self._last_ping) * 1000 >= PING_INTERVAL_MS:
            self._last_ping = now
            self._pings += 1
            self._send(StreamPing(type="STREAM_PING", seq=self._pings))
        if (now - self._last_heard) * 1000 < PEER_SILENCE_MS:
            return True
        self._stop(f"no frame from the extension for {now - self._last_heard:.0f} s")
        return False

    def _stop(self, reason: str) -> None:
        """The other end is gone."""
        log.warning("given up", reason=reason)
        self._reason = reason
        assert self._tasks is not None  # noqa: S101  (its tasks call this)
        self._tasks.cancel_scope.cancel()

    # --- frames in -------------------------------------------------------------------------------------------

    def _receive(self, payload: bytes) -> None:
        try:
            message = parse_to_host(payload)
        except BadMessage as bad:
            self._on_bad_message(bad)
            return
        if not self._greeted:
            self._greet(message)
        elif isinstance(message, Hello):
            raise FrameError("a second HELLO")
        else:
            self._handlers[type(message)](message)

    def _greet(self, message: ToHost) -> None:
        if not isinstance(message, Hello):
            raise FrameError(f"{message.type} before HELLO")
        if message.protocol != PROTOCOL_VERSION:
            raise _VersionMismatch(message.protocol, message.extension)
        self._greeted = True
        log.info("hello", extension=message.extension)
        self._send(
            Welcome(
                type="WELCOME",
                protocol=PROTOCOL_VERSION,
                host=__version__,
                limits=Limits(
                    streams_per_frame=MAX_STREAMS_PER_FRAME,
                    streams_per_host=MAX_STREAMS_PER_HOST,
                    window_max_bytes=WINDOW_MAX_BYTES,
                ),
                policy=self._policy.current().summary(),
            )
        )

    def _on_bad_message(self, bad: BadMessage) -> None:
        """A bad frame of one stream ends that stream; any other ends the bridge."""
        if not self._greeted or bad.stream_id is None:
            raise bad
        exchange = self._exchanges.get(bad.stream_id)
        if exchange is not None:
            self._violate(exchange, bad.message)
        elif bad.message_type == "STREAM_START":
            error = StreamError(ErrorCode.PROTOCOL, bad.message, Phase.POLICY)
            # Whose it was cannot be read. The message names fields and no values: it tells on no private window.
            unread = {"stream": bad.stream_id, "page": None, "method": None, "destination": None}
            self._refuse(bad.stream_id, error, unread | failure_fields(error, private=False))
        else:
            log.warning("bad frame for a past stream", reason=bad.message)

    def _on_start(self, start: StreamStart) -> None:
        assert self._tasks is not None  # noqa: S101  (frames arrive only while it runs)
        known = self._exchanges.get(start.id)
        if known is not None:
            self._violate(known, f"a second STREAM_START with id {start.id}")
            return
        page = start.page
        try:
            stream = self._table.open(start.id, (page.tab, page.frame, page.document), page.tab, inline_bytes(start))
        except StreamError as error:
            self._refuse(start.id, error, audit_fields(start) | failure_fields(error, private=page.private))
            return
        self._scheduler.live_streams = len(self._table)
        exchange = Exchange(start, stream, self, self._upstream, self._planner.plan)
        closing = list(self._aborting.get(exchange.asker, {}).values())
        self._exchanges[start.id] = exchange
        self._tasks.start_soon(self._run_exchange, exchange, closing)

    def _on_stream(self, stream_id: int, act: Callable[[Exchange], None]) -> None:
        exchange = self._exchanges.get(stream_id)
        if exchange is None or not exchange.stream.live:
            return  # late for a finished stream, or an id that never was: no effect
        try:
            act(exchange)
        except (BadAck, BadUpload) as error:
            self._violate(exchange, str(error))
        if exchange.stream.state is State.ABORTING:
            self._aborting.setdefault(exchange.asker, {})[stream_id] = exchange
        self._settle(exchange)

    def _on_status_request(self, message: StatusRequest) -> None:
        if (message.page.origin, message.page.private) in self._statuses or self._policy.at_rest:
            self._answer_status(message)
        else:
            assert self._tasks is not None  # noqa: S101  (frames arrive only while it runs)
            self._tasks.start_soon(self._answer_status_later, message)

    async def _answer_status_later(self, message: StatusRequest) -> None:
        with suppress(StreamError):  # then the answer is by what is in force
            await self._policy.settled()
        self._answer_status(message)

    def _answer_status(self, message: StatusRequest) -> None:
        page = message.page
        fields = self._statuses.get((page.origin, page.private))
        if fields is None:
            policy = self._policy.current()
            invalid = policy.state is PolicyState.INVALID
            fields = self._statuses[page.origin, page.private] = _StatusFields(
                state=BridgeState.POLICY_INVALID if invalid else BridgeState.READY,
                destinations=policy.destinations_for(page.origin, private=page.private),
                fix=_policy_fix(policy) or fix_for(self._suspensions, policy, page),
            )
        self._send(
            Status(type="STATUS", request=message.request, host=__version__, protocol=PROTOCOL_VERSION, **fields)
        )

    def _violate(self, exchange: Exchange, message: str) -> None:
        exchange.kill(ErrorCode.PROTOCOL, message, retryable=False)
        self._settle(exchange)

    def _refuse(self, stream_id: int, error: StreamError, audit: dict[str, Any]) -> None:
        """It never became an exchange, so its one line of the audit trail is written here."""
        log.info("error", **audit, grant=None, bytes=0, ms=0)
        self._send(
            StreamErrorMessage(
                type="STREAM_ERROR",
                id=stream_id,
                code=error.code,
                message=error.message[:MAX_MESSAGE_CHARS],
                phase=error.phase,
                retryable=error.retryable,
            )
        )

    # --- streams ---------------------------------------------------------------------------------------------

    async def _run_exchange(self, exchange: Exchange, closing: list[Exchange]) -> None:
        try:
            # A page that aborts a stream and starts the next in one breath finds its grant's place free.
            for aborted in closing:
                if not aborted.closed.is_set():
                    await aborted.closed.wait()
            # A thousand may start in one breath.
            await self._turns.step(exchange.asker)
            await exchange.run()
        finally:
            self._settle(exchange)

    def _after_chunk(self, stream: Stream) -> None:
        exchange = self._exchanges.get(stream.id)
        if exchange is not None:
            exchange.on_sent()
            self._settle(exchange)

    def _settle(self, exchange: Exchange) -> None:
        """Free the slot once the terminal frame is out and the task is over, that is: the socket is closed."""
        stream = exchange.stream
        if not stream.live and exchange.closed.is_set() and self._table.get(stream.id) is stream:
            self._table.remove(stream)
            self._scheduler.forget(stream)
            del self._exchanges[stream.id]
            if aborting := self._aborting.get(exchange.asker):
                aborting.pop(stream.id, None)
                if not aborting:
                    del self._aborting[exchange.asker]
            self._scheduler.live_streams = len(self._table)

    # --- frames out (the exchanges' Outbox) ------------------------------------------------------------------

    def send_control(self, frame: bytes) -> None:
        """See `Outbox.send_control`."""
        self._scheduler.add_control(frame)
        self._work.set()

    async def room(self) -> None:
        """See `Outbox.room`."""
        while self._scheduler.backlogged:
            await self._written.wait()

    def offer(self, stream: Stream) -> None:
        """See `Outbox.offer`."""
        self._scheduler.offer(stream)
        self._send_at_once()

    def body_gone(self, stream: Stream) -> None:
        """See `Outbox.body_gone`."""
        self._table.body_gone(stream)

    def read_ahead(self) -> int:
        """See `Outbox.read_ahead`."""
        return self._scheduler.read_ahead

    def _send(self, message: FromHost) -> None:
        self.send_control(encode(message))

    def _announce(self, policy: PolicyInForce) -> None:
        self._statuses.clear()
        if not self._greeted:
            return  # WELCOME will tell
        # Before anything that is answered by the new policy: what follows belongs to it.
        log.info("policy changed", state=policy.state, digest=policy.digest)
        self._send(Policy(type="POLICY", policy=policy.summary()))

    async def _end_with(self, code: ErrorCode, message: str, fix: str) -> None:
        """Say FATAL as the last frame, and wait until it is written."""
        log.error("fatal", code=code, reason=message)
        self._reason = message
        for exchange in self._exchanges.values():
            exchange.kill(code, message, retryable=False)
        self._send(Fatal(type="FATAL", code=code, message=message[:MAX_MESSAGE_CHARS], fix=fix))
        with anyio.move_on_after(1.0):
            while self._writing or self._unsent or not self._scheduler.idle:
                await self._written.wait()


def _policy_fix(policy: PolicyInForce) -> str | None:
    """What a page may hear of a policy that opens nothing: line and field, not where this user's files lie."""
    if policy.state is PolicyState.MISSING:
        return "there is no policy file, so nothing is open; `longwire policy show` says where it belongs"
    if policy.unread:
        return f"the policy file {policy.problems[0].finding}"[:MAX_MESSAGE_CHARS]
    if policy.problems:
        return f"mend the policy file: {policy.problems[0].finding}"[:MAX_MESSAGE_CHARS]
    return None


class _StatusFields(TypedDict):
    """What of a STATUS depends on the policy."""

    state: BridgeState
    destinations: list[str]
    fix: str | None


class _VersionMismatch(Exception):
    def __init__(self, theirs: int, extension: str) -> None:
        super().__init__()
        older = "the extension" if theirs < PROTOCOL_VERSION else "the native host"
        self.message = f"extension {extension} speaks protocol {theirs}, host {__version__} speaks {PROTOCOL_VERSION}"
        self.fix = f"update {older}, then reload the extension"
