"""Upstream connections that are idle and may be used again, for a few seconds.

A request that goes out on a connection the server is just closing is lost, and only an idempotent one is sent again. A
connection that was busy a moment ago is safe: servers keep idle ones for five seconds and more.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from longwire.upstream.connection import ConnectionKey, UpstreamConnection

KEEPALIVE_S: Final = 4.0
# Idle sockets are a convenience; when there are more, the oldest goes.
MAX_IDLE: Final = 64


class IdleConnections:
    """Holds idle connections by key, the freshest first; each is closed when its time is up, asked for or not."""

    def __init__(self, keepalive_s: float = KEEPALIVE_S) -> None:
        self._keepalive_s = keepalive_s
        self._idle: OrderedDict[UpstreamConnection, asyncio.TimerHandle] = OrderedDict()

    def __len__(self) -> int:
        return len(self._idle)

    def put(self, connection: UpstreamConnection) -> None:
        """Keep `connection` for a while if it can be used again, else close it."""
        if not connection.reusable:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        self._idle[connection] = loop.call_later(self._keepalive_s, self._drop, connection)
        if len(self._idle) > MAX_IDLE:
            self._drop(next(iter(self._idle)))

    def take(self, key: ConnectionKey) -> UpstreamConnection | None:
        """The freshest usable connection for `key`; the caller owns it then."""
        for connection in [held for held in reversed(self._idle) if held.key == key]:
            self._idle.pop(connection).cancel()
            if connection.reusable:
                return connection
            connection.close()
        return None

    def close(self) -> None:
        """Close all."""
        while self._idle:
            self._drop(next(iter(self._idle)))

    def _drop(self, connection: UpstreamConnection) -> None:
        self._idle.pop(connection).cancel()
        connection.close()
