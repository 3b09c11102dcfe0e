"""One page and one server, in which a client is run once over Longwire and once over the browser's own fetch."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from playwright.sync_api import Page

from tests.compat.rows import ROWS, Row
from tests.e2e.browser import Browser
from tests.e2e.scripts import script
from tests.host_process import write_policy
from tests.upstreams.server import Routes, Server
from tests.upstreams.site import Site
from tests.upstreams.threaded import ThreadedServer
from tests.upstreams.vendors.stage import WHOLE, Asked, Scenario, Stage
from tests.upstreams.vendors.wire import Wire

HERE: Final = Path(__file__).parent
DUMMY: Final = "the-host-knows-it"

Through: TypeAlias = Literal["longwire", "patch", "browser"]

# Header fields that a browser or Longwire adds or decides: not the client's doing.
_NOT_THE_CLIENTS: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "user-agent", "accept-encoding", "accept-language"}
    | {"origin", "referer", "cache-control", "pragma"}
)


@dataclass(frozen=True)
class Run:
    """What came of one run."""

    # As src/page.ts reports it: `shown`, then `value` or `error`, and `unhandled` rejections.
    report: dict[str, Any]
    requests: list[dict[str, Any]]
    keys: list[str]
    # Texts sent piece by piece, and those that the page had shown before the next piece left the server.
    sent: list[str]
    confirmed: list[str]
    gone_in_time: bool | None


class Theatre:
    """Runs clients. Made by `theatre`."""

    def __init__(self, page: Page, server: ThreadedServer, stage: Stage) -> None:
        self._page = page
        self._server = server
        self._stage = stage
        self._load()

    def _load(self) -> None:
        self._page.goto(self._server.url("/"))
        self._page.wait_for_function("typeof run === 'function'")

    def play(self, row: Row, scenario: Scenario, through: Through) -> Run:
        """One client, once."""

        async def begin() -> None:
            self._stage.begin(scenario)

        self._server.run(begin)
        port = self._server.server.port
        host = "localhost" if through == "browser" else "127.0.0.1"
        order = {
            "module": row.module,
            "through": through,
            "base": f"http://{host}:{port}/{row.wire.name}",
            "key": DUMMY,
            "call": "whole" if scenario in WHOLE else "stream",
            "scenario": scenario.value,
        }
        report = self._page.evaluate("(order) => run(order)", order)
        case = self._stage.case
        if report.get("error") == "STUCK":
            # Whatever is still going on there must not show in the next case.
            self._load()
        return Run(
            report,
            [_as_asked(asked) for asked in case.asked],
            [asked.key for asked in case.asked],
            case.sent,
            case.confirmed,
            case.gone_in_time,
        )

    def denied(self, row: Row) -> dict[str, Any]:
        """What the client gives for a stream that no grant allows, and what its error is to the page's code."""

        async def begin() -> None:
            self._stage.begin(Scenario.STREAM)

        self._server.run(begin)
        base = f"http://127.0.0.1:{self._server.server.port}/not-granted"
        result: dict[str, Any] = self._page.evaluate(_DENIED, [row.module, base, DUMMY])
        return result | {"requests": len(self._stage.case.asked)}


# With one more attempt allowed, which a client must not be led to make in vain for long.
_DENIED: Final = script("denied_client.js")


def node() -> str:
    """Where Node is."""
    found = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found is not None, "no Node: `make setup` takes one from PyPI where the machine has none"
    return found


def bundled(folder: Path, page: str = "page", clients: str | None = "clients", *some: str) -> None:
    """Bundle a page and its clients, if it has any, as src has them, into `folder`; or some, by their files' names."""
    named = () if clients is None else (clients, *some)
    subprocess.run([node(), str(HERE / "bundle.mjs"), str(folder), page, *named], check=True)


@contextmanager
def theatre(browser: Browser, folder: Path) -> Iterator[Theatre]:
    """Bundle the clients into `folder`, serve them, and grant every service with a key of its own."""
    bundled(folder)
    wires = {row.wire.name: row.wire for row in ROWS}
    keys = {name: f"key-{secrets.token_urlsafe(24)}" for name in wires}
    stage_made: list[Stage] = []

    def make() -> Server:
        stage = Stage(keys, DUMMY)
        stage_made.append(stage)
        routes = Routes()
        stage.add_to(routes, *wires.values())
        page = "<!doctype html><title>clients</title><script type='module' src='/page.js'></script>"
        routes.add("/", Site({"/": page}, folder))
        return Server(routes, name="localhost")

    with ThreadedServer(make) as server:
        write_policy(browser.home, _policy(browser.home, server.server.port, wires.values(), keys))
        yield Theatre(browser.open("about:blank"), server, stage_made[0])
        browser.close_pages()


def _policy(home: Path, port: int, wires: Any, keys: dict[str, str]) -> str:
    parts = ["version = 1"]
    wire: Wire
    for wire in wires:
        file = home / f"{wire.name}.key"
        file.write_text(keys[wire.name])
        file.chmod(0o600)
        parts.append(
            f"""
[[grant]]
name = "{wire.name}"
pages = ["http://localhost:{port}"]
destinations = ["http://127.0.0.1:{port}/{wire.name}/"]
methods = ["GET", "POST", "DELETE"]
network = "loopback"
inject = {{ {wire.key_header} = "{wire.key_prefix}{{secret:{wire.name}}}" }}

[secret.{wire.name}]
file = "{file}"
"""
        )
    return "\n".join(parts)


def _as_asked(asked: Asked) -> dict[str, Any]:
    headers = {
        name: value
        for name, value in asked.headers.items()
        if name not in _NOT_THE_CLIENTS and not name.startswith("sec-")
    }
    return {"method": asked.method, "target": asked.target, "headers": headers, "body": asked.body}
