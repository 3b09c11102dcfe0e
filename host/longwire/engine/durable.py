"""Durable requests: they run here, and not for the page that asked. Pages come and go as their readers.

    a START with `durable` ──► Attaching (durable_attaching.py) ──► claim, and a producer; or the one that is there
                                                                 └─► a reader (durable_reader.py)
    the kind `durable`     ──► Desk (durable_desk.py): list, forget, read by offset

What the clocks, the policy, a person or a page end, ends here.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final
from weakref import WeakValueDictionary

import anyio
import anyio.abc
import structlog

from longwire.durable.budget import Budget, segment_bytes
from longwire.durable.listing import ListedRequest, short
from longwire.durable.record import Key, Record, RecordState
from longwire.durable.spool import SpoolLost
from longwire.durable.store import Store
from longwire.engine.authorization import Authorizer
from longwire.engine.durable_access import Allowed, Asked, allow, page_of
from longwire.engine.durable_attaching import Attaching
from longwire.engine.durable_body import HeldBody
from longwire.engine.durable_deleting import Claim, Deleting
from longwire.engine.durable_desk import Desk
from longwire.engine.durable_elsewhere import Elsewhere, nowhere
from longwire.engine.durable_endings import detached_too_long, forgotten, kept_no_longer
from longwire.engine.durable_keeping import Keeping
from longwire.engine.durable_producer import DurableRequest, SpoolOutlet, SpoolStream
from longwire.engine.engine import Refusing
from longwire.engine.exchange import Exchange, Kinds
from longwire.engine.switches import refusing
from longwire.policy import Policy
from longwire.policy.grants import DurableLimits
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import StreamError
from longwire.protocol.messages import DURABLE_KIND, StreamStart, Switches
from longwire.protocol.records import InlineRequestBody, NoBody, PolicyState
from longwire.streams.memory import DecoderLoan, DecoderPools
from longwire.turns import Turns

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.durable")

TICK_S: Final = 1.0
# Where the policy has not been asked yet: no longer than its own bounds, and nothing runs by it.
_UNJUDGED: Final = DurableLimits(max_bytes=0, keep_ms=0, detached_ms=0)

__all__ = ["DurableRequests", "nowhere"]


class DurableRequests:
    """All of one daemon."""

    def __init__(
        self,
        kinds: Kinds,
        authorizer: Authorizer,
        policy: LivePolicy,
        store: Store,
        *,
        turns: Turns,
        elsewhere: Elsewhere = nowhere,
        now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
        moment_ms: Callable[[], int] = lambda: int(time.monotonic() * 1000),
    ) -> None:
        """`elsewhere` gives a channel to the daemon of that owner, after its handshake; None where there is none.

        `now_ms` is the time since 1970, `moment_ms` a clock that nobody sets.
        """
        self.keeping = Keeping(store)
        self.budget = Budget()
        self.policy = policy
        self.turns = turns
        self.elsewhere = elsewhere
        self.now_ms = now_ms
        self.moment_ms = moment_ms
        self._inner = kinds
        self._decoders = DecoderPools()
        self._requests: dict[str, DurableRequest] = {}
        # Those of a page, so that no other page's are looked at for it; and of others what there is of them.
        self._of_page: dict[tuple[str, str], dict[str, DurableRequest]] = {}
        self._others: dict[str, Record] = {}
        self._locks: WeakValueDictionary[str, anyio.Lock] = WeakValueDictionary()
        # Of a profile, as long as the connection lasts that said it.
        self._switched_off: WeakValueDictionary[str, Refusing] = WeakValueDictionary()
        self._some = anyio.Event()
        self._ready = anyio.Event()
        self._retired = False
        self._tasks: anyio.abc.TaskGroup | None = None
        self._deleting = Deleting(self)
        attaching = Attaching(self, authorizer)
        self.kinds: Kinds = {
            **{name: attaching.around(name, kind) for name, kind in kinds.items()},
            DURABLE_KIND: Desk(self),
        }

    # --- for the daemon --------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Carry them out, and keep their clocks. Runs until it is cancelled; what runs then is unknown afterwards."""
        unwatch = self.policy.watch(self._judge_all)
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                tasks.start_soon(self.keeping.run)
                tasks.start_soon(self.policy.follow)
                await self.look_around()
                # A policy that was changed while no daemon ran says what of it may stay, as soon as it is read.
                with suppress(StreamError):
                    self._judge_all(await self.policy.settled())
                self._ready.set()
                while True:
                    if not self._requests and not self._runs_elsewhere:
                        self._some = anyio.Event()
                        await self._some.wait()
                    await anyio.sleep(TICK_S)
                    await self.tick()
        finally:
            unwatch()
            with anyio.CancelScope(shield=True):
                await self.keeping.all_saved()

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing is kept, nor will be when another daemon ends: then this one may end."""
        return not self._requests and not self._runs_elsewhere

    @property
    def running(self) -> int:
        """How many are being carried out."""
        return sum(request.running for request in self._requests.values())

    @property
    def kept(self) -> int:
        """How many have ended and can be had."""
        return len(self._requests) - self.running

    def look(self) -> list[dict[str, Any]]:
        """Every request that runs, as `Exchange.look` has it: its own connection, and not those who read it."""
        running = (each.exchange for each in self._requests.values())
        return [exchange.look() | {"durable": True} for exchange in running if exchange is not None]

    def entries(self) -> list[ListedRequest]:
        """All of them, of whatever page, the eldest first."""
        found = [request.listed() for request in self._requests.values()]
        found += [ListedRequest.of(record) for record in self._others.values()]
        return sorted(found, key=lambda each: (each.started_ms, each.id))

    async def forget(self, key_id: str) -> bool:
        """Abort it if it runs, and delete what there is of it: its key is free. False where there is none.

        Raises:
            StreamError: another daemon has it, or the disk fails.
        """
        return await self._deleting.delete(key_id, forgotten())

    async def retire(self) -> None:
        """Another daemon takes over: what has ended is its own from now on, and what runs once it has ended.

        Raises:
            StreamError: the disk fails.
        """
        self._retired = True
        await self.keeping.retire()
        for request in list(self._requests.values()):
            if not request.running:
                self.release(request)

    async def tick(self) -> None:
        """Once a second or so, while there is any: the clocks, and what others left."""
        self.policy.poke()
        self.keeping.try_again()
        if self._runs_elsewhere and not self._retired:
            await self.look_around()
        moment_ms, now_ms = self.moment_ms(), self.now_ms()
        for request in list(self._requests.values()):
            self._believe_clock(request, now_ms)
            if request.exchange is not None and request.stands_still is not None:
                request.exchange.revoke(request.stands_still)  # without effect as long as it may pass
            alone_ms = moment_ms - request.alone_since_ms
            if request.exchange is not None and not request.readers and alone_ms >= request.limits.detached_ms:
                request.exchange.revoke(detached_too_long(request.limits.detached_ms))
        for record in self.keeping.store.expired(now_ms):
            self._delete_soon(self._requests.get(record.id) or record, kept_no_longer())

    def switched(self, said: Switches) -> Refusing:
        """What a browser's administrator switched off ends the durable requests of that profile, and deletes them."""
        refused = refusing(said)
        if said.profile is not None:
            self._switched_off[said.profile] = refused
            self._end_switched_off()
        return refused

    # --- for attaching and the desk --------------------------------------------------------------------------

    async def ready(self) -> None:
        """Return once it is known what there is."""
        await self._ready.wait()

    def lock_of(self, key: Key) -> anyio.Lock:
        """Whoever holds it is alone with this key."""
        return self.lock(key.id)

    def get(self, key: Key) -> DurableRequest | None:
        """The request that is here."""
        return self._requests.get(key.id)

    def of_page(self, profile: str, origin: str) -> Iterator[DurableRequest]:
        """Those of one page."""
        return iter(list(self._of_page.get((profile, origin), {}).values()))

    def others_of_page(self, profile: str, origin: str) -> Iterator[Record]:
        """Those of one page that are not here: unknown ones, and another daemon's."""
        return (each for each in list(self._others.values()) if (each.profile, each.origin) == (profile, origin))

    async def look_around(self) -> None:
        """Take over what others left, and know of what they have."""
        records = await self.keeping.records()
        self._others = {}
        for record in records:
            if record.owner == self.keeping.store.owner and record.over:
                if record.id not in self._requests:
                    self._take_in(record)
            elif record.id not in self._requests:
                self._others[record.id] = record
        self._end_switched_off()
        self._some.set()

    def note_unknown(self, record: Record) -> None:
        """Another daemon died while this one runs: its pages may list it, and forget it."""
        self._others[record.id] = record

    def begin(self, record: Record, allowed: Allowed, start: StreamStart, body: HeldBody) -> DurableRequest:
        """Carry out what was just claimed. `body` is released here, once it was sent."""
        assert self._tasks is not None  # noqa: S101  (`ready` came)
        request = self._add(record, allowed.limits)
        asker = start.page.asker
        stream = SpoolStream(start.id, request, DecoderLoan(self._decoders, asker, asker))
        sent = InlineRequestBody(kind="inline", data="") if body.there else NoBody(kind="none")
        exchange = request.exchange = Exchange(
            start.model_copy(update={"durable": None, "body": sent}),
            SpoolOutlet(stream, request, body.release),
            body.data if body.there else None,
            at_most_once=True,
        )
        exchange.bind(durable=short(record.id))
        self._tasks.start_soon(self._produce, request, exchange, body)
        self._end_switched_off()  # it may be since it was written down
        return request

    @property
    def _runs_elsewhere(self) -> bool:
        """Whether another daemon has something that will be this one's when it has ended."""
        return any(map(self.keeping.runs_elsewhere, self._others.values()))

    # --- for deleting ----------------------------------------------------------------------------------------

    def here(self, key_id: str) -> DurableRequest | None:
        """As `get`, by its id."""
        return self._requests.get(key_id)

    def other(self, key_id: str) -> Record | None:
        """What there is of one that is not here."""
        return self._others.get(key_id)

    def other_gone(self, key_id: str) -> None:
        """Nothing is left of it."""
        self._others.pop(key_id, None)

    def release(self, request: DurableRequest) -> None:
        """It is not this daemon's any more."""
        record = request.record
        if self._requests.get(record.id) is request:
            del self._requests[record.id]
            of_page = self._of_page[record.profile, record.origin]
            del of_page[record.id]
            if not of_page:
                del self._of_page[record.profile, record.origin]
            request.share.leave()
            self.freed(request)

    def lock(self, key_id: str) -> anyio.Lock:
        """Whoever holds it is alone with this key."""
        lock = self._locks.get(key_id)
        if lock is None:
            lock = self._locks[key_id] = anyio.Lock()
        return lock

    # --- Surroundings ----------------------------------------------------------------------------------------

    def changed(self, request: DurableRequest) -> None:
        """See `Surroundings`."""
        self.keeping.changed(request)

    def held(self, request: DurableRequest) -> int:
        """See `Surroundings`."""
        return self.budget.held(request.record.entry)

    def make_room(self, request: DurableRequest) -> None:
        """See `Surroundings`."""
        for other in self._requests.values():
            if other is not request and other.record.entry == request.record.entry:
                other.trim()

    def freed(self, request: DurableRequest) -> None:
        """See `Surroundings`."""
        for other in self._requests.values():
            if other is not request and other.held_back and other.record.entry == request.record.entry:
                other.wake()

    # --- within ----------------------------------------------------------------------------------------------

    async def _produce(self, request: DurableRequest, exchange: Exchange, body: HeldBody) -> None:
        try:
            await self.turns.step(exchange.asker)
            await exchange.run(self._inner)
        finally:
            exchange.gone()
            body.release()
            exchange.stream.decoders.close()
            request.exchange = None
        error = request.error
        if error is not None and not exchange.begun:
            # Nothing was sent, so it was no request: the key is free for the next one.
            self._delete_soon(request, error)
        elif self._retired and not request.running:
            self.release(request)

    def _add(self, record: Record, limits: DurableLimits) -> DurableRequest:
        spool = self.keeping.store.spool(record.id, segment_bytes(limits.max_bytes))
        share = self.budget.join(record.entry, record.id, spool.kept, anyway=True)
        request = self._requests[record.id] = DurableRequest(record, spool, share, limits, self)
        self._of_page.setdefault((record.profile, record.origin), {})[record.id] = request
        self._some.set()
        return request

    def _take_in(self, record: Record) -> None:
        try:
            self._add(record, _UNJUDGED)
        except (SpoolLost, KeyError):
            self._others[record.id] = record
            log.warning("durable response lost", durable=short(record.id))

    def _delete_soon(self, claim: Claim, error: StreamError) -> None:
        assert self._tasks is not None  # noqa: S101  (whoever comes here runs in it)
        self._tasks.start_soon(self._deleting.delete_claim, claim, error)

    def _end_switched_off(self) -> None:
        running = [each for each in self._others.values() if each.state is RecordState.RUNNING]
        claims: list[Claim] = [*self._requests.values(), *running] if self._switched_off else []
        for claim in claims:
            record = claim if isinstance(claim, Record) else claim.record
            refused = self._switched_off.get(record.profile)
            if refused is not None and (error := refused(record.origin)) is not None:
                self._delete_soon(claim, error)

    def _believe_clock(self, request: DurableRequest, now_ms: int) -> None:
        """What ended later than now ended by a clock that was set back since: else it were kept until then, and on."""
        record = request.record
        if record.ended_ms is not None and record.ended_ms > now_ms:
            request.record = record.model_copy(update={"ended_ms": now_ms})
            self.changed(request)

    def _judge_all(self, policy: Policy) -> None:
        """A file that cannot be used says nothing of what is kept, and one that is not there neither."""
        if policy.unread or policy.state is not PolicyState.OK:
            return
        for request in list(self._requests.values()):
            try:
                allowed = allow(policy, page_of(request.record), Asked.of(request.record), request.head)
            except StreamError as error:
                self._delete_soon(request, error)
            else:
                self._judged(request, allowed)

    def _judged(self, request: DurableRequest, allowed: Allowed) -> None:
        record = request.record
        request.limits = allowed.limits
        changes: dict[str, object] = {}
        if record.keep_ms != allowed.limits.keep_ms:
            changes["keep_ms"] = allowed.limits.keep_ms
        if record.entry != allowed.entry:
            changes |= {"grant": allowed.entry.grant, "pages": allowed.entry.pages}
            request.share.leave()
            request.share = self.budget.join(allowed.entry, record.id, request.spool.kept, anyway=True)
        if changes:
            request.record = record.model_copy(update=changes)
            self.changed(request)
        request.go_on()
