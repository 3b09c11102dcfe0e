"""What a message of 100 bytes costs over `longwire.WebSocket`, beside the browser's own socket to the same server.

Delays at 100 messages a second, each of which the page answers at once; rates of bursts. The server does not compress,
for the browser's socket would, and ours would not.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from tests.bench.figures import Row
from tests.bench.samples import percentile
from tests.e2e.browser import running_browser
from tests.e2e.scripts import script
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.sockets import SocketServer
from tests.upstreams.threaded import ThreadedServer

_PER_SECOND: Final = 100
_BURST: Final = 10_000
_WARM: Final = 20
# In turn, so that a busy machine hits both.
_SIDES: Final = ("browser", "longwire")
_WAYS: Final = {"down": "server to page", "up": "page to server"}

# By side and way.
Samples = dict[tuple[str, str], list[float]]


def socket_costs(rounds: int, messages: int) -> list[Row]:
    """Rows of `rounds`, in each of which both sides get `messages` one by one and then a burst, and send as many."""
    delays: Samples = {(side, way): [] for side in _SIDES for way in _WAYS}
    rates: Samples = {(side, way): [] for side in _SIDES for way in _WAYS}
    added: dict[str, list[float]] = {way: [] for way in _WAYS}
    app = make_app()
    app.site.put("/", "<!doctype html><title>sockets</title>")
    sockets = SocketServer(compression=False)
    with (
        tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder,
        sync_playwright() as playwright,
        ThreadedServer(lambda: Server(app.routes, name="localhost")) as site,
        running_browser(playwright, Path(folder)) as browser,
    ):
        site.run(sockets.start)
        try:
            browser.grant(sockets.url)
            page = browser.open(site.url("/"))
            page.add_script_tag(content=script("socket_figures.js"))
            for side in _SIDES:
                _delays(page, sockets, side, _WARM)
                _rates(page, sockets, side, _WARM)
            for _ in range(rounds):
                found = {side: _delays(page, sockets, side, messages) for side in _SIDES}
                for way in _WAYS:
                    for side in _SIDES:
                        delays[side, way] += found[side][way]
                    own, mine = (statistics.median(found[side][way]) for side in _SIDES)
                    added[way].append(mine - own)
                for side in _SIDES:
                    for way, rate in _rates(page, sockets, side, _BURST).items():
                        rates[side, way].append(rate)
            page.close()
        finally:
            site.run(sockets.stop)
    return [row for way in _WAYS for row in (*_delay_rows(delays, added[way], way), *_rate_rows(rates, way))]


def _delays(page: Page, sockets: SocketServer, side: str, messages: int) -> dict[str, list[float]]:
    url = f"{sockets.url}/paced?n={messages}&per_second={_PER_SECOND}"
    found: dict[str, list[float]] = page.evaluate("(what) => socketDelays(what)", {"url": url, "through": side})
    assert all(len(each) == messages for each in found.values())
    return found


def _rates(page: Page, sockets: SocketServer, side: str, count: int) -> dict[str, float]:
    what = {"url": f"{sockets.url}/burst?n={count}", "through": side, "count": count}
    found: dict[str, float] = page.evaluate("(what) => socketRates(what)", what)
    return found


def _delay_rows(delays: Samples, added: list[float], way: str) -> list[Row]:
    own, mine = delays["browser", way], delays["longwire", way]
    name = f"socket, {_WAYS[way]}"
    return [
        Row(f"{name}: delay, Longwire", "ms", mine, f"99th percentile {percentile(mine, 99):.3g} ms"),
        Row(f"{name}: delay, browser's", "ms", own, f"99th percentile {percentile(own, 99):.3g} ms"),
        Row(f"{name}: added", "ms", added, "100 bytes, medians of rounds"),
    ]


def _rate_rows(rates: Samples, way: str) -> list[Row]:
    own, mine = rates["browser", way], rates["longwire", way]
    name = f"socket, {_WAYS[way]}"
    return [
        Row(f"{name}: messages, Longwire", "1/s", mine, "100 bytes"),
        Row(f"{name}: messages, browser's", "1/s", own),
        Row(f"{name}: Longwire / browser's", "x", [here / there for here, there in zip(mine, own, strict=True)]),
    ]
