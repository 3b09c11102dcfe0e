"""When a step is due: at its time, at another speed, at once, or when a key is pressed."""

import asyncio
from dataclasses import dataclass
from typing import Protocol


class Pace(Protocol):
    """One request's."""

    async def until(self, t: float) -> float:
        """Wait for the time `t`, in milliseconds after the request; gives by how many milliseconds it was missed."""


@dataclass(frozen=True, slots=True)
class Timed:
    """At the recorded times, `speed` times as fast."""

    began: float
    speed: float

    async def until(self, t: float) -> float:
        """See Pace."""
        loop = asyncio.get_running_loop()
        due = self.began + t / 1000 / self.speed
        # At least one turn of the loop: a neighbour's steps may be due as well.
        await asyncio.sleep(max(due - loop.time(), 0))
        return (loop.time() - due) * 1000


class AtOnce:
    """As fast as it is read."""

    async def until(self, t: float) -> float:
        """See Pace."""
        await asyncio.sleep(0)
        return 0.0


class ByKey:
    """One step for each `press`, whatever request it is of."""

    def __init__(self) -> None:
        self._presses = asyncio.Semaphore(0)

    def press(self) -> None:
        """The next one."""
        self._presses.release()

    async def until(self, t: float) -> float:
        """See Pace."""
        await self._presses.acquire()
        return 0.0
