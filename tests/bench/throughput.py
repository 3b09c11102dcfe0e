"""Bodies at the page: Longwire, the bare channel, the page's own fetch and an extension alone, in turn."""

from collections import defaultdict
from contextlib import nullcontext
from typing import Final

from playwright.sync_api import Page

from tests.bench import bodies, ceiling
from tests.bench.carriage import Carriage
from tests.bench.extension_only import FORMS
from tests.bench.figures import BARE_CHANNEL, BROWSERS_OWN, EXTENSION_ONLY, Point, Row
from tests.bench.processes import Costs
from tests.bench.samples import best, ratios
from tests.bench.stage import BROWSER, LONGWIRE, PEERS, Stage
from tests.bench.turns import in_turn

_NAMES: Final = {
    BROWSER: BROWSERS_OWN,
    LONGWIRE: "Longwire",
    **{form: f"{EXTENSION_ONLY}, {form.replace('-', ' ')}" for form in FORMS},
}
# Bytes of body, and how often: what takes half a minute is not taken five times.
SIZES: Final = ((1 << 10, 5), (1 << 15, 5), (1 << 20, 5), (1 << 24, 3), (1 << 28, 1), (1 << 30, 1))


def name_of(peer: str) -> str:
    """A peer, for people."""
    return _NAMES[peer]


def rate(stage: Stage, page: Page, peer: str, kind: bodies.Kind, size: int) -> float:
    """MB/s of one body."""
    result = stage.ask(page, "readAll", peer, f"/work?kind={kind}&size={size}")
    assert result["bytes"] == size, f"{peer} brought {result['bytes']} of {size} bytes"
    return size / 1000 / float(result["milliseconds"])


def throughput(
    stage: Stage,
    rounds: int,
    megabytes: int,
    *,
    kinds: tuple[bodies.Kind, ...] = bodies.KINDS,
    peers: tuple[str, ...] = PEERS,
    channels: tuple[ceiling.Form, ...] = ceiling.FORMS,
) -> list[Row]:
    """MB/s, of rounds in each of which every peer brings `megabytes` of each kind."""
    page = stage.page()
    costs, carriage = Costs(stage.browser), Carriage(stage.browser)
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    channel: dict[str, list[float]] = defaultdict(list)
    for peer in peers:
        rate(stage, page, peer, "random", 1 << 20)
    for number in range(rounds):
        for kind in in_turn(kinds, number):
            for peer in in_turn(peers, number):
                with carriage.of(kind) if peer == LONGWIRE else nullcontext(), costs.of(kind, name_of(peer), megabytes):
                    found[kind, peer].append(rate(stage, page, peer, kind, megabytes * 1_000_000))
        for form in in_turn(channels, number):
            with costs.of("random", form.name, megabytes):
                channel[form.name].append(megabytes * 1000 / stage.carry(form.order(megabytes)).milliseconds)
    stage.close_pages()
    rows = [row for kind in kinds for row in _kind_rows(kind, {peer: found[kind, peer] for peer in peers}, megabytes)]
    if channel and "random" in kinds:
        rows += _channel_rows(channel, found["random", LONGWIRE])
    return rows + carriage.rows() + costs.rows()


def _kind_rows(kind: bodies.Kind, found: dict[str, list[float]], megabytes: int) -> list[Row]:
    note = f"{megabytes} MB a round; packs {bodies.ratio(kind):.3g} : 1"
    rows = [
        Row(f"{kind}: {name_of(peer)}", "MB/s", rates, note, point=Point("bodies", name_of(peer), kind))
        for peer, rates in found.items()
    ]
    alone: dict[str, list[float]] = {form: found[form] for form in FORMS if form in found}
    if alone:
        form = best(alone)
        note = f"of {form.replace('-', ' ')}, the fastest form"
        rows.append(Row(f"{kind}: Longwire / extension only", "x", ratios(found[LONGWIRE], alone[form]), note))
    return rows


def _channel_rows(channel: dict[str, list[float]], mine: list[float]) -> list[Row]:
    highest = best(channel)
    return [
        *(
            Row(
                f"random: {name}",
                "MB/s",
                rates,
                point=Point("bodies", BARE_CHANNEL, "random") if name == highest else None,
            )
            for name, rates in channel.items()
        ),
        Row("random: Longwire / bare channel", "x", ratios(mine, channel[highest]), f"of {highest}"),
    ]


def sizes(quick: bool) -> tuple[tuple[int, int], ...]:
    """Of `by_size`."""
    return tuple(size for size in SIZES if size[0] <= 1 << 20) if quick else SIZES


def by_size(stage: Stage, sizes: tuple[tuple[int, int], ...] = SIZES) -> list[Row]:
    """MB/s of bodies of each size, by the page's own fetch, an extension alone and Longwire."""
    page = stage.page()
    rows = []
    for kind in ("random", "text"):
        for size, rounds in sizes:
            found: dict[str, list[float]] = defaultdict(list)
            for number in range(rounds):
                for peer in in_turn((BROWSER, "offscreen-lane", LONGWIRE), number):
                    found[peer].append(rate(stage, page, peer, kind, size))
            rows += [
                Row(
                    f"{kind}, {size_text(size)}: {name_of(peer)}",
                    "MB/s",
                    rates,
                    point=Point(f"{kind} by size", name_of(peer), size),
                )
                for peer, rates in found.items()
            ]
    stage.close_pages()
    return rows


def size_text(size: int) -> str:
    """Bytes, for people: powers of 1024."""
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if size >= 1 << power:
            return f"{size / (1 << power):g} {unit}"
    return f"{size} B"
