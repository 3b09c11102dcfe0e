"""A real host, one page that asks without end, and another whose lines stay."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longwire.audit.page_lines import PAGE_LINES_AT_ONCE
from tests.host_process import ENTRY, PAGE, HostProcess, grant
from tests.printed import say
from tests.upstreams import bodies
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer

QUIET = PAGE | {"origin": "http://localhost:7000", "tab": 2}
# So small that all lines of these requests are more than the host's files hold.
REQUESTS = 600
SMALL_FILES = "import longwire.audit.files as files; files.MAX_FILE_BYTES //= 64; " + ENTRY


@pytest.fixture
def upstream() -> Iterator[ThreadedServer]:
    """Answers at once."""
    routes = Routes()
    routes.add("/ok", bodies.random_bytes(10))
    with ThreadedServer(lambda: Server(routes)) as threaded:
        yield threaded


def test_a_page_that_asks_without_end_leaves_the_lines_of_others_and_numbers_of_its_own(
    tmp_path: Path, upstream: ThreadedServer
) -> None:
    url = upstream.url("/ok")
    policy = grant(url).replace('pages = ["', f'pages = ["{QUIET["origin"]}", "')
    with HostProcess(tmp_path, policy, SMALL_FILES) as host:
        host.hello()
        host.start(1, url, page=QUIET)
        host.body(1)
        for number in range(2, 2 + REQUESTS):
            host.start(number, url if number % 4 else upstream.url("/denied"))
            host.body(number)
    lines = written(tmp_path)
    quiet = [line["event"] for line in lines if line.get("page") == QUIET["origin"]]
    assert quiet == ["start", "headers", "first byte", "end"]
    loud = [line for line in lines if line.get("page") == PAGE["origin"]]
    events = Counter(line["event"] for line in loud if "count" not in line and line.get("outcome") != "denied")
    assert events.total() <= PAGE_LINES_AT_ONCE + 200  # and what came back meanwhile
    told: Counter[str] = Counter()
    for line in loud:
        told.update(line.get("events", {}))
    allowed = REQUESTS * 3 // 4
    for event in ("start", "headers", "first byte", "end"):
        assert events[event] + told[event] == allowed, "each is a line or in a number"
    refused = sum(line.get("outcome") == "denied" for line in loud)
    refused += sum(line["count"] for line in loud if line["event"] == "refusals not written")
    assert refused == REQUESTS // 4
    say(f"{REQUESTS} requests of one page: {events.total()} lines, {told.total()} in numbers")


def written(home: Path) -> list[dict[str, Any]]:
    """All lines of the log."""
    files = (home / "state" / "longwire").glob("host-*.jsonl*")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]
