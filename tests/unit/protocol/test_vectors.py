"""The golden vectors hold for the host: what vitest reads for the extension, read here for the models and codecs."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from longwire.protocol.errors import ERRORS, FrameError
from longwire.protocol.frames import BadMessage, FrameDecoder, encode, encode_chunk, parse_to_host
from longwire.protocol.messages import FROM_HOST, FromHost, FromPage, StreamChunk, ToHost, ToPage, message_types
from tests.unit.protocol.vectors import load, native, wire

FRAMES = load("frames.json")
GUARDS = load("guards.json")
MODELS: dict[str, TypeAdapter[Any]] = {
    "isFromHost": FROM_HOST,
    "isFromPage": TypeAdapter(FromPage),
    "isToPage": TypeAdapter(ToPage),
}


def name_of(case: Any) -> str:
    return str(case["name"])


def to_host(outcome: str) -> list[Any]:
    return [case for case in FRAMES["to_host"] if case["outcome"] == outcome]


def guard_cases(verdict: str) -> list[Any]:
    return [
        pytest.param(guard, case, id=f"{guard}: {case['name']}") for guard in MODELS for case in GUARDS[guard][verdict]
    ]


@pytest.mark.parametrize("case", to_host("message"), ids=name_of)
def test_a_frame_to_the_host_is_the_message(case: Any) -> None:
    [payload] = FrameDecoder().feed(wire(case["frame"]))
    assert parse_to_host(payload).model_dump(mode="json", exclude_none=True) == case["message"]


@pytest.mark.parametrize("case", to_host("bad-message"), ids=name_of)
def test_a_bad_message_names_type_stream_and_field(case: Any) -> None:
    [payload] = FrameDecoder().feed(wire(case["frame"]))
    with pytest.raises(BadMessage) as caught:
        parse_to_host(payload)
    assert (caught.value.message_type, caught.value.stream_id) == (case["type"], case["stream"])
    if case["field"] is not None:
        assert f"field '{case['field']}" in caught.value.text


@pytest.mark.parametrize("case", to_host("frame-error"), ids=name_of)
def test_a_bad_length_breaks_the_channel(case: Any) -> None:
    decoder = FrameDecoder()
    with pytest.raises(FrameError):
        list(decoder.feed(wire(case["frame"])))


@pytest.mark.parametrize("case", to_host("incomplete"), ids=name_of)
def test_an_incomplete_frame_waits_for_more(case: Any) -> None:
    decoder = FrameDecoder()
    assert list(decoder.feed(wire(case["frame"]))) == []
    assert decoder.mid_frame is case["mid_frame"]


@pytest.mark.parametrize("case", FRAMES["from_host"], ids=name_of)
def test_a_message_of_the_host_is_the_frame(case: Any) -> None:
    message = FROM_HOST.validate_json(json.dumps(case["message"]))
    assert encode(message) == wire(case["frame"])


def test_every_message_has_a_vector() -> None:
    assert {case["message"]["type"] for case in to_host("message")} == types_of(ToHost)
    assert {case["message"]["type"] for case in FRAMES["from_host"]} == types_of(FromHost)


def types_of(union: object) -> set[str]:
    schemas = (model.model_json_schema() for model in message_types(union))
    return {schema["properties"]["type"]["const"] for schema in schemas}


@pytest.mark.parametrize("case", load("chunks.json")["chunks"], ids=name_of)
def test_both_encoders_of_chunks_give_the_frame(case: Any) -> None:
    data = bytes.fromhex(case["bytes"])
    frame = encode_chunk(case["id"], case["offset"], data, case.get("window"))
    assert frame == wire(case["frame"])
    [payload] = FrameDecoder().feed(frame)
    message = FROM_HOST.validate_json(payload)
    assert isinstance(message, StreamChunk)
    assert encode(message) == frame


@pytest.mark.parametrize(("guard", "case"), guard_cases("accept"))
def test_the_model_accepts_what_the_guard_accepts(guard: str, case: Any) -> None:
    MODELS[guard].validate_json(json.dumps(native(case["message"])))


@pytest.mark.parametrize(("guard", "case"), guard_cases("reject"))
def test_the_model_refuses_what_the_guard_refuses(guard: str, case: Any) -> None:
    payload = json.dumps(native(case["message"]))
    if case.get("host") == "accepts":
        MODELS[guard].validate_json(payload)
    else:
        with pytest.raises(ValidationError):
            MODELS[guard].validate_json(payload)


def test_the_error_list_only_grows() -> None:
    known = load("errors.json")["errors"]
    now = [
        {"number": number, "code": code.value, "category": row.category.value, "retryable": row.retryable}
        for number, (code, row) in enumerate(ERRORS.items(), start=1)
    ]
    assert now == known
