"""Every client of sockets in every scenario: over `longwire.WebSocket` it does what it does over the browser's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.compat import published
from tests.compat.socket_rows import CELLS, DIFFERENCES, QUICK, ROWS, SocketRow, SocketScenario
from tests.compat.socket_theatre import KEY_FILE, SocketRun, SocketTheatre, socket_theatre
from tests.compat.test_clients import readable
from tests.e2e.browser import Browser, running_browser
from tests.printed import say
from tests.secret_search import SEARCH

pytestmark = pytest.mark.e2e

# Row and scenario: whether it was the same, of those that ran.
RESULTS: dict[tuple[str, SocketScenario], bool] = {}
# As src/socket-page.ts has them.
SIZES = [3, 1000, 70_000]
LARGE = 420_000


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The driver; gone with this file, since its event loop stays in the thread."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all clients."""
    # The certificate that one of them needs is the test's own.
    home = tmp_path_factory.mktemp("home")
    with running_browser(playwright, home, arguments=["--ignore-certificate-errors"]) as browser:
        yield browser


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SocketTheatre]:
    """Where clients run."""
    with socket_theatre(browser, tmp_path_factory.mktemp("clients")) as made:
        yield made
    same = sum(RESULTS.values())
    if len(RESULTS) == len(CELLS):
        say(published.SOCKETS.render(RESULTS))
    say(f"clients of sockets: {same} of {len(RESULTS)} cells as over the browser's own; cells in all: {len(CELLS)}")


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
def test_a_client_does_what_it_does_over_the_browsers_own_socket(
    stage: SocketTheatre, row: SocketRow, scenario: SocketScenario
) -> None:
    reference = stage.play(row, scenario, "browser")
    ours = stage.play(row, scenario, "longwire")
    # First that the case is what it says: over the browser's own, too.
    assert_played(reference, row, scenario)
    assert reference.keys == {"none"}
    if (row.name, scenario) not in DIFFERENCES:
        assert_played(ours, row, scenario)
    assert ours.keys == {"injected"}
    same = (ours.report, ours.sockets) == (reference.report, reference.sockets)
    RESULTS[row.name, scenario] = same
    if (row.name, scenario) in DIFFERENCES:
        assert not same, "mended: take it out of DIFFERENCES and of docs/compatibility.md"
        assert ours.report["unhandled"] == []
        assert (ours.report["told"], ours.sockets) == (reference.report["told"], reference.sockets)
    else:
        assert readable(ours.report) == readable(reference.report)
        assert readable(ours.sockets) == readable(reference.sockets)


def assert_played(run: SocketRun, row: SocketRow, scenario: SocketScenario) -> None:
    """It went as the scenario says. Without this, a driver that is broken in itself would be so over both."""
    report = run.report
    assert report["unhandled"] == [], run
    assert run.refused == (1 if scenario is SocketScenario.REFUSED else 0), run
    interrupted = scenario in {SocketScenario.CLOSED, SocketScenario.LOST}
    if scenario is SocketScenario.REFUSED and row.gives_up is not None:
        assert report["error"]["message"].startswith(row.gives_up), run
        assert run.sockets == []
        return
    assert "error" not in report, run
    expected = {
        SocketScenario.TALK: list(row.texts),
        SocketScenario.BINARY: SIZES,
        SocketScenario.LARGE: LARGE,
        SocketScenario.CLOSED: list(row.texts)[: 2 if row.reconnects else 1],
        SocketScenario.LOST: list(row.texts)[: 2 if row.reconnects else 1],
        SocketScenario.REFUSED: row.texts[0],
        SocketScenario.LEFT: None,
    }
    assert report.get("value") == expected[scenario], run
    assert len(run.sockets) == (2 if interrupted and row.reconnects else 1), run
    if scenario is SocketScenario.CLOSED:
        assert run.sockets[0]["close"] == [1012, "Neustart für alle"] or run.sockets[0]["close"] == "hung up", run


def test_a_client_that_gives_the_reason_of_an_error_has_one(stage: SocketTheatre) -> None:
    """Difference 1."""
    row = next(row for row in ROWS if row.module == "openai")
    error = stage.play(row, SocketScenario.REFUSED, "longwire").report["error"]
    # As src/errors.ts writes what a LongwireError says.
    assert (error["name"], error["message"], error["cause"]) == ("OpenAIRealtimeError", "NETWORK", "NETWORK")


def test_the_search_for_secrets_knows_the_key(stage: SocketTheatre, browser: Browser) -> None:
    SEARCH.learn_from(browser.home)
    assert (Path(browser.home) / KEY_FILE).read_bytes() in SEARCH.values


def test_the_published_table_is_what_this_run_gave() -> None:
    """Last: every cell that ran, as docs/compatibility.md has it."""
    assert published.SOCKETS.block() == published.SOCKETS.render(), "`python -m tests.compat.published` writes it"
    cells = published.SOCKETS.read()
    for (name, scenario), same in RESULTS.items():
        assert (cells[name, scenario] == published.SAME) is same, (name, scenario)
