"""A fetch of a few bytes where all is warm: milliseconds from the call to the response's head."""

from collections import defaultdict
from typing import Final

from tests.bench.figures import Row
from tests.bench.samples import percentile
from tests.bench.stage import BROWSER, LONGWIRE, Stage
from tests.bench.throughput import name_of
from tests.bench.turns import in_turn

_PEERS: Final = (BROWSER, LONGWIRE, "worker-lane")
_WARM: Final = 20


def opening(stage: Stage, rounds: int, count: int) -> list[Row]:
    """Rows of `rounds` with `count` fetches by each, one after another."""
    page = stage.page()
    found: dict[str, list[float]] = defaultdict(list)
    for peer in _PEERS:
        stage.ask(page, "openOnes", peer, "/tiny", count=_WARM)
    for number in range(rounds):
        for peer in in_turn(_PEERS, number):
            found[peer] += stage.ask(page, "openOnes", peer, "/tiny", count=count)
    stage.close_pages()
    return [
        Row(f"to headers, warm: {name_of(peer)}", "ms", samples, f"99th percentile {percentile(samples, 99):.3g} ms")
        for peer, samples in found.items()
    ]
