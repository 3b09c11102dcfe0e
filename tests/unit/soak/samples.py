"""Made-up samples of a run."""

import random
from collections.abc import Callable

from tests.soak.sampling import Role, Sample


def series(
    memory: Callable[[float], float],
    *,
    role: Role = "host",
    pid: int = 7,
    seconds: float = 3600,
    mode: str = "rest",
    descriptors: Callable[[float], float] = lambda _: 12,
    threads: Callable[[float], float] = lambda _: 3,
    streams: Callable[[float], float] = lambda _: 2,
) -> list[Sample]:
    """A sample every five seconds; each function gives its value at a second."""
    return [
        Sample(
            at=at,
            mode=mode,
            streams=int(streams(at)),
            role=role,
            pid=pid,
            rss=int(memory(at)) + 20_000_000,
            memory=int(memory(at)),
            descriptors=int(descriptors(at)),
            threads=int(threads(at)),
            cpu=at * 0.02,
            wakeups=int(at * 50),
        )
        for at in (step * 5.0 for step in range(int(seconds / 5)))
    ]


def noise(size: float, seed: int = 1) -> Callable[[float], float]:
    """Up to that much more or less, the same every time."""
    return lambda at: random.Random(f"{seed}/{at}").uniform(-size, size)
