"""Peers of servers, over the `websockets` library, and again when the connection is lost."""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

from longwire.rpc import events as event
from longwire.rpc.options import PeerOptions
from longwire.rpc.peer import Peer
from longwire.rpc.sockets import as_socket

# Who closes with one of these does not want to be called again: 4000 and above are the application's own word.
FINAL_CODES: Final = frozenset({1000, 1002, 1003, 1007, 1008, 1009, 1010})


@dataclass(frozen=True)
class Retry:
    """How a connection is made anew: the rules of the client library's `retry`."""

    # Further attempts after the first; it counts anew once a connection stands.
    retries: int = 3
    # Seconds before the first of them, doubled with each, up to `max_delay_s`.
    delay_s: float = 1.0
    max_delay_s: float = 10.0
    # Part of the delay by which it varies, 0 to 1.
    jitter: float = 0.25

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be."""
        if self.retries < 0 or not self.delay_s >= 0 or not self.max_delay_s >= 0 or not 0 <= self.jitter <= 1:
            raise ValueError("retries and delays are not below 0, and jitter is 0 to 1")

    def delay_before(self, attempt: int, chance: Callable[[], float] = random.random) -> float:
        """Seconds before the next attempt: 1 is the first after a failure."""
        grown: float = min(self.delay_s * 2 ** (attempt - 1), self.max_delay_s)
        return grown * (1 + self.jitter * (2 * chance() - 1))


NO_RETRY: Final = Retry(retries=0)


@asynccontextmanager
async def connect(
    url: str,
    options: PeerOptions | None = None,
    *,
    retry: Retry = Retry(),
    protocols: Sequence[str] = (),
    open_socket: Callable[[], Awaitable[Any]] | None = None,
    on_reconnect: Callable[[bool], None] = lambda resumed: None,
) -> AsyncGenerator[Peer, None]:
    """A peer of the server at `url` (`ws://`, `wss://`), closed with the block: `async with connect(...) as peer`.

    A connection that is lost is made anew by the rules of `retry` (NO_RETRY: not); streams go on if both sides kept
    them, and end with RESUME_FAILED or CONNECTION_CLOSED if not. `on_reconnect` is told whether they did.
    `open_socket` makes the connections instead of `websockets`, such as one with headers of its own.

    Raises:
        RpcError: CONNECTION_FAILED.
        ModuleNotFoundError: `websockets` is not installed, and no `open_socket` is given.
    """
    dialing = _Dialing(open_socket or _websockets(url, protocols), options or PeerOptions(), retry, on_reconnect)
    try:
        await dialing.peer.opened()
        yield dialing.peer
    finally:
        await dialing.close()


def _websockets(url: str, protocols: Sequence[str]) -> Callable[[], Awaitable[Any]]:
    # Only who connects needs it: a server has a library of its own.
    from websockets.asyncio.client import connect as open_connection

    async def dial() -> Any:
        # No bound of its own below the peer's, which answers a message too large with its code; and no compression
        # of whole messages beside ours, which would inflate without a bound.
        return await open_connection(
            url,
            subprotocols=cast("Any", list(protocols) or None),
            compression=None,
            max_size=None,
        )

    return dial


class _Dialing:
    def __init__(
        self,
        open_socket: Callable[[], Awaitable[Any]],
        options: PeerOptions,
        retry: Retry,
        on_reconnect: Callable[[bool], None],
    ) -> None:
        self._open_socket = open_socket
        self._retry = retry
        self._on_reconnect = on_reconnect
        self._attempts = 0
        self._connected = False
        self.peer = Peer(options, "connect", resumable=retry.retries > 0)
        self.peer.on_closed = self._again
        self.peer.on_connection = self._on
        self._task = asyncio.create_task(self._dial(0), name="rpc dialing")

    def _on(self, happened: event.Event) -> None:
        if isinstance(happened, event.Ready):
            self._attempts = 0
            if self._connected:
                self._on_reconnect(happened.resumed)
            self._connected = True

    def _again(self, code: int, reason: str) -> bool:
        if self._attempts >= self._retry.retries or code in FINAL_CODES or code >= 4000:
            return False
        self._attempts += 1
        self._task = asyncio.create_task(self._dial(self._retry.delay_before(self._attempts)), name="rpc dialing")
        return True

    async def _dial(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        try:
            socket = as_socket(await self._open_socket())
        except Exception as error:  # noqa: BLE001  (whatever a library raises for a connection that fails)
            if not self._again(1006, str(error)):
                self.peer.lost(1006, str(error)[:123], final=True)
            return
        self.peer.attach(socket)

    async def close(self) -> None:
        """Close the peer, and make no other connection."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.peer.close()
