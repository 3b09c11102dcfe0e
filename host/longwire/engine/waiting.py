"""What tasks wait for, made when one waits: an event of anyio's has 760 bytes, and most streams never wait for one."""

import anyio


class Pulse:
    """Something that happens again and again."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next: anyio.Event | None = None

    def beat(self) -> None:
        """It happened: whoever waits now goes on."""
        if self._next is not None:
            self._next.set()
            self._next = None

    async def wait(self) -> None:
        """Until it happens the next time."""
        if self._next is None:
            self._next = anyio.Event()
        await self._next.wait()


class Once:
    """Something that happens one time."""

    __slots__ = ("_event", "happened")

    def __init__(self) -> None:
        self.happened = False
        self._event: anyio.Event | None = None

    def happen(self) -> None:
        """Idempotent."""
        self.happened = True
        if self._event is not None:
            self._event.set()

    async def wait(self) -> None:
        """Until it has happened; at once where it has."""
        if self.happened:
            return
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()
