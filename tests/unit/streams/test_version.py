"""What an extension is told that knows less than this host."""

from typing import Any

import pytest

from longwire.protocol.limits import PROTOCOL_VERSION
from longwire.protocol.messages import Policy
from tests.unit.streams.pair import SUMMARY, Pair

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
