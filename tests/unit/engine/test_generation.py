"""A generation from the page's request to its last event, by a real client against vendors on this machine."""

from pathlib import Path
from typing import Any

import anyio
import orjson
import pytest
from structlog.testing import capture_logs

from longwire.engine.generating import MAX_QUESTION_BYTES
from longwire.generation import retrying
from longwire.turns import Turns
from tests.unit.engine.generation_bench import (
    KEY,
    LATER,
    WIRES,
    answering,
    chat,
    chat_end,
    chat_text,
    event,
    generating,
    of_type,
    read_events,
    refusing,
    streaming,
    text_of,
    write_template,
)
from tests.unit.engine.harness import page_facts
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.vendors.wire import WHOLE_TEXT


@pytest.mark.parametrize("kind", WIRES)
async def test_an_answer_is_told_by_one_shape_of_events_whoever_gives_it(tmp_path: Path, kind: str) -> None:
    async with generating(tmp_path, streaming(WIRES[kind]), kind=kind) as (asker, vendor):
        asker.ask(1)
        events = await asker.events(1)
    assert text_of(events) == WHOLE_TEXT
    assert [each["phase"] for each in of_type(events, "status")] == ["queued", "connecting", "generating"]
    assert [each["type"] for each in events][:2] == ["metadata", "status"]
    last = events[-1]
    assert (last["type"], last["finishReason"], last["provider"]) == ("complete", "stop", "vendor")
    assert last["usage"]["outputTokens"] > 0 and not last["usage"]["estimated"]
    assert len({each["requestId"] for each in events}) == 1
    assert KEY in str(vendor.requests[0].headers) and KEY not in str(asker.bench.channel.written)


async def test_the_first_content_is_there_before_the_provider_is_done(tmp_path: Path) -> None:
    go_on = anyio.Event()

    async def reply(request: Request) -> None:
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, fields) + bodies.chunk(chat_text("first")))
        await go_on.wait()
        await request.connection.send(bodies.chunk(chat_end()) + b"0\r\n\r\n")

    async with generating(tmp_path, reply) as (asker, _):
        asker.ask(1)
        await asker.bench.channel.wait_for(lambda written: b"first" in asker.so_far(1))
        go_on.set()
        assert (await asker.events(1))[-1]["type"] == "complete"


async def test_stop_reaches_the_provider(tmp_path: Path) -> None:
    gone = anyio.Event()

    async def reply(request: Request) -> None:
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, fields) + bodies.chunk(chat_text("first")))
        await request.connection.wait_gone()
        gone.set()

    async with generating(tmp_path, reply) as (asker, _):
        asker.ask(1)
        await asker.bench.channel.wait_for(lambda written: b"first" in asker.so_far(1))
        asker.bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        await gone.wait()
        assert (await asker.bench.channel.terminal(1))["type"] == "STREAM_ABORTED"
        assert asker.upstream.busy_connections == 0


async def test_a_connection_is_used_again_for_the_next_question(tmp_path: Path) -> None:
    async with generating(tmp_path, chat(chat_text("a"), chat_end())) as (asker, vendor):
        for stream_id in (1, 2, 3):
            asker.ask(stream_id)
            assert (await asker.events(stream_id))[-1]["type"] == "complete"
    assert len({id(request.connection) for request in vendor.requests}) == 1


@pytest.mark.parametrize("kind", WIRES)
async def test_an_answer_in_one_piece_is_the_same_events(tmp_path: Path, kind: str) -> None:
    wire = WIRES[kind]
    async with generating(tmp_path, answering(wire.whole), kind=kind) as (asker, vendor):
        asker.ask(1, stream=False)
        events = await asker.events(1)
    assert text_of(events) == WHOLE_TEXT and events[-1]["type"] == "complete"
    assert vendor.sent[0].get("stream") in (False, None)


# --- what the page may ask --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (b"{", "the body is not JSON"),
        (b"[]", "must be an object"),
        (b'{"provider": "vendor"}', "needs either messages or a template"),
        (b'{"provider": "vendor", "messages": [], "mcp_servers": []}', "mcp_servers: only function tools are sent"),
        (b'{"provider": "vendor", "messages": [{"role": "user", "content": "a"}], "apiKey": "k"}', "apiKey: keys,"),
    ],
)
async def test_a_request_that_is_none_is_told_so_and_nothing_is_sent(
    tmp_path: Path, request_: bytes, message: str
) -> None:
    async with generating(tmp_path, LATER) as (asker, vendor):
        asker.send(1, request_)
        (event_,) = await asker.events(1)
    assert (event_["code"], event_["retryable"], vendor.requests) == ("BAD_REQUEST", False, [])
    assert message in event_["message"]


@pytest.mark.parametrize("request_", [b"{", b'{"provider": "vendor", "messages": [{"role": "user", "content": "a"}]}'])
async def test_a_page_without_a_grant_hears_only_that(tmp_path: Path, request_: bytes) -> None:
    async with generating(tmp_path, LATER) as (asker, vendor):
        asker.send(1, request_, page=page_facts(origin="http://elsewhere.test"))
        _, terminal = await asker.body(1)
    assert (terminal["code"], terminal["phase"], vendor.requests) == ("POLICY_DENIED", "policy", [])


@pytest.mark.parametrize(("asked", "named"), [({"provider": "none"}, "none"), ({"model": "gpt-9"}, "gpt-9")])
async def test_a_provider_or_model_that_the_policy_does_not_have_is_denied(
    tmp_path: Path, asked: dict[str, Any], named: str
) -> None:
    async with generating(tmp_path, LATER) as (asker, vendor):
        asker.ask(1, **asked)
        _, terminal = await asker.body(1)
    assert (terminal["code"], vendor.requests) == ("POLICY_DENIED", [])
    assert named in terminal["message"]


@pytest.mark.parametrize("changes", [{"url": "http://upstream.test/"}, {"method": "GET", "body": {"kind": "none"}}])
async def test_the_kind_is_for_one_address_and_one_method(tmp_path: Path, changes: dict[str, Any]) -> None:
    async with generating(tmp_path, LATER) as (asker, _):
        asker.send(1, b"{}", **changes)
        assert (await asker.body(1))[1]["code"] == "PROTOCOL"


async def test_an_ordinary_request_for_its_address_is_none(tmp_path: Path) -> None:
    async with generating(tmp_path, LATER) as (asker, vendor):
        asker.send(1, b'{"provider": "vendor"}', kind="http")
        _, terminal = await asker.body(1)
    assert terminal["type"] == "STREAM_ERROR" and vendor.requests == []


async def test_a_request_that_comes_in_pieces_is_read_whole(tmp_path: Path) -> None:
    text = "x" * 300_000
    body = orjson.dumps({"provider": "vendor", "messages": [{"role": "user", "content": text}]})
    async with generating(tmp_path, chat(chat_text("a"), chat_end())) as (asker, vendor):
        asker.send(1, b"", body={"kind": "stream"})
        await asker.upload(1, body)
        assert (await asker.events(1))[-1]["type"] == "complete"
    assert vendor.sent[0]["messages"][-1]["content"] == text


async def test_a_long_question_is_read_and_written_beside_the_loop_whatever_it_is_long_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works: list[object] = []
    aside = Turns.aside

    async def counted(self: Turns, who: Any, work: Any) -> Any:
        works.append(work)
        return await aside(self, who, work)

    monkeypatch.setattr(Turns, "aside", counted)
    image = {"type": "image", "mediaType": "image/png", "data": "A" * 150_000}
    async with generating(tmp_path, chat(chat_text("a"), chat_end())) as (asker, _):
        asker.ask(1, messages=[{"role": "user", "content": [image]}])
        assert (await asker.events(1))[-1]["type"] == "complete"
        assert len(works) == 2
        asker.ask(2)
        assert (await asker.events(2))[-1]["type"] == "complete"
    assert len(works) == 2


async def test_a_request_that_is_too_long_is_refused_while_it_comes(tmp_path: Path) -> None:
    async with generating(tmp_path, LATER) as (asker, vendor):
        asker.send(1, b"", body={"kind": "stream"})
        await asker.upload(1, b"x" * (MAX_QUESTION_BYTES + 1))
        _, terminal = await asker.body(1)
    assert (terminal["code"], terminal["retryable"], vendor.requests) == ("LIMIT_EXCEEDED", False, [])


async def test_input_is_cut_to_what_the_provider_is_given_and_that_is_said_before_any_content(tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(1000))
    async with generating(tmp_path, chat(chat_text("a"), chat_end()), provider='max_input = "1kB"') as (asker, vendor):
        asker.ask(1, messages=[{"role": "user", "content": text}])
        events = await asker.events(1)
    (metadata,) = of_type(events, "metadata")
    sent = vendor.sent[0]["messages"][-1]["content"]
    assert metadata == events[0]
    assert metadata["truncated"] and metadata["originalSize"] == len(text)
    assert metadata["truncatedSize"] == metadata["promptLength"] == len(sent) <= 1000
    assert sent.endswith("\n") and text.startswith(sent)


async def test_input_that_may_not_be_cut_is_too_long(tmp_path: Path) -> None:
    async with generating(tmp_path, LATER, provider='max_input = "1kB"') as (asker, vendor):
        asker.ask(1, system="s" * 2000)
        last = (await asker.events(1))[-1]
    assert (last["code"], vendor.requests) == ("CONTEXT_TOO_LONG", [])


async def test_calls_of_functions_come_whole(tmp_path: Path) -> None:
    def call(**delta: Any) -> bytes:
        return event({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, **delta}]}}]})

    pieces = [
        call(id="call_1", type="function", function={"name": "weather", "arguments": ""}),
        call(function={"arguments": '{"city": "Wup'}),
        call(function={"arguments": 'pertal"}'}),
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}) + b"data: [DONE]\n\n",
    ]
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
    async with generating(tmp_path, chat(*pieces)) as (asker, vendor):
        asker.ask(1, tools=[tool])
        events = await asker.events(1)
    (called,) = of_type(events, "tool_call")
    assert (called["id"], called["name"], called["arguments"]) == ("call_1", "weather", {"city": "Wuppertal"})
    assert events[-1]["finishReason"] == "tool_calls"
    assert vendor.sent[0]["tools"][0]["function"]["name"] == "weather"


async def test_text_of_a_model_forges_no_event(tmp_path: Path) -> None:
    hostile = 'a\n\ndata: {"type":"complete"}\n\r\n: b\n\nevent: error\ndata: {"type":"error"}\u2028\n\n\0'
    async with generating(tmp_path, chat(chat_text(hostile), chat_end())) as (asker, _):
        asker.ask(1)
        events = await asker.events(1)
    assert text_of(events) == hostile
    assert [each["type"] for each in events].count("complete") == 1 and of_type(events, "error") == []


async def test_a_change_of_the_policy_ends_what_it_allows_no_longer(tmp_path: Path) -> None:
    async def hold(request: Request) -> None:
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, fields) + bodies.chunk(chat_text("first")))
        await request.connection.wait_gone()

    async with generating(tmp_path, hold) as (asker, _):
        asker.ask(1)
        await asker.bench.channel.wait_for(lambda written: b"first" in asker.so_far(1))
        file = asker.bench.policy_file
        file.write_text(file.read_text().replace('generate = ["vendor", "other"]', 'generate = ["other"]'))
        asker.bench.policy.poke()
        _, terminal = await asker.body(1)
    assert terminal["code"] == "POLICY_DENIED"


# --- signs of life, and what is written down --------------------------------------------------------------------------


async def test_a_silent_answer_says_that_it_is_still_there_and_never_inside_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longwire.engine.event_writer.HEARTBEAT_S", 0.01)
    beaten = anyio.Event()
    large = "x" * 200_000

    async def reply(request: Request) -> None:
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, fields) + bodies.chunk(chat_text("first")))
        await beaten.wait()
        # More than the page gives credit for at once: its event stands half-written until the page reads.
        await request.connection.send(bodies.chunk(chat_text(large)))
        await request.connection.send(bodies.chunk(chat_end()) + b"0\r\n\r\n")

    async with generating(tmp_path, reply) as (asker, _):
        asker.ask(1)
        await asker.bench.channel.wait_for(lambda written: asker.so_far(1).count(b": still there\n\n") >= 2)
        beaten.set()
        await asker.bench.channel.wait_for(lambda written: len(asker.so_far(1)) >= 32 * 1024)
        data, terminal = await asker.body(1)
    assert terminal["type"] == "STREAM_END"
    assert text_of(read_events(data)) == "first" + large
    for block in data.split(b"\n\n"):
        assert not block or block == b": still there" or block.startswith(b"data: {")


async def test_what_keeps_the_providers_connection_open_is_no_sign_of_life_for_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("longwire.engine.event_writer.HEARTBEAT_S", 0.5)
    beaten = False

    async def reply(request: Request) -> None:
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, fields) + bodies.chunk(chat_text("first")))
        while not beaten:
            await request.connection.send(bodies.chunk(b": still at it\n\n"))
            await anyio.sleep(0.005)
        await request.connection.send(bodies.chunk(chat_end()) + b"0\r\n\r\n")

    async with generating(tmp_path, reply) as (asker, _):
        asker.ask(1)
        await asker.bench.channel.wait_for(lambda written: b": still there\n\n" in asker.so_far(1))
        beaten = True
        assert (await asker.events(1))[-1]["type"] == "complete"


@pytest.mark.parametrize("asked", [None, 40])
async def test_a_model_that_is_silent_for_too_long_is_over_by_whose_clock_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int | None
) -> None:
    monkeypatch.setattr("longwire.engine.asking.IDLE_TIMEOUT_MS", 50)

    async def reply(request: Request) -> None:
        await request.connection.send(bodies.head(200, [("Content-Type", "text/event-stream")]) + chat_text("first"))
        await request.connection.wait_gone()

    body = orjson.dumps({"provider": "vendor", "messages": [{"role": "user", "content": "Why?"}]})
    async with generating(tmp_path, reply) as (asker, _):
        asker.send(1, body, timeouts={} if asked is None else {"idle_ms": asked})
        last = (await asker.events(1))[-1]
    assert last["code"] == "IDLE_TIMEOUT"
    assert ("by default" in last["message"], "as the page asked" in last["message"]) == (asked is None, asked == 40)


async def test_the_log_says_who_was_asked_and_what_it_took_and_never_what_was_said(tmp_path: Path) -> None:
    with capture_logs() as lines:
        async with generating(tmp_path, LATER, chat(chat_text("the answer"), chat_end((7, 3)))) as (asker, _):
            asker.ask(1, messages=[{"role": "user", "content": "the question"}])
            request_id = (await asker.events(1))[0]["requestId"]
    told = [line for line in lines if line.get("stream") == 1]
    assert [line["event"] for line in told] == ["start", "headers", "first byte", "generation", "generation", "end"]
    assert {line["request"] for line in told} == {request_id}
    first, second = (line for line in told if line["event"] == "generation")
    assert (first["provider"], first["model"], first["attempt"], first["code"]) == (
        "vendor",
        "test-1",
        1,
        "RATE_LIMITED",
    )
    assert (second["attempt"], second["input_tokens"], second["output_tokens"]) == (2, 7, 3)
    end = told[-1]
    assert (end["provider"], end["model"], "failure" in end) == ("vendor", "test-1", False)
    assert end["headers_ms"] <= end["content_ms"] <= end["ms"] and end["host_ms"] >= 0
    assert "the question" not in str(lines) and "the answer" not in str(lines) and KEY not in str(lines)


async def test_what_one_attempt_took_is_not_said_of_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrying, "FIRST_DELAY_MS", 1)
    # It counts the input before it answers, and then it cannot.
    begun = {"type": "message_start", "message": {"model": "test-1", "usage": {"input_tokens": 7, "output_tokens": 1}}}
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "overloaded"}}
    with capture_logs() as lines:
        answers = chat(event(begun), event(overloaded)), LATER, streaming(WIRES["anthropic"])
        async with generating(tmp_path, *answers, kind="anthropic") as (asker, _):
            asker.ask(1)
            assert (await asker.events(1))[-1]["type"] == "complete"
    first, second, third = (line for line in lines if line["event"] == "generation")
    assert (first["code"], first["input_tokens"]) == ("OVERLOADED", 7)
    assert (second["code"], "input_tokens" in second) == ("RATE_LIMITED", False)
    assert third["input_tokens"] > 7


async def test_tokens_are_guessed_while_nobody_counts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longwire.engine.asking._GUESS_MS", 0)
    async with generating(tmp_path, chat(chat_text("word " * 40), chat_end((7, 3)))) as (asker, _):
        asker.ask(1)
        guessed, counted = of_type(await asker.events(1), "usage")
    assert (guessed["outputTokens"], guessed["estimated"]) == (50, True)
    assert (counted["outputTokens"], counted["estimated"]) == (3, False)


async def test_nothing_is_guessed_behind_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longwire.engine.asking._GUESS_MS", 0)
    async with generating(tmp_path, chat(chat_text("word"), chat_end(None))) as (asker, _):
        asker.ask(1)
        events = await asker.events(1)
    assert [each["type"] for each in events][-2:] == ["usage", "complete"]


# --- templates ----------------------------------------------------------------------------------------------------


async def test_a_template_of_the_policys_folder_is_filled_once(tmp_path: Path) -> None:
    write_template(tmp_path, "Describe {TITLE}.\n{DIFF}")
    async with generating(tmp_path, chat(chat_text("a"), chat_end())) as (asker, vendor):
        asker.ask(1, messages=None, template="pr", fields={"TITLE": "a {DIFF}", "DIFF": "+{TITLE}"})
        assert (await asker.events(1))[-1]["type"] == "complete"
    assert vendor.sent[0]["messages"] == [{"role": "user", "content": "Describe a {DIFF}.\n+{TITLE}"}]


async def test_what_is_cut_of_a_filled_template_is_the_longest_field(tmp_path: Path) -> None:
    write_template(tmp_path, "{DIFF}\nSay why, in the words of {TITLE}.")
    diff = "".join(f"line {number}\n" for number in range(1000))
    async with generating(tmp_path, chat(chat_text("a"), chat_end()), provider='max_input = "1kB"') as (asker, vendor):
        asker.ask(1, messages=None, template="pr", fields={"TITLE": "the title", "DIFF": diff})
        metadata = (await asker.events(1))[0]
    sent = vendor.sent[0]["messages"][0]["content"]
    assert sent.endswith("\nSay why, in the words of the title.") and 800 < len(sent) <= 1000
    assert metadata["truncatedSize"] == len(sent)
    assert metadata["originalSize"] == len(sent) + len(diff) - len(sent.partition("\nSay why")[0])


async def test_a_template_that_is_not_there_is_denied_and_one_that_is_filled_wrongly_is_a_bad_request(
    tmp_path: Path,
) -> None:
    write_template(tmp_path, "Describe {TITLE}.")
    async with generating(tmp_path, LATER) as (asker, vendor):
        asker.ask(1, messages=None, template="none", fields={})
        assert (await asker.body(1))[1]["code"] == "POLICY_DENIED"
        asker.ask(2, messages=None, template="pr", fields={"OTHER": "a", "TITLE": "b"})
        last = (await asker.events(2))[-1]
    assert (last["code"], vendor.requests) == ("BAD_REQUEST", [])
    assert last["message"].endswith("fields.OTHER: is not in the template; its fields: TITLE")


async def test_another_file_fills_the_template_of_its_own_folder(tmp_path: Path) -> None:
    write_template(tmp_path, "Mine: {TITLE}")
    write_template(tmp_path / "etc", "Everybody's: {TITLE}")
    full = refusing(429, {"message": "used up", "code": "insufficient_quota"})
    async with generating(tmp_path, full, chat(chat_text("a"), chat_end()), central=True) as (asker, vendor):
        asker.ask(1, messages=None, template="pr", fields={"TITLE": "a title"}, fallback=["central"])
        assert (await asker.events(1))[-1]["provider"] == "central"
    assert [sent["messages"][0]["content"] for sent in vendor.sent] == ["Mine: a title", "Everybody's: a title"]


async def test_who_has_no_template_of_that_name_is_left_out(tmp_path: Path) -> None:
    write_template(tmp_path, "Mine: {TITLE}")
    full = refusing(429, {"message": "used up", "code": "insufficient_quota"})
    async with generating(tmp_path, full, chat(chat_text("a"), chat_end()), central=True) as (asker, vendor):
        asker.ask(1, messages=None, template="pr", fields={"TITLE": "a title"}, fallback=["central", "other"])
        events = await asker.events(1)
    assert [each["provider"] for each in of_type(events, "metadata")] == ["vendor", "other"]
    assert [request.path for request in vendor.requests] == ["/v1/chat/completions", "/other/chat/completions"]
    assert vendor.sent[1]["messages"][0]["content"] == "Mine: a title"
