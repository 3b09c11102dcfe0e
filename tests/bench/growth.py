"""What a byte and an event cost as there are more of them: 1 KiB to 10 GiB, 1 to 1,000 streams. It should not rise.

Cost is CPU seconds of everything between server and page: browser, its network process, worker, page, host.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from rich.console import Console

from tests.bench.bodies import Kind
from tests.bench.figures import Point, Row, Target
from tests.bench.many import COUNTS, ManyStreams
from tests.bench.processes import cpu_seconds
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
    costs: list[tuple[float, float]] = []
    for size in sizes:
        times = max(1, min(_BATCH_MOST, _BATCH_BYTES // size))
        before = _spent(stage)
        for _ in range(times):
            rate(stage, page, LONGWIRE, kind, size)
        costs.append((size, (_spent(stage) - before) * _GIB / (size * times)))
    stage.close_pages()
    rows = [
        Row(
            f"cost of a byte, {kind}, {size_text(int(size))}",
            "CPU s/GiB",
            [cost],
            point=Point("cost by size", kind, size),
        )
        for size, cost in costs
    ]
    large = [cost for size, cost in costs if size >= _BYTES_COUNT_FROM]
    return [*rows, _rise_row(f"cost of a byte, {kind}: largest rise", large, "from 1 MiB on")]


def by_streams(stage: Stage, seconds: float, counts: Sequence[int]) -> list[Row]:
    """CPU seconds for each GiB of so many endless downloads of random bytes at once."""
    costs = []
    for count in counts:
        spent, got = _watched(stage, count, "/endless-work?kind=random", seconds)
        costs.append(spent * _GIB / max(1, got))
    rows = [
        Row(f"cost of a byte, {count} streams", "CPU s/GiB", [cost], point=Point("cost by streams", "random", count))
        for count, cost in zip(counts, costs, strict=True)
    ]
    return [*rows, _rise_row("cost of a byte by streams: largest rise", costs, "1 to 1,000 streams")]


def events_by_streams(stage: Stage, seconds: float, counts: Sequence[int]) -> list[Row]:
    """CPU milliseconds for each of a thousand events a second, which come by so many streams."""
    costs = []
    for count in counts:
        target = f"/events?n=1000000000&per_second={_EVENTS_PER_SECOND / count:g}"
        spent, got = _watched(stage, count, target, seconds)
        costs.append(spent * 1000 * mean_event_bytes() / max(1, got))
    rows = [
        Row(f"cost of an event, {count} streams", "CPU ms", [cost], point=Point("event by streams", "events", count))
        for count, cost in zip(counts, costs, strict=True)
    ]
    return [*rows, _rise_row("cost of an event by streams: largest rise", costs, f"{_EVENTS_PER_SECOND} a second")]


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


def _watched(stage: Stage, count: int, target: str, seconds: float) -> tuple[float, int]:
    """CPU seconds, and bytes at the page, of a while in which `count` streams went on."""
    streams = ManyStreams(stage, count, target)
    before = _spent(stage)
    span = streams.span(seconds)
    spent = _spent(stage) - before
    stage.close_pages()
    if span.failures:
        raise AssertionError(f"{len(span.failures)} of {count} streams failed: {span.failures[0]}")
    return spent, sum(span.got)


def _spent(stage: Stage) -> float:
    return sum(cpu_seconds(stage.browser).values())
