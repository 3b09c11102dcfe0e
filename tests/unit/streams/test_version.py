"""What an extension is told that knows less than this host."""

from typing import Any

import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import PROTOCOL_VERSION
from longwire.protocol.messages import Policy
from longwire.streams.events import Switched
from tests.unit.streams.pair import SUMMARY, Pair, head

WITH_WRITER = SUMMARY.model_copy(update={"writer": ["https://github.com"]})


@pytest.mark.parametrize(
    ("hello", "told"),
    [
        ({}, False),
        ({"chunk_encodings": ["deflate"]}, False),
        ({"knows": []}, False),
        ({"knows": ["of a later extension"]}, False),
        ({"knows": ["of a later extension", "writer"]}, True),
    ],
)
def test_an_extension_is_told_nothing_that_it_would_refuse(hello: dict[str, Any], told: bool) -> None:
    pair = Pair(greeted=False)
    pair.send(type="HELLO", protocol=PROTOCOL_VERSION, extension="1", **hello)
    pair.connection.welcome(WITH_WRITER)
    pair.connection.send(Policy(type="POLICY", policy=WITH_WRITER))
    said = [message["policy"] for message in pair.read()]
    expected = WITH_WRITER if told else SUMMARY
    assert said == [expected.model_dump(mode="json", exclude_none=True)] * 2


@pytest.mark.parametrize(("hello", "told"), [({}, None), ({"knows": ["writer"]}, None), ({"knows": ["grant"]}, "chat")])
def test_the_grant_of_a_stream_is_told_to_an_extension_that_knows_it(hello: dict[str, Any], told: str | None) -> None:
    pair = Pair(greeted=False)
    pair.send(type="HELLO", protocol=PROTOCOL_VERSION, extension="1", **hello)
    pair.connection.welcome(SUMMARY)
    answered, failed, late = (pair.start(number) for number in (1, 2, 3))
    for stream in (answered, failed, late):
        pair.connection.allowed(stream, "chat")
    error = StreamError(ErrorCode.UPSTREAM_RESET, "reset", Phase.HEADERS)
    for stream in (answered, late):
        pair.connection.headers(stream, head(stream.id).model_copy(update={"grant": "chat"}))
    pair.connection.fail(failed, error)
    pair.connection.fail_now(late, error)
    said = {(message["id"], message["type"]): message.get("grant") for message in pair.read() if "id" in message}
    assert said == {
        (1, "STREAM_HEADERS"): told,
        (2, "STREAM_ERROR"): told,
        (3, "STREAM_HEADERS"): told,
        (3, "STREAM_ERROR"): None,  # its head said so
    }


@pytest.mark.parametrize(("knows", "takes"), [(None, None), (["writer"], None), (["writer", "takes"], ["SWITCHES"])])
def test_what_a_host_takes_is_told_an_extension_that_asks(knows: list[str] | None, takes: list[str] | None) -> None:
    pair = Pair(greeted=False)
    hello = {} if knows is None else {"knows": knows}
    pair.send(type="HELLO", protocol=PROTOCOL_VERSION, extension="1", **hello)
    pair.connection.welcome(SUMMARY)
    (welcome,) = pair.read()
    assert welcome.get("takes") == takes


def test_what_is_switched_off_is_told_the_engine() -> None:
    pair = Pair()
    (switched,) = pair.send(type="SWITCHES", enabled=True, pages=["https://a.example:443"])
    assert isinstance(switched, Switched) and switched.message.pages == ["https://a.example:443"]
