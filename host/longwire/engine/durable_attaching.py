"""A START with `durable`: the first one for a key has the request carried out, and every one reads it.

    may the page? ──► the body, whole ──► one at a time for each key: the one that is there, or a claim ──► a reader

Each asks the policy as for a request that begins now. The key is of the page's own profile and origin, so whatever
another page has under that name is not looked for at all: there is one answer for "not there" and "not yours".
"""

from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol

import anyio
import orjson
import structlog

from longwire.durable.budget import Budget
from longwire.durable.digest import request_digest
from longwire.durable.listing import short
from longwire.durable.record import Head, Key, Record, RecordState
from longwire.durable.store import KeyTaken
from longwire.engine.authorization import Authorizer
from longwire.engine.durable_access import Allowed, Asked, allow, allow_some, check_page
from longwire.engine.durable_body import BODIES_BYTES, HeldBody, check_body, whole_body
from longwire.engine.durable_elsewhere import Elsewhere, Relay, lost
from longwire.engine.durable_endings import stopped
from longwire.engine.durable_keeping import Keeping
from longwire.engine.durable_producer import MIN_ENTRY_BYTES, DurableRequest
from longwire.engine.durable_reader import Reader, check_offset
from longwire.engine.exchange import Exchange, Kind
from longwire.fair_pool import FairPool
from longwire.policy import Grant
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import KIB
from longwire.protocol.messages import GENERATION_KIND, WEBSOCKET_KIND, StreamStart
from longwire.protocol.records import AbortReason
from longwire.turns import Turns

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.durable")

# A longer body is read and digested in a thread.
_LONG_BYTES: Final = 128 * KIB
# How often a key is looked for that changes hands meanwhile.
_LOOKS: Final = 3


class Requests(Protocol):
    """All durable requests of a daemon. See `DurableRequests`."""

    keeping: Keeping
    budget: Budget
    policy: LivePolicy
    turns: Turns
    elsewhere: Elsewhere

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        ...

    async def ready(self) -> None:
        """Return once it is known what there is."""
        ...

    def lock_of(self, key: Key) -> anyio.Lock:
        """Whoever holds it is alone with this key."""
        ...

    def get(self, key: Key) -> DurableRequest | None:
        """The request that is here."""
        ...

    async def look_around(self) -> None:
        """Take over what others left."""
        ...

    def note_unknown(self, record: Record) -> None:
        """This is what there is of it."""
        ...

    def begin(self, record: Record, allowed: Allowed, start: StreamStart, body: HeldBody) -> DurableRequest:
        """Carry out what was just claimed."""
        ...


class _Wanted(NamedTuple):
    """What a page wants to read."""

    key: Key
    offset: int
    asked: Asked
    digest: str


class Attaching:
    """For all kinds of one daemon."""

    def __init__(self, requests: Requests, authorizer: Authorizer) -> None:
        self._requests = requests
        self._authorizer = authorizer
        self._bodies = FairPool(BODIES_BYTES)

    def around(self, name: str, kind: Kind) -> Kind:
        """The kind, with durable requests of it."""

        async def carried_out(exchange: Exchange) -> None:
            if exchange.start.durable is None:
                await kind(exchange)
            elif name == WEBSOCKET_KIND:
                message = "a WebSocket cannot be durable; open it without `durable`"
                raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
            else:
                await self._attach(exchange, name)

        return carried_out

    async def _attach(self, exchange: Exchange, kind: str) -> None:
        start, requests = exchange.start, self._requests
        assert start.durable is not None  # noqa: S101  (`around` asked)
        key = Key.of(check_page(start.page), start.page.origin, start.durable.key)
        await requests.ready()
        policy = await requests.policy.settled()
        # Nothing of a body is taken from a page that may not send it.
        if kind == GENERATION_KIND:
            allowed = allow_some(policy, start.page, generation=True)
        else:
            allowed = allow(policy, start.page, Asked(kind, start.method, start.url))
        body = await whole_body(exchange, check_body(exchange, allowed.limits.max_bytes), self._bodies)
        try:
            asked, digest = await self._read(exchange, kind, body)
            wanted = _Wanted(key, start.durable.offset or 0, asked, digest)
            async with requests.lock_of(key):
                request, allowed = await self._request(exchange, wanted, body)
                reader = None
                if isinstance(request, DurableRequest):
                    check_offset(request, wanted.offset)
                    reader = Reader(request, exchange, wanted.offset)
                    request.join(reader)
            if reader is None:
                assert isinstance(request, Record)  # noqa: S101  (it is one or the other)
                await self._relay(exchange, request, wanted, allowed, body)
                return
        finally:
            if not body.handed_over:
                body.release()
        assert isinstance(request, DurableRequest)  # noqa: S101  (as above)
        await self._follow(exchange, reader, request, asked, allowed)

    async def _request(
        self, exchange: Exchange, wanted: _Wanted, body: HeldBody
    ) -> tuple[DurableRequest | Record, Allowed]:
        """The one that is here, the record of one that another daemon has, or a new one."""
        page, policy = exchange.start.page, self._requests.policy
        for _ in range(_LOOKS):
            request = await self._here(wanted.key)
            allowed = allow(await policy.settled(), page, wanted.asked, None if request is None else request.head)
            if request is not None:
                record = request if isinstance(request, Record) else request.record
                if (record.digest, record.kind) != (wanted.digest, wanted.asked.kind):
                    raise _conflict()
                return request, allowed
            with suppress(KeyTaken):  # another daemon was quicker: the next look finds it
                return await self._begin(exchange, wanted, allowed, body), allowed
        message = "another request with this key begins at the same moment; ask again"
        raise StreamError(ErrorCode.DURABLE_CONFLICT, message, Phase.POLICY, retryable=True)

    async def _follow(
        self, exchange: Exchange, reader: Reader, request: DurableRequest, asked: Asked, allowed: Allowed
    ) -> None:
        requests, page = self._requests, exchange.start.page

        def shows(head: Head) -> Grant | None:
            found = allow(requests.policy.current(), page, asked, head)
            exchange.recordable = found.recordable
            return found.shows

        try:
            exchange.attach(allowed.grant.name, durable=short(request.record.id), offset=reader.position)
            await reader.run(shows, requests.turns)
        finally:
            request.leave(reader)
            if exchange.abort_reason == AbortReason.USER and request.exchange is not None:
                # A person who stops it means what it costs, and not only the page that reads it.
                request.exchange.revoke(stopped())

    async def _relay(
        self, exchange: Exchange, record: Record, wanted: _Wanted, allowed: Allowed, body: HeldBody
    ) -> None:
        """Read what another daemon carries out."""
        requests, page = self._requests, exchange.start.page
        channel = await requests.elsewhere(record.owner)
        if channel is None:
            # It ended in this moment, or cannot be reached. The next look tells.
            raise lost()

        def shows(head: Head) -> Grant | None:
            found = allow(requests.policy.current(), page, wanted.asked, head)
            exchange.recordable = found.recordable
            return found.shows

        data = body.data if body.there else None
        exchange.attach(allowed.grant.name, durable=short(record.id), offset=wanted.offset, daemon=record.owner)
        await Relay(exchange, channel).run(data, allowed.grant.name, shows)

    async def _read(self, exchange: Exchange, kind: str, body: HeldBody) -> tuple[Asked, str]:
        """What the policy decides by, and the digest."""
        start, data = exchange.start, body.data
        content_type = next((value for name, value in start.headers if name.lower() == "content-type"), None)

        def read() -> tuple[Asked, str]:
            asked = Asked(kind, start.method, start.url)
            if kind == GENERATION_KIND:
                asked = asked._replace(**_question(data))
            return asked, request_digest(start.method, start.url, content_type, data)

        if len(data) > _LONG_BYTES:
            return await self._requests.turns.aside(exchange.asker, read)
        return read()

    async def _here(self, key: Key) -> DurableRequest | Record | None:
        """The request that is here, after a look at what others left; or the record of one that runs elsewhere.

        Raises:
            StreamError: DURABLE_UNKNOWN.
        """
        requests = self._requests
        request = requests.get(key)
        if request is not None:
            return request
        found = await requests.keeping.find(key)
        if found is None:
            return None
        if found.state is RecordState.UNKNOWN:
            requests.note_unknown(found)
            raise _unknown()
        if found.owner != requests.keeping.store.owner:
            return found
        await requests.look_around()
        request = requests.get(key)
        if request is None:
            raise _unknown()
        return request

    async def _begin(self, exchange: Exchange, wanted: _Wanted, allowed: Allowed, body: HeldBody) -> DurableRequest:
        requests, start = self._requests, exchange.start
        key, asked = wanted.key, wanted.asked
        if wanted.offset:
            message = (
                f"there is no durable request with this key, so there is nothing at offset {wanted.offset}. Without an "
                "offset it is sent"
            )
            raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
        record = Record(
            profile=key.profile,
            origin=key.origin,
            name=key.name,
            owner=requests.keeping.store.owner,
            kind=asked.kind,
            method=start.method,
            url=start.url,
            digest=wanted.digest,
            grant=allowed.entry.grant,
            pages=allowed.entry.pages,
            started_ms=requests.now_ms(),
            keep_ms=allowed.limits.keep_ms,
            ask=asked.stored,
        )
        share = requests.budget.join(allowed.entry, key.id)
        claimed = False
        try:
            if share.room(max(allowed.limits.max_bytes, MIN_ENTRY_BYTES)) == 0:
                raise _entry_full(allowed)
            await requests.keeping.claim(record)
            claimed = True
        finally:
            if not claimed:
                share.leave()
        body.handed_over = True
        return requests.begin(record, allowed, start, body)


def _question(data: bytes) -> dict[str, Any]:
    """Provider and model of a question, as far as they can be read: what is wrong with it, its answer says."""
    try:
        question = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(question, dict) or not isinstance(provider := question.get("provider"), str):
        return {}
    model = question.get("model")
    return {"provider": provider, "model": model if isinstance(model, str) else None}


def _conflict() -> StreamError:
    message = (
        "another request has this key: its method, URL or body is another. Use another key, or forget that one with "
        "`longwire.durable.forget(key)`"
    )
    return StreamError(ErrorCode.DURABLE_CONFLICT, message, Phase.POLICY)


def _unknown() -> StreamError:
    message = (
        "the daemon that carried this request out died, so nobody knows what became of it. Ask its server, then forget "
        "the key with `longwire.durable.forget(key)`"
    )
    return StreamError(ErrorCode.DURABLE_UNKNOWN, message, Phase.POLICY)


def _entry_full(allowed: Allowed) -> StreamError:
    message = (
        f'the durable requests of the grant "{allowed.grant.name}" hold all of its max_bytes '
        f"({allowed.limits.max_bytes}) for these pages: forget one with `longwire.durable.forget(key)`"
    )
    return StreamError(ErrorCode.LIMIT_EXCEEDED, message, Phase.POLICY, retryable=False)
