"""What the engine needs of whatever carries its frames. Stdio is one; a socket to a per-user daemon may be another."""

from typing import Protocol


class ChannelLost(Exception):
    """The channel is of no use any more. The text says which side of it and why, for the log."""


class Channel(Protocol):
    """A byte channel to the extension. May be lost at any time; the engine then ends or is given another one."""

    async def receive(self) -> bytes:
        """The next bytes, any split of frames; b"" once the other end has closed.

        Raises:
            ChannelLost: it broke in another way; b"" afterwards.
        """
        ...

    async def hung_up(self) -> None:
        """Return once the other end has closed, although bytes before its end wait to be received.

        Only where the system tells so; elsewhere it never returns, and `receive` gives the end when all was received.
        """
        ...

    async def write(self, data: bytes) -> None:
        """Hand `data` over completely. Returning means that the carrier took it, so at most one write is in flight.

        Need not give way to other tasks where the carrier takes it at once.

        Raises:
            ChannelLost: the other end is gone.
        """
        ...

    def write_at_once(self, data: bytes) -> int:
        """How many bytes of `data` the carrier took without any waiting: all, some, or none. Never during `write`.

        Raises:
            ChannelLost: the other end is gone.
        """
        ...
