"""A newcomer's walk: steps with their times, printed at the end of the suite."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.printed import say

# Of the ten minutes that a newcomer has; a machine with nothing else to do takes ten seconds.
MACHINES_PART_S = 300.0


class Walk:
    """`with walk.step("install"): …`; `tell` prints how long each took."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._steps: list[str] = []
        self._began = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One thing that a person does."""
        began = time.monotonic()
        yield
        self.note(name, time.monotonic() - began)

    def note(self, name: str, seconds: float) -> None:
        """A step that was timed elsewhere."""
        self._steps.append(f"{name} {seconds:.1f} s")

    def tell(self) -> None:
        """Print it, and see that it leaves a person most of the time."""
        took_s = time.monotonic() - self._began
        say(f"{self._who}: {', '.join(self._steps)}; in all {took_s:.1f} s")
        assert took_s < MACHINES_PART_S
