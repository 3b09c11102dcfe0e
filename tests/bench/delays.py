"""Events: what each is late by at several paces, how many a second one stream carries, and beside a download."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from playwright.sync_api import Page

from tests.bench.ceiling import Order
from tests.bench.figures import BARE_CHANNEL, Point, Row
from tests.bench.samples import percentile
from tests.bench.stage import BROWSER, LONGWIRE, Stage
from tests.bench.throughput import name_of
from tests.bench.turns import in_turn

# The form of an extension alone that is quickest with small things.
_ALONE: Final = "worker-lane"
PEERS: Final = (BROWSER, LONGWIRE, _ALONE)
# Events a second, and how many in a round of full length.
PACES: Final = ((10, 20), (100, 300), (1000, 1000), (10_000, 5000))
# How far a download must have come to count as running at its full window.
_UNDER_WAY_BYTES: Final = 16 << 20
# Frames of a channel that several streams share.
_SHARED_BYTES: Final = 64 * 1024


def paced(
    stage: Stage,
    rounds: int,
    *,
    share: float = 1.0,
    paces: Sequence[tuple[int, int]] = PACES,
    peers: tuple[str, ...] = PEERS,
) -> list[Row]:
    """Milliseconds from the server's send to the page. `share`: of the events of a full round."""
    page = stage.page()
    rows: list[Row] = []
    for per_second, full in paces:
        count = max(20, round(full * share))
        delays: dict[str, list[float]] = defaultdict(list)
        for number in range(rounds):
            for peer in in_turn(peers, number):
                delays[peer] += _read(stage, page, peer, f"n={count}&per_second={per_second}", count)["delays"]
        rows += _paced_rows(delays, per_second)
    stage.close_pages()
    return rows


def _paced_rows(delays: dict[str, list[float]], per_second: int) -> list[Row]:
    name = f"events, {per_second}/s"
    own, mine = delays[BROWSER], delays[LONGWIRE]
    rows = [
        Row(
            f"{name}: {name_of(peer)}",
            "ms",
            samples,
            f"99th percentile {percentile(samples, 99):.3g} ms",
            point=Point("delay by pace", name_of(peer), per_second),
        )
        for peer, samples in delays.items()
    ]
    added = statistics.median(mine) - statistics.median(own)
    late = percentile(mine, 99) - percentile(own, 99)
    return [
        *rows,
        Row(f"{name}: added, median", "ms", [added], "to the browser's own fetch"),
        Row(f"{name}: added, 99th", "ms", [late], "of 99th percentiles"),
    ]


def rates(stage: Stage, rounds: int, events: int, peers: tuple[str, ...] = PEERS) -> list[Row]:
    """Events a second that one stream carries, from a server that sends as fast as it goes."""
    page = stage.page()
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    ways = {"events/s": "", "events/s, a chunk each": "&chunk=event"}
    for number in range(rounds):
        for way, more in ways.items():
            for peer in in_turn(peers, number):
                result = _read(stage, page, peer, f"n={events}{more}", events)
                found[way, peer].append(events / float(result["milliseconds"]) * 1000)
    stage.close_pages()
    notes = {"events/s": "written 16 KiB at a time", "events/s, a chunk each": "an HTTP chunk for each event"}
    return [
        Row(f"{way}: {name_of(peer)}", "1/s", samples, notes[way], point=Point("events a second", name_of(peer), way))
        for (way, peer), samples in found.items()
    ]


def beside_a_download(stage: Stage, rounds: int, events: int) -> list[Row]:
    """The delay of events at 100 a second beside a download of random bytes that takes all it can get, and the delay of
    small messages of the bare channel that is kept full.
    """
    channel: list[float] = []
    mine: list[float] = []
    moved: list[float] = []
    for _ in range(rounds):
        channel += stage.carry(Order(1, _SHARED_BYTES, events=events, per_second=100)).delays
        busy, quiet = stage.page(), stage.page()
        stage.ask(busy, "download", LONGWIRE, "/endless-work?kind=random")
        busy.wait_for_function("(count) => downloaded >= count", arg=_UNDER_WAY_BYTES)
        before = busy.evaluate("downloaded")
        result = _read(stage, quiet, LONGWIRE, f"n={events}&per_second=100", events)
        moved.append((busy.evaluate("downloaded") - before) / 1000 / float(result["milliseconds"]))
        mine += result["delays"]
        stage.close_pages()
    ratio = percentile(mine, 99) / percentile(channel, 99)
    return [
        Row("beside a download: Longwire", "ms", mine, f"99th percentile {percentile(mine, 99):.3g} ms"),
        Row(f"beside a download: {BARE_CHANNEL}", "ms", channel, f"99th percentile {percentile(channel, 99):.3g} ms"),
        Row("beside a download: 99th, Longwire / bare channel", "times", [ratio], "of 99th percentiles"),
        Row("beside a download: the download, Longwire", "MB/s", moved),
    ]


def _read(stage: Stage, page: Page, peer: str, query: str, count: int) -> dict[str, Any]:
    result: dict[str, Any] = stage.ask(page, "readEvents", peer, f"/events?{query}")
    assert result["events"] == count, f"{peer} brought {result['events']} of {count} events"
    return result
