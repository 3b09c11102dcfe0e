"""A generation that outlives its page: asked once, paid once, told again."""

from pathlib import Path
from typing import Any

import orjson

from longwire.protocol.messages import GENERATION_URL
from tests.unit.engine.durable_bench import DURABLE, Feeds, Reading, Tab, running_daemon
from tests.unit.engine.harness import PAGE

LINES = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "one "}}]},
    {"choices": [{"index": 0, "delta": {"content": "two"}}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
]


def text(feeds: Feeds, durable: str = DURABLE, more: str = "") -> str:
    return f"""\
version = 1

[[grant]]
name = "answers"
pages = ["{PAGE}"]
generate = ["vendor"]
{durable}

[[provider]]
name = "vendor"
kind = "openai-chat"
base_url = "{feeds.url("/v1")}"
models = ["test-1"]
network = "loopback"
{more}
"""


def line(number: int) -> bytes:
    return b"data: " + orjson.dumps(LINES[number]) + b"\n\n"


def said(words: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": words}]


def ask(tab: Tab, key: str = "answer", **changes: Any) -> Reading:
    question = {
        "provider": "vendor",
        "model": "test-1",
        "messages": [{"role": "user", "content": "What is two?"}],
    } | changes
    return tab.ask(key, kind="generation", url=GENERATION_URL, body=orjson.dumps(question))


def told(body: bytes) -> str:
    """The text of a body of events."""
    events = [orjson.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: ")]
    return "".join(event.get("text", "") for event in events if event["type"] == "content")


async def test_an_answer_goes_on_after_its_page_and_is_the_same_for_the_next(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=text(feeds)) as daemon:
        async with daemon.tab() as tab:
            first = ask(tab)
            feed = await feeds.feed()
            feed.head = feed.head.replace(b"text/plain", b"text/event-stream")
            feed.send(line(0))
            await first.tab.channel.wait_for(lambda _: "one" in told(first.body))
        feed.send(line(1), line(2), line(3), b"data: [DONE]\n\n").end()
        async with daemon.tab() as tab:
            again = ask(tab)
            assert dict((await again.head())["headers"])["content-type"] == "text/event-stream; charset=utf-8"
            assert (await again.terminal())["type"] == "STREAM_END"
            assert told(again.body) == "one two"
            once_more = ask(tab)
            await once_more.terminal()
            assert once_more.body == again.body
            assert first.body == again.body[: len(first.body)]
            assert (await ask(tab, messages=[{"role": "user", "content": "Another?"}]).terminal())[
                "code"
            ] == "DURABLE_CONFLICT"
    assert len(feeds.requests) == 1


async def test_a_grant_of_providers_without_durable_says_which_line_it_needs(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=text(feeds, "")) as daemon, daemon.tab() as tab:
        refused = await ask(tab).terminal()
        assert (refused["code"], DURABLE in refused["message"]) == ("POLICY_DENIED", True)
    assert feeds.requests == []


async def test_a_provider_that_the_page_may_not_ask_is_refused_before_a_claim(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=text(feeds)) as daemon, daemon.tab() as tab:
        refused = await ask(tab, provider="other").terminal()
        assert (refused["code"], '"other"' in refused["message"]) == ("POLICY_DENIED", True)
        assert await tab.list() == []


async def test_what_is_no_question_is_answered_by_who_knows_why(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=text(feeds)) as daemon, daemon.tab() as tab:
        reading = tab.ask(kind="generation", url=GENERATION_URL, body=b"no json")
        assert (await reading.terminal())["type"] == "STREAM_END"
        assert b"the body is not JSON" in reading.body


async def test_a_policy_without_the_provider_ends_and_deletes_its_answer(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=text(feeds)) as daemon, daemon.tab() as tab:
        reading = ask(tab)
        feed = await feeds.feed()
        await reading.head()
        await daemon.change_policy(text(feeds).replace('"vendor"', '"vendor2"'))
        assert (await reading.terminal())["code"] == "POLICY_DENIED"
        await feed.request.connection.wait_gone()
