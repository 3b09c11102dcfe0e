"""A durable request that another daemon carries out: an older one, that finishes what it began."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from longwire.engine.channel import Channel

# A channel to the daemon of that owner, after its handshake; None where there is none.
Elsewhere: TypeAlias = Callable[[str], Awaitable[Channel | None]]


async def nowhere(owner: str) -> Channel | None:
    """There is no other daemon."""
    return None
