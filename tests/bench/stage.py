"""One browser with all peers in it, the servers they reach, and what each peer is asked for."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from tests.bench import ceiling, extension_only, routes
from tests.bench.bodies import KINDS, pool
from tests.bench.descriptors import descriptors
from tests.e2e.browser import Browser, running_browser
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# The page's own fetch, at its own server.
BROWSER: Final = "browser"
LONGWIRE: Final = "longwire"
# Who can fetch a body for a page, as `page.js` names them.
PEERS: Final = (BROWSER, LONGWIRE, *extension_only.FORMS)
ORDER_TIMEOUT_S: Final = 300.0
_PAGE: Final = "<!doctype html><title>bench</title><script src='/bench.js'></script>"


@dataclass
class Stage:
    """Everything that a figure needs."""

    browser: Browser
    site: ThreadedServer
    upstream: ThreadedServer
    orders: ceiling.Orders

    def page(self) -> Page:
        """A fresh tab."""
        return self.browser.open(self.site.url("/"))

    def close_pages(self) -> None:
        """What a figure left open."""
        self.browser.close_pages()

    def url(self, peer: str, target: str) -> str:
        """Where that peer finds `target`: the page's own fetch at home, all others elsewhere and without CORS."""
        return (self.site if peer == BROWSER else self.upstream).url(target)

    def ask(self, page: Page, function: str, peer: str, target: str, **more: Any) -> Any:
        """What a function of `page.js` gives for that peer."""
        what = {"url": self.url(peer, target), "through": peer, **more}
        return page.evaluate(f"(what) => {function}(what)", what)

    def carry(self, order: ceiling.Order) -> ceiling.Report:
        """What the bare channel makes of an order."""
        return self.site.run(lambda: self.orders.carry(order), ORDER_TIMEOUT_S)


@contextmanager
def set_up() -> Iterator[Stage]:
    """The browser and both servers, until the block ends."""
    for kind in KINDS:
        pool(kind)  # made before anything is measured
    app = make_app()
    orders = ceiling.Orders()
    routes.add_to(app.routes)
    app.routes.add("/ceiling/next", orders.next)
    app.routes.add("/ceiling/done", orders.done)
    with (
        descriptors(8192),
        tempfile.TemporaryDirectory(prefix="longwire-bench-", ignore_cleanup_errors=True) as folder,
        sync_playwright() as playwright,
        ThreadedServer(lambda: Server(app.routes, name="localhost")) as site,
        ThreadedServer(lambda: Server(app.routes)) as upstream,
    ):
        home = Path(folder)
        bare = ceiling.prepare(home / "ceiling", home / "profile", site.url("/").rstrip("/"))
        alone, frame = extension_only.prepare(home / "extension-only")
        app.site.put("/", _PAGE)
        app.site.put(
            "/bench.js", (Path(__file__).parent / "page.js").read_text(encoding="utf-8").replace("FRAME", frame)
        )
        with running_browser(playwright, home, beside=[bare, alone]) as browser:
            more = "limits = { requests_per_minute = 100000 }"
            browser.grant(upstream.url("/"), site.url("/"), more=more)
            try:
                yield Stage(browser, site, upstream, orders)
            finally:
                site.run(orders.stop)
