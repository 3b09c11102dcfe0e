"""Every client in every scenario: over Longwire it does what it does over the browser's own fetch, and streams."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.compat import published
from tests.compat.rows import CELLS, DIFFERENCES, QUICK, ROWS, Row
from tests.compat.theatre import HERE, Run, Theatre, theatre
from tests.e2e.browser import Browser, running_browser
from tests.printed import say
from tests.secret_search import SEARCH
from tests.upstreams.vendors.stage import WHOLE, Scenario
from tests.upstreams.vendors.wire import TEXTS

pytestmark = pytest.mark.e2e

# Row and scenario: whether it was the same, of those that ran.
RESULTS: dict[tuple[str, Scenario], bool] = {}
# All of the stream is shown.
STREAMED = {Scenario.STREAM, Scenario.SPLIT, Scenario.SLOW}
# The client gives a value in the end.
WELL = STREAMED | WHOLE
ABORTED = {Scenario.ABORT_WAITING, Scenario.ABORT_STREAMING}


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver; gone with this file, since its event loop stays in the thread."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all clients."""
    with running_browser(playwright, tmp_path_factory.mktemp("home")) as browser:
        yield browser


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """Where clients run."""
    with theatre(browser, tmp_path_factory.mktemp("clients")) as made:
        yield made
    same = sum(RESULTS.values())
    if len(RESULTS) == len(CELLS):
        say(published.CLIENTS.render(RESULTS))
    say(f"clients: {same} of {len(RESULTS)} cells as over the browser's own fetch; cells in all: {len(CELLS)}")


@pytest.mark.parametrize(
    ("row", "scenario"),
    [
        pytest.param(
            row,
            scenario,
            id=f"{row.module}-{scenario.value}",
            marks=[] if scenario in QUICK else [pytest.mark.long],
        )
        for row, scenario in CELLS
    ],
)
def test_a_client_does_what_it_does_over_the_browsers_own_fetch(stage: Theatre, row: Row, scenario: Scenario) -> None:
    reference = stage.play(row, scenario, "browser")
    ours = stage.play(row, scenario, "longwire")
    # First that the case is what it says: over the browser's own fetch, too.
    assert_played(reference, row, scenario)
    assert set(reference.keys) == {"dummy"}
    # A client that gives up over Longwire where it does not over the browser's is a difference, not a case gone wrong.
    if (row.name, scenario) not in DIFFERENCES:
        assert_played(ours, row, scenario)
    assert set(ours.keys) == {"injected"}
    requests, expected = asked_of(ours, scenario), asked_of(reference, scenario)
    same = ours.report == reference.report and requests == expected
    RESULTS[row.name, scenario] = same
    if (row.name, scenario) in DIFFERENCES:
        assert not same, "mended: take it out of DIFFERENCES and of docs/compatibility.md"
        assert [ours.report[part] for part in ("shown", "unhandled")] == [[], []]
    else:
        assert readable(ours.report) == readable(reference.report)
        assert readable(requests) == readable(expected)


def asked_of(run: Run, scenario: Scenario) -> list[dict[str, Any]]:
    """The requests that are the client's own."""
    # The browser may send again by itself what failed on a connection that it had in store.
    return run.requests[-1:] if scenario is Scenario.REFUSED else run.requests


PATCHED = next(row for row in ROWS if row.module == "openai-chat")


@pytest.mark.parametrize("scenario", sorted(QUICK))
def test_a_client_with_the_pages_own_fetch_does_the_same_on_a_patched_page(stage: Theatre, scenario: Scenario) -> None:
    reference = stage.play(PATCHED, scenario, "browser")
    ours = stage.play(PATCHED, scenario, "patch")
    assert_played(ours, PATCHED, scenario)
    assert set(ours.keys) == {"injected"}
    assert readable(ours.report) == readable(reference.report)
    assert readable(asked_of(ours, scenario)) == readable(asked_of(reference, scenario))


def test_a_denial_is_the_cause_of_the_clients_own_error(stage: Theatre) -> None:
    denied = stage.denied(PATCHED)
    assert (denied["class"], denied["message"]) == ("APIConnectionError", "Connection error.")
    cause = denied["cause"]
    assert (cause["code"], cause["category"], cause["phase"]) == ("POLICY_DENIED", "POLICY", "policy")
    assert cause["retryable"] is False
    assert "no grant of the policy allows POST" in cause["message"]
    # The client tries again as after any failed connection; the host refuses both, and neither leaves it.
    assert (denied["calls"], denied["requests"]) == (2, 0)


def readable(value: Any) -> str:
    """Text whose differences pytest shows line by line."""
    return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)


def assert_played(run: Run, row: Row, scenario: Scenario) -> None:
    """It went as the scenario says, piece by piece, and an abort reached the upstream.

    Without this, a driver that is broken in itself would be so over both kinds of fetch.
    """
    error = run.report.get("error")
    assert error != "STUCK", run
    if isinstance(error, dict):
        assert error.get("classes", ["?"])[0] not in {"TypeError", "ReferenceError", "SyntaxError"}, run
    assert run.confirmed == run.sent, "a piece was not shown before the next was sent"
    resumed = scenario is Scenario.CUT and row.wire.resumes
    if scenario in STREAMED or resumed:
        assert len(run.confirmed) == len(TEXTS), run
    if scenario in WELL or resumed:
        assert error is None, run
    elif scenario not in ABORTED and row.whole:
        assert error is not None, run
    if scenario in ABORTED:
        assert run.gone_in_time is True, run
        assert len(run.confirmed) == (1 if scenario is Scenario.ABORT_STREAMING else 0), run


def test_the_search_for_secrets_knows_every_key(stage: Theatre, browser: Browser) -> None:
    SEARCH.learn_from(browser.home)
    keys = {path.read_bytes() for path in Path(browser.home).glob("*.key")}
    assert len(keys) == len({row.wire.name for row in ROWS})
    assert keys <= SEARCH.values


def test_what_is_bundled_is_what_is_pinned() -> None:
    for package, version in published.pinned().items():
        installed = json.loads((HERE / "node_modules" / package / "package.json").read_text())
        # A second version of a package has another name here, and says its own: `npm:y-websocket@2.1.0`.
        assert installed["version"] == version.rpartition("@")[2], "`make setup` installs what package-lock.json says"


def test_the_published_table_is_what_this_run_gave() -> None:
    """Last: every cell that ran, as docs/compatibility.md has it."""
    assert published.CLIENTS.block() == published.CLIENTS.render(), "`python -m tests.compat.published` writes it"
    cells = published.CLIENTS.read()
    for (name, scenario), same in RESULTS.items():
        assert (cells[name, scenario] == published.SAME) is same, (name, scenario)
