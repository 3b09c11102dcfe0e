"""The schema says what the wire carries, which is a little less than what pydantic allows."""

from typing import Any

from longwire.protocol.export.schema import BRIDGE_UNIONS, NATIVE_UNIONS, protocol_schema, union_members
from longwire.protocol.messages import FromHost, FromPage, ToHost, ToPage, message_types

SCHEMA = protocol_schema()
DEFINITIONS = SCHEMA["$defs"]


def keywords(node: Any, keyword: str) -> list[Any]:
    """Every value of `keyword` in `node`; a field of that name is not one."""
    if isinstance(node, list):
        return [found for item in node for found in keywords(item, keyword)]
    if not isinstance(node, dict):
        return []
    here = [node[keyword]] if isinstance(node.get(keyword), str | list) else []
    return here + [found for item in node.values() for found in keywords(item, keyword)]


def test_the_unions_hold_the_models_in_order() -> None:
    unions = dict(zip((*NATIVE_UNIONS, *BRIDGE_UNIONS), (ToHost, FromHost, FromPage, ToPage), strict=True))
    for name, union in unions.items():
        assert union_members(SCHEMA, name) == tuple(model.__name__ for model in message_types(union))


def test_an_optional_field_is_left_out_not_null() -> None:
    assert keywords(DEFINITIONS, "anyOf") == []
    assert {"type": "null"} not in DEFINITIONS["Timings"]["properties"].values()
    assert DEFINITIONS["Timings"]["required"] == ["total_ms"]


def test_a_field_may_be_left_out_exactly_if_the_model_has_none_for_it() -> None:
    for union in (ToHost, FromHost, FromPage, ToPage):
        for model in message_types(union):
            required = [name for name, field in model.model_fields.items() if field.is_required()]
            assert DEFINITIONS[model.__name__]["required"] == required
            assert all(field.default is None for field in model.model_fields.values() if not field.is_required())


def test_no_field_has_a_title_that_would_become_a_type() -> None:
    assert keywords(DEFINITIONS, "title") == []


def test_no_message_takes_unknown_fields() -> None:
    objects = [definition for definition in DEFINITIONS.values() if definition.get("type") == "object"]
    assert all(definition["additionalProperties"] is False for definition in objects)


def test_bytes_are_marked_with_their_limit() -> None:
    bodies = [
        (name, field)
        for name, definition in DEFINITIONS.items()
        for field, node in definition.get("properties", {}).items()
        if node.get("contentEncoding") == "base64" and node["maxBytes"] > 0
    ]
    assert bodies == [("InlineRequestBody", "data"), ("StreamBody", "data"), ("StreamChunk", "data")]
