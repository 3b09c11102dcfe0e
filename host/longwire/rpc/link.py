"""What the parts of a core share: whom one speaks to, what is to be said of the protocol itself, what has happened."""

from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

from longwire.rpc import events as event
from longwire.rpc.messages import Hello

# Answers to a side that asks and does not read.
MAX_CONTROLS: Final = 20_000


@dataclass(frozen=True)
class CoreOptions:
    """What a side is made of: milliseconds and bytes. `token`: its own, of 128 random bits."""

    # `connect` says hello at once, `accept` answers it.
    role: Literal["connect", "accept"]
    token: str
    window: int = 64 * 1024
    max_message_bytes: int = 16 * 1024 * 1024
    max_streams: int = 1024
    max_requests: int = 256
    # Of streams that nobody has asked for, together.
    max_unclaimed_bytes: int = 8 * 1024 * 1024
    unclaimed_timeout_ms: float = 10_000
    # Of a stream of a plain peer, which knows no credit.
    max_plain_bytes: int = 16 * 1024 * 1024
    hello_timeout_ms: float = 10_000
    resume_timeout_ms: float = 30_000
    resumable: bool = False
    deflate: bool = True


class Link:
    """Of one core."""

    def __init__(self) -> None:
        self.state: Literal["idle", "open", "detached", "closed"] = "idle"
        # None until it is known whom one speaks to.
        self.extended: bool | None = None
        # What it said of itself, if it is one of ours.
        self.other: Hello | None = None
        self._controls: deque[str] = deque()
        self._pong: str | None = None
        self._events: list[event.Event] = []

    def tell(self, happened: event.Event) -> None:
        """Something has happened."""
        self._events.append(happened)

    @property
    def has_events(self) -> bool:
        """Whether something has."""
        return bool(self._events)

    def events(self) -> list[event.Event]:
        """What has, since the last call."""
        happened, self._events = self._events, []
        return happened

    def control(self, text: str) -> None:
        """A message that waits for no credit, and goes before all others."""
        self._controls.append(text)
        if len(self._controls) == MAX_CONTROLS + 1:
            self.tell(event.CloseSocket(1008, "too many messages unread"))

    def pong(self, text: str) -> None:
        """An answer to a ping: of several that wait, the newest."""
        self._pong = text

    def next_control(self) -> str | None:
        """The first of them, and behind them the pong."""
        if self._controls:
            return self._controls.popleft()
        pong, self._pong = self._pong, None
        return pong

    def drop_controls(self) -> None:
        """They were for a connection that is gone."""
        self._controls.clear()
        self._pong = None
