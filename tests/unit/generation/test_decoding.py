"""A decoder takes whatever comes and gives parts, the last of which, and no other, is an end."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from longwire.generation import anthropic_messages, bounds, decoding, joining
from longwire.generation.adapters import ADAPTERS
from longwire.generation.event_stream import EventStream
from longwire.generation.parts import Failed, Finished, Part, Text, ToolCall
from longwire.generation.telling import Telling, encode
from longwire.prices import Prices
from longwire.protocol.generation import FailureCode
from longwire.protocol.generation_request import MAX_JSON_DEPTH
from tests.slices import times
from tests.unit.generation.vectors import VECTORS

MEDIA_TYPES = ("text/event-stream", "application/x-ndjson", "application/json", "")
adapters = st.sampled_from(sorted(ADAPTERS))
# JSON in the shape of what vendors send: their own names, and anything under them.
# fmt: off
NAMES = [
    "type", "object", "id", "model", "choices", "index", "delta", "content", "role", "tool_calls", "function",
    "name", "arguments", "finish_reason", "usage", "error", "code", "message", "response", "output", "output_index",
    "content_index", "item", "item_id", "status", "incomplete_details", "reason", "content_block", "text",
    "partial_json", "thinking", "stop_reason", "done", "done_reason", "prompt_eval_count", "total_tokens",
    "prompt_tokens", "completion_tokens", "summary", "detail", "input_tokens", "output_tokens",
    "cache_read_input_tokens", "cache_creation_input_tokens",
]
VALUES = [
    "response.completed", "response.output_text.delta", "response.output_item.done", "response.failed",
    "response.incomplete", "error", "content_block_start", "content_block_delta", "content_block_stop",
    "message_start", "message_delta", "message_stop", "text_delta", "input_json_delta", "function_call", "message",
    "reasoning", "completed", "stop", "tool_use", "text", "thinking", "{}", "[DONE]",
]
# fmt: on
vendor_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 3)
    | st.sampled_from([2**53 - 1, 2**64])
    | st.sampled_from(VALUES)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6),
    max_leaves=20,
)


def _decoded(adapter: str, media_type: str, pieces: list[bytes]) -> list[Part]:
    decoder = ADAPTERS[adapter].decoder(media_type)
    parts = [part for piece in pieces for part in decoder.receive(piece)]
    return parts + decoder.end()


def _has_one_end(parts: list[Part]) -> None:
    ends = [part for part in parts if isinstance(part, Finished | Failed)]
    assert len(ends) == 1 and parts[-1] is ends[0]
    telling = Telling("req-1", "p", "m", Prices.parse("999999999 USD/1k", "0.000000001 USD/1M"))
    for part in parts:
        for event in telling.tell(part, 1, 1, 1):  # all of it fits the wire
            encode(event)
    for part in parts:
        json.dumps(part._asdict(), default=str).encode()  # no lone surrogate anywhere
        if isinstance(part, Failed):
            assert part.failure.message.isprintable() and len(part.failure.message) <= 1000


@given(adapter=adapters, media_type=st.sampled_from(MEDIA_TYPES), pieces=st.lists(st.binary(max_size=60), max_size=8))
def test_random_bytes_end_in_a_typed_error(adapter: str, media_type: str, pieces: list[bytes]) -> None:
    parts = _decoded(adapter, media_type, pieces)
    _has_one_end(parts)
    assert isinstance(parts[-1], Failed)


@settings(max_examples=times(150, 50), deadline=None)
@given(adapter=adapters, values=st.lists(vendor_json, max_size=6), whole=st.booleans())
@example(
    adapter="openai",
    values=[{"type": "response.completed", "response": {"output": [{"type": "message"}]}}],
    whole=False,
)
@example(
    adapter="anthropic",
    values=[
        {
            "type": "message_start",
            "message": {"usage": {"input_tokens": 2**53 - 1, "cache_read_input_tokens": 1, "output_tokens": 1}},
        }
    ],
    whole=False,
)
def test_any_json_in_a_vendors_words_has_one_end(adapter: str, values: list[Any], whole: bool) -> None:
    if whole:
        media_type, body = "application/json", json.dumps(values[0] if values else None)
    elif adapter == "ollama":
        media_type, body = "application/x-ndjson", "".join(json.dumps(value) + "\n" for value in values)
    else:
        media_type, body = "text/event-stream", "".join(f"data: {json.dumps(value)}\n\n" for value in values)
    _has_one_end(_decoded(adapter, media_type, [body.encode()]))


@settings(max_examples=times(150, 50), deadline=None)
@given(vector=st.sampled_from(VECTORS), data=st.data())
def test_a_real_answer_with_damage_has_one_end(vector: Any, data: st.DataObject) -> None:
    body = bytearray(vector.body)
    for _ in range(data.draw(st.integers(1, 4))):
        if body:
            at = data.draw(st.integers(0, len(body) - 1))
            body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    decoder = vector.decoder()
    _has_one_end([*decoder.receive(bytes(body)), *decoder.end()])


@given(text=st.text(max_size=80))
@example(text="\n\ndata: [DONE]\n\n")
@example(text='"}}]}\n\nevent: error\ndata: {"error":"forged"}\n\n')
def test_text_of_a_model_is_text_whatever_it_looks_like(text: str) -> None:
    bodies = {
        "openai-chat": f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n",
        "openai": f"data: {json.dumps({'type': 'response.output_text.delta', 'output_index': 0, 'delta': text})}\n\n",
        "anthropic": "data: "
        + json.dumps({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
        + "\n\n",
        "ollama": json.dumps({"message": {"content": text}, "done": False}) + "\n",
    }
    for adapter, body in bodies.items():
        media_type = "application/x-ndjson" if adapter == "ollama" else "text/event-stream"
        parts = _decoded(adapter, media_type, [body.encode()])
        assert "".join(part.text for part in parts if isinstance(part, Text)) == text
        assert isinstance(parts[-1], Failed) and parts[-1].failure.code is FailureCode.ENDED_EARLY


def test_an_event_that_is_too_large_is_a_typed_error_and_what_came_before_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoding, "EventStream", lambda: EventStream(limit=100))
    decoder = ADAPTERS["openai-chat"].decoder("text/event-stream")
    parts = decoder.receive(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n: ' + b"x" * 200)
    assert parts[0] == Text("a", 0)
    assert isinstance(parts[1], Failed) and parts[1].failure.code is FailureCode.GENERATION_FAILED
    assert decoder.over and decoder.end() == []


def _call(index: int, arguments: str) -> bytes:
    call = {"index": index, "id": str(index), "function": {"name": "f", "arguments": arguments}}
    return b"data: " + json.dumps({"choices": [{"delta": {"tool_calls": [call]}}]}).encode() + b"\n\n"


@pytest.mark.parametrize(("size", "passes"), [(bounds.MAX_CALLS, True), (bounds.MAX_CALLS + 1, False)])
def test_an_answer_has_so_many_calls_and_no_more(size: int, passes: bool) -> None:
    decoder = ADAPTERS["openai-chat"].decoder("text/event-stream")
    for index in range(size):
        decoder.receive(_call(index, "{}"))
    assert decoder.over is not passes


@pytest.mark.parametrize(("size", "passes"), [(50, True), (51, False)])
def test_arguments_are_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch, size: int, passes: bool) -> None:
    monkeypatch.setattr(joining, "MAX_ARGUMENT_CHARS", 50)
    decoder = ADAPTERS["openai-chat"].decoder("text/event-stream")
    for _ in range(size):
        decoder.receive(_call(0, "x"))
    assert decoder.over is not passes


@pytest.mark.parametrize(("size", "passes"), [(5, True), (6, False)])
def test_arguments_of_all_calls_that_are_not_whole_are_so_long_together(
    monkeypatch: pytest.MonkeyPatch, size: int, passes: bool
) -> None:
    monkeypatch.setattr(joining, "MAX_UNFINISHED_CHARS", 50)
    decoder = ADAPTERS["openai-chat"].decoder("text/event-stream")
    for index in range(size):
        decoder.receive(_call(index, "x" * 10))
    assert decoder.over is not passes


@pytest.mark.parametrize(("size", "passes"), [(5, True), (6, False)])
def test_arguments_that_come_with_the_beginning_of_a_call_are_bounded_as_fragments_are(
    monkeypatch: pytest.MonkeyPatch, size: int, passes: bool
) -> None:
    monkeypatch.setattr(anthropic_messages, "MAX_UNFINISHED_CHARS", 50)
    decoder = ADAPTERS["anthropic"].decoder("text/event-stream")
    for index in range(size):
        block = {"type": "tool_use", "id": f"call-{index}", "name": "f", "input": {"a": "xx"}}
        event = {"type": "content_block_start", "index": index, "content_block": block}
        decoder.receive(b"data: " + json.dumps(event).encode() + b"\n\n")
    assert decoder.over is not passes


def _calls_with(arguments: Any) -> dict[str, tuple[str, bytes]]:
    """A whole answer of each vendor that has one call with these arguments."""
    text = json.dumps(arguments)
    chat = {"index": 0, "id": "call-0", "function": {"name": "f", "arguments": text}}
    chat_parsed = {**chat, "function": {"name": "f", "arguments": arguments}}
    answers: dict[str, list[dict[str, Any]]] = {
        "openai-chat": [{"choices": [{"delta": {"tool_calls": [chat]}, "finish_reason": "tool_calls"}]}],
        "xai": [{"choices": [{"delta": {"tool_calls": [chat_parsed]}, "finish_reason": "tool_calls"}]}],
        "ollama": [{"message": {"tool_calls": [{"function": {"name": "f", "arguments": arguments}}]}, "done": True}],
        "openai": [
            {
                "type": "response.output_item.done",
                "output_index": 0,
                "item": {"type": "function_call", "call_id": "call-0", "name": "f", "arguments": text},
            },
            {"type": "response.completed", "response": {}},
        ],
        "anthropic": [
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "tool_use", "id": "call-0", "name": "f", "input": arguments},
            },
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
            {"type": "message_stop"},
        ],
    }
    bodies = {}
    for adapter, values in answers.items():
        lines = adapter == "ollama"
        written = [json.dumps(value).encode() for value in values]
        body = b"".join(each + b"\n" if lines else b"data: " + each + b"\n\n" for each in written)
        done = b"data: [DONE]\n\n" if adapter in ("openai-chat", "xai") else b""
        bodies[adapter] = ("application/x-ndjson" if lines else "text/event-stream", body + done)
    return bodies


@pytest.mark.parametrize("adapter", sorted(_calls_with({})))
@pytest.mark.parametrize(("depth", "passes"), [(MAX_JSON_DEPTH, True), (MAX_JSON_DEPTH + 1, False), (400, False)])
def test_arguments_nest_so_deep_and_no_deeper(adapter: str, depth: int, passes: bool) -> None:
    arguments: Any = {}
    for number in range(depth - 1):
        arguments = {"a": arguments} if number % 2 or number == depth - 2 else [arguments]
    media_type, body = _calls_with(arguments)[adapter]
    parts = _decoded(adapter, media_type, [body])
    _has_one_end(parts)
    assert isinstance(parts[-1], Finished) is passes
    assert any(isinstance(part, ToolCall) and part.arguments == arguments for part in parts) is passes
    telling = Telling("request", adapter, "model")
    told = b"".join(encode(event) for part in parts for event in telling.tell(part, 1, 1))
    assert b'"complete"' in told if passes else b"too deep" in told


@pytest.mark.parametrize(("size", "passes"), [(bounds.MAX_TEXTS, True), (bounds.MAX_TEXTS + 1, False)])
def test_an_answer_has_so_many_texts_and_no_more(size: int, passes: bool) -> None:
    decoder = ADAPTERS["openai"].decoder("text/event-stream")
    for index in range(size):
        event = {"type": "response.output_text.delta", "output_index": index, "delta": "a"}
        decoder.receive(b"data: " + json.dumps(event).encode() + b"\n\n")
    assert decoder.over is not passes


def test_names_are_so_long_and_no_longer() -> None:
    body = [json.dumps({"model": "m" * 500, "message": {"content": "a"}}).encode() + b"\n"]
    parts = _decoded("ollama", "application/x-ndjson", body)
    assert parts[0] == ("m" * bounds.MAX_NAME_CHARS,)
    call = {"message": {"tool_calls": [{"function": {"name": "f" * 201, "arguments": {}}}]}}
    failed = _decoded("ollama", "application/x-ndjson", [json.dumps(call).encode() + b"\n"])[-1]
    assert isinstance(failed, Failed) and failed.failure.code is FailureCode.GENERATION_FAILED


@pytest.mark.parametrize("end", ["data: [DONE]\n\n", 'data: {"error": "broke"}\n\n'])
def test_what_follows_the_end_in_the_same_bytes_means_nothing(end: str) -> None:
    said = 'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    parts = _decoded("openai-chat", "text/event-stream", [(said + end + said + end + "data: oops\n\n").encode()])
    assert [type(part) for part in parts[:-1]] == [Text]
    _has_one_end(parts)


def test_what_the_provider_has_counted_is_known_where_the_answer_was_cut() -> None:
    vector = next(each for each in VECTORS if each.name == "anthropic-messages/no-stop")
    decoder = vector.decoder()
    decoder.receive(vector.body)
    decoder.end()
    assert decoder.usage is not None and (decoder.usage.input, decoder.usage.output) == (25, 15)
    assert decoder.delivered


def test_arguments_keep_what_is_null_and_numbers_as_they_are() -> None:
    vector = next(each for each in VECTORS if each.name == "chat-completions/calls-in-one-chunk")
    decoder = vector.decoder()
    calls = [part for part in decoder.receive(vector.body) if isinstance(part, ToolCall)]
    assert calls[1].arguments == {"x": [1, 2.5, '"']} and isinstance(calls[1].arguments["x"][0], int)


@pytest.mark.parametrize(
    "media_type", ["TEXT/EVENT-STREAM ; charset=utf-8", "text/plain", "application/octet-stream", ""]
)
def test_an_answer_whose_content_type_says_nothing_of_use_is_read_as_the_vendor_streams(media_type: str) -> None:
    parts = _decoded("openai-chat", media_type, [b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'])
    assert parts[0] == Text("a", 0)
    if "event" not in media_type.lower():
        assert _decoded("ollama", media_type, [b'{"message":{"content":"a"},"done":false}\n'])[0] == Text("a", 0)


@pytest.mark.parametrize("media_type", ["application/json", "application/vnd.x+json; charset=utf-8", "text/html"])
def test_an_answer_in_one_piece_is_read_as_one(media_type: str) -> None:
    body = b'{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}'
    assert _decoded("openai-chat", media_type, [body])[0] == Text("a", 0)
