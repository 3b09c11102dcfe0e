"""The engine: runs exchanges for whoever is at the other end of a channel, and outlives the channel.

For each channel it has one connection and three loops in one event loop: receive (messages in), send (`sending.py`),
tick (windows, pings, policy changes). Exchanges are tasks beside them, each of a kind that was handed in. When the
channel is lost, everything of it is cancelled and every socket closes; what counts across streams goes on in the kinds.
Where output is not read, what would make more of it waits: input, and heads of responses. What the protocol says is
decided in the connection (`streams/connection.py`); here is what takes time.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

import anyio
import anyio.abc
import structlog

from longwire.audit.last_words import START_FAILED
from longwire.audit.log import tick
from longwire.audit.vocabulary import audit_fields, failure_fields
from longwire.engine.aborting import Aborting
from longwire.engine.channel import Channel, ChannelLost
from longwire.engine.exchange import Exchange, Kinds
from longwire.engine.outlet import PageOutlet
from longwire.engine.sending import Sender
from longwire.protocol.errors import StreamError
from longwire.protocol.messages import Policy, Status, StatusRequest, StreamStart, Switches
from longwire.protocol.records import PolicySummary
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
    Switched,
    Violated,
)
from longwire.streams.stream import Stream
from longwire.turns import Turns

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.engine")

TICK_S = 1.0
# How long FATAL may take to leave.
LAST_MESSAGE_S = 1.0
# What a start is said to have been that could not be read.
_UNREAD: Final[dict[str, Any]] = {"page": None, "method": None, "destination": None}


# Why a page of this origin is not served; None if it is.
Refusing: TypeAlias = Callable[[str], StreamError | None]


def nobody_switches(said: Switches) -> Refusing:
    """For who serves no browser."""
    return lambda _: None


class Rules(Protocol):
    """What requests are judged by, as far as an engine has to do with it: followed, and told of. See `PolicyStatus`."""

    async def follow(self) -> None:
        """See changes. Runs until it is cancelled."""
        ...

    async def first(self) -> None:
        """Return when there is something to tell, or soon in any case."""
        ...

    async def tick(self) -> None:
        """Comes once a second or so."""
        ...

    async def keep(self) -> None:
        """Comes when a connection is over: nothing may be lost if the process ends now."""
        ...

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have `changed` called when there is something new to tell. Returns what ends that."""
        ...

    def summary(self) -> PolicySummary:
        """For WELCOME and POLICY."""
        ...

    def another_time(self) -> None:
        """Comes before each piece of input."""
        ...

    def answer(self, asked: StatusRequest) -> Status | None:
        """None if it takes longer."""
        ...

    async def answer_later(self, asked: StatusRequest) -> Status:
        """Where `answer` gave None."""
        ...


class Engine:
    """Has the kinds of exchanges by name, and the rules. One per process."""

    def __init__(
        self,
        kinds: Kinds,
        rules: Rules,
        *,
        turns: Turns | None = None,
        switched: Callable[[Switches], Refusing] = nobody_switches,
    ) -> None:
        """`turns` are those of everything else in this event loop.

        `switched` comes with what a browser's administrator switched off, and says who is refused by that.
        """
        self.kinds = kinds
        self.rules = rules
        self.switched = switched
        self.turns = turns or Turns()
        self.leaving = anyio.Event()
        self.welcomed = anyio.Event()  # an extension was told WELCOME, or is just being told
        self._services: list[Service] = []  # in the order in which they began

    def look(self) -> list[dict[str, Any]]:
        """Every stream that lives, as `Exchange.look` has it, with its connection's number where there are others."""
        several = len(self._services) > 1
        return [
            exchange.look() | ({"connection": number} if several else {})
            for number, service in enumerate(self._services, 1)
            for exchange in service.exchanges
        ]

    def leave(self) -> None:
        """End each connection as soon as no exchange of it lives: there is something better to serve the next one."""
        self.leaving.set()

    async def serve(self, channel: Channel) -> None:
        """Run one connection over `channel` until that ends or the connection cannot go on.

        All its exchanges are over and their sockets closed on return. May be called again with another channel, also
        while the sockets of a lost one still close.
        """
        service = Service(self, channel)
        self._services.append(service)
        try:
            await service.run()
        finally:
            self._services.remove(service)


class Service:
    """What an engine does for one connection over one channel. Nothing of it is left for the next."""

    def __init__(self, engine: Engine, channel: Channel) -> None:
        self._kinds = engine.kinds
        self._rules = engine.rules
        self._switched = engine.switched
        self._refusing: Refusing = lambda _: None
        self._turns = engine.turns
        self._channel = channel
        self.connection = Connection(anyio.current_time())
        self._browser: Final = object()  # whose work a message is before it is read
        self._sender = Sender(self.connection, channel, self._wake, self._stop, engine.welcomed.set)
        self._leaving = engine.leaving
        self._exchanges: dict[Stream, Exchange] = {}
        self._exchange_over = anyio.Event()  # anew for each
        self._aborting = Aborting()
        self._reason = ""  # why it is over, for the log
        self._fatal = False  # and FATAL says so
        self._tasks: anyio.abc.TaskGroup | None = None

    @property
    def exchanges(self) -> list[Exchange]:
        """Those that live."""
        return list(self._exchanges.values())

    # --- the loops -------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """See `Engine.serve`."""
        unwatch = self._rules.watch(self._announce)
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                tasks.start_soon(self._sender.run)
                tasks.start_soon(self._tick_forever)
                tasks.start_soon(self._end_when_hung_up)
                tasks.start_soon(self._leave_when_told)
                tasks.start_soon(self._rules.follow)
                await self._rules.first()
                try:
                    await self._receive_forever()
                except ChannelLost as lost:
                    self._lose(str(lost))
                tasks.cancel_scope.cancel()
        finally:
            unwatch()
            self.connection.drop()
            await self._rules.keep()
        streams = self.connection.streams
        if self._sender.welcomed:
            log.info("connection over", streams=streams, reason=self._reason)
        else:
            log.error(START_FAILED, reason=self._reason)

    async def _receive_forever(self) -> None:
        while not self.connection.over:
            data = await self._channel.receive()
            self._rules.another_time()
            events = self.connection.receive(data, anyio.current_time())
            while True:
                await self._turns.step(self._browser)
                try:
                    event = next(events)
                except StopIteration:
                    break
                if event is not None:
                    self._on_event(event)
                if not self.connection.idle:  # most of what a page sends is not answered here
                    self._sender.soon()
                await self._sender.room()  # for what it was answered
        with anyio.move_on_after(LAST_MESSAGE_S if self._fatal else 0):
            await self._sender.all_left()

    async def _end_when_hung_up(self) -> None:
        """The end of input counts although input before it waits: for output that nobody reads, it may be for ever."""
        await self._channel.hung_up()
        self._stop("the browser closed the input, and has not read what it was sent")

    async def _leave_when_told(self) -> None:
        """See `Engine.leave`."""
        await self._leaving.wait()
        while True:
            while self._exchanges:
                await self._exchange_over.wait()
            with anyio.move_on_after(LAST_MESSAGE_S):
                await self._sender.all_left()
            if not self._exchanges:
                break
        self._lose("the next host is to be another, and nothing is under way here")
        assert self._tasks is not None  # noqa: S101  (one of them is this)
        self._tasks.cancel_scope.cancel()

    async def _tick_forever(self) -> None:
        while True:
            await anyio.sleep(TICK_S)
            tick()
            await self._rules.tick()
            for event in self.connection.tick(anyio.current_time()):
                if isinstance(event, Over):
                    self._stop(event.reason)
                    return
            self._sender.soon()

    def _lose(self, reason: str) -> None:
        self._reason = reason
        self.connection.lose(reason)

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
                if (exchange := self._exchanges.get(stream)) is not None:
                    self._aborting.abort(exchange, reason)
            case Violated(stream, error):
                if (exchange := self._exchanges.get(stream)) is not None:
                    exchange.end(error)
            case Refused():
                self._audit_refusal(event)
            case _:
                self._on_news(event)

    def _on_news(self, event: ConnectionEvent) -> None:
        """What is of no stream."""
        match event:
            case StatusAsked(message):
                self._answer(message)
            case Switched(said):
                self._switch(said)
            case Greeted(extension):
                log.info("hello", extension=extension)
                self.connection.welcome(self._rules.summary())
            case Noted(text, reason):
                log.warning(text, **({"reason": reason} if reason else {}))
            case Over(reason, fatal):
                self._reason = reason
                if fatal is not None:
                    self._fatal = True
                    log.error("fatal", code=fatal, reason=reason)

    def _wake(self, stream: Stream) -> None:
        if (exchange := self._exchanges.get(stream)) is not None:
            exchange.wake()

    # --- exchanges -------------------------------------------------------------------------------------------

    def _begin(self, stream: Stream, start: StreamStart) -> None:
        assert self._tasks is not None  # noqa: S101  (messages arrive only while it runs)
        exchange = self._exchanges[stream] = Exchange(start, PageOutlet(stream, self.connection, self._sender))
        self._refuse_switched_off(exchange)
        self._tasks.start_soon(self._run_exchange, stream, exchange, self._aborting.before(exchange))

    async def _run_exchange(self, stream: Stream, exchange: Exchange, closing: list[Exchange]) -> None:
        try:
            for aborted in closing:
                await aborted.closed.wait()
            # A thousand may start in one breath.
            await self._turns.step(exchange.asker)
            await exchange.run(self._kinds)
        finally:
            exchange.gone()
            self.connection.closed(stream)
            del self._exchanges[stream]
            self._aborting.over(exchange)
            self._sender.soon()
            self._exchange_over.set()
            self._exchange_over = anyio.Event()

    def _audit_refusal(self, refused: Refused) -> None:
        """It never became an exchange, so its one line of the audit trail is written here."""
        start, error = refused.start, refused.error
        if start is None:
            # Whose it was cannot be read. The message names fields and no values: it tells on no private window.
            fields = {"stream": refused.stream_id} | _UNREAD | failure_fields(error, private=False)
        else:
            fields = audit_fields(start) | failure_fields(error, private=start.page.private)
        log.info("error", **fields, grant=None, bytes=0, ms=0)

    def _switch(self, said: Switches) -> None:
        log.info("switches", enabled=said.enabled, pages=None if said.pages is None else len(said.pages))
        self._refusing = self._switched(said)
        for exchange in self.exchanges:
            self._refuse_switched_off(exchange)

    def _refuse_switched_off(self, exchange: Exchange) -> None:
        """If its page is switched off. The extension has seen to that already; here it holds whatever that does."""
        if (refused := self._refusing(exchange.start.page.origin)) is not None:
            exchange.revoke(refused)

    # --- status and policy -----------------------------------------------------------------------------------

    def _answer(self, asked: StatusRequest) -> None:
        if (status := self._rules.answer(asked)) is not None:
            self.connection.send(status)
        else:
            assert self._tasks is not None  # noqa: S101  (messages arrive only while it runs)
            self._tasks.start_soon(self._answer_later, asked)

    async def _answer_later(self, asked: StatusRequest) -> None:
        self.connection.send(await self._rules.answer_later(asked))
        self._sender.soon()

    def _announce(self) -> None:
        if not self.connection.greeted:
            return  # WELCOME will tell
        summary = self._rules.summary()
        # Before anything that is answered by the new policy: what follows belongs to it.
        log.info("policy changed", state=summary.state, digest=summary.digest)
        self.connection.send(Policy(type="POLICY", policy=summary))
        self._sender.soon()
