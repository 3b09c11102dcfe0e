"""What a host and a daemon need that each system has in its own way: sockets or named pipes, and processes apart.

`posix` and `windows` have it, `own_system` chooses. Windows is untried. For types alone: a pipe's start does without.
"""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias, Union

from longwire.daemon.connected import Connected
from longwire.engine.channel import Channel

if TYPE_CHECKING:
    import subprocess

    from longwire.native.pipe_listener import PipeEnd, PipeListener

Listener: TypeAlias = Union[socket.socket, "PipeListener"]
# What a listener gives: a connection that was accepted.
Accepted: TypeAlias = Union[socket.socket, "PipeEnd"]


class LocalChannel(Channel, Protocol):
    """A channel to another process of this user."""

    def put_back(self, data: bytes) -> None:
        """Have `receive` give this once more, before all else."""
        ...

    async def close(self) -> None:
        """Say that this was the last, and wait a moment for the other end to close: it knows then that nobody died."""
        ...

    def drop(self) -> None:
        """Close it now. Idempotent."""
        ...


class System(Protocol):
    """One system's way."""

    def unbound(self) -> Listener:
        """A listener without a place yet."""
        ...

    async def accept(self, listener: Listener) -> Accepted:
        """The next connection. Raises OSError if it cannot be accepted."""
        ...

    def channel(self, connected: Connected | Accepted) -> LocalChannel:
        """It as a channel, which owns it. Of a running event loop."""
        ...

    def writer_is_gone(self, descriptor: int) -> bool:
        """Whether nobody can write to this input any more. False where the system does not tell (yet)."""
        ...

    def died(self, connected: Connected) -> bool:
        """Whether the other end closed without a word: its process died. To be asked after its end was read."""
        ...

    def pass_on(self, connected: Connected, data: memoryview, input_fd: int) -> bool | None:
        """Whether the other end took it all; None if whoever writes to `input_fd` closed that meanwhile. Blocks."""
        ...

    def start_apart(self, command: list[str], environ: dict[str, str]) -> "subprocess.Popen[bytes]":
        """A process with no descriptor, console or folder of this one's, that does not end with it.

        Raises:
            NotStartedApart: the system does not let it.
            OSError: it cannot be started.
        """
        ...

    def leave_parent(self) -> Callable[[], None]:
        """In a process that was started so: let go of what is left. Gives back what to call once it is ready.

        Where that goes on in another process, this one ends with 0 once it is, and with 1 if it does not get there.
        """
        ...
