"""The figures of one browser that has both extensions: Longwire, and the bare one that shows the channel's ceiling."""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console

from tests.bench import ceiling
from tests.bench.figures import Figures, Row, delay_per_event, neighbour_delay, throughput
from tests.e2e.browser import running_browser
from tests.e2e.conftest import PAGE_SCRIPT
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer


def in_a_browser(rounds: int, megabytes: int, events: int, console: Console) -> list[Row]:
    """Throughput, delay per event, and events beside a download."""
    app = make_app()
    orders = ceiling.Orders()
    app.site.put("/", "<!doctype html><script src='/page.js'></script>")
    app.site.put("/page.js", PAGE_SCRIPT)
    app.routes.add("/ceiling/next", orders.next)
    app.routes.add("/ceiling/done", orders.done)
    app.routes.add("/plain", Figures.plain_bytes)
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
            rows = throughput(figures, rounds, megabytes)
            console.print("measuring delay per event …", style="dim")
            rows += delay_per_event(figures, rounds, events)
            console.print("measuring events beside a download …", style="dim")
            rows += neighbour_delay(figures, events)
            site.run(orders.stop)
    return rows
