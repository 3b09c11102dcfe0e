"""longwire.fetch against the browser's own, case by case: what differs is what docs/compatibility.md lists."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.e2e.browser import Browser
from tests.host_process import write_policy
from tests.printed import say
from tests.upstreams.app import make_app
from tests.upstreams.scripted import Scripted
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

SCRIPTS = Path(__file__).parent / "conformance"
CHAPTERS = ["headers.js", "request.js", "response.js", "body.js", "abort.js", "eventsource.js"]
DOCUMENT = Path(__file__).parents[2] / "docs" / "compatibility.md"
SECTION = "## Differences from the browser's fetch"
AT_LEAST = 1000
# What cases ask for, besides `chicken`, which is a method of its own, and `null`, which is one too.
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "M-SEARCH", "QUERY", "CHICKEN"]


def serve(name: str | None = None) -> ThreadedServer:
    """The handlers that both sides talk to, and the page."""
    app = make_app()
    for path, handler in Scripted().routes.items():
        app.routes.add(path, handler)
    scripts = ["harness.js", *CHAPTERS]
    for script in scripts:
        app.site.put(f"/{script}", (SCRIPTS / script).read_text())
    tags = "".join(f"<script src='/{script}'></script>" for script in scripts)
    app.site.put("/", f"<!doctype html><meta charset='utf-8'><title>conformance</title>{tags}")
    return ThreadedServer(lambda: Server(app.routes, name=name))


@pytest.fixture(scope="module")
def near() -> Iterator[ThreadedServer]:
    """The page's own server, which the browser's fetch talks to."""
    with serve("localhost") as threaded:
        yield threaded


@pytest.fixture(scope="module")
def far() -> Iterator[ThreadedServer]:
    """The upstream."""
    with serve() as threaded:
        yield threaded


@dataclass(frozen=True)
class Observed:
    """What was observed of every case: by its name, on the browser's side and on ours."""

    cases: dict[str, tuple[dict[str, Any], dict[str, Any]]]
    # Rejections that nobody handled while cases ran beside each other.
    stray: list[str]
    seconds: float

    @property
    def differing(self) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
        """Those cases whose sides do not agree."""
        return {name: sides for name, sides in self.cases.items() if sides[0] != sides[1]}


@pytest.fixture(scope="module")
def observed(browser_of_module: Browser, near: ThreadedServer, far: ThreadedServer) -> Observed:
    """All cases, run once."""
    destinations = [far.url("/"), near.url("/"), "http://127.0.0.1:1/"]
    write_policy(
        browser_of_module.home,
        "version = 1\n[[grant]]\nname = 'all'\npages = ['http://localhost:*']\nnetwork = 'loopback'\n"
        f"destinations = {destinations}\nmethods = {[*METHODS, 'chicken', 'null']}\n",
    )
    page = browser_of_module.open(near.url("/"))
    # The host is there before the clock runs.
    assert page.evaluate("longwire.status()")["state"] == "ready"
    started = monotonic()
    answer = page.evaluate("(upstream) => runAll(upstream)", far.url("/"))
    cases = {case["id"]: (case["browser"], case["longwire"]) for case in answer["results"]}
    return Observed(cases, answer["stray"], monotonic() - started)


def listed() -> set[str]:
    """The cases that the document's section names, in back ticks in the last column of its table."""
    section = DOCUMENT.read_text().partition(SECTION)[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return {case for row in rows for case in re.findall(r"`([^`]+)`", row.split(" | ")[-1])}


def test_every_case_runs_to_its_end_on_both_sides(observed: Observed) -> None:
    broken = {name: sides for name, sides in observed.cases.items() if any("broken" in side for side in sides)}
    assert broken == {}
    assert observed.stray == []
    assert len(observed.cases) >= AT_LEAST


def test_what_differs_is_what_the_document_lists(observed: Observed) -> None:
    differing = observed.differing
    total = len(observed.cases)
    say(
        f"conformance: {total - len(differing)} of {total} cases agree with the browser's own fetch and EventSource, "
        f"{len(differing)} differ and are listed with their reason ({observed.seconds:.0f} s)"
    )
    unlisted = {name: sides for name, sides in differing.items() if name not in listed()}
    assert unlisted == {}, json.dumps(unlisted, indent=1, ensure_ascii=False)
    assert sorted(listed() - differing.keys()) == []
