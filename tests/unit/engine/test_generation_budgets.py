"""What a generation may cost is held: before it is sent, over aborts, over other hosts, at any number at once."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from longwire.engine.asking import Means
from longwire.engine.generating import Generating
from longwire.fair_pool import FairPool
from longwire.generation import retrying
from longwire.generation.estimate import upper_bound
from tests.unit.engine.generation_bench import (
    Asker,
    chat,
    chat_end,
    chat_text,
    event,
    generating,
    refusing,
    text_of,
)
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.faults import refusing_port

ANSWER = chat(chat_text("a"), chat_end((10, 20)))
PRICES = 'prices = { "test-*" = { input = "1 USD/1M", output = "2 USD/1M" } }'


class Clock:
    """A wall clock that the test turns."""

    now_ms = 1_800_000_000_000

    def __call__(self) -> int:
        return self.now_ms


async def ask(asker: Asker, stream_id: int, **request: Any) -> dict[str, Any]:
    """The last event of the answer."""
    asker.ask(stream_id, **request)
    return (await asker.events(stream_id))[-1]


async def test_requests_are_counted_and_a_refusal_says_when_there_is_room_again(tmp_path: Path) -> None:
    clock = Clock()
    async with generating(tmp_path, ANSWER, provider='limits = { requests = "2/15m" }', clock_ms=clock) as (
        asker,
        vendor,
    ):
        assert [(await ask(asker, number))["type"] for number in (1, 2)] == ["complete", "complete"]
        refused = await ask(asker, 3)
        assert (refused["code"], refused["retryable"], len(vendor.requests)) == ("LIMIT_EXCEEDED", True, 2)
        clock.now_ms += int(refused["retryAfter"] * 1000) - 1
        assert (await ask(asker, 4))["type"] == "error"
        clock.now_ms += 1
        assert (await ask(asker, 5))["type"] == "complete"


async def test_tokens_are_reserved_at_their_most_and_what_the_provider_counted_stays(tmp_path: Path) -> None:
    async with generating(tmp_path, ANSWER, provider='limits = { tokens = "3k/day" }') as (asker, vendor):
        # The prompt's bytes, 1,024 for what the provider adds, and maxTokens: more than half of the limit each time.
        for number in range(1, 8):
            assert (await ask(asker, number, maxTokens=500))["type"] == "complete"
        refused = await ask(asker, 9, maxTokens=5000)
    assert (refused["code"], refused["retryable"]) == ("LIMIT_EXCEEDED", False)
    assert "maxTokens" in refused["message"] and len(vendor.requests) == 7


async def test_a_page_that_names_no_maximum_has_one(tmp_path: Path) -> None:
    async with generating(tmp_path, ANSWER) as (asker, vendor):
        await ask(asker, 1)
    assert vendor.sent[0]["max_completion_tokens"] == 8192


async def test_cost_is_held_by_the_prices_of_the_model(tmp_path: Path) -> None:
    provider = PRICES + '\nlimits = { cost = "0.01 USD/day" }'
    async with generating(tmp_path, ANSWER, provider=provider) as (asker, _):
        done = await ask(asker, 1, maxTokens=1000)
        assert done["cost"] == {"amount": "0.00005", "currency": "USD"}
        refused = await ask(asker, 2, maxTokens=5000)
    assert (refused["code"], refused["retryable"]) == ("LIMIT_EXCEEDED", False)


async def test_a_cost_limit_without_prices_for_the_model_lets_nothing_through(tmp_path: Path) -> None:
    async with generating(tmp_path, ANSWER, provider='limits = { cost = "5 USD/day" }') as (asker, vendor):
        asker.ask(1)
        _, refused = await asker.body(1)
    assert (refused["code"], refused["retryable"], vendor.requests) == ("POLICY_DENIED", False, [])
    assert "prices" in refused["message"]


async def test_256_at_once_spend_no_more_than_there_is(tmp_path: Path) -> None:
    """A provider that counts nothing: each keeps what was reserved."""
    silent = chat(chat_text("a"), chat_end(None))
    async with generating(tmp_path, silent, provider='limits = { tokens = "20k/day" }') as (asker, vendor):
        for number in range(1, 257):
            asker.ask(number, maxTokens=100)
        ends = [(await asker.events(number))[-1] for number in range(1, 257)]
    each = upper_bound(orjson.dumps(vendor.sent[0]), 100).tokens
    passed = [end for end in ends if end["type"] == "complete"]
    assert len(passed) == len(vendor.requests) == 20_000 // each
    assert {end["code"] for end in ends if end["type"] == "error"} == {"LIMIT_EXCEEDED"}


async def test_an_abort_in_the_middle_stays_spent(tmp_path: Path) -> None:
    async def hold(request: Request) -> None:
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        usage = event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
        await request.connection.send(bodies.head(200, fields) + bodies.chunk(usage + chat_text("first")))
        await request.connection.wait_gone()

    async with generating(tmp_path, hold, ANSWER, provider='limits = { tokens = "3k/day" }') as (asker, _):
        asker.ask(1, maxTokens=900)
        await asker.bench.channel.wait_for(lambda written: b"first" in asker.so_far(1))
        asker.bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        await asker.bench.channel.terminal(1)
        assert (await ask(asker, 2, maxTokens=900))["code"] == "LIMIT_EXCEEDED"
        assert (await ask(asker, 3, maxTokens=1))["code"] == "LIMIT_EXCEEDED"


async def test_an_answer_that_was_cut_stays_spent(tmp_path: Path) -> None:
    cut = chat(chat_text("half"), event({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}))
    async with generating(tmp_path, cut, ANSWER, provider='limits = { tokens = "3k/day" }') as (asker, _):
        assert (await ask(asker, 1, maxTokens=900))["code"] == "ENDED_EARLY"
        assert (await ask(asker, 2, maxTokens=900))["code"] == "LIMIT_EXCEEDED"


async def test_each_retry_reserves_anew(tmp_path: Path) -> None:
    later = refusing(429, {"message": "slow down"}, {"Retry-After": "0"})
    limits = 'limits = { requests = "2/day" }'
    async with generating(tmp_path, later, later, ANSWER, provider=limits) as (asker, vendor):
        refused = await ask(asker, 1)
    assert (refused["code"], len(vendor.requests)) == ("LIMIT_EXCEEDED", 2)


async def test_what_the_provider_refused_costs_nothing(tmp_path: Path) -> None:
    later = refusing(429, {"message": "slow down"}, {"Retry-After": "0"})
    async with generating(tmp_path, later, later, ANSWER, provider='limits = { tokens = "3k/day" }') as (asker, vendor):
        assert (await ask(asker, 1, maxTokens=1500))["type"] == "complete"
    assert len(vendor.requests) == 3


async def test_what_never_left_the_host_is_not_spent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_DELAY_MS", 1)
    with refusing_port() as port:
        provider = 'limits = { tokens = "3k/day" }'
        nobody = f"http://127.0.0.1:{port}"
        async with generating(tmp_path, ANSWER, provider=provider, base_url=nobody) as (asker, _):
            for number in range(1, 4):
                assert (await ask(asker, number, maxTokens=900))["code"] == "UPSTREAM_CONNECT"


async def test_another_provider_has_a_budget_of_its_own(tmp_path: Path) -> None:
    async with generating(tmp_path, ANSWER, provider='limits = { requests = "1/day" }') as (asker, _):
        await ask(asker, 1)
        asker.ask(2, fallback=["other"])
        events = await asker.events(2)
    # A budget is no refusal of the provider's: the page decides whom it asks instead.
    assert (text_of(events), events[-1]["code"]) == ("", "LIMIT_EXCEEDED")


async def test_a_host_that_starts_anew_knows_what_was_spent(tmp_path: Path) -> None:
    limits = 'limits = { requests = "1/day" }'
    async with generating(tmp_path, ANSWER, provider=limits) as (asker, _):
        assert (await ask(asker, 1))["type"] == "complete"
    async with generating(tmp_path, ANSWER, provider=limits) as (asker, _):
        assert (await ask(asker, 1))["code"] == "LIMIT_EXCEEDED"


async def test_the_first_questions_of_a_host_share_one_of_what_carries_them_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Generating] = []
    make = Generating.__init__

    def counted(self: Generating, means: Means, memory: FairPool) -> None:
        made.append(self)
        make(self, means, memory)

    monkeypatch.setattr(Generating, "__init__", counted)
    async with generating(tmp_path, ANSWER) as (asker, _):
        for stream_id in range(1, 9):
            asker.ask(stream_id)
        for stream_id in range(1, 9):
            assert (await asker.events(stream_id))[-1]["type"] == "complete"
    assert len(made) == 1
