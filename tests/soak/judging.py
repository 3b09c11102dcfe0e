"""Slopes of what processes use, and whether they are growth.

A slope is Theil and Sen's: the median of the slopes of all pairs of samples, which single outliers do not move. It is
taken over samples at rest, when no short stream is under way, of one process, after its warm-up.
"""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, pairwise
from typing import Any, Final

from longwire.protocol.limits import MIB
from tests.soak.sampling import ROLES, Role, Sample

HOUR_S: Final = 3600.0
# Pairs grow with the square of samples; medians of so many stretches say the same.
_POINTS: Final = 300
MIN_POINTS: Final = 8
MIN_SPAN_S: Final = 120.0
# From here on growth is judged by the hour.
LONG_SPAN_S: Final = 1800.0


@dataclass(frozen=True)
class Bound:
    """The most that something may grow by an hour, and in a time that is too short to speak of hours.

    `grain` is what cannot be told from an allocator's step or a collector's rhythm.
    """

    what: str
    per_hour: float
    grain: float


@dataclass(frozen=True)
class Finding:
    """One slope, against its bound. `ok` is None where there was too little to judge."""

    role: Role
    pid: int
    what: str
    per_hour: float
    hours: float
    bound: float
    ok: bool | None

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)


# The host has Python's memory: what is free is used again, and 1 MiB an hour is the promise. A renderer's and the
# browser's heaps belong to collectors that run when they like: V8 lets a young heap of up to 16 MiB fill, and an old
# one grow for twenty minutes and more before it frees it. What the load leaves there is judged after the collector's
# work (`floor_of`), and a bound of 16 MiB an hour is less than 120 bytes for each chunk of the slow download.
MEMORY: Final[dict[Role, Bound]] = {
    "host": Bound("memory", MIB, MIB),
    "worker": Bound("memory", 16 * MIB, 16 * MIB),
    "page": Bound("memory", 16 * MIB, 16 * MIB),
    "browser": Bound("memory", 16 * MIB, 16 * MIB),
}
# Flat: not one more in the host, by the slope, over all the time. Chromium's pools add a thread, and end one, when they
# like, in renderers too that show no page; what leaked with each reload or stream would be dozens in an hour.
COUNTS: Final[dict[Role, float]] = {"host": 1, "worker": 4, "page": 4, "browser": 4}


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil and Sen's slope of (seconds, value), per second; 0 of fewer than two times."""
    slopes = [(b - a) / (t - s) for (s, a), (t, b) in combinations(thinned(points), 2) if t != s]
    return statistics.median(slopes) if slopes else 0.0


def thinned(points: Sequence[tuple[float, float]], count: int = _POINTS) -> list[tuple[float, float]]:
    """At most `count` points: medians of as many stretches of equally many samples."""
    if len(points) <= count:
        return list(points)
    edges = [len(points) * index // count for index in range(count + 1)]
    parts = [points[start:end] for start, end in pairwise(edges)]
    return [(statistics.median(t for t, _ in part), statistics.median(v for _, v in part)) for part in parts]


def floor_of(points: Sequence[tuple[float, float]], stretch_s: float) -> list[tuple[float, float]]:
    """The least of each stretch of that many seconds: what is left after a collector ran."""
    stretches: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)
    for at, value in points:
        stretches[int(at // stretch_s)].append((at, value))
    return [min(part, key=lambda point: point[1]) for _, part in sorted(stretches.items())]


def judge(points: Sequence[tuple[float, float]], bound: Bound) -> tuple[float, bool | None]:
    """(growth per hour, whether that is within the bound) of (seconds, value)."""
    growth = slope(points)
    span = points[-1][0] - points[0][0]
    if len(points) < MIN_POINTS or span < MIN_SPAN_S:
        return growth * HOUR_S, None
    by_the_hour = bound.per_hour > 0 and span >= LONG_SPAN_S
    allowed = bound.per_hour * span / HOUR_S if by_the_hour else bound.grain
    return growth * HOUR_S, growth * span < allowed


def findings(samples: Sequence[Sample], warm_up_s: float) -> list[Finding]:
    """A finding for everything that was long enough there."""
    found = []
    for (role, pid), mine in sorted(by_process(samples).items(), key=lambda item: ROLES.index(item[0][0])):
        at_rest = [sample for sample in mine if sample.mode == "rest" and sample.at >= mine[0].at + warm_up_s]
        if len(at_rest) < MIN_POINTS:
            continue
        hours = (at_rest[-1].at - at_rest[0].at) / HOUR_S
        memory = [(sample.at, float(sample.memory)) for sample in at_rest]
        # A renderer's collector has a minute or two.
        series = {
            MEMORY[role]: memory if role == "host" else floor_of(memory, max(30.0, hours * HOUR_S / 24)),
            Bound("descriptors", 0, COUNTS[role]): [(sample.at, float(descriptors_of(sample))) for sample in at_rest],
            Bound("threads", 0, COUNTS[role]): [(sample.at, float(sample.threads)) for sample in at_rest],
        }
        for bound, points in series.items():
            per_hour, ok = judge(points, bound)
            found.append(Finding(role, pid, bound.what, per_hour, hours, bound.per_hour, ok))
    return found


def descriptors_of(sample: Sample) -> int:
    """Those that are there whatever is under way: a stream's socket comes and goes with it."""
    return sample.descriptors - (sample.streams if sample.role == "host" else 0)


def by_process(samples: Sequence[Sample]) -> dict[tuple[Role, int], list[Sample]]:
    """In the order they were taken."""
    processes: defaultdict[tuple[Role, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        processes[sample.role, sample.pid].append(sample)
    return dict(processes)


@dataclass(frozen=True)
class Rate:
    """What processes of a role did per second while the load was in one mode: CPU in per cent of a core, wake-ups."""

    role: Role
    mode: str
    cpu_percent: float
    wakeups_per_s: float
    seconds: float


def rates(samples: Sequence[Sample]) -> list[Rate]:
    """Of all processes of each role together, in each mode, over steps in which the mode stayed."""
    cpu: defaultdict[tuple[Role, str], float] = defaultdict(float)
    wakeups: defaultdict[tuple[Role, str], int] = defaultdict(int)
    seconds: defaultdict[str, float] = defaultdict(float)
    times = sorted({(sample.at, sample.mode) for sample in samples})
    for (start, mode), (end, next_mode) in pairwise(times):
        if mode == next_mode:
            seconds[mode] += end - start
    for (role, _), mine in by_process(samples).items():
        for before, after in pairwise(mine):
            if before.mode == after.mode:
                cpu[role, after.mode] += after.cpu - before.cpu
                wakeups[role, after.mode] += after.wakeups - before.wakeups
    return [
        Rate(role, mode, 100 * cpu[role, mode] / seconds[mode], wakeups[role, mode] / seconds[mode], seconds[mode])
        for role, mode in sorted(cpu)
        if seconds[mode] > 0
    ]
