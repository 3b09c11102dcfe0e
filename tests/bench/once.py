"""`python -m tests.bench.once`: what is compared between two builds, once, as JSON. See `against`.

It is run by the interpreter of the build that is measured, in the folder of the one that measures: so both are held
against the same ruler, and it may import little of `longwire`.
"""

import json
import sys

from rich.console import Console

from tests.bench.browser import in_a_browser
from tests.bench.pipes import over_pipes


def main() -> None:
    """Measure and print."""
    console = Console(file=sys.stderr)
    rows = over_pipes(2, 400, 64) + in_a_browser(2, 100, 200, console)
    print(json.dumps([row.as_dict() for row in rows]))


if __name__ == "__main__":
    main()
