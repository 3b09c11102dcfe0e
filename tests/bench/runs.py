"""What each kind of run measures, in which order, and how long."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from rich.console import Console

from tests.bench import delays, many, memory, opening, throughput, uploads
from tests.bench.at_rest import at_rest
from tests.bench.daemon import daemon_costs
from tests.bench.figures import Row
from tests.bench.first_second import first_second
from tests.bench.generation import generation_costs
from tests.bench.neighbours import neighbour_floods
from tests.bench.pipes import over_pipes
from tests.bench.policy import policy_costs
from tests.bench.sockets import socket_costs
from tests.bench.stage import BROWSER, LONGWIRE, Stage, set_up
from tests.bench.unread import unread_costs

Figure: TypeAlias = Callable[[bool], list[Row]]
StageFigure: TypeAlias = Callable[[Stage, bool], list[Row]]


def _bodies(stage: Stage, quick: bool) -> list[Row]:
    if quick:
        peers = (BROWSER, LONGWIRE, "offscreen-lane")
        return throughput.throughput(stage, 2, 20, kinds=("random", "text"), peers=peers)
    return throughput.throughput(stage, 5, 48)


def _delays(stage: Stage, quick: bool) -> list[Row]:
    if quick:
        return delays.paced(stage, 2, share=0.5, paces=((100, 300), (1000, 1000)))
    return delays.paced(stage, 5)


# By the option that asks for one of them alone. Those with a stage share one browser, in which all peers are.
ON_STAGE: Final[dict[str, tuple[str, StageFigure]]] = {
    # First: a thousand streams leave the host larger than they found it.
    "memory-in-use": ("memory of every process", lambda stage, quick: memory.memory(stage)),
    "bodies": ("bodies at the page, and their CPU seconds", _bodies),
    "sizes": ("bodies from 1 KiB to 1 GiB", lambda stage, quick: throughput.by_size(stage, throughput.sizes(quick))),
    "delays": ("delay of events at every pace", _delays),
    "rates": ("events a second", lambda stage, quick: delays.rates(stage, *((1, 20_000) if quick else (5, 60_000)))),
    "beside": (
        "events beside a download",
        lambda stage, quick: delays.beside_a_download(stage, *((1, 200) if quick else (5, 300))),
    ),
    "uploads": ("uploads", lambda stage, quick: uploads.uploads(stage, *((2, 16) if quick else (5, 64)))),
    "upload-sizes": ("uploads of 1 to 256 MB", lambda stage, quick: uploads.by_size(stage, uploads.sizes(quick))),
    "opening": ("time to headers", lambda stage, quick: opening.opening(stage, *((2, 50) if quick else (5, 200)))),
    "streams": ("many streams at once", lambda stage, quick: many.many(stage, *((3, (1, 1000)) if quick else (5,)))),
}


def _policy(quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder:
        return policy_costs(3 if quick else 9, Path(folder))


ALONE: Final[dict[str, tuple[str, Figure]]] = {
    "policy": ("decisions and the reflection guard", _policy),
    "pipes": ("one host over its pipes", lambda quick: over_pipes(*((2, 200, 32) if quick else (5, 1000, 128)))),
    "daemon": ("what the daemon costs", lambda quick: daemon_costs(*((3, 200, 32) if quick else (7, 600, 64)))),
    "generation": (
        "what a generation adds to a token",
        lambda quick: generation_costs(*((2, 100) if quick else (5, 300))),
    ),
    "at-rest": ("a host that has nothing to do", lambda quick: at_rest(5 if quick else 25)),
    "sockets": ("messages of sockets", lambda quick: socket_costs(*((2, 50) if quick else (5, 200)))),
    "first-second": ("the first stream of started browsers", lambda quick: first_second(2 if quick else 5)),
    "memory": ("a thousand streams that nobody reads", lambda quick: unread_costs(1000)),
    "neighbours": ("a quiet page beside hostile servers", lambda quick: neighbour_floods(100 if quick else 500)),
}
# Minutes each, and of their own: only when asked for.
_ASKED_FOR: Final = frozenset({"neighbours"})
# Not in a quick run: what takes too long, or says little when it is short.
_FULL_ONLY: Final = frozenset({"sizes", "upload-sizes", "memory-in-use", "memory", "policy", "sockets"})


def names() -> list[str]:
    """Of every figure that can be asked for alone."""
    return [*ON_STAGE, *ALONE]


def everything(quick: bool) -> list[str]:
    """The names of what a run measures that was asked for nothing in particular."""
    return [name for name in names() if name not in _ASKED_FOR and not (quick and name in _FULL_ONLY)]


@dataclass
class Measured:
    """Rows, and what could not be measured: a run that lost one figure has the others, and does not pass."""

    console: Console
    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def take(self, what: str, figure: Callable[[], list[Row]]) -> None:
        """The rows of one figure."""
        self.console.print(f"measuring {what} …", style="dim")
        began = time.perf_counter()
        try:
            self.rows += figure()
        except Exception as error:  # noqa: BLE001  (of whatever kind: the next figure can be measured all the same)
            self.failures.append(f"{what}: {type(error).__name__}: {error}")
            self.console.print(f"not measured: {self.failures[-1]}", style="red", markup=False)
        else:
            self.console.print(f"  {time.perf_counter() - began:.0f} s", style="dim")


def measure(asked: list[str], console: Console, *, quick: bool) -> Measured:
    """Those figures. What is on stage comes last: it warms the machine."""
    measured = Measured(console)
    for name in asked:
        if name in ALONE:
            what, figure = ALONE[name]
            measured.take(what, partial(figure, quick))
    staged = [name for name in asked if name in ON_STAGE]
    if staged:
        with set_up() as stage:
            for name in staged:
                what, on_stage = ON_STAGE[name]
                measured.take(what, partial(on_stage, stage, quick))
                stage.close_pages()
    return measured
