"""Durable requests: they run here, and not for the page that asked. Pages come and go as their readers."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from longwire.durable.store import Store
from longwire.engine.authorization import Authorizer
from longwire.engine.channel import Channel
from longwire.engine.exchange import Kinds
from longwire.policy.live_policy import LivePolicy
from longwire.turns import Turns


class ListedRequest(NamedTuple):
    """What people are shown of a durable request. Times are milliseconds since 1970."""

    id: str
    profile: str
    origin: str
    key: str
    url: str
    method: str
    state: str
    bytes: int
    first: int
    started_ms: int
    ended_ms: int | None
    error: str | None
    readers: int
    elsewhere: bool


async def nowhere(owner: str) -> Channel | None:
    """There is no other daemon."""
    return None


class DurableRequests:
    """All of one daemon."""

    def __init__(
        self,
        kinds: Kinds,
        authorizer: Authorizer,
        policy: LivePolicy,
        store: Store,
        *,
        turns: Turns,
        elsewhere: Callable[[str], Awaitable[Channel | None]] = nowhere,
    ) -> None:
        """`elsewhere` gives a channel to the daemon of that owner, after its handshake; None where there is none."""
        self.kinds: Kinds = kinds

    async def run(self) -> None:
        """Carry them out, and keep their clocks. Runs until it is cancelled; what runs then is unknown afterwards."""
        raise NotImplementedError

    @property
    def idle(self) -> bool:
        """Whether nothing runs and nothing is kept: then the daemon may end."""
        raise NotImplementedError

    @property
    def running(self) -> int:
        """How many are being carried out."""
        raise NotImplementedError

    @property
    def kept(self) -> int:
        """How many have ended and can be had."""
        raise NotImplementedError

    def entries(self) -> list[ListedRequest]:
        """All of them, of whatever page, the eldest first."""
        raise NotImplementedError

    async def forget(self, key_id: str) -> bool:
        """Abort it if it runs, and delete what there is of it: its key is free. False where there is none."""
        raise NotImplementedError

    async def retire(self) -> None:
        """Another daemon takes over: what has ended is its own from now on, and what runs once it has ended."""
        raise NotImplementedError
