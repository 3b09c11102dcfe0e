"""What is measured, and against what it is held.

Each figure runs its two sides in turn, in the same browser, so that a busy machine hits both.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from playwright.sync_api import Page

from tests.bench.ceiling import Orders
from tests.e2e.browser import Browser
from tests.e2e.measure import events_beside_download, percentile, read_events
from tests.e2e.scripts import script
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.threaded import ThreadedServer

# Units of which more is better; of all others less is.
HIGHER_IS_BETTER = frozenset({"MB/s", "1/s", "x"})
# Figures without Longwire in them: how busy the machine was.
MACHINE = frozenset({"bare host, worker that drops", "event delay, browser's fetch"})

_BLOCK = bytes(range(256)) * 1024

READ_ALL = script("read_all.js")


@dataclass(frozen=True)
class Target:
    """What a row's samples are held against, in its unit: their median, or another percentile of them."""

    bound: float
    percent: int = 50


@dataclass
class Row:
    """One line of the table: samples of one thing, in one unit, and what they have to reach, if anything."""

    name: str
    unit: str
    samples: list[float]
    note: str = ""
    target: Target | None = None

    @property
    def median(self) -> float:
        """Of the samples."""
        return statistics.median(self.samples)

    @property
    def more_is_better(self) -> bool:
        """Else less is."""
        return self.unit in HIGHER_IS_BETTER

    @property
    def verdict(self) -> Literal["met", "missed"] | None:
        """Whether the target is met; None without one. A figure that is no number meets nothing."""
        if self.target is None:
            return None
        percent = self.target.percent
        if percent == 50:
            reached = self.median
        else:
            reached = percentile(self.samples, 100 - percent if self.more_is_better else percent)
        met = reached >= self.target.bound if self.more_is_better else reached <= self.target.bound
        return "met" if met else "missed"

    @property
    def wanted(self) -> str:
        """The target, for people."""
        if self.target is None:
            return ""
        which = "" if self.target.percent == 50 else f"{self.target.percent} in 100 "
        return f"{which}{'not under' if self.more_is_better else 'not over'} {self.target.bound:g} {self.unit}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        target = self.target and {"bound": self.target.bound, "percent": self.target.percent, "text": self.wanted}
        return {
            "name": self.name,
            "unit": self.unit,
            "samples": self.samples,
            "median": self.median,
            "note": self.note,
            "target": target,
            "verdict": self.verdict,
        }


def exit_code(rows: Sequence[Row]) -> int:
    """1 if any target is missed."""
    return int(any(row.verdict == "missed" for row in rows))


@dataclass
class Figures:
    """Everything that a figure needs."""

    browser: Browser
    site: ThreadedServer
    upstream: ThreadedServer
    orders: Orders

    def page(self) -> Page:
        """A fresh tab."""
        return self.browser.open(self.site.url("/"))

    @staticmethod
    async def plain_bytes(request: Request) -> None:
        """GET /plain?size=…: that many bytes at the least cost to the server."""
        size = int(request.query["size"])
        await request.connection.send(bodies.head(200, [("Content-Length", str(size))]))
        for start in range(0, size, len(_BLOCK)):
            await request.connection.send(_BLOCK[: size - start])


def throughput(figures: Figures, rounds: int, megabytes: int) -> list[Row]:
    """MB/s of body at the page, against a bare host and a worker that drops everything."""
    page = figures.page()
    size = megabytes * 1_000_000
    ceiling, reached = [], []
    for _ in range(rounds):
        milliseconds = figures.site.run(lambda: figures.orders.drain(megabytes), timeout_s=120)
        ceiling.append(size / 1000 / milliseconds)
        result = page.evaluate(READ_ALL, figures.upstream.url(f"/plain?size={size}"))
        assert result["bytes"] == size
        reached.append(size / 1000 / result["milliseconds"])
    ratios = [mine / theirs for mine, theirs in zip(reached, ceiling, strict=True)]
    figures.browser.close_pages()
    return [
        Row("body at the page", "MB/s", reached, f"{megabytes} MB a round"),
        Row("bare host, worker that drops", "MB/s", ceiling, "the channel's ceiling"),
        Row("page / ceiling", "x", ratios, target=Target(0.45)),
    ]


def delay_per_event(figures: Figures, rounds: int, events: int) -> list[Row]:
    """Milliseconds from the server's send to the page, at 100 events a second: Longwire and the browser's own fetch."""
    page = figures.page()
    target = f"/paced?events={events}&per_second=100"
    own, mine = [], []
    for _ in range(rounds):
        own.extend(read_events(page, figures.site.url(target), through="browser").delays)
        mine.extend(read_events(page, figures.upstream.url(target)).delays)
    added = statistics.median(mine) - statistics.median(own)
    figures.browser.close_pages()
    return [
        Row("event delay, Longwire", "ms", mine, f"99th percentile {percentile(mine, 99):.3g} ms"),
        Row("event delay, browser's fetch", "ms", own, f"99th percentile {percentile(own, 99):.3g} ms, same origin"),
        Row("added per event", "ms", [added], "of medians", Target(1.5)),
    ]


def neighbour_delay(figures: Figures, events: int) -> list[Row]:
    """The delay of events beside a download that takes all it can get."""
    busy, quiet = figures.page(), figures.page()
    paced = figures.upstream.url(f"/paced?events={events}&per_second=100")
    delays = events_beside_download(busy, quiet, figures.upstream.url("/endless"), paced).events.delays
    figures.browser.close_pages()
    return [
        Row("event delay beside a download", "ms", delays, f"99th percentile {percentile(delays, 99):.3g} ms"),
    ]
