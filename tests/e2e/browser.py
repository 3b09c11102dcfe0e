"""A real Chromium with the extension and an installed host, every folder of it under one temporary home."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import BrowserContext, Page, Playwright, Worker

from longwire.assets import extension_folder, extension_id
from longwire.install.browsers import browser_table
from longwire.install.surroundings import Surroundings
from longwire.install.targets import Options, target_of, write_target
from tests.e2e.scripts import script
from tests.host_process import environment, write_policy
from tests.patience import PATIENCE_S

# What keeps Chromium quiet on a machine without a network, and alike on every machine.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
]

# What pages may have kept; not service workers, of which the extension has one.
PAGES_STORAGE = "cookies,local_storage,indexeddb,cache_storage"

# What of the extension's own storage is a person's, or of streams that are over.
FORGET = "[chrome.storage.local.remove('siteSwitches'), chrome.storage.session.clear()]"

# An expression for a page: what `longwire.status()` says once it is more than what it waits for.
STATUS = f"({script('status.js')})()"


def chromium_path() -> str:
    """The browser under test."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path is not None, "no Chromium on the PATH: `make setup` says how to get one"
    return path


def sandbox_arguments() -> list[str]:
    """Chromium's sandbox does not work for root."""
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []


def longwire(home: Path, *arguments: str) -> str:
    """Run the command line with every folder under `home`; returns what it printed."""
    result = subprocess.run(
        [sys.executable, "-m", "longwire.cli.main", *arguments],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def install_for(profile: Path) -> None:
    """What `longwire install --user-data-dir` does, here: half a second of work less for every browser of a run."""
    write_target(target_of(Options(profile=profile), browser_table(), Surroundings.here()), sys.executable)


@dataclass
class Browser:
    """One running Chromium. `grant` writes the policy, which takes effect at once."""

    home: Path
    profile: Path
    context: BrowserContext
    pages: list[Page] = field(default_factory=list)

    def grant(self, *destinations: str, page: str = "http://localhost:*", more: str = "", before: str = "") -> None:
        """A policy of one grant; `more` are further lines of it, `before` top-level ones."""
        listed = ", ".join(f'"{destination}"' for destination in destinations)
        write_policy(
            self.home,
            f"version = 1\n{before}\n[[grant]]\nname = 'test'\npages = ['{page}']\n"
            f"destinations = [{listed}]\nmethods = ['GET', 'POST', 'PUT', 'HEAD']\nnetwork = 'loopback'\n{more}\n",
        )

    def open(self, url: str) -> Page:
        """A new tab."""
        page = self.context.new_page()
        self.pages.append(page)
        page.goto(url)
        return page

    def close_pages(self) -> None:
        """Close what the test left open."""
        for page in self.pages:
            if not page.is_closed():
                page.close()
        self.pages.clear()

    def renew(self) -> None:
        """As for another user: no tab, log, policy, storage or cookie is left, and no host runs that was there before.

        The extension's worker has started anew. What a person set and the streams that it remembers are gone; what else
        the extension itself stores goes with the next WELCOME.
        """
        self.close_pages()
        for page in self.context.pages[1:]:
            page.close()
        before = self.hosts()
        blank = self.context.new_page()
        session = self.context.new_cdp_session(blank)
        session.send("ServiceWorker.enable")
        session.send("ServiceWorker.stopAllWorkers")
        wait_ended([*before, *self.hosts()])
        for folder in ("config", "state", "cache"):
            shutil.rmtree(self.home / folder, ignore_errors=True)
        session.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": PAGES_STORAGE})
        # Any file of the extension has its API.
        blank.goto(f"chrome-extension://{extension_id()}/manifest.json")
        blank.evaluate(f"Promise.all({FORGET}).then(() => null)")
        session.send("ServiceWorker.startWorker", {"scopeURL": f"chrome-extension://{extension_id()}/"})
        self.worker()
        blank.close()

    def _workers(self) -> list[Worker]:
        """The extension's worker, if it runs."""
        return [worker for worker in self.context.service_workers if extension_id() in worker.url]

    def worker(self) -> Worker:
        """The extension's service worker, started if it sleeps."""
        for worker in self._workers():
            return worker
        return self.context.wait_for_event("serviceworker", timeout=1000 * PATIENCE_S)

    def processes(self) -> list[psutil.Process]:
        """Every process of this browser, hosts included."""
        return processes_of(self.profile)

    def hosts(self) -> list[psutil.Process]:
        """The host processes that this browser started."""
        return hosts_of(self.profile)

    def resident_bytes(self) -> int:
        """Memory of the whole process tree that is its own (USS: shared pages counted nowhere)."""
        total = 0
        for process in self.processes():
            try:
                total += process.memory_full_info().uss
            except psutil.NoSuchProcess:
                continue
        return total

    def logs(self) -> str:
        """Everything that hosts logged."""
        return logs_of(self.home)

    def logged(self) -> dict[Path, int]:
        """How long each host's log is now: for `logs_since`."""
        return {file: file.stat().st_size for file in log_files(self.home)}

    def logs_since(self, before: dict[Path, int]) -> str:
        """What hosts logged after `before` was taken, whichever of them it was."""
        return "".join(file.read_bytes()[before.get(file, 0) :].decode() for file in log_files(self.home))


def stop_worker(browser: Browser) -> None:
    """Stop the extension's worker, as the browser does with one that is idle. Its host ends with it."""
    page = browser.context.new_page()
    session = browser.context.new_cdp_session(page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")
    page.close()


def wait_ended(hosts: list[psutil.Process]) -> None:
    """Wait until these processes are gone."""
    _, alive = psutil.wait_procs(hosts, PATIENCE_S)
    assert alive == []


def processes_of(profile: Path) -> list[psutil.Process]:
    """Every process of the browser that uses this profile, hosts included."""
    (root,) = [
        process
        for process in psutil.process_iter(["cmdline"])
        if f"--user-data-dir={profile}" in (process.info["cmdline"] or [])
        and not any(argument.startswith("--type=") for argument in process.info["cmdline"])
    ][:1]
    return [root, *root.children(recursive=True)]


def hosts_of(profile: Path) -> list[psutil.Process]:
    """The host processes that the browser with this profile started."""
    return [process for process in processes_of(profile) if _is_host(process)]


def logs_of(home: Path) -> str:
    """Everything that hosts under this home logged."""
    return "".join(file.read_text() for file in log_files(home))


def log_files(home: Path) -> list[Path]:
    """The logs of all hosts under this home, by name."""
    return sorted((home / "state" / "longwire").glob("host-*.jsonl*"))


def _is_host(process: psutil.Process) -> bool:
    try:
        arguments = process.cmdline()
    except psutil.Error:
        return False
    return f"chrome-extension://{extension_id()}/" in arguments


@contextmanager
def running_browser(
    playwright: Playwright,
    home: Path,
    *,
    extension: Path | None = None,
    install: bool = True,
    profile: Path | None = None,
    beside: Sequence[Path] = (),
    arguments: list[str] | None = None,
    executable: Path | None = None,
    **options: Any,
) -> Iterator[Browser]:
    """A Chromium that ends with the block.

    `install` puts the host where this profile finds it, `home/profile` if none is named; `beside` are further
    extensions to load; `executable` starts the browser in another way.
    """
    profile = profile or home / "profile"
    if install:
        install_for(profile)
    extensions = ",".join(map(str, [extension or extension_folder(), *beside]))
    context = playwright.chromium.launch_persistent_context(
        str(profile),
        executable_path=executable or chromium_path(),
        headless=True,
        timeout=1000 * PATIENCE_S,
        env=dict(environment(home)),
        ignore_default_args=["--disable-extensions", "--disable-back-forward-cache"],
        args=[
            *sandbox_arguments(),
            *QUIET,
            f"--load-extension={extensions}",
            f"--disable-extensions-except={extensions}",
            *(arguments or []),
        ],
        **options,
    )
    context.set_default_timeout(1000 * PATIENCE_S)
    try:
        yield Browser(home, profile, context)
    finally:
        context.close()
