"""Where another daemon of this user is: one that retired and finishes what it has, or the one that has its place."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio.to_thread
import structlog

from longwire.daemon.address import Address, UnsafeAddress
from longwire.daemon.client import DaemonMute, NoDaemonThere, connect
from longwire.daemon.connected import Connected
from longwire.daemon.peer import ForeignPeer
from longwire.engine.channel import Channel
from longwire.native.own_system import SYSTEM

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.daemon")


def elsewhere_at(address: Address) -> Callable[[str], Awaitable[Channel | None]]:
    """What gives a channel to the daemon of an owner, after the lines of both; None where it is not to be had.

    The channel is that of the task that asks, and is closed when that ends.
    """

    async def elsewhere(owner: str) -> Channel | None:
        connected = await anyio.to_thread.run_sync(_connect, address, owner, abandon_on_cancel=True)
        if connected is None:
            return None
        channel = SYSTEM.channel(connected)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (it runs this)
        task.add_done_callback(lambda _: channel.drop())
        return channel

    return elsewhere


def _connect(address: Address, owner: str) -> Connected | None:
    for path in (address.retired(owner), address.socket):
        with suppress(NoDaemonThere):
            try:
                connected, greeting = connect(path, "daemon")
            except (DaemonMute, UnsafeAddress, ForeignPeer) as unusable:
                log.warning("other daemon not reached", reason=str(unusable))
                continue
            if greeting.serves and greeting.owner == owner:
                return connected
            connected.close()
    return None
