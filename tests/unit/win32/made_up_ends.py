"""The objects behind the handles of a made-up Windows: ends of pipes, and who waits at them."""

import ctypes
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from longwire.win32 import api as w
from longwire.win32.pipes import BUFFER_BYTES


@dataclass
class Operation:
    """One overlapped read or write."""

    done: Callable[[int, int], None]  # code and bytes
    data: bytes = b""
    size: int = 0
    into: Any = None


@dataclass(eq=False)
class End:
    """One end of a pipe: what was sent to it, and who waits for that."""

    pipe: "Pipe"
    server: bool
    pid: int
    other: "End | None" = None
    closed: bool = False
    inbox: deque[bytes] = field(default_factory=deque)
    readers: deque[Operation] = field(default_factory=deque)
    writers: deque[Operation] = field(default_factory=deque)
    connecting: Callable[[int, int], None] | None = None

    def pump(self) -> None:
        """What can be read is read, what has room is written."""
        other = self.other
        while self.readers and (self.inbox or self.closed or (other is not None and other.closed)):
            reader = self.readers.popleft()
            if not self.inbox:
                reader.done(w.BROKEN_PIPE, 0)
                continue
            message = self.inbox.popleft()
            piece = message[: reader.size]
            ctypes.memmove(reader.into, piece, len(piece))
            rest = message[len(piece) :]
            if rest:
                self.inbox.appendleft(rest)
            reader.done(w.MORE_DATA if rest else 0, len(piece))
        while self.writers:
            if other is None or other.closed or self.closed:
                self.writers.popleft().done(w.NO_DATA, 0)
            elif not other.inbox or sum(map(len, other.inbox)) + len(self.writers[0].data) <= BUFFER_BYTES:
                writer = self.writers.popleft()
                other.inbox.append(writer.data)
                writer.done(0, len(writer.data))
                other.pump()
            else:
                return


@dataclass(eq=False)
class Pipe:
    """All instances of one name."""

    name: str
    security: str
    owner: str
    free: list[End] = field(default_factory=list)
    ends: int = 0


@dataclass
class Event:
    """A manual-reset event."""

    set: bool = False
