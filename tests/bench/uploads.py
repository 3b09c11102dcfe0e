"""Request bodies at the server, beside what the bare channel carries upwards."""

from collections import defaultdict
from typing import Final

from playwright.sync_api import Page

from tests.bench import ceiling
from tests.bench.figures import BARE_CHANNEL, Point, Row
from tests.bench.samples import best, ratios
from tests.bench.stage import BROWSER, LONGWIRE, Stage
from tests.bench.throughput import name_of
from tests.bench.turns import in_turn

# Megabytes, and how often.
SIZES: Final = ((1, 5), (16, 5), (256, 1))


def uploads(
    stage: Stage, rounds: int, megabytes: int, channels: tuple[ceiling.Form, ...] = ceiling.UPWARDS
) -> list[Row]:
    """MB/s of random bytes from a Blob, of rounds in which the bare channel carries as much upwards."""
    page = stage.page()
    found: dict[str, list[float]] = defaultdict(list)
    channel: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        for peer in in_turn((BROWSER, LONGWIRE), number):
            found[peer].append(_rate(stage, page, peer, megabytes))
        for form in in_turn(channels, number):
            report = stage.carry(form.order(megabytes, up=True))
            channel[form.name].append(megabytes * 1000 / report.milliseconds)
    stage.close_pages()
    note = f"{megabytes} MB a round"
    rows = [
        Row(f"upload: {name_of(peer)}", "MB/s", rates, note, point=Point("uploads", name_of(peer), f"{megabytes} MB"))
        for peer, rates in found.items()
    ]
    highest = best(channel)
    for name, rates in channel.items():
        point = Point("uploads", BARE_CHANNEL, f"{megabytes} MB") if name == highest else None
        rows.append(Row(f"upload: {name}", "MB/s", rates, note, point=point))
    samples = ratios(found[LONGWIRE], channel[highest])
    return [*rows, Row("upload: Longwire / bare channel", "x", samples, f"of {highest}")]


def sizes(quick: bool) -> tuple[tuple[int, int], ...]:
    """Of `by_size`."""
    return SIZES[:1] if quick else SIZES


def by_size(stage: Stage, sizes: tuple[tuple[int, int], ...] = SIZES) -> list[Row]:
    """MB/s of uploads of each size."""
    page = stage.page()
    rows = []
    for megabytes, rounds in sizes:
        found: dict[str, list[float]] = defaultdict(list)
        for number in range(rounds):
            for peer in in_turn((BROWSER, LONGWIRE), number):
                found[peer].append(_rate(stage, page, peer, megabytes))
        text = f"{megabytes} MB"
        rows += [
            Row(f"upload, {text}: {name_of(peer)}", "MB/s", rates, point=Point("uploads", name_of(peer), text))
            for peer, rates in found.items()
        ]
    stage.close_pages()
    return rows


def _rate(stage: Stage, page: Page, peer: str, megabytes: int) -> float:
    size = megabytes * 1_000_000
    result = stage.ask(page, "upload", peer, "/take", size=size)
    assert result["bytes"] == size
    return size / 1000 / float(result["milliseconds"])
