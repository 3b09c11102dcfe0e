"""`python -m tests.bench.once`: what is compared between two builds, once, as JSON. See `against`.

It is run by the interpreter of the build that is measured, in the folder of the one that measures: so both are held
against the same ruler, and it may import little of `longwire`.
"""

import json
import sys

from rich.console import Console

from tests.bench import delays, opening, throughput, uploads
from tests.bench.carriage import UNITS
from tests.bench.ceiling import Form
from tests.bench.figures import Row
from tests.bench.pipes import over_pipes
from tests.bench.stage import BROWSER, LONGWIRE, Stage, set_up

_PEERS = (BROWSER, LONGWIRE)
# The channel and the page's own fetch are there to say how fast the machine was: one form is enough for that.
_CHANNELS = (Form(64),)


def compared(stage: Stage) -> list[Row]:
    """Bodies, events, beginnings and uploads of the build that runs this."""
    rows = throughput.throughput(stage, 2, 48, peers=_PEERS, channels=_CHANNELS)
    rows += delays.paced(stage, 2, paces=((100, 300),), peers=_PEERS)
    rows += delays.rates(stage, 2, 30_000, peers=_PEERS)
    rows += delays.beside_a_download(stage, 1, 200)
    rows += opening.opening(stage, 1, 100)
    return rows + uploads.uploads(stage, 2, 24, channels=_CHANNELS)


def main() -> None:
    """Measure and print."""
    console = Console(file=sys.stderr)
    rows = over_pipes(2, 400, 64)
    console.print("in a browser …", style="dim")
    with set_up() as stage:
        rows += compared(stage)
    print(json.dumps([row.as_dict() for row in rows if row.unit not in UNITS]))


if __name__ == "__main__":
    main()
