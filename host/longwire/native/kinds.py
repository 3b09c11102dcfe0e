"""The kinds of exchanges that a host and a daemon have."""

from functools import cache

from longwire.engine.authorization import Authorizer
from longwire.engine.exchange import Exchange, Kind, Kinds
from longwire.engine.generation import Generation
from longwire.engine.http import Http
from longwire.protocol.messages import DEFAULT_KIND, GENERATION_KIND, WEBSOCKET_KIND
from longwire.turns import Turns
from longwire.upstream.client import UpstreamClient


def kinds_of(upstream: UpstreamClient, authorizer: Authorizer, turns: Turns) -> Kinds:
    """By the names that STREAM_START has, durable requests left out."""
    return {
        DEFAULT_KIND: Http(upstream, authorizer),
        GENERATION_KIND: Generation(upstream, authorizer, turns=turns),
        WEBSOCKET_KIND: _web_sockets(upstream, authorizer),
    }


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
