"""What a byte and an event cost as there are more of them: 1 KiB to 10 GiB, 1 to 1,000 streams. It should not rise.

Cost is CPU seconds of everything between server and page: browser, its network process, worker, page, host.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Self

from rich.console import Console

from tests.bench.bodies import Kind
from tests.bench.figures import Point, Row, Target
from tests.bench.many import COUNTS, ManyStreams
from tests.bench.processes import Role, cpu_seconds
from tests.bench.routes import mean_event_bytes
from tests.bench.runs import Measured
from tests.bench.stage import LONGWIRE, Stage, set_up
from tests.bench.throughput import rate, size_text

_GIB: Final = 1 << 30
_SIZES: Final = (*(1 << power for power in (10, 13, 16, 20, 24, 28, 30)), 10 * _GIB)
_QUICK_SIZES: Final = tuple(1 << power for power in (10, 16, 20, 24, 26))
# Small bodies are fetched as often as makes so many bytes, or so often.
_BATCH_BYTES: Final = 64 << 20
_BATCH_MOST: Final = 200
# What is smaller costs what a request costs, and not what bytes do.
_BYTES_COUNT_FROM: Final = 1 << 20
_EVENTS_PER_SECOND: Final = 1000
# By how much the most may cost more than the least of what is smaller: more than a machine's own unrest.
_MAY_RISE: Final = Target(1.3)


@dataclass(frozen=True)
class Spent:
    """CPU time by kind of process, of something or for each of something."""

    by_role: dict[Role, float]

    @classmethod
    def since(cls, before: dict[Role, float], stage: Stage) -> Self:
        """Seconds since `before` was taken. Of a host that has ended since, nothing."""
        now = cpu_seconds(stage.browser)
        return cls({role: max(0.0, now[role] - before[role]) for role in now})

    def each(self, count: float) -> Self:
        """For each of so many."""
        return type(self)({role: spent / count for role, spent in self.by_role.items()})

    @property
    def total(self) -> float:
        """Of all kinds."""
        return sum(self.by_role.values())

    @property
    def text(self) -> str:
        """By kind, for people."""
        return ", ".join(f"{role} {spent:.2g}" for role, spent in self.by_role.items())


def growth(console: Console, *, quick: bool) -> Measured:
    """All figures. `quick` leaves out what takes minutes."""
    measured = Measured(console)
    seconds = 3 if quick else 15
    with set_up() as stage:
        for kind in ("random", "text"):
            sizes = _QUICK_SIZES if quick else _SIZES
            measured.take(f"what a byte costs by size, {kind}", partial(by_size, stage, kind, sizes))
        measured.take("what a byte costs by streams", partial(by_streams, stage, seconds, COUNTS))
        measured.take("what an event costs by streams", partial(events_by_streams, stage, seconds, COUNTS))
    return measured


def by_size(stage: Stage, kind: Kind, sizes: Sequence[int]) -> list[Row]:
    """CPU seconds for each GiB of bodies of each size, and the largest rise."""
    page = stage.page()
    rate(stage, page, LONGWIRE, kind, 1 << 20)
    costs: list[tuple[int, Spent]] = []
    for size in sizes:
        times = max(1, min(_BATCH_MOST, _BATCH_BYTES // size))
        before = cpu_seconds(stage.browser)
        for _ in range(times):
            rate(stage, page, LONGWIRE, kind, size)
        costs.append((size, Spent.since(before, stage).each(size * times / _GIB)))
    stage.close_pages()
    rows = [
        Row(
            f"cost of a byte, {kind}, {size_text(size)}",
            "CPU s/GiB",
            [cost.total],
            cost.text,
            point=Point("cost by size", kind, size),
        )
        for size, cost in costs
    ]
    large = [cost.total for size, cost in costs if size >= _BYTES_COUNT_FROM]
    return [*rows, _rise_row(f"cost of a byte, {kind}: largest rise", large, "from 1 MiB on")]


def by_streams(stage: Stage, seconds: float, counts: Sequence[int]) -> list[Row]:
    """CPU seconds for each GiB of so many endless downloads of random bytes at once."""
    costs = []
    for count in counts:
        spent, got = _watched(stage, count, "/endless-work?kind=random", seconds)
        costs.append(spent.each(max(1, got) / _GIB))
    rows = [
        Row(
            f"cost of a byte, {count} streams",
            "CPU s/GiB",
            [cost.total],
            cost.text,
            point=Point("cost by streams", "random", count),
        )
        for count, cost in zip(counts, costs, strict=True)
    ]
    totals = [cost.total for cost in costs]
    return [*rows, _rise_row("cost of a byte by streams: largest rise", totals, "1 to 1,000 streams")]


def events_by_streams(stage: Stage, seconds: float, counts: Sequence[int]) -> list[Row]:
    """CPU milliseconds for each of a thousand events a second, which come by so many streams."""
    costs = []
    for count in counts:
        target = f"/events?n=1000000000&per_second={_EVENTS_PER_SECOND / count:g}"
        spent, got = _watched(stage, count, target, seconds)
        costs.append(spent.each(max(1, got) / mean_event_bytes() / 1000))
    rows = [
        Row(
            f"cost of an event, {count} streams",
            "CPU ms",
            [cost.total],
            cost.text,
            point=Point("event by streams", "events", count),
        )
        for count, cost in zip(counts, costs, strict=True)
    ]
    totals = [cost.total for cost in costs]
    return [*rows, _rise_row("cost of an event by streams: largest rise", totals, f"{_EVENTS_PER_SECOND} a second")]


def rise(costs: Sequence[float]) -> float:
    """How many times the cheapest before it something costs, of what is dearest by that measure; 1 where none is.

    Raises ValueError without costs.
    """
    least = costs[0]
    most = 1.0
    for cost in costs:
        least = min(least, cost)
        most = max(most, cost / least if least else 1.0)
    return most


def _rise_row(name: str, costs: Sequence[float], note: str) -> Row:
    return Row(name, "times", [rise(costs)], note, _MAY_RISE)


def _watched(stage: Stage, count: int, target: str, seconds: float) -> tuple[Spent, int]:
    """CPU time, and bytes at the page, of a while in which `count` streams went on."""
    streams = ManyStreams(stage, count, target)
    before = cpu_seconds(stage.browser)
    span = streams.span(seconds)
    spent = Spent.since(before, stage)
    stage.close_pages()
    if span.failures:
        raise AssertionError(f"{len(span.failures)} of {count} streams failed: {span.failures[0]}")
    return spent, sum(span.got)
