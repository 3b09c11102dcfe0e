"""`python -m tests.bench [--quick] [--policy | --memory | --first-second | --neighbours] [--json]`: prints figures.

The first second and the neighbours have targets, and alone an exit code: 1 if one is missed.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.table import Table

from tests.bench import ceiling
from tests.bench.figures import Figures, Row, delay_per_event, neighbour_delay, throughput
from tests.bench.first_second import first_second
from tests.bench.neighbours import neighbour_floods
from tests.bench.policy import policy_costs
from tests.bench.unread import unread_costs
from tests.e2e.browser import running_browser
from tests.e2e.conftest import PAGE_SCRIPT
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer


def measure(rounds: int, megabytes: int, events: int, console: Console) -> list[Row]:
    """All figures, in one browser with both extensions."""
    app = make_app()
    orders = ceiling.Orders()
    app.site.put("/", "<!doctype html><script src='/page.js'></script>")
    app.site.put("/page.js", PAGE_SCRIPT)
    app.routes.add("/ceiling/next", orders.next)
    app.routes.add("/ceiling/done", orders.done)
    app.routes.add("/plain", Figures.plain_bytes)
    rows = boundary(rounds, console)
    with (
        tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder,
        sync_playwright() as playwright,
        ThreadedServer(lambda: Server(app.routes, name="localhost")) as site,
        ThreadedServer(lambda: Server(app.routes)) as upstream,
    ):
        home = Path(folder)
        bare = ceiling.prepare(home / "ceiling", home / "profile", site.url("/").rstrip("/"))
        with running_browser(playwright, home, beside=[bare]) as browser:
            browser.grant(upstream.url("/"), site.url("/"))
            figures = Figures(browser, site, upstream, orders)
            console.print("measuring throughput …", style="dim")
            rows += throughput(figures, rounds, megabytes)
            console.print("measuring delay per event …", style="dim")
            rows += delay_per_event(figures, rounds, events)
            console.print("measuring events beside a download …", style="dim")
            rows += neighbour_delay(figures, events)
            site.run(orders.stop)
    return rows + start(rounds, console)[0]


def start(rounds: int, console: Console) -> tuple[list[Row], bool]:
    """What a browser that has just started adds to its first stream, and whether that is within the targets."""
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


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", action="store_true", help="the samples too, for machines")
    parser.add_argument("--policy", action="store_true", help="decisions and the reflection guard only")
    parser.add_argument("--first-second", action="store_true", help="the first stream of started browsers only")
    parser.add_argument("--neighbours", action="store_true", help="a quiet page beside hostile servers and pages only")
    parser.add_argument("--memory", action="store_true", help="what streams that nobody reads cost the host only")
    options = parser.parse_args()
    console = Console(file=sys.stderr)
    within = True
    if options.first_second:
        rows, within = start(3 if options.quick else 9, console)
    elif options.neighbours:
        rows, within = neighbour_floods(100 if options.quick else 500)
    elif options.policy:
        rows = boundary(3 if options.quick else 9, console)
    elif options.memory:
        rows = unread(console)
    elif options.quick:
        rows = measure(3, 100, 300, console)
    else:
        rows = measure(9, 300, 1500, console) + unread(console)
    if options.json:
        print(json.dumps([row.as_dict() for row in rows], indent=2))
        sys.exit(0 if within else 1)
    table = Table("figure", "median", "range", "note")
    for row in rows:
        low, high = min(row.samples), max(row.samples)
        table.add_row(row.name, f"{statistics.median(row.samples):.3g} {row.unit}", f"{low:.3g} - {high:.3g}", row.note)
    Console().print(table)
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
