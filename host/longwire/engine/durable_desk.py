"""The kind `durable`: what the daemon itself answers a page about its own durable requests.

    GET    longwire:durable         the list
    DELETE longwire:durable/KEY     forget one; one answer, whether it was there or not
    GET, HEAD longwire:durable/KEY  see `durable_streams.py`

A key is percent-encoded as `encodeURIComponent` does.
"""

from collections.abc import Iterator
from typing import Protocol
from urllib.parse import unquote

from longwire.durable.listing import ListedRequest, short
from longwire.durable.record import Key, Record, RecordState
from longwire.engine.durable_access import all_recordable, allow_some, check_page
from longwire.engine.durable_answers import answer, answer_json, refuse
from longwire.engine.durable_elsewhere import Elsewhere, Relay, lost
from longwire.engine.durable_producer import DurableRequest
from longwire.engine.durable_streams import StreamReading
from longwire.engine.exchange import Exchange
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.messages import DURABLE_URL


class KeptRequests(Protocol):
    """What a desk has to give. See `DurableRequests`."""

    policy: LivePolicy
    elsewhere: Elsewhere

    async def ready(self) -> None:
        """Return once it is known what there is."""
        ...

    def get(self, key: Key) -> DurableRequest | None:
        """The request that is here."""
        ...

    def of_page(self, profile: str, origin: str) -> Iterator[DurableRequest]:
        """Those of one page."""
        ...

    def others_of_page(self, profile: str, origin: str) -> Iterator[Record]:
        """Those of one page that are not here."""
        ...

    async def forget(self, key_id: str) -> bool:
        """Delete one."""
        ...


class Desk:
    """The kind, for `Kinds`."""

    def __init__(self, kept: KeptRequests) -> None:
        self._kept = kept

    async def __call__(self, exchange: Exchange) -> None:
        """See `Kind`."""
        start, kept = exchange.start, self._kept
        profile = check_page(start.page)
        await kept.ready()
        policy = await kept.policy.settled()
        grant = allow_some(policy, start.page).grant.name
        exchange.recordable = all_recordable(policy, start.page)
        address, _, query = start.url.partition("?")
        if start.body.kind != "none":
            raise _no_such("a request without a body")
        if address == DURABLE_URL and start.method == "GET":
            exchange.allowed(grant)
            await self._list(exchange, grant, profile)
        elif address.startswith(f"{DURABLE_URL}/") and start.method in ("DELETE", "GET", "HEAD"):
            key = Key.of(profile, start.page.origin, _name(address))
            exchange.bind(durable=short(key.id))
            exchange.allowed(grant)
            if start.method == "DELETE":
                await kept.forget(key.id)
                await answer(exchange, grant, 204, [])
            else:
                await self._read(exchange, grant, key, query)
        else:
            raise _no_such(f"GET {DURABLE_URL}, and GET, HEAD and DELETE of {DURABLE_URL}/KEY")

    async def _list(self, exchange: Exchange, grant: str, profile: str) -> None:
        origin = exchange.start.page.origin
        told = [request.listed() for request in self._kept.of_page(profile, origin)]
        told += [ListedRequest.of(record) for record in self._kept.others_of_page(profile, origin)]
        told.sort(key=lambda each: (each.started_ms, each.id))
        await answer_json(exchange, grant, 200, [each.for_page() for each in told])

    async def _read(self, exchange: Exchange, grant: str, key: Key, query: str) -> None:
        request = self._kept.get(key)
        if request is None:
            others = self._kept.others_of_page(key.profile, key.origin)
            record = next((each for each in others if each.id == key.id), None)
            if record is not None and record.state is RecordState.RUNNING:
                channel = await self._kept.elsewhere(record.owner)
                if channel is None:
                    raise lost()
                await Relay(exchange, channel).run(None, grant, lambda _: None)
            elif record is not None:
                message = "the daemon that carried this request out died, so nobody knows what became of it"
                await refuse(exchange, grant, 424, ErrorCode.DURABLE_UNKNOWN, message)
            else:
                await refuse(exchange, grant, 404, ErrorCode.PROTOCOL, "there is no durable request with this key")
            return
        reading = StreamReading(request, exchange, grant)
        request.join(reading)
        try:
            await reading.run(query, await self._kept.policy.settled())
        finally:
            request.leave(reading)


def _name(address: str) -> str:
    try:
        return unquote(address[len(DURABLE_URL) + 1 :], errors="strict")
    except UnicodeDecodeError:
        raise _no_such("a key that is percent-encoded by encodeURIComponent") from None


def _no_such(what: str) -> StreamError:
    message = f"what answers at {DURABLE_URL} knows {what}; use longwire.durable"
    return StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
