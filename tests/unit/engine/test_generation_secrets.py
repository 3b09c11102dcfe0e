"""Keys of providers: never shown, whatever a provider says, and asked for again where a command prints them."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from longwire.generation import retrying
from tests.unit.engine.generation_bench import (
    KEY,
    Reply,
    answering,
    chat,
    chat_end,
    chat_text,
    event,
    generating,
    of_type,
    read_events,
    refusing,
    text_of,
)
from tests.unit.engine.harness import page_facts
from tests.upstreams.faults import refusing_port
from tests.upstreams.vendors.wire import Answer


@pytest.mark.parametrize(
    "where",
    [
        "in one piece",
        "over two texts",
        "in thoughts",
        "in a refusal",
        "in a header",
        "escaped in a refusal",
        "escaped in a failure",
        "escaped in a model",
        "escaped in the name of a call",
    ],
)
async def test_a_key_that_comes_back_ends_the_stream_and_suspends_the_key(tmp_path: Path, where: str) -> None:
    def thought(text: str) -> bytes:
        return event({"choices": [{"index": 0, "delta": {"reasoning_content": text}}]})

    half = len(KEY) // 2
    # By no encoder in use, but JSON all the same. Without its beginning no one takes it for a key.
    escaped = "".join(f"\\u{ord(char):04x}" for char in KEY[3:])

    def chunk(more: str) -> Reply:
        return chat(f'data: {{"choices": [], {more}}}\n\n'.encode(), chat_text("a"), chat_end())

    call = f'{{"index": 0, "function": {{"name": "{escaped}", "arguments": "{{}}"}}}}'
    calling = f'{{"index": 0, "delta": {{"tool_calls": [{call}]}}, "finish_reason": "tool_calls"}}'
    refusal = f'{{"error": {{"message": "{escaped}"}}}}'.encode()
    replies = {
        "escaped in a refusal": answering(Answer(400, refusal, (("Content-Type", "application/json"),))),
        "escaped in a failure": chunk(f'"error": {{"message": "{escaped}"}}'),
        "escaped in a model": chunk(f'"model": "{escaped}"'),
        "escaped in the name of a call": chunk(f'"choices": [{calling}]'),
        "in one piece": chat(chat_text(KEY), chat_end()),
        # Four characters a piece: nothing of it is found in the bytes.
        "over two texts": chat(*(chat_text(KEY[at : at + 4]) for at in range(0, len(KEY), 4)), chat_end()),
        "in thoughts": chat(*(thought(KEY[at : at + 4]) + chat_text("-") for at in range(0, len(KEY), 4)), chat_end()),
        "in a refusal": refusing(401, {"message": f"not {KEY[:half]}{KEY[half:]}"}),
        "in a header": answering(Answer(200, b"{}", (("X-Echo", KEY),))),
    }
    async with generating(tmp_path, replies[where]) as (asker, vendor):
        asker.ask(1)
        data, terminal = await asker.body(1)
        assert terminal["code"] == "SECRET_REFLECTED"
        assert KEY[3:].encode() not in data
        shown = "".join(each.get("text", "") for each in read_events(data))
        assert len(shown.replace("-", "")) < 16
        asker.ask(2)
        assert (await asker.body(2))[1]["code"] == "SECRET_REFLECTED"
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("private", [False, True], ids=["", "private"])
@pytest.mark.parametrize("how", ["refused", "no name", "network"])
async def test_where_a_provider_is_the_log_knows_and_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, private: bool
) -> None:
    monkeypatch.setattr(retrying, "MAX_RETRIES", 0)
    with refusing_port() as port, capture_logs() as lines:
        host = {"refused": "127.0.0.1", "no name": "models.corp.invalid", "network": "127.0.0.2"}[how]
        async with generating(tmp_path, chat(), base_url=f"http://{host}:{port}") as (asker, _):
            file = asker.bench.policy_file
            text = file.read_text().replace("[[grant]]", "[[grant]]\nprivate_windows = true")
            if how == "network":
                text = text.replace('network = "loopback"', 'network = "public"', 1)
            file.write_text(text)
            asker.bench.policy.poke()
            asker.ask(1, page=page_facts(private=private))
            data, terminal = await asker.body(1)
    failed = terminal["type"] == "STREAM_ERROR" or read_events(data)[-1]["type"] == "error"
    assert failed and host.encode() not in data and host not in str(terminal)
    reasons = str([line.get("reason") for line in lines if line.get("stream") == 1])
    assert (host in reasons) is not private


async def test_a_key_that_a_command_prints_is_asked_for_again_once_it_is_refused(tmp_path: Path) -> None:
    count, tool = tmp_path / "count", tmp_path / "tool"
    tool.write_text(f"#!/bin/sh\necho x >> {count}\nprintf 'token-%s-%s' $(wc -l < {count}) ZqXw81kLmN03pR\n")
    tool.chmod(0o700)
    secret = f'secret = "token"\n[secret.token]\ncommand = ["{tool}"]'
    refusal = refusing(401, {"message": "expired"})
    answer = chat(chat_text("a"), chat_end())
    async with generating(tmp_path, refusal, answer, refusal, provider=secret) as (asker, vendor):
        asker.ask(1)
        events = await asker.events(1)
        asker.ask(2)
        assert (await asker.events(2))[-1]["code"] == "AUTHENTICATION"
    assert text_of(events) == "a"
    assert [each["phase"] for each in of_type(events, "status")][1:4] == ["connecting", "retrying", "connecting"]
    sent = [(request.header("authorization") or "")[: len("Bearer token-1")] for request in vendor.requests]
    # A command that was run just now for the same reason is not run again.
    assert sent == [f"Bearer token-{number}" for number in (1, 2, 2)]
