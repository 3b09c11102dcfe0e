"""`python -m tests.bench [--quick] [--against COMMIT | --policy | --memory | …] [--json]`: prints figures.

Beside its figure stands a target, where there is one, and whether it is met. The exit code is 1 if any is missed, or if
this build is slower than the one that it is compared with.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.against import BenchError, against, show
from tests.bench.browser import in_a_browser
from tests.bench.figures import Row, exit_code
from tests.bench.first_second import first_second
from tests.bench.generation import generation_costs
from tests.bench.neighbours import neighbour_floods
from tests.bench.pipes import over_pipes
from tests.bench.policy import policy_costs
from tests.bench.sockets import socket_costs
from tests.bench.unread import unread_costs


def measure(rounds: int, megabytes: int, events: int, console: Console) -> list[Row]:
    """Everything of a short run."""
    rows = boundary(rounds, console)
    console.print("measuring one host …", style="dim")
    rows += over_pipes(rounds, events, megabytes) + generation_costs(rounds, events)
    rows += in_a_browser(rounds, megabytes, events, console)
    rows += sockets(rounds, events, console)
    return rows + start(rounds, console)


def sockets(rounds: int, messages: int, console: Console) -> list[Row]:
    """What a message of a socket costs beside one of the browser's own."""
    console.print("measuring sockets …", style="dim")
    return socket_costs(rounds, messages // 3)


def start(rounds: int, console: Console) -> list[Row]:
    """What a browser that has just started adds to its first stream."""
    console.print("measuring the first second …", style="dim")
    return first_second(rounds)


def boundary(rounds: int, console: Console) -> list[Row]:
    """What the policy costs; no browser."""
    console.print("measuring decisions and the guard …", style="dim")
    with tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder:
        return policy_costs(rounds, Path(folder))


def unread(console: Console) -> list[Row]:
    """What a thousand streams cost that nobody reads; no browser."""
    console.print("measuring streams that nobody reads …", style="dim")
    return unread_costs(1000)


def compare_with(commit: str, rounds: int, console: Console, *, as_json: bool) -> None:
    """Print how this build compares, and exit."""
    try:
        comparisons = against(commit, rounds, console)
    except BenchError as error:
        console.print(str(error), style="red")
        sys.exit(2)
    if as_json:
        print(json.dumps([comparison.as_dict() for comparison in comparisons], indent=2))
    else:
        show(comparisons, commit, Console())
    sys.exit(1 if any(comparison.slower for comparison in comparisons) else 0)


def show_figures(rows: list[Row], console: Console) -> None:
    """The table."""
    table = Table("figure", "median", "range", "target", "note")
    for row in rows:
        low, high = min(row.samples), max(row.samples)
        verdict = (
            f"{row.wanted}: [{'red' if row.verdict == 'missed' else 'green'}]{row.verdict}[/]" if row.verdict else ""
        )
        table.add_row(row.name, f"{row.median:.3g} {row.unit}", f"{low:.3g} - {high:.3g}", verdict, row.note)
    console.print(table)


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", action="store_true", help="the samples too, for machines")
    parser.add_argument("--policy", action="store_true", help="decisions and the reflection guard only")
    parser.add_argument("--first-second", action="store_true", help="the first stream of started browsers only")
    parser.add_argument("--neighbours", action="store_true", help="a quiet page beside hostile servers and pages only")
    parser.add_argument("--generation", action="store_true", help="what a generation adds to a token only")
    parser.add_argument("--sockets", action="store_true", help="messages of sockets beside the browser's own only")
    parser.add_argument("--memory", action="store_true", help="what streams that nobody reads cost the host only")
    parser.add_argument("--against", metavar="COMMIT", help="this build and another one in alternation")
    parser.add_argument("--rounds", type=int, default=9, help="of a comparison, three minutes each (9)")
    options = parser.parse_args()
    console = Console(file=sys.stderr)
    if options.against:
        compare_with(options.against, options.rounds, console, as_json=options.json)
    if options.first_second:
        rows = start(3 if options.quick else 9, console)
    elif options.neighbours:
        rows = neighbour_floods(100 if options.quick else 500)
    elif options.policy:
        rows = boundary(3 if options.quick else 9, console)
    elif options.generation:
        rows = generation_costs(3 if options.quick else 9, 300)
    elif options.sockets:
        rows = sockets(3, 300, console) if options.quick else sockets(9, 1500, console)
    elif options.memory:
        rows = unread(console)
    elif options.quick:
        rows = measure(3, 100, 300, console)
    else:
        rows = measure(9, 300, 1500, console) + unread(console)
    if options.json:
        print(json.dumps([row.as_dict() for row in rows], indent=2))
    else:
        show_figures(rows, Console())
    sys.exit(exit_code(rows))


if __name__ == "__main__":
    main()
