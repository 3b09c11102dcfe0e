"""What a page reads: events of the documented shape, one to an event of the stream, whatever a model writes."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from longwire.generation.event_stream import EventStream
from longwire.generation.failures import failure
from longwire.generation.parts import Failed, Finished, Named, Part, Reasoning, Text, ToolCall, Usage
from longwire.generation.telling import HEARTBEAT, Telling, encode
from longwire.prices import Prices
from longwire.protocol.generation import (
    AnyGenerationEvent,
    FailureCode,
    FinishReason,
    GenerationPhase,
    ToolCallEvent,
)
from longwire.protocol.generation_request import GenerationRequest

EVENTS: TypeAdapter[Any] = TypeAdapter(AnyGenerationEvent)


def _told(parts: list[Part], telling: Telling | None = None) -> list[dict[str, Any]]:
    telling = telling or Telling("req-1", "openai", "gpt-5-mini")
    events = [event for at, part in enumerate(parts, 1) for event in telling.tell(part, at * 100, at * 90, 7)]
    return [_as_read(event) for event in events]


def _as_read(event: AnyGenerationEvent) -> dict[str, Any]:
    (read,) = EventStream().receive(encode(event))
    assert read.name == ""
    value: dict[str, Any] = json.loads(read.data)
    # What is written is what the models describe.
    assert EVENTS.validate_json(read.data, by_alias=True, by_name=False) == event
    return value


def test_an_answer_is_told_in_the_documented_events() -> None:
    usage = Usage(9, 5, 2, 4)
    counts = {"inputTokens": 9, "outputTokens": 5, "reasoningTokens": 2, "cachedTokens": 4, "estimated": False}
    telling = Telling("req-1", "openai", "gpt-5-mini", Prices.parse("1 USD/1M", "10 USD/1M"))
    parts: list[Part] = [
        Named("gpt-5-mini-2025"),
        Reasoning("Hm.", 0),
        Text("Hel", 0),
        Text("lo", 0),
        ToolCall(0, "a", "f", {"x": None}),
        ToolCall(1, "b", "g", None, "{"),
        usage,
        Finished(FinishReason.TOOL_CALLS, usage),
    ]
    r = {"requestId": "req-1"}
    assert _as_read(telling.metadata(120, 30, (500, 120))) == {
        **r, "type": "metadata", "model": "gpt-5-mini", "provider": "openai", "truncated": True, "originalSize": 500,
        "truncatedSize": 120, "promptLength": 120,
    }  # fmt: skip
    assert _told(parts, telling) == [
        {**r, "type": "status", "phase": "thinking", "message": "The model thinks"},
        {**r, "type": "reasoning", "text": "Hm.", "index": 0},
        {**r, "type": "status", "phase": "generating", "message": "The model answers"},
        {**r, "type": "content", "text": "Hel", "index": 0},
        {**r, "type": "content", "text": "lo", "index": 0},
        {**r, "type": "tool_call", "index": 0, "id": "a", "name": "f", "arguments": {"x": None}},
        {**r, "type": "tool_call", "index": 1, "id": "b", "name": "g", "rawArguments": "{"},
        {**r, "type": "usage", **counts},
        {
            **r,
            "type": "complete",
            "finishReason": "tool_calls",
            "usage": counts,
            "model": "gpt-5-mini-2025",
            "provider": "openai",
            "timings": {"firstContent": 300, "total": 800, "overhead": 80},
            "cost": {"amount": "0.000059", "currency": "USD"},
        },
    ]


def test_an_answer_that_nobody_counted_has_an_estimate_that_says_so() -> None:
    telling = Telling("r", "p", "m", Prices.parse("1 USD/1M", "1 USD/1M"))
    telling.metadata(10, 3)
    last = _told([Text("a", 0), Finished(FinishReason.STOP, None)], telling)[-1]
    assert last["usage"] == {"inputTokens": 3, "outputTokens": 7, "estimated": True}
    assert "cost" not in last


def test_a_failure_is_told_with_when_to_come_back() -> None:
    made = failure(FailureCode.RATE_LIMITED, retry_after_ms=3_600_000, refused=True)
    (event,) = _told([Failed(made)])
    assert event == {
        "requestId": "req-1",
        "type": "error",
        "code": "RATE_LIMITED",
        "message": made.message,
        "retryable": True,
        "retryAfter": 3_600,
    }


def test_another_provider_answers_under_its_own_name() -> None:
    telling = Telling("r", "openai", "gpt-5")
    assert _as_read(telling.status(GenerationPhase.SWITCHING_PROVIDER, "To ollama"))["phase"] == "switching_provider"
    telling.switch("ollama", "llama3.2", None)
    last = _told([Finished(FinishReason.STOP, None)], telling)[-1]
    assert (last["provider"], last["model"]) == ("ollama", "llama3.2")


@given(text=st.text(max_size=60))
@example(text="\n\ndata: {}\n\n")
@example(text='"}\r\rdata: {"type":"complete"}\r\r')
@example(text="\u2028\u2029\x85\x00\x1b")
def test_no_text_of_a_model_makes_or_ends_an_event(text: str) -> None:
    telling = Telling("r", "p", "m")
    events = [*telling.tell(Text(text, 0), 1, 1), *telling.tell(ToolCall(0, text, "f", {text: text}), 2, 2)]
    body = b"".join(encode(event) for event in events if not _too_long(event))
    read = [json.loads(event.data) for event in EventStream().receive(body)]
    assert [each["type"] for each in read] == ["status", "content", "tool_call"]
    assert read[1]["text"] == text and read[2]["arguments"] == {text: text}


def _too_long(event: AnyGenerationEvent) -> bool:
    return isinstance(event, ToolCallEvent) and len(event.id) > 200


def test_a_heartbeat_is_no_event() -> None:
    assert EventStream().receive(HEARTBEAT) == []


def test_null_in_arguments_stays_and_absent_fields_are_absent() -> None:
    event = ToolCallEvent(request_id="r", index=0, id="a", name="f", arguments={"x": None, "y": [None]})
    assert json.loads(encode(event)[6:])["arguments"] == {"x": None, "y": [None]}


def test_the_models_have_a_schema_in_the_words_of_the_wire() -> None:
    schema = EVENTS.json_schema()
    assert schema["discriminator"]["propertyName"] == "type"
    assert {"requestId", "finishReason", "timings"} <= schema["$defs"]["CompleteEvent"]["properties"].keys()
    asked = GenerationRequest.model_json_schema()
    assert "maxTokens" in asked["properties"] and asked["additionalProperties"] is False


@pytest.mark.parametrize("module", ["longwire.native.main", "longwire.native.process", "longwire.protocol.messages"])
def test_the_hosts_start_imports_nothing_of_generation(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert module in loaded
    costly = ("longwire.generation", "longwire.protocol.generation", "longwire.engine.asking", "longwire.policy.budget")
    assert not [name for name in loaded if name.startswith(costly)]
