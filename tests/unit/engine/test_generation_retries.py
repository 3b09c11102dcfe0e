"""What follows a refusal: the same provider again, another one, or none; and by which policy."""

from pathlib import Path
from typing import Any

import pytest

from longwire.generation import retrying
from tests.unit.engine.generation_bench import (
    KEY,
    LATER,
    WIRES,
    Reply,
    answering,
    chat,
    chat_end,
    chat_text,
    event,
    generating,
    of_type,
    refusing,
    streaming,
    text_of,
)
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.faults import refusing_port
from tests.upstreams.vendors.wire import WHOLE_TEXT, Answer

OVERLOADED = refusing(503, {"message": "overloaded"}, {"Retry-After": "0"})


@pytest.mark.parametrize("refusal", [LATER, OVERLOADED], ids=["429", "503"])
async def test_a_refused_request_is_sent_again_and_each_time_announced(tmp_path: Path, refusal: Reply) -> None:
    async with generating(tmp_path, refusal, refusal, refusal, chat(chat_text("a"), chat_end())) as (asker, vendor):
        asker.ask(1)
        events = await asker.events(1)
    assert text_of(events) == "a" and len(vendor.requests) == 4
    assert [each["phase"] for each in of_type(events, "status")].count("retrying") == 3
    assert len(of_type(events, "metadata")) == 1


async def test_three_times_and_no_more(tmp_path: Path) -> None:
    async with generating(tmp_path, LATER) as (asker, vendor):
        asker.ask(1)
        events = await asker.events(1)
    assert len(vendor.requests) == 4
    assert events[-1] == {
        "requestId": events[0]["requestId"],
        "type": "error",
        "code": "RATE_LIMITED",
        "message": "The provider has had too many requests for now: slow down",
        "retryable": True,
        "retryAfter": 0,
    }


async def test_an_hour_is_an_error_that_says_so_and_no_wait(tmp_path: Path) -> None:
    hour = refusing(429, {"message": "slow down"}, {"Retry-After": "3600"})
    async with generating(tmp_path, hour) as (asker, vendor):
        asker.ask(1)
        last = (await asker.events(1))[-1]
    assert (last["code"], last["retryAfter"], len(vendor.requests)) == ("RATE_LIMITED", 3600, 1)


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, {"message": "Incorrect API key provided"}, "AUTHENTICATION"),
        (429, {"message": "quota", "code": "insufficient_quota"}, "QUOTA_EXCEEDED"),
        (400, {"message": "too long", "code": "context_length_exceeded"}, "CONTEXT_TOO_LONG"),
        (404, {"message": "no model", "code": "model_not_found"}, "MODEL_UNKNOWN"),
        (400, {"message": "no", "code": "content_policy_violation"}, "CONTENT_FILTERED"),
        (400, {"message": "no"}, "BAD_REQUEST"),
        (500, {"message": "no"}, "PROVIDER_UNAVAILABLE"),
        (502, {"message": "no"}, "PROVIDER_UNAVAILABLE"),
    ],
)
async def test_what_may_have_been_paid_for_or_never_goes_well_is_asked_once(
    tmp_path: Path, status: int, error: dict[str, Any], code: str
) -> None:
    async with generating(tmp_path, refusing(status, error)) as (asker, vendor):
        asker.ask(1)
        events = await asker.events(1)
    assert (events[-1]["type"], events[-1]["code"], len(vendor.requests)) == ("error", code, 1)


async def test_a_connection_that_breaks_once_the_request_is_sent_is_never_tried_again(tmp_path: Path) -> None:
    async def reset(request: Request) -> None:
        request.connection.reset()

    async with generating(tmp_path, reset) as (asker, vendor):
        asker.ask(1, fallback=["other"])
        last = (await asker.events(1))[-1]
    assert (last["type"], last["code"], len(vendor.requests)) == ("error", "UPSTREAM_RESET", 1)


async def test_a_provider_that_cannot_be_reached_is_tried_again_and_then_the_next_one_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "FIRST_DELAY_MS", 1)
    with refusing_port() as port:
        nobody = f"http://127.0.0.1:{port}"
        async with generating(tmp_path, chat(chat_text("b"), chat_end()), base_url=nobody) as (asker, vendor):
            asker.ask(1, fallback=["nobody", "other"])
            events = await asker.events(1)
    phases = [each["phase"] for each in of_type(events, "status")]
    assert phases.count("retrying") == 3 and phases.count("switching_provider") == 1
    assert [each["provider"] for each in of_type(events, "metadata")] == ["vendor", "other"]
    assert (text_of(events), events[-1]["provider"]) == ("b", "other")
    assert [request.path for request in vendor.requests] == ["/other/chat/completions"]


async def test_nothing_is_asked_twice_once_something_came(tmp_path: Path) -> None:
    overloaded = event({"error": {"message": "overloaded", "type": "server_overloaded"}})
    async with generating(tmp_path, chat(chat_text("a"), overloaded)) as (asker, vendor):
        asker.ask(1, fallback=["other"])
        events = await asker.events(1)
    assert (text_of(events), events[-1]["code"], len(vendor.requests)) == ("a", "OVERLOADED", 1)


async def test_an_overload_inside_an_answer_that_has_not_begun_is_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "FIRST_DELAY_MS", 1)
    overloaded = chat(event({"error": {"message": "overloaded", "type": "server_overloaded"}}))
    async with generating(tmp_path, overloaded, chat(chat_text("a"), chat_end())) as (asker, vendor):
        asker.ask(1)
        assert (text_of(await asker.events(1)), len(vendor.requests)) == ("a", 2)


@pytest.mark.parametrize("how", ["short", "endless"])
async def test_a_failure_whose_words_are_cut_is_what_its_status_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("longwire.engine.asking._FAILURE_S", 0.1)

    async def reply(request: Request) -> None:
        fields = [("Content-Type", "application/json"), ("Content-Length", "5000"), ("Retry-After", "3600")]
        await request.connection.send(bodies.head(429, fields) + b'{"error": ')
        if how == "short":
            request.connection.close()
        else:
            await request.connection.wait_gone()

    async with generating(tmp_path, reply) as (asker, _):
        asker.ask(1)
        last = (await asker.events(1))[-1]
        assert asker.upstream.busy_connections == 0
    assert (last["code"], last["retryAfter"]) == ("RATE_LIMITED", 3600)


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_redirect_is_not_followed(tmp_path: Path, status: int) -> None:
    moved = answering(Answer(status, b"", (("Location", "/v1/elsewhere"),)))
    async with generating(tmp_path, moved) as (asker, vendor):
        asker.ask(1)
        last = (await asker.events(1))[-1]
    assert (last["code"], last["retryable"], len(vendor.requests)) == ("PROVIDER_UNAVAILABLE", False, 1)
    assert "redirect" in last["message"]


@pytest.mark.parametrize("how", ["in order", "reset", "short"])
async def test_an_answer_without_its_end_is_none_and_its_text_stays(tmp_path: Path, how: str) -> None:
    async def cut(request: Request) -> None:
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, fields) + bodies.chunk(chat_text("half")))
        await asker.bench.channel.wait_for(lambda written: b"half" in asker.so_far(1))
        if how == "in order":
            await request.connection.send(b"0\r\n\r\n")
        elif how == "reset":
            request.connection.reset()
        else:
            request.connection.close()

    async with generating(tmp_path, cut) as (asker, vendor):
        asker.ask(1)
        events = await asker.events(1)
    assert (text_of(events), events[-1]["code"], len(vendor.requests)) == ("half", "ENDED_EARLY", 1)


@pytest.mark.parametrize(
    ("line", "code"), [('limits = { tokens = "1/day" }', "LIMIT_EXCEEDED"), ('max_input = "1B"', "CONTEXT_TOO_LONG")]
)
async def test_a_policy_that_changes_while_the_host_waits_holds_for_what_is_sent_then(
    tmp_path: Path, line: str, code: str
) -> None:
    later = refusing(429, {"message": "slow down"}, {"Retry-After": "1"})
    async with generating(tmp_path, later, chat(chat_text("a"), chat_end())) as (asker, vendor):
        asker.ask(1, system="s")
        await asker.bench.channel.wait_for(lambda written: b"retrying" in asker.so_far(1))
        file = asker.bench.policy_file
        file.write_text(file.read_text().replace('models = ["test-1"', f'{line}\nmodels = ["test-1"'))
        asker.bench.policy.poke()
        last = (await asker.events(1))[-1]
    assert (last.get("code"), len(vendor.requests)) == (code, 1)


async def test_a_kind_that_changes_while_the_host_waits_is_the_one_that_is_spoken(tmp_path: Path) -> None:
    later = refusing(429, {"message": "slow down"}, {"Retry-After": "1"})
    async with generating(tmp_path, later, streaming(WIRES["anthropic"])) as (asker, vendor):
        asker.ask(1)
        await asker.bench.channel.wait_for(lambda written: b"retrying" in asker.so_far(1))
        file = asker.bench.policy_file
        file.write_text(file.read_text().replace('kind = "openai-chat"', 'kind = "anthropic"', 1))
        asker.bench.policy.poke()
        assert text_of(await asker.events(1)) == WHOLE_TEXT
    assert vendor.requests[1].header("x-api-key") == KEY and vendor.requests[1].header("authorization") is None


async def test_each_provider_has_its_turn_once(tmp_path: Path) -> None:
    async with generating(tmp_path, LATER) as (asker, vendor):
        asker.ask(1, fallback=["vendor", "other", "other", "vendor"])
        assert (await asker.events(1))[-1]["code"] == "RATE_LIMITED"
    paths = [request.path for request in vendor.requests]
    assert paths == ["/v1/chat/completions"] * 4 + ["/other/chat/completions"] * 4


async def test_a_provider_that_will_not_stream_is_asked_for_the_answer_in_one_piece(tmp_path: Path) -> None:
    wont = {
        "message": "Your organization must be verified to stream this model.",
        "type": "invalid_request_error",
        "param": "stream",
        "code": "unsupported_value",
    }
    async with generating(tmp_path, refusing(400, wont), answering(WIRES["openai-chat"].whole)) as (asker, vendor):
        asker.ask(1)
        events = await asker.events(1)
    assert text_of(events) == WHOLE_TEXT
    assert [sent.get("stream", False) for sent in vendor.sent] == [True, False]
    assert [each["phase"] for each in of_type(events, "status")][1:4] == ["connecting", "retrying", "connecting"]
