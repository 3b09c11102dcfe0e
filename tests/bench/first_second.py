"""The first byte of the first stream of a browser that has just started, beside the page's own fetch of the same page.

No debugger looks into these browsers: one that is attached to the worker holds it up while it starts.
"""

import tempfile
from pathlib import Path

from tests.bench.figures import Row
from tests.e2e.bare import START_S, FarPage, bare_browser
from tests.e2e.conftest import PAGE_SCRIPT
from tests.e2e.scripts import script
from tests.host_process import grant, write_policy
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

STARTS = ("first start", "later start")

# Both at once, as the first thing that the page does. An extension that was not there before the page gets no stream.
_FIRST_BYTES = f"<script>{script('first_bytes.js')}</script>"


def first_second(rounds: int) -> list[Row]:
    """Rows of `rounds` fresh profiles, each started twice."""
    app = make_app()
    app.site.put("/page.js", PAGE_SCRIPT)
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in STARTS}
    with (
        ThreadedServer(lambda: Server(app.routes, name="localhost")) as site,
        ThreadedServer(lambda: Server(app.routes)) as upstream,
    ):
        page = FarPage(app, site, more=_FIRST_BYTES.replace("UPSTREAM", upstream.url("")))
        for _ in range(rounds):
            with tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder:
                write_policy(Path(folder), grant(upstream.url("/"), page="http://localhost:*"))
                for start in samples.values():
                    with bare_browser(Path(folder), page.url):
                        own, mine = page.evaluate("firstBytes", START_S)
                        start.append((own, mine))
    rows: list[Row] = []
    for name, pairs in samples.items():
        rows += [
            Row(f"{name}, first byte, Longwire", "ms", [mine for _, mine in pairs], "first stream, page open at start"),
            Row(f"{name}, first byte, own fetch", "ms", [own for own, _ in pairs], "same page, same moment"),
            Row(f"{name}, behind the page's own", "ms", [mine - own for own, mine in pairs]),
        ]
    return rows
