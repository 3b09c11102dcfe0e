"""longwire.fetch against the browser's own, case by case: what differs is what docs/compatibility.md lists."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.browser import STATUS, Browser
from tests.host_process import write_policy
from tests.printed import say
from tests.upstreams.app import make_app
from tests.upstreams.scripted import Scripted
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

SCRIPTS = Path(__file__).parent / "conformance"
CHAPTERS = ["headers.js", "request.js", "response.js", "rude.js", "body.js", "abort.js", "eventsource.js"]
DOCUMENT = Path(__file__).parents[2] / "docs" / "compatibility.md"
SECTION = "## Differences from the browser's fetch"
AT_LEAST = 1000
# `make test` runs one case of so many, and all that are listed as different.
EVERY = 4
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
    # One of so many cases.
    every: int = 1

    @property
    def differing(self) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
        """Those cases whose sides do not agree."""
        return {name: sides for name, sides in self.cases.items() if sides[0] != sides[1]}


@pytest.fixture(scope="module", params=[EVERY, pytest.param(1, marks=pytest.mark.long)], ids=["slice", "whole"])
def observed(
    request: pytest.FixtureRequest, browser_of_module: Browser, near: ThreadedServer, far: ThreadedServer
) -> Observed:
    """All cases, run once; or a slice of them."""
    every: int = request.param
    destinations = [far.url("/"), near.url("/"), "http://127.0.0.1:1/"]
    write_policy(
        browser_of_module.home,
        "version = 1\n[[grant]]\nname = 'all'\npages = ['http://localhost:*']\nnetwork = 'loopback'\n"
        f"destinations = {destinations}\nmethods = {[*METHODS, 'chicken', 'null']}\n",
    )
    page = browser_of_module.open(near.url("/"))
    assert page.evaluate(STATUS)["state"] == "ready"
    named = [*listed_in(DOCUMENT.read_text()), *GIVEN]
    answer = page.evaluate("(asked) => runAll(...asked)", [far.url("/"), every, named])
    cases = {case["id"]: (case["browser"], case["longwire"]) for case in answer["results"]}
    return Observed(cases, answer["stray"], every)


def listed_in(document: str) -> set[str]:
    """The cases that the document's section names, in back ticks in the last column of its table."""
    section = document.partition(SECTION)[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return {case for row in rows for case in re.findall(r"`([^`]+)`", row.split(" | ")[-1])}


def assert_listed(observed: Observed, document: str) -> None:
    """What differs is named there, and what is named there differs."""
    listed = listed_in(document)
    unlisted = {name: sides for name, sides in observed.differing.items() if name not in listed}
    assert unlisted == {}, json.dumps(unlisted, indent=1, ensure_ascii=False)
    assert sorted(listed - observed.differing.keys()) == [], "listed, but no difference or no case"


def test_every_case_runs_to_its_end_on_both_sides(observed: Observed) -> None:
    broken = {name: sides for name, sides in observed.cases.items() if any("broken" in side for side in sides)}
    assert broken == {}
    assert observed.stray == []
    assert len(observed.cases) >= AT_LEAST / observed.every


def test_what_differs_is_what_the_document_lists(observed: Observed) -> None:
    differing = observed.differing
    total = len(observed.cases)
    say(
        f"conformance: {total - len(differing)} of {total} cases agree with the browser's own fetch and EventSource, "
        f"{len(differing)} differ and are listed with their reason"
    )
    assert_listed(observed, DOCUMENT.read_text())


REFUSED = {"error": "TypeError"}
# What Longwire gives where a difference is for safety's sake, so that it cannot become another, worse one unseen.
GIVEN: dict[str, Any] = {
    "response headers: Transfer-Encoding is shown": None,
    "response headers: Connection is shown": None,
    "response headers: hop-by-hop fields": [],
    "response headers: Alt-Svc": [],
    "response headers: Proxy-Authenticate": [],
    "response headers: CSP, Strict-Transport-Security, Permissions-Policy": [
        ["content-security-policy", "default-src 'none'"],
        ["permissions-policy", "camera=()"],
    ],
    # These two are alike on both sides.
    "response headers: Set-Cookie is never shown": [["x-a", "1"]],
    "response headers: Clear-Site-Data": [],
    **dict.fromkeys(
        [
            *(f"errors of the network: {name}" for name in ("head cut", "negative length", "length that is no number")),
            "errors of the network: length and chunked",
            "errors of the network: two different lengths",
            "errors of the network: header without a colon",
            "errors of the network: header with white space before the colon",
            *(f"errors of the network: status {status}" for status in (99, 600, 1000)),
            *(f"errors of the network: {coding} that is cut" for coding in ("gzip", "deflate", "br", "zstd")),
            'request headers: value "\\u0001" is sent',
            'request headers: value "\\u007f" is sent',
            *(f"redirect: {hops} in a row" for hops in (11, 20, 21)),
            "rude framing: Transfer-Encoding gzip, chunked",
            "rude framing: Transfer-Encoding nobody knows",
            "rude framing: a chunk size that ends in LF",
            "rude framing: chunk data that ends in LF",
            "rude framing: chunk lines that end in LF, on a connection that stays open",
            *(f'rude fields: value with "{control}"' for control in ("\\u0000", "\\r")),
            "rude codings: gzip and a second member that is cut",
        ],
        REFUSED,
    ),
    "request headers: Cookie is sent to the page's own origin": 0,
    "request headers: Origin of a POST is the page's": 0,
    "request headers: Referer is the page": 0,
    "request headers: Sec-Fetch fields and client hints are sent": 0,
    "request headers: Accept-Language by default": 0,
    "request headers: User-Agent by default is the browser's": False,
    "response: status 407": {"value": [407, False, "Said So", "basic", "text"]},
}


@pytest.mark.parametrize("name", GIVEN)
def test_a_difference_for_safetys_sake_is_the_one_that_is_meant(observed: Observed, name: str) -> None:
    ours = observed.cases[name][1]
    assert ours["value"] == GIVEN[name]


# --- the comparison itself --------------------------------------------------------------------------------------------

TABLE = f"""{SECTION}

Text with `a name` in it.

| with Longwire | because | cases |
|---|---|---|
| one `thing` | another | `chapter: one`, `chapter: two` |

## Another section

| with Longwire | because | cases |
|---|---|---|
| no | no | `chapter: no` |
"""


def seen(**sides: tuple[int, int]) -> Observed:
    """Cases of one chapter, by name, with what each side gave."""
    cases = {f"chapter: {name}": ({"value": left}, {"value": right}) for name, (left, right) in sides.items()}
    return Observed(cases, [])


def test_the_list_is_the_last_column_of_its_own_section() -> None:
    assert listed_in(TABLE) == {"chapter: one", "chapter: two"}
    assert listed_in("") == set()
    assert_listed(seen(one=(1, 2), two=(1, 2), three=(1, 1)), TABLE)


@pytest.mark.parametrize(
    ("cases", "says"),
    [
        pytest.param({"one": (1, 2), "two": (1, 1)}, "chapter: two", id="both sides agree by now"),
        pytest.param({"one": (1, 2)}, "chapter: two", id="there is no such case any more"),
        pytest.param({"one": (1, 2), "two": (1, 2), "three": (1, 2)}, "chapter: three", id="a difference is missing"),
    ],
)
def test_a_list_that_is_not_what_was_seen_fails(cases: dict[str, tuple[int, int]], says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        assert_listed(seen(**cases), TABLE)
