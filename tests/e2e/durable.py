"""One user's browsers, which come and go, and the daemon that outlives them, but not the block."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, Playwright

from tests.e2e.browser import Browser, processes_of, running_browser
from tests.e2e.conftest import PAGE_SCRIPT
from tests.e2e.scripts import script
from tests.host_process import write_policy
from tests.patience import PATIENCE_S
from tests.upstreams.app import App

GRANT = 'durable = { max_bytes = "512MiB", keep = "1h", detached = "30m" }'
PAGES = ("http://localhost:*",)
# Where nothing listens: a policy that is in force when the first host starts.
NOWHERE = "http://127.0.0.1:9/"


def policy(*destinations: str, pages: tuple[str, ...] = PAGES, durable: str = GRANT, more: str = "") -> str:
    """A grant of loopback `destinations` to `pages`, with `durable` in it."""
    listed = ", ".join(f'"{destination}"' for destination in destinations)
    whose = ", ".join(f'"{page}"' for page in pages)
    return (
        f'version = 1\n[[grant]]\nname = "test"\npages = [{whose}]\ndestinations = [{listed}]\n'
        f'methods = ["GET", "POST"]\nnetwork = "loopback"\n{durable}\n{more}\n'
    )


def serve_page(app: App) -> None:
    """The page of these tests, at `/`, and one that has it in a frame, at `/framed`."""
    scripts = "<script src='/page.js'></script><script src='/durable.js'></script>"
    app.site.put("/", f"<!doctype html><title>durable</title>{scripts}")
    app.site.put("/framed", "<!doctype html><title>framed</title><iframe name='inner' src='/'></iframe>")
    app.site.put("/page.js", PAGE_SCRIPT)
    app.site.put("/durable.js", script("durable.js"))


class Home:
    """Every folder of one user. `start` gives a browser on its profile; `grant` is in force at once."""

    def __init__(self, playwright: Playwright, folder: Path) -> None:
        self.folder = folder
        self._playwright = playwright
        self._running: list[Any] = []
        self.grant(NOWHERE)

    def grant(self, *destinations: str, **more: Any) -> None:
        """See `policy`."""
        write_policy(self.folder, policy(*destinations, **more))

    def start(self, profile: Path | None = None) -> Browser:
        """A browser, on this profile or the usual one."""
        running = running_browser(self._playwright, self.folder, profile=profile)
        self._running.append(running)
        return running.__enter__()

    def close(self) -> None:
        """As a person closes the browser: all of them."""
        while self._running:
            # One that was killed has nothing to close.
            with suppress(PlaywrightError):
                self._running.pop().__exit__(None, None, None)

    def kill(self, browser: Browser) -> None:
        """Every process of the browser and no other at the same moment: the daemon is none of its children."""
        processes = processes_of(browser.profile)
        assert not set(processes) & set(self.daemons())
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, PATIENCE_S)
        self.close()

    def daemons(self) -> list[psutil.Process]:
        """Those of this home."""
        return [process for process in psutil.process_iter() if self._is_daemon(process)]

    def _is_daemon(self, process: psutil.Process) -> bool:
        try:
            return "--daemon" in process.cmdline() and process.environ().get("HOME") == str(self.folder)
        except psutil.Error:
            return False

    def kept(self) -> list[Path]:
        """The files that the daemon keeps of requests."""
        return [file for file in (self.folder / "state" / "longwire" / "durable").rglob("*") if file.is_file()]

    def end(self) -> None:
        """No browser and no daemon is left."""
        self.close()
        daemons = self.daemons()
        for daemon in daemons:
            with suppress(psutil.NoSuchProcess):
                daemon.kill()
        _, alive = psutil.wait_procs(daemons, PATIENCE_S)
        assert alive == []


@contextmanager
def living_home(playwright: Playwright, folder: Path) -> Iterator[Home]:
    """A home whose daemon does not outlive the block."""
    home = Home(playwright, folder)
    try:
        yield home
    finally:
        home.end()


def attach(page: Page, url: str, key: str, **how: Any) -> dict[str, Any]:
    """What `attach` of scripts/durable.js tells."""
    told: dict[str, Any] = page.evaluate("(how) => attach(how)", {"url": url, "key": key, **how})
    return told


def listed(page: Page) -> list[dict[str, Any]]:
    """What `longwire.durable.list()` gives."""
    told: dict[str, Any] = page.evaluate("() => listed()")
    assert "value" in told, told
    entries: list[dict[str, Any]] = told["value"]
    return entries


def forget(page: Page, key: str) -> None:
    """`longwire.durable.forget(key)`, which is well whether or not there was one."""
    assert page.evaluate("(key) => forgotten(key)", key) == {"value": True}
