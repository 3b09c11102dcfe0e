"""The kind `durable`: what the daemon itself answers a page about its own durable requests.

    GET    longwire:durable         the list
    DELETE longwire:durable/KEY     forget one; one answer, whether it was there or not

A key is percent-encoded as `encodeURIComponent` does.
"""

from collections.abc import Iterator
from typing import Final, Protocol
from urllib.parse import unquote

import orjson

from longwire.durable.record import Key, Record
from longwire.engine.durable_access import allow_some, check_page
from longwire.engine.durable_elsewhere import Elsewhere
from longwire.engine.durable_listing import listed, listed_record
from longwire.engine.durable_producer import DurableRequest
from longwire.engine.exchange import Exchange
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.field_types import HeaderPair
from longwire.protocol.messages import DURABLE_URL, StreamHeaders
from longwire.protocol.records import Completeness

_PIECE_BYTES: Final = 64 * 1024
_JSON: Final = [("content-type", "application/json"), ("cache-control", "no-store")]


class Shelf(Protocol):
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

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def __call__(self, exchange: Exchange) -> None:
        """See `Kind`."""
        start, shelf = exchange.start, self._shelf
        profile = check_page(start.page)
        await shelf.ready()
        grant = allow_some(await shelf.policy.settled(), start.page).grant.name
        address, _, _ = start.url.partition("?")
        if start.body.kind != "none":
            raise _no_such("a request without a body")
        exchange.allowed(grant)
        if address == DURABLE_URL and start.method == "GET":
            await self._list(exchange, grant, profile)
        elif address.startswith(f"{DURABLE_URL}/") and start.method == "DELETE":
            key = Key.of(profile, start.page.origin, _name(address))
            await shelf.forget(key.id)
            await answer(exchange, grant, 204, [])
        else:
            raise _no_such(f"GET {DURABLE_URL} and DELETE {DURABLE_URL}/KEY")

    async def _list(self, exchange: Exchange, grant: str, profile: str) -> None:
        origin = exchange.start.page.origin
        told = [listed(request) for request in self._shelf.of_page(profile, origin)]
        told += [listed_record(record) for record in self._shelf.others_of_page(profile, origin)]
        told.sort(key=lambda each: (each.started_ms, each.id))
        await answer(exchange, grant, 200, _JSON, orjson.dumps([each.for_page() for each in told]))


async def answer(exchange: Exchange, grant: str, status: int, headers: list[HeaderPair], body: bytes = b"") -> None:
    """All of an answer that is known whole."""
    await exchange.may_begin()
    exchange.clock.headers_ms = exchange.clock.elapsed_ms()
    exchange.headers(head(exchange, status, headers), grant)
    for start in range(0, len(body), _PIECE_BYTES):
        piece = body[start : start + _PIECE_BYTES]
        while piece:
            room = await exchange.room()
            exchange.push(piece[:room])
            piece = piece[room:]
    exchange.finish(Completeness.LENGTH if body else Completeness.NONE)


def head(exchange: Exchange, status: int, headers: list[HeaderPair]) -> StreamHeaders:
    """The head of an answer of the daemon itself."""
    return StreamHeaders(
        type="STREAM_HEADERS",
        id=exchange.stream.id,
        url=exchange.start.url,
        redirected=False,
        status=status,
        reason=_REASONS.get(status, ""),
        headers=headers,
    )


_REASONS: Final = {200: "OK", 204: "No Content", 400: "Bad Request", 404: "Not Found", 410: "Gone"}


def _name(address: str) -> str:
    try:
        return unquote(address[len(DURABLE_URL) + 1 :], errors="strict")
    except UnicodeDecodeError:
        raise _no_such("a key that is percent-encoded by encodeURIComponent") from None


def _no_such(what: str) -> StreamError:
    message = f"what answers at {DURABLE_URL} knows {what}; use longwire.durable"
    return StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
