"""Many streams over a network that fails every tenth request, through the real host."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import Browser
from tests.e2e.client import load_client
from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.printed import say
from tests.upstreams.faults import refusing_port
from tests.upstreams.flaky import HARMLESS, Flaky
from tests.upstreams.threaded import ThreadedServer

CALLS = [300, pytest.param(1000, marks=pytest.mark.long)]
SEED = "longwire"

# How the calls are made. Those of the first three may always be repeated, the others only while the server cannot have
# acted on them, or behind the last event that came.
KINDS: dict[str, dict[str, Any]] = {
    "get": {"init": {}},
    "get-resume": {"init": {}, "options": {"resume": True}},
    "post-key": {"init": {"method": "POST", "body": "{}", "headers": {"Idempotency-Key": "1"}}},
    "post-resume": {"init": {"method": "POST", "body": "{}"}, "options": {"resume": True}},
    "post": {"init": {"method": "POST", "body": "{}"}},
}
REPEATABLE = ("get", "get-resume", "post-key")

RUN = script("bad_networks.js")


@pytest.mark.parametrize("calls", CALLS)
def test_many_streams_on_a_bad_network(
    browser: Browser, site: ThreadedServer, page: Page, upstream: Upstream, calls: int
) -> None:
    with refusing_port() as refusing:
        flaky = Flaky(SEED, refusing)
        upstream.app.routes.add("/flaky/", flaky)
        browser.grant(upstream.root, f"http://127.0.0.1:{refusing}/")
        load_client(page)
        argument = {"root": upstream.root, "kinds": KINDS, "calls": calls}
        results: list[dict[str, Any]] = page.evaluate(RUN, argument)

    whole = [flaky.text(str(number)) for number in range(calls)]
    for result, text in zip(results, whole, strict=True):
        # Nothing twice, nothing missing in between, and a partial answer survives.
        assert text.startswith(result["shown"]), result
        assert result["text"] == result["shown"]
        assert (result["error"] is None) == (result["shown"] == text), result

    numbers = range(calls)
    repeatable = [number for number in numbers if results[number]["kind"] in REPEATABLE]
    complete = sum(results[number]["error"] is None for number in repeatable)
    faults = {number: [sent.fault for sent in flaky.sent[str(number)] if sent.fault] for number in numbers}
    broken = sum(len(faults[number]) for number in repeatable)
    lost = sum(results[number]["error"] is not None for number in repeatable)

    forbidden = resent = 0
    for number in set(numbers).difference(repeatable):
        every = flaky.sent[str(number)]
        resent += len(every) - 1
        for before, after in pairwise(every):
            forbidden += before.fault not in HARMLESS and after.last_event_id is None
        if every[-1].fault is not None:
            assert results[number]["error"]["category"] in {"NETWORK", "TIMEOUT", "SERVER"}, results[number]

    requests = sum(map(len, flaky.sent.values()))
    failing = sum(map(len, faults.values()))
    say(
        f"bad networks: {calls} streams, {requests} requests, {failing} of them failed; where a re-send is allowed "
        f"{complete} of {len(repeatable)} complete, {broken - lost} of {broken} failures recovered; "
        f"other POSTs re-sent {resent} times, forbidden {forbidden}"
    )
    assert 0.07 < failing / requests < 0.13
    assert complete / len(repeatable) > 0.99
    assert (broken - lost) / broken > 0.9
    assert resent > 0 and forbidden == 0
    assert {sent.fault for every in flaky.sent.values() for sent in every} >= {"refuse", "stall", "body-stall", "cut"}
