"""What `features` of a grant mean to streams: narrowed while they run, and told where nothing may be recorded."""

from pathlib import Path

import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.model import UpstreamRequest
from tests.unit.engine.durable_bench import Feeds, policy, running_daemon
from tests.unit.engine.generation_bench import LATER, generating
from tests.unit.engine.harness import POLICY, running_engine


def with_features(features: str) -> str:
    return POLICY.replace("methods =", f"features = {features}\nmethods =", 1)


@pytest.mark.parametrize(("features", "told"), [('["fetch", "record"]', None), ('["fetch"]', False)])
async def test_the_head_says_where_nothing_may_be_recorded(tmp_path: Path, features: str, told: bool | None) -> None:
    async with running_engine(tmp_path, policy=with_features(features)) as bench:
        bench.start(1)
        (await bench.response(1)).feed(b"1", None)
        await bench.channel.terminal(1)
    (head,) = (message for message in bench.channel.written if message["type"] == "STREAM_HEADERS")
    assert head.get("recordable") is told


@pytest.mark.parametrize(("features", "told"), [('["generate", "record"]', None), ('["generate"]', False)])
async def test_of_generations_every_head_says_so_that_of_a_bad_question_too(
    tmp_path: Path, features: str, told: bool | None
) -> None:
    async with generating(tmp_path, LATER) as (asker, _):
        file = asker.bench.policy_file
        file.write_text(file.read_text().replace("generate =", f"features = {features}\ngenerate =", 1))
        asker.send(1, b"{")
        (event,) = await asker.events(1)
        heads = [message for message in asker.bench.channel.of_stream(1) if message["type"] == "STREAM_HEADERS"]
    assert (event["code"], [head.get("recordable") for head in heads]) == ("BAD_REQUEST", [told])


async def test_a_stream_ends_when_its_feature_is_taken_away(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        (await bench.response(1)).feed(b"1")
        bench.policy_file.write_text(with_features('["websocket"]'))
        ended = await bench.channel.terminal(1)
    assert (ended["type"], ended["code"]) == ("STREAM_ERROR", "POLICY_DENIED")
    assert 'features = ["fetch", "websocket"]' in ended["message"]


async def test_the_grant_is_told_with_the_head_and_with_what_failed_before_one(tmp_path: Path) -> None:
    async with running_engine(tmp_path, greeted=False) as bench:
        bench.hello(knows=["grant"])
        bench.start(1)
        (await bench.response(1)).feed(None)
        await bench.channel.terminal(1)

        async def reset(_: UpstreamRequest) -> None:
            raise StreamError(ErrorCode.UPSTREAM_RESET, "reset", Phase.HEADERS)

        bench.upstream.answer = reset
        bench.start(2)
        await bench.channel.terminal(2)
        bench.start(3, url="http://elsewhere.test/")
        await bench.channel.terminal(3)
    said = {
        message["id"]: message.get("grant")
        for message in bench.channel.written
        if message["type"] != "STREAM_END" and "id" in message
    }
    assert said == {1: "test", 2: "test", 3: None}


@pytest.mark.parametrize(
    ("features", "told"), [('["fetch", "durable", "record"]', None), ('["fetch", "durable"]', False)]
)
async def test_of_durable_requests_every_head_says_so(
    tmp_path: Path, feeds: Feeds, features: str, told: bool | None
) -> None:
    text = policy(feeds, more=f"features = {features}")
    async with running_daemon(tmp_path, feeds, text=text) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        (await feeds.feed()).send(b"some").end()
        asked = [("", "GET"), ("/answer?offset=-1", "GET"), ("/answer?offset=99", "GET"), ("/nothing", "GET")]
        asked.append(("/answer", "DELETE"))
        heads = [await reading.head()]
        heads += [await tab.desk(f"longwire:durable{what}", method).head() for what, method in asked]
    assert [head["status"] for head in heads] == [200, 200, 200, 400, 404, 204]
    assert [head.get("recordable") for head in heads] == [told] * len(heads)
