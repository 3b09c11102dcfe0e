"""A real Chromium that no debugger looks into: one attached to a worker would keep it alive.

A page is told what to do, and says what came of it, through requests to the server that it comes from.
"""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from longwire.assets import extension_folder
from tests.e2e.browser import QUIET, chromium_path, hosts_of, logs_of, longwire, sandbox_arguments
from tests.e2e.scripts import script
from tests.host_process import environment
from tests.patience import PATIENCE_S
from tests.upstreams import bodies
from tests.upstreams.app import App
from tests.upstreams.connection import Request
from tests.upstreams.threaded import ThreadedServer

T = TypeVar("T")

# A cold start of the browser on a busy machine, with room.
START_S = PATIENCE_S
ENDS_WITHIN_S = 10.0

# Orders come one at a time, expressions or `reload`; what they give goes back as JSON. `until` waits for something
# that script can see.
PAGE = f"""<!doctype html><title>told from afar</title><script src="/page.js"></script>
<script>{script("obey.js")}</script>"""


async def give_next(request: Request, orders: asyncio.Queue[T], encode: Callable[[T], bytes]) -> None:
    """Answer a page that asks what to do, once there is something. One that goes away takes no order along."""
    await request.body()
    order = asyncio.ensure_future(orders.get())
    gone = asyncio.ensure_future(request.connection.gone.wait())
    try:
        await asyncio.wait({order, gone}, return_when=asyncio.FIRST_COMPLETED)
        if order.done():
            await bodies.respond(request.connection, encode(order.result()))
    finally:
        order.cancel()
        gone.cancel()


class FarPage:
    """The page of a browser without a debugger, served at `/far` of a site; `more` is HTML that it begins with."""

    def __init__(self, app: App, site: ThreadedServer, more: str = "") -> None:
        self._site = site
        self._orders: asyncio.Queue[str]
        self._answers: asyncio.Queue[dict[str, Any]]
        site.run(self._make_queues)
        app.site.put("/far", PAGE.replace("</title>", f"</title>{more}"))
        app.routes.add("/order", self._give_order)
        app.routes.add("/answer", self._take_answer)
        self.url = site.url("/far")

    def evaluate(self, script: str, timeout_s: float = PATIENCE_S) -> Any:
        """The value of an expression in the page, awaited if it is a promise."""

        async def ask() -> dict[str, Any]:
            self._orders.put_nowait(script)
            return await asyncio.wait_for(self._answers.get(), timeout_s)

        answer = self._site.run(ask, timeout_s + 1)
        assert "error" not in answer, answer["error"]
        return answer.get("value")

    def reload(self) -> None:
        """Load the page anew. What is asked next, the new document answers."""
        self.evaluate("reload")

    async def _make_queues(self) -> None:
        self._orders = asyncio.Queue()
        self._answers = asyncio.Queue()

    async def _give_order(self, request: Request) -> None:
        await give_next(request, self._orders, str.encode)

    async def _take_answer(self, request: Request) -> None:
        self._answers.put_nowait(json.loads(await request.body()))
        await bodies.respond(request.connection, b"")


@dataclass(frozen=True)
class BareBrowser:
    """One running Chromium."""

    home: Path
    profile: Path
    process: psutil.Process

    def hosts(self) -> list[psutil.Process]:
        """The host processes that it started."""
        return hosts_of(self.profile)

    def hosts_so_far(self) -> int:
        """How many hosts this browser has started, those that ended among them."""
        return sum(json.loads(line)["event"] == "started" for line in logs_of(self.home).splitlines())


@contextmanager
def bare_browser(
    home: Path,
    url: str,
    *,
    extension: Path | None = None,
    executable: Path | None = None,
    arguments: Sequence[str] = (),
) -> Iterator[BareBrowser]:
    """A Chromium that opens `url`, and ends with the block and all it started.

    `executable` starts the browser in another way; `arguments` are further ones of it.
    """
    profile = home / "profile"
    longwire(home, "install", "--user-data-dir", str(profile))
    loaded = extension or extension_folder()
    command = [
        str(executable or chromium_path()),
        "--headless=new",
        "--password-store=basic",
        *sandbox_arguments(),
        *QUIET,
        f"--user-data-dir={profile}",
        f"--load-extension={loaded}",
        f"--disable-extensions-except={loaded}",
        *arguments,
        url,
    ]
    with (home / "browser.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(home), start_new_session=True
        )
    try:
        yield BareBrowser(home, profile, psutil.Process(process.pid))
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(ENDS_WITHIN_S)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what is left of its session
        process.wait()
