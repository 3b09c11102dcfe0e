"""The kinds of exchanges that a host and a daemon have."""

from collections.abc import Callable
from functools import cache

from longwire.engine.authorization import Authorizer
from longwire.engine.exchange import Exchange, Kind, Kinds
from longwire.engine.generation import Generation
from longwire.engine.http import Http
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.messages import DEFAULT_KIND, DURABLE_KIND, GENERATION_KIND, WEBSOCKET_KIND
from longwire.turns import Turns
from longwire.upstream.client import UpstreamClient


def kinds_of(upstream: UpstreamClient, authorizer: Authorizer, turns: Turns) -> Kinds:
    """By the names that STREAM_START has, durable requests left out."""
    return {
        DEFAULT_KIND: Http(upstream, authorizer),
        GENERATION_KIND: Generation(upstream, authorizer, turns=turns),
        WEBSOCKET_KIND: _web_sockets(upstream, authorizer),
    }


def without_daemon(kinds: Kinds, policy: LivePolicy, needed: Callable[[], None]) -> Kinds:
    """Those of a host by itself: `kinds`, and what refuses durable requests. See `NoDaemon`."""

    @cache
    def refusing() -> Kinds:
        # Here: a host that starts has its first stream waiting, and it is seldom one of these.
        from longwire.engine.durable_access import NoDaemon

        return NoDaemon(kinds, policy, needed).kinds

    def around(name: str) -> Kind:
        async def kind(exchange: Exchange) -> None:
            await (kinds if exchange.start.durable is None else refusing())[name](exchange)

        return kind

    async def desk(exchange: Exchange) -> None:
        await refusing()[DURABLE_KIND](exchange)

    return {**{name: around(name) for name in kinds}, DURABLE_KIND: desk}


def _web_sockets(upstream: UpstreamClient, authorizer: Authorizer) -> Kind:
    @cache
    def loaded() -> Kind:
        # Here: a host that starts has its first stream waiting, and it is seldom one of these.
        from longwire.engine.websocket import WebSocket
        from longwire.upstream.websocket import WebSocketClient

        return WebSocket(WebSocketClient(upstream), authorizer)

    async def kind(exchange: Exchange) -> None:
        await loaded()(exchange)

    return kind
