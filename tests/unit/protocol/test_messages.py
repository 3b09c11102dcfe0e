"""Every bound of every field holds: at the limit a message passes, one past it it does not."""

import base64
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from longwire.protocol import limits, messages, records
from longwire.protocol.export.schema import ref_name
from longwire.protocol.field_types import Message, base64_chars
from tests.unit.protocol.samples import DEFINITIONS, sample

Schema = dict[str, Any]


def zeros(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def bounds(node: Schema) -> Iterator[tuple[str, Any, Any]]:
    """Name of the bound, a value at it, a value one past it."""
    if "contentEncoding" in node:
        yield "maxBytes", zeros(node["maxBytes"]), zeros(node["maxBytes"] + 1)
    elif "maxLength" in node:
        yield "maxLength", "\U0001f600" * node["maxLength"], "\U0001f600" * (node["maxLength"] + 1)
        if node.get("minLength"):
            yield "minLength", "x" * node["minLength"], "x" * (node["minLength"] - 1)
    elif "maximum" in node:
        yield "maximum", node["maximum"], node["maximum"] + 1
        yield "minimum", node["minimum"], node["minimum"] - 1
    elif "maxItems" in node:
        item: Any = ["n", ""] if "prefixItems" in node["items"] else "x"
        if "$ref" in node["items"]:
            item = sample(random.Random(1), ref_name(node["items"]))
        yield "maxItems", [item] * node["maxItems"], [item] * (node["maxItems"] + 1)


def bound_cases() -> Iterator[Any]:
    for name, definition in DEFINITIONS.items():
        for field, node in definition.get("properties", {}).items():
            for bound, good, bad in bounds(node):
                yield pytest.param(name, field, good, bad, id=f"{name}.{field} {bound}")


def parse(name: str, message: Any) -> Message:
    model: type[Message] = getattr(messages, name, None) or getattr(records, name)
    return model.model_validate_json(json.dumps(message, ensure_ascii=False))


@pytest.mark.parametrize(("name", "field", "good", "bad"), list(bound_cases()))
def test_a_bound_holds_at_the_limit_and_one_past_it(name: str, field: str, good: Any, bad: Any) -> None:
    message = sample(random.Random(1), name)
    parse(name, {**message, field: good})
    with pytest.raises(ValidationError) as caught:
        parse(name, {**message, field: bad})
    assert {error["loc"][0] for error in caught.value.errors()} == {field}


@pytest.mark.parametrize(
    ("name", "field", "keyword", "limit"),
    [
        ("StreamStart", "url", "maxLength", limits.MAX_URL_CHARS),
        ("StreamStart", "method", "maxLength", limits.MAX_METHOD_CHARS),
        ("StreamStart", "headers", "maxItems", limits.MAX_HEADER_PAIRS),
        ("StreamStart", "id", "maximum", limits.MAX_ID),
        ("Timeouts", "total_ms", "maximum", limits.MAX_TIMEOUT_MS),
        ("InlineRequestBody", "data", "maxBytes", limits.INLINE_BODY_BYTES),
        ("StreamBody", "data", "maxBytes", limits.UPLOAD_CHUNK_BYTES),
        ("StreamChunk", "data", "maxBytes", limits.MAX_CHUNK_BYTES),
        ("StreamErrorMessage", "message", "maxLength", limits.MAX_MESSAGE_CHARS),
    ],
)
def test_a_field_is_bounded_by_its_named_limit(name: str, field: str, keyword: str, limit: int) -> None:
    assert DEFINITIONS[name]["properties"][field][keyword] == limit


def test_every_text_list_and_number_is_bounded() -> None:
    def unbounded(node: Any) -> bool:
        if isinstance(node, list):
            return any(map(unbounded, node))
        if not isinstance(node, dict):
            return False
        needed = {"string": "maxLength", "integer": "maximum", "array": "maxItems"}.get(str(node.get("type")))
        if needed and needed not in node and not {"const", "enum"} & node.keys():
            return True
        return any(map(unbounded, node.values()))

    assert [name for name, definition in DEFINITIONS.items() if unbounded(definition)] == []


@pytest.mark.parametrize("size", range(8))
def test_base64_chars_counts_what_base64_writes(size: int) -> None:
    assert base64_chars(size) == len(zeros(size))


def test_a_message_cannot_be_changed() -> None:
    ack = messages.StreamAck(type="STREAM_ACK", id=1, consumed=1)
    with pytest.raises(ValidationError):
        ack.consumed = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("said", "sent", "added"),
    [("StreamStartFields", "StreamStart", {"page", "kind"}), ("StatusRequestFields", "StatusRequest", {"page"})],
)
def test_what_the_worker_adds_to_what_the_page_says_the_page_cannot_say(said: str, sent: str, added: set[str]) -> None:
    assert DEFINITIONS[sent]["properties"].keys() - DEFINITIONS[said]["properties"].keys() == added
    assert DEFINITIONS[said]["additionalProperties"] is False


@pytest.mark.parametrize(
    ("heard", "told", "kept"),
    [
        ("StreamHeaders", "StreamHeadersFields", {"recordable", "grant"}),
        ("StreamErrorMessage", "StreamErrorFields", {"grant"}),
    ],
)
def test_what_the_worker_keeps_of_what_the_host_says_the_page_does_not_take(
    heard: str, told: str, kept: set[str]
) -> None:
    assert DEFINITIONS[heard]["properties"].keys() - DEFINITIONS[told]["properties"].keys() == kept
    assert DEFINITIONS[told]["additionalProperties"] is False


def test_message_types_are_the_members_of_the_union_in_order() -> None:
    members = messages.message_types(messages.ToPage)
    assert members[0] is messages.StreamHeadersFields and members[-1] is messages.DirectOpen
    assert TypeAdapter(messages.ToPage).validate_python({"type": "STREAM_ABORTED", "id": 1}) == messages.StreamAborted(
        type="STREAM_ABORTED", id=1
    )
