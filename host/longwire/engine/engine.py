"""The engine: carries out what one connection asks for, over one channel, until either is over.

Three loops share one event loop: receive (frames in), send (what the connection has, out), tick (windows, pings, policy
changes). Exchanges are tasks beside them. When the channel is lost, everything is cancelled and every socket closes.
Where output is not read, what would make more of it waits: input, and heads of responses. What the protocol says is
decided in the connection (`streams/connection.py`); here is what takes time.
"""

import asyncio
from contextlib import suppress
from typing import Any, Final, TypedDict

import anyio
import anyio.abc
import structlog

from longwire import __version__
from longwire.audit.last_words import LAST_WORDS, START_FAILED
from longwire.audit.log import tick
from longwire.audit.vocabulary import audit_fields, failure_fields
from longwire.engine.authorization import RequestPlanner
from longwire.engine.channel import Channel, ChannelLost
from longwire.engine.exchange import Exchange
from longwire.engine.judging import Judge
from longwire.policy import Policy as PolicyInForce
from longwire.policy import Suspensions
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import StreamError
from longwire.protocol.limits import MAX_MESSAGE_CHARS, PROTOCOL_VERSION
from longwire.protocol.messages import Policy, Status, StatusRequest, StreamHeaders, StreamStart
from longwire.protocol.records import BridgeState, Completeness, Obstacle, PolicyState, Timings
from longwire.streams.connection import Connection
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
    Violated,
)
from longwire.streams.stream import Stream
from longwire.turns import Turns
from longwire.upstream.model import Upstream

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.session")

TICK_S = 1.0
# A policy is read before the greeting that tells of it, unless that takes so long; then POLICY tells.
FIRST_POLICY_S = 0.5
# How long FATAL may take to leave.
LAST_MESSAGE_S = 1.0
# Whose work a frame is before it is read.
_BROWSER: Final = "the browser"
# What a start is said to have been that could not be read.
_UNREAD: Final[dict[str, Any]] = {"page": None, "method": None, "destination": None}


class Engine:
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
        self._connection = Connection(anyio.current_time())
        self._policy = policy
        self._suspensions = suspensions or Suspensions()
        self._planner = RequestPlanner(policy, suspensions=self._suspensions)
        self._upstream = upstream
        self._exchanges: dict[Stream, Exchange] = {}
        # Of each page those that it aborted and whose socket is not closed yet.
        self._aborting: dict[str, dict[Stream, Exchange]] = {}
        # What each page was told of the policy since the last piece of input came. Looking at the files costs more than
        # all else in an answer, and what came in one piece was asked at one time.
        self._statuses: dict[tuple[str, bool], _StatusFields] = {}
        self._work = anyio.Event()  # something to send
        self._unsent = b""  # of what the connection gave, what the channel did not take at once
        self._sent_at_once = False  # in this round of the loop
        self._written = anyio.Event()  # a write is over
        self._writing = False
        self._reason = ""  # why it is over, for the log
        self._fatal = False  # and FATAL says so
        self._tasks: anyio.abc.TaskGroup | None = None

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
                    self._lose(str(lost))
                tasks.cancel_scope.cancel()
        finally:
            unwatch()
            unwatch_suspensions()
            await self._planner.keep()
        streams = self._connection.streams
        if LAST_WORDS.welcomed:
            log.info("session over", streams=streams, reason=self._reason)
        else:
            log.error(START_FAILED, reason=self._reason)

    async def _receive_forever(self) -> None:
        while not self._connection.over:
            data = await self._channel.receive()
            self._statuses.clear()
            events = self._connection.receive(data, anyio.current_time())
            while True:
                await self._turns.step(_BROWSER)
                try:
                    event = next(events)
                except StopIteration:
                    break
                if event is not None:
                    self._on_event(event)
                await self.room()  # for what it was answered
        with anyio.move_on_after(LAST_MESSAGE_S if self._fatal else 0):
            while self._writing or self._unsent or not self._connection.idle:
                await self._written.wait()

    async def _end_when_hung_up(self) -> None:
        """The end of input counts although input before it waits: for output that nobody reads, it may be for ever."""
        await self._channel.hung_up()
        self._stop("the browser closed the input, and has not read what it was sent")

    async def _send_forever(self) -> None:
        while True:
            data = self._next_to_send()
            if not data:
                self._work = anyio.Event()
                await self._work.wait()
                continue
            self._writing = True
            # Before the write: the browser may have read it, and ended this process, before this task goes on.
            before, LAST_WORDS.welcomed = LAST_WORDS.welcomed, self._connection.greeted
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

    def _next_to_send(self) -> bytes:
        """What leaves next, b"" if nothing waits."""
        if self._unsent:
            data, self._unsent = self._unsent, b""
            return data
        data, stream = self._connection.data_to_send()
        if stream is not None:
            self._wake(stream)
        return data

    def _send_at_once(self) -> None:
        """Send what is next from here, as far as the channel takes it at once; the sending task does the rest.

        An event then need not wait for the sending task, behind all else that this round of the loop still does. Only
        once a round: where more comes in it, one frame carries it all.
        """
        if self._writing or self._work.is_set() or self._sent_at_once:
            self._work.set()
            return
        if not (data := self._next_to_send()):
            return
        self._sent_at_once = True
        asyncio.get_running_loop().call_soon(self._round_over)
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
        while True:
            await anyio.sleep(TICK_S)
            tick()
            self._policy.poke()  # whoever watches it hears of a change
            await self._planner.keep()
            for event in self._connection.tick(anyio.current_time()):
                if isinstance(event, Over):
                    self._stop(event.reason)
                    return
            self._work.set()

    def _lose(self, reason: str) -> None:
        self._reason = reason
        self._connection.lose(reason)

    def _stop(self, reason: str) -> None:
        """The other end is gone."""
        log.warning("given up", reason=reason)
        self._lose(reason)
        assert self._tasks is not None  # noqa: S101  (its tasks call this)
        self._tasks.cancel_scope.cancel()

    # --- events ----------------------------------------------------------------------------------------------

    def _on_event(self, event: ConnectionEvent) -> None:
        match event:
            case Progressed(stream):
                self._wake(stream)
            case Started(stream, start):
                self._begin(stream, start)
            case Aborted(stream, reason):
                self._abort(stream, reason)
            case Violated(stream, error):
                if (exchange := self._exchanges.get(stream)) is not None:
                    exchange.end(error)
            case Refused():
                self._audit_refusal(event)
            case StatusAsked(message):
                self._on_status_request(message)
            case Greeted(extension):
                log.info("hello", extension=extension)
                self._connection.welcome(self._policy.current().summary())
            case Noted(text, reason):
                log.warning(text, **({"reason": reason} if reason else {}))
            case Over(reason, fatal):
                self._reason = reason
                if fatal is not None:
                    self._fatal = True
                    log.error("fatal", code=fatal, reason=reason)
        self._work.set()

    def _begin(self, stream: Stream, start: StreamStart) -> None:
        assert self._tasks is not None  # noqa: S101  (frames arrive only while it runs)
        exchange = Exchange(start, stream, self, self._upstream, self._planner.plan)
        closing = list(self._aborting.get(exchange.asker, {}).values())
        self._exchanges[stream] = exchange
        self._tasks.start_soon(self._run_exchange, exchange, closing)

    def _abort(self, stream: Stream, reason: str) -> None:
        if (exchange := self._exchanges.get(stream)) is not None:
            self._aborting.setdefault(exchange.asker, {})[stream] = exchange
            exchange.on_abort(reason)

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
            stream = exchange.stream
            self._connection.closed(stream)
            del self._exchanges[stream]
            if aborting := self._aborting.get(exchange.asker):
                aborting.pop(stream, None)
                if not aborting:
                    del self._aborting[exchange.asker]
            self._work.set()

    def _wake(self, stream: Stream) -> None:
        if (exchange := self._exchanges.get(stream)) is not None:
            exchange.wake()

    def _audit_refusal(self, refused: Refused) -> None:
        """It never became an exchange, so its one line of the audit trail is written here."""
        start, error = refused.start, refused.error
        if start is None:
            # Whose it was cannot be read. The message names fields and no values: it tells on no private window.
            fields = {"stream": refused.stream_id} | _UNREAD | failure_fields(error, private=False)
        else:
            fields = audit_fields(start) | failure_fields(error, private=start.page.private)
        log.info("error", **fields, grant=None, bytes=0, ms=0)

    # --- status and policy -----------------------------------------------------------------------------------

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
            # A keyring may ask its person, who asked for nothing here.
            obstacles = Judge(policy, self._suspensions, ask_keyrings=False).obstacles(page)
            fields = self._statuses[page.origin, page.private] = _StatusFields(
                state=BridgeState.POLICY_INVALID if invalid else BridgeState.READY,
                destinations=policy.destinations_for(page.origin, private=page.private),
                fix=_policy_fix(policy)
                or policy.closed_to(page.origin, private=page.private)
                or (obstacles[0].message if obstacles else None),
                obstacles=obstacles or None,
            )
        self._connection.send(
            Status(type="STATUS", request=message.request, host=__version__, protocol=PROTOCOL_VERSION, **fields)
        )
        self._work.set()

    def _announce(self, policy: PolicyInForce) -> None:
        self._statuses.clear()
        if not self._connection.greeted:
            return  # WELCOME will tell
        # Before anything that is answered by the new policy: what follows belongs to it.
        log.info("policy changed", state=policy.state, digest=policy.digest)
        self._connection.send(Policy(type="POLICY", policy=policy.summary()))
        self._work.set()

    # --- the exchanges' Outbox -------------------------------------------------------------------------------

    def headers(self, stream: Stream, head: StreamHeaders) -> None:
        """See `Outbox`."""
        self._connection.headers(stream, head)
        self._work.set()

    def push(self, stream: Stream, data: bytes) -> None:
        """See `Outbox`."""
        self._connection.push(stream, data)
        self._send_at_once()

    def finish(self, stream: Stream, completeness: Completeness, timings: Timings) -> None:
        """See `Outbox`."""
        self._connection.finish(stream, completeness, timings)
        self._work.set()

    def fail(self, stream: Stream, error: StreamError) -> None:
        """See `Outbox`."""
        self._connection.fail(stream, error)
        self._work.set()

    def fail_now(self, stream: Stream, error: StreamError) -> None:
        """See `Outbox`."""
        self._connection.fail_now(stream, error)
        self._work.set()

    def acknowledge_body(self, stream: Stream, consumed: int, window: int) -> None:
        """See `Outbox`."""
        self._connection.acknowledge_body(stream, consumed, window)
        self._work.set()

    def ask_body_again(self, stream: Stream, again: int) -> None:
        """See `Outbox`."""
        self._connection.ask_body_again(stream, again)
        self._work.set()

    async def room(self) -> None:
        """See `Outbox`."""
        while self._connection.backlogged:
            await self._written.wait()

    def body_gone(self, stream: Stream) -> None:
        """See `Outbox`."""
        self._connection.body_gone(stream)

    def read_ahead(self) -> int:
        """See `Outbox`."""
        return self._connection.read_ahead


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
    obstacles: list[Obstacle] | None
