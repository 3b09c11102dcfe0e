"""The kinds of exchanges that a host and a daemon have, and what they stand on.

A host by itself loads this after WELCOME (`loading`).
"""

from collections.abc import Awaitable, Callable
from functools import cache

import anyio

from longwire.engine.authorization import Authorizer
from longwire.engine.exchange import Exchange, Kind, Kinds
from longwire.engine.generation import Generation
from longwire.engine.http import Http
from longwire.engine.suspending import SuspensionKeeper
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.limits import EXIT_DEADLINE_MS
from longwire.protocol.messages import DEFAULT_KIND, DURABLE_KIND, GENERATION_KIND, WEBSOCKET_KIND
from longwire.turns import Turns
from longwire.upstream.client import UpstreamClient


class Carriers:
    """What carries exchanges out. Belongs to one event loop.

    `kinds` are by the names that STREAM_START has, durable requests left out.
    """

    def __init__(self, policy: LivePolicy, keeper: SuspensionKeeper, turns: Turns) -> None:
        """`turns` are those of everything else in this event loop."""
        self._upstream = UpstreamClient(turns=turns)
        self.authorizer = Authorizer(policy, keeper)
        self.kinds: Kinds = {
            DEFAULT_KIND: Http(self._upstream, self.authorizer),
            GENERATION_KIND: Generation(self._upstream, self.authorizer, turns=turns),
            WEBSOCKET_KIND: _web_sockets(self._upstream, self.authorizer),
        }

    async def close(self) -> None:
        """At the end of the process, in a bounded time."""
        self.authorizer.close()
        with anyio.move_on_after(EXIT_DEADLINE_MS / 3000, shield=True):
            await self._upstream.aclose()


def without_daemon(kinds: Kinds, policy: LivePolicy, needed: Callable[[], None]) -> Kinds:
    """Those of a host by itself: `kinds`, and what refuses durable requests. See `NoDaemon`."""

    @cache
    def refusing() -> Kinds:
        # Here: a host that starts has its first stream waiting, and it is seldom one of these.
        from longwire.engine.durable_access import NoDaemon

        return NoDaemon(kinds, policy, needed).kinds

    # No coroutines around those that they choose: each stream would hold one.
    def around(name: str) -> Kind:
        return lambda exchange: (kinds if exchange.start.durable is None else refusing())[name](exchange)

    def desk(exchange: Exchange) -> Awaitable[None]:
        return refusing()[DURABLE_KIND](exchange)

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
