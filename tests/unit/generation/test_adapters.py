"""What each adapter sends: the vendor's words, `store` false where it exists, and never a key."""

from typing import Any

import orjson
import pytest

from longwire.generation.adapters import ADAPTERS
from longwire.generation.prompt import DEFAULT_MAX_TOKENS, Outgoing, Prompt
from longwire.generation.requests import RequestRefused, parse_request
from tests.unit.generation.test_requests import FULL

STREAMED = {"Content-Type": "application/json", "Accept": "text/event-stream"}
IN_ONE_PIECE = {"Content-Type": "application/json", "Accept": "application/json"}
SCHEMA = {"type": "object"}


def _prompt(**more: Any) -> Prompt:
    request = parse_request({"provider": "p", "messages": [{"role": "user", "content": "Hello"}]} | more)
    assert request.messages is not None
    return Prompt.of(request, request.model or "m", request.messages)


def _full(**more: Any) -> Prompt:
    return _prompt(**(FULL | more))


def _sent(adapter: str, prompt: Prompt) -> tuple[Outgoing, dict[str, Any]]:
    sent = ADAPTERS[adapter].request(prompt)
    assert sent.method == "POST"
    return sent, orjson.loads(sent.body)


def test_openai_responses_say_everything_in_items() -> None:
    full = _full()._replace(stop=())
    sent, body = _sent("openai", full)
    assert sent.path == "/responses" and dict(sent.headers) == IN_ONE_PIECE
    assert body == {
        "model": "gpt-5-mini",
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is this?"},
                    {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"},
                ],
            },
            {"role": "assistant", "content": "I look."},
            {"type": "function_call", "call_id": "a", "name": "look", "arguments": '{"at":null}'},
            {"type": "function_call_output", "call_id": "a", "output": "A cat."},
        ],
        "max_output_tokens": 100,
        "store": False,
        "instructions": "Be brief.",
        "tools": [{"type": "function", "strict": False, "name": "look", "description": "Looks.", "parameters": SCHEMA}],
        "temperature": 1.0,
        "reasoning": {"effort": "low", "summary": "auto"},
    }


def test_openai_responses_without_options_say_only_what_must_be() -> None:
    sent, body = _sent("openai", _prompt())
    assert dict(sent.headers) == STREAMED
    assert body == {
        "model": "m",
        "input": [{"role": "user", "content": "Hello"}],
        "max_output_tokens": DEFAULT_MAX_TOKENS,
        "store": False,
        "stream": True,
    }


def test_openai_responses_refuse_stop_which_they_do_not_have() -> None:
    with pytest.raises(RequestRefused) as refusal:
        ADAPTERS["openai"].request(_full())
    assert refusal.value.field == "stop"


CHAT_BODY: dict[str, Any] = {
    "model": "gpt-5-mini",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ],
        },
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"at":null}'}}],
        },
        {"role": "tool", "tool_call_id": "a", "content": "A cat."},
    ],
    "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": SCHEMA}}],
    "temperature": 1.0,
    "stop": ["END"],
    "reasoning_effort": "low",
}


@pytest.mark.parametrize(
    ("adapter", "own"),
    [
        ("openai-chat", {"max_completion_tokens": 100, "store": False}),
        ("openai-compatible", {"max_tokens": 100}),
        ("xai", {"max_tokens": 100}),
    ],
)
def test_chat_completions_say_everything_in_messages(adapter: str, own: dict[str, Any]) -> None:
    sent, body = _sent(adapter, _full())
    assert sent.path == "/chat/completions" and dict(sent.headers) == IN_ONE_PIECE
    assert body == CHAT_BODY | own


def test_chat_completions_that_stream_ask_for_the_usage() -> None:
    sent, body = _sent("openai-compatible", _prompt())
    assert dict(sent.headers) == STREAMED
    assert body["stream"] is True and body["stream_options"] == {"include_usage": True}


def test_chat_completions_send_text_parts_as_text_where_there_is_no_image() -> None:
    parts = [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    _, body = _sent("openai-compatible", _prompt(messages=[{"role": "user", "content": parts}]))
    assert body["messages"] == [{"role": "user", "content": "A\n\nB"}]


def test_anthropic_messages_take_turns() -> None:
    sent, body = _sent("anthropic", _full(stream=True))
    assert sent.path == "/v1/messages"
    assert dict(sent.headers) == {**STREAMED, "anthropic-version": "2023-06-01"}
    assert body == {
        "model": "gpt-5-mini",
        "max_tokens": 100,
        "stream": True,
        "system": "Be brief.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "a", "name": "look", "input": {"at": None}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "A cat."}]},
        ],
        "tools": [{"name": "look", "description": "Looks.", "input_schema": SCHEMA}],
        "temperature": 1.0,
        "stop_sequences": ["END"],
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": "low"},
    }


def test_anthropic_results_of_one_round_are_one_message_with_what_the_user_says_next() -> None:
    calls = [{"id": each, "name": "f", "arguments": {}} for each in "ab"]
    messages = [
        {"role": "user", "content": "Go"},
        {"role": "assistant", "toolCalls": calls},
        {"role": "tool", "toolCallId": "a", "content": "1"},
        {"role": "tool", "toolCallId": "b", "content": "2"},
        {"role": "user", "content": "Well?"},
    ]
    _, body = _sent("anthropic", _prompt(messages=messages))
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert [block["type"] for block in body["messages"][2]["content"]] == ["tool_result", "tool_result", "text"]


THINKING: dict[str, tuple[str, str, int, dict[str, Any]]] = {
    "budgeted": ("claude-sonnet-4-5-20250929", "medium", 8_000, {"type": "enabled", "budget_tokens": 4_096}),
    "budget-below-max-tokens": ("claude-opus-4-1", "high", 2_000, {"type": "enabled", "budget_tokens": 1_999}),
    "too-few-tokens-to-think": ("claude-haiku-4-5", "low", 1_024, {}),
    "old": ("claude-3-7-sonnet-latest", "low", 8_000, {"type": "enabled", "budget_tokens": 1_024}),
    "adaptive": ("claude-sonnet-4-6", "high", 8_000, {"type": "adaptive", "display": "summarized"}),
    "later": ("claude-opus-5-5", "high", 8_000, {"type": "adaptive", "display": "summarized"}),
    "none": ("claude-sonnet-4-5", "none", 8_000, {"type": "disabled"}),
}


@pytest.mark.parametrize(("model", "reasoning", "max_tokens", "thinking"), THINKING.values(), ids=THINKING)
def test_anthropic_models_think_as_their_generation_does(
    model: str, reasoning: str, max_tokens: int, thinking: dict[str, Any]
) -> None:
    _, body = _sent("anthropic", _prompt(model=model, reasoning=reasoning, maxTokens=max_tokens))
    assert body.get("thinking", {}) == thinking
    assert ("output_config" in body) == (thinking.get("type") == "adaptive")


def test_anthropic_budgeted_models_do_not_think_about_results_whose_thoughts_nobody_kept() -> None:
    _, body = _sent("anthropic", _full(model="claude-sonnet-4-5", maxTokens=8_000))
    assert "thinking" not in body


def test_ollama_takes_names_of_functions_and_options() -> None:
    sent, body = _sent("ollama", _full())
    assert sent.path == "/api/chat" and dict(sent.headers) == IN_ONE_PIECE
    assert body == {
        "model": "gpt-5-mini",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is this?", "images": ["iVBORw0KGgo="]},
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [{"function": {"name": "look", "arguments": {"at": None}}}],
            },
            {"role": "tool", "content": "A cat.", "tool_name": "look"},
        ],
        "stream": False,
        "options": {"num_predict": 100, "temperature": 1.0, "stop": ["END"]},
        "tools": [{"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": SCHEMA}}],
        "think": "low",
    }


def test_ollama_is_told_to_stream_and_not_to_think() -> None:
    sent, body = _sent("ollama", _prompt(reasoning="none"))
    assert dict(sent.headers)["Accept"] == "application/x-ndjson"
    assert body["stream"] is True and body["think"] is False


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_no_adapter_sends_a_key_and_each_says_where_it_belongs(adapter: str) -> None:
    sent, _ = _sent(adapter, _prompt())
    names = {name.lower() for name, _ in sent.headers}
    assert not names & {"authorization", "x-api-key"}
    where = ADAPTERS[adapter]
    assert (where.key_header.lower(), where.key_prefix) in {("authorization", "Bearer "), ("x-api-key", "")}
