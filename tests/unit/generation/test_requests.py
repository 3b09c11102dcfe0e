"""A page's request is what the interface says, or refused with the field's name and what to do."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.generation.adapters import ADAPTERS
from longwire.generation.fitting import fit
from longwire.generation.prompt import Prompt
from longwire.generation.requests import RequestRefused, parse_request
from longwire.protocol import generation_request as limits
from longwire.protocol.generation import FailureCode

USER = {"role": "user", "content": "Hello"}
FULL: dict[str, Any] = {
    "provider": "openai",
    "model": "gpt-5-mini",
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image", "mediaType": "image/png", "data": "iVBORw0KGgo="},
            ],
        },
        {
            "role": "assistant",
            "content": "I look.",
            "toolCalls": [{"id": "a", "name": "look", "arguments": {"at": None}}],
        },
        {"role": "tool", "toolCallId": "a", "content": "A cat."},
    ],
    "system": "Be brief.",
    "tools": [{"type": "function", "name": "look", "description": "Looks.", "parameters": {"type": "object"}}],
    "maxTokens": 100,
    "temperature": 1,
    "stop": ["END"],
    "reasoning": "low",
    "fallback": ["ollama"],
    "stream": False,
}


def _asking(**more: Any) -> dict[str, Any]:
    return {"provider": "openai", "messages": [USER], **more}


def _with_part(**part: Any) -> dict[str, Any]:
    return _asking(messages=[{"role": "user", "content": [part]}])


def test_every_field_of_the_interface_is_taken_and_comes_back_as_it_was() -> None:
    request = parse_request(FULL)
    assert json.loads(request.model_dump_json(exclude_unset=True)) == FULL


def test_a_template_takes_the_place_of_messages() -> None:
    request = parse_request({"provider": "x", "template": "pr", "fields": {"PR_TITLE": "T"}})
    assert request.fields == {"PR_TITLE": "T"} and request.messages is None and request.stream


def _nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


REFUSED: dict[str, tuple[Any, str, str]] = {
    # What no adapter could write.
    "deep": (
        _asking(tools=[{"type": "function", "name": "f", "parameters": _nested(limits.MAX_JSON_DEPTH + 1)}]),
        "tools.0.parameters",
        "nests too deep",
    ),
    "long-number": (
        _asking(messages=[{"role": "assistant", "toolCalls": [{"id": "a", "name": "f", "arguments": {"a": 2**70}}]}]),
        "messages.0.toolCalls.0.arguments",
        "what JSON cannot say",
    ),
    # What reaches files, connectors, stored conversations or third parties.
    "mcp": (_asking(tools=[{"type": "mcp", "server_url": "https://x"}]), "tools.0.type", "only tools"),
    "file-search": (_asking(tools=[{"type": "file_search"}]), "tools.0.type", "only tools"),
    "hidden-in-a-function": (
        _asking(tools=[{"type": "function", "name": "f", "parameters": {}, "server_url": "https://x"}]),
        "tools.0.server_url",
        "only function tools",
    ),
    "file-id": (_with_part(type="file", file_id="file-1"), "messages.0.content.0.type", "only parts"),
    "image-by-id": (_with_part(type="image", file_id="file-1"), "messages.0.content.0.file_id", "only text and inline"),
    "image-by-address": (_with_part(type="image", url="https://x"), "messages.0.content.0.url", "keys, addresses"),
    "image-as-address": (
        _with_part(type="image", mediaType="image/png", data="https://x/a.png"),
        "messages.0.content.0.data",
        "must be base64",
    ),
    "picture-that-is-a-program": (
        _with_part(type="image", mediaType="image/svg+xml", data="AAAA"),
        "messages.0.content.0.mediaType",
        "'image/png'",
    ),
    "previous-response": (_asking(previous_response_id="resp_1"), "previous_response_id", "nothing is stored"),
    "conversation": (_asking(conversation="conv_1"), "conversation", "nothing is stored"),
    "store": (_asking(store=True), "store", "nothing is stored"),
    "mcp-servers": (_asking(mcp_servers=[]), "mcp_servers", "only function tools"),
    # What the policy says, and no page.
    "key": (_asking(apiKey="sk-secret-value"), "apiKey", "belong in the policy file"),
    "address": (_asking(url="https://api.openai.com"), "url", "belong in the policy file"),
    "headers": (_asking(headers={}), "headers", "belong in the policy file"),
    "provider-as-address": (_asking(provider="https://x"), "provider", "must be a name of the policy"),
    "fallback-as-address": (_asking(fallback=["b", "https://x"]), "fallback.1", "must be a name of the policy"),
    "tool-name": (_asking(tools=[{"name": "a b", "parameters": {}}]), "tools.0.name", "must be letters, digits"),
    # Other interfaces' names.
    "other-spelling": (_asking(max_tokens=3), "max_tokens", "write maxTokens"),
    "python-spelling": (
        _asking(messages=[{"role": "tool", "tool_call_id": "a", "content": ""}]),
        "messages.0.tool_call_id",
        "write toolCallId",
    ),
    "system-message": (_asking(messages=[{"role": "system", "content": "x"}]), "messages.0.role", "field system"),
    "input": (_asking(input="x"), "input", "write messages"),
    "unknown": (_asking(frequency=1), "frequency", "is no field"),
    # What is missing, or of another kind.
    "nothing": ({}, "provider", "is missing"),
    "no-object": ([], "", "must be an object"),
    "no-input": ({"provider": "x"}, "", "needs either messages or a template"),
    "both-inputs": (_asking(template="t", fields={}), "", "needs either messages or a template"),
    "template-without-fields": ({"provider": "x", "template": "t"}, "", "come together"),
    "fields-without-template": (_asking(fields={}), "", "come together"),
    "field-name": ({"provider": "x", "template": "t", "fields": {"name": ""}}, "fields.name", "in upper case"),
    "no-messages": (_asking(messages=[]), "messages", "at least 1 item"),
    "text-for-messages": (_asking(messages="Hello"), "messages", "valid list"),
    "empty-text": (_asking(messages=[{"role": "user", "content": ""}]), "messages.0.content", "at least 1"),
    "no-content": (_asking(messages=[{"role": "user"}]), "messages.0.content", "is missing"),
    "silent-assistant": (_asking(messages=[{"role": "assistant"}]), "messages.0", "needs content or toolCalls"),
    "arguments-as-text": (
        _asking(messages=[{"role": "assistant", "toolCalls": [{"id": "a", "name": "f", "arguments": "{}"}]}]),
        "messages.0.toolCalls.0.arguments",
        "must be an object",
    ),
    "number-as-text": (_asking(maxTokens="3"), "maxTokens", "valid integer"),
    "hot": (_asking(temperature=2.1), "temperature", "less than or equal to 2"),
    "not-a-number": (_asking(temperature=float("nan")), "temperature", "finite"),
    "reasoning": (_asking(reasoning="ultra"), "reasoning", "'none', 'low'"),
    "model-with-a-line-end": (_asking(model="gpt\nx"), "model", "without spaces"),
}  # fmt: skip


@pytest.mark.parametrize(("value", "field", "fix"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_of_the_interface_is_refused_with_its_field_and_the_fix(value: Any, field: str, fix: str) -> None:
    with pytest.raises(RequestRefused) as refusal:
        parse_request(value)
    assert refusal.value.field == field
    assert fix in refusal.value.message and refusal.value.message.startswith(field)
    assert refusal.value.code is FailureCode.BAD_REQUEST


def test_a_refusal_quotes_no_value() -> None:
    with pytest.raises(RequestRefused) as refusal:
        parse_request(_asking(apiKey="sk-secret-value", model=7, temperature="sk-secret-value"))
    assert "secret" not in refusal.value.message


LIMITS: dict[str, tuple[str, Any, int]] = {
    "messages": ("messages", USER, limits.MAX_MESSAGES),
    "tools": ("tools", {"name": "f", "parameters": {}}, limits.MAX_TOOLS),
    "stop": ("stop", "x", limits.MAX_STOPS),
    "fallback": ("fallback", "x", limits.MAX_FALLBACKS),
}


@pytest.mark.parametrize(("field", "item", "most"), LIMITS.values(), ids=LIMITS)
def test_a_list_at_its_limit_passes_and_one_more_does_not(field: str, item: Any, most: int) -> None:
    parse_request(_asking(**{field: [item] * most}))
    with pytest.raises(RequestRefused) as refusal:
        parse_request(_asking(**{field: [item] * (most + 1)}))
    assert refusal.value.field == field


def test_numbers_and_texts_at_their_limit_pass_and_one_more_does_not() -> None:
    parse_request(_asking(maxTokens=limits.MAX_TOKENS, stop=["x" * limits.MAX_STOP_CHARS]))
    for more in ({"maxTokens": limits.MAX_TOKENS + 1}, {"maxTokens": 0}, {"stop": ["x" * (limits.MAX_STOP_CHARS + 1)]}):
        with pytest.raises(RequestRefused):
            parse_request(_asking(**more))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FULL, "role", "content", "type", "text", "\n"]), inner, max_size=5)
    ),
    max_leaves=15,
)


@given(value=json_values)
def test_anything_is_a_request_or_a_refusal(value: Any) -> None:
    # Any other exception is a finding.
    with suppress(RequestRefused):
        parse_request(value)


@pytest.mark.parametrize("adapter", sorted(ADAPTERS))
def test_the_deepest_objects_that_a_page_may_say_are_written(adapter: str) -> None:
    call = {"id": "a", "name": "f", "arguments": _nested(limits.MAX_JSON_DEPTH)}
    messages = [USER, {"role": "assistant", "toolCalls": [call]}]
    tools = [{"type": "function", "name": "f", "parameters": _nested(limits.MAX_JSON_DEPTH)}]
    request = parse_request({"provider": "x", "messages": messages, "tools": tools})
    prompt = Prompt.of(request, "model", request.messages or ())
    assert json.loads(ADAPTERS[adapter].request(prompt).body)
    assert not fit(prompt, 100_000).truncated
