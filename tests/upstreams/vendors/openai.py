"""OpenAI: chat completions and responses, as the API reference gives them."""

from typing import Any

from tests.upstreams.vendors.wire import TEXTS, WHOLE_TEXT, Piece, Wire, event, json_answer

_REQUEST = {"x-request-id": "req_8d4a", "openai-processing-ms": "112"}
_USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
_REFUSAL = json_answer(
    429,
    {
        "error": {
            "message": "Rate limit reached for requests — try again in 20 s.",
            "type": "requests",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    },
    _REQUEST,
)


def _completion(kind: str, choice: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-7QyqpwdfhqwajicIEznoc6Q47XAyW",
        "object": kind,
        "created": 1763740800,
        "model": "gpt-5-mini",
        "service_tier": "default",
        "system_fingerprint": "fp_44709d6fcb",
        "choices": [{"index": 0, **choice, "logprobs": None}] if choice else [],
        **more,
    }


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    return event(_completion("chat.completion.chunk", {"delta": delta, "finish_reason": finish}, usage=None))


CHAT = Wire(
    name="openai-chat",
    media_type="text/event-stream; charset=utf-8",
    whole=json_answer(
        200,
        _completion(
            "chat.completion",
            {"message": {"role": "assistant", "content": WHOLE_TEXT, "refusal": None}, "finish_reason": "stop"},
            usage=_USAGE,
        ),
        _REQUEST,
    ),
    pieces=(
        Piece(_chunk({"role": "assistant", "content": ""}) + _chunk({"content": TEXTS[0]}), TEXTS[0]),
        *(Piece(_chunk({"content": text}), text) for text in TEXTS[1:]),
        Piece(
            _chunk({}, "stop") + event(_completion("chat.completion.chunk", {}, usage=_USAGE)) + b"data: [DONE]\n\n",
        ),
    ),
    refusal=_REFUSAL,
    failure=event(
        {
            "error": {
                "message": "The server had an error while processing your request — sorry about that!",
                "type": "server_error",
                "param": None,
                "code": None,
            }
        }
    ),
    early=b": processing\n\n",
    headers=tuple(_REQUEST.items()),
)


def _response(status: str, output: list[Any], usage: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
        "object": "response",
        "created_at": 1763740800,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": "gpt-5-mini",
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
    }


_ITEM = "msg_67ccd2bf17f0819081ff3bb2cf6508e6"
_RESPONSE_USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 14,
}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _item(status: str, content: list[Any]) -> dict[str, Any]:
    return {"id": _ITEM, "type": "message", "status": status, "role": "assistant", "content": content}


_WHERE = {"item_id": _ITEM, "output_index": 0, "content_index": 0}
_DONE_ITEM = _item("completed", [_part(WHOLE_TEXT)])
_DONE = _response("completed", [_DONE_ITEM], _RESPONSE_USAGE)


def _events(first: int, *events: dict[str, Any]) -> bytes:
    return b"".join(
        event({**each, "sequence_number": number}, kind=each["type"]) for number, each in enumerate(events, first)
    )


def _delta(text: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", **_WHERE, "delta": text, "logprobs": []}


RESPONSES = Wire(
    name="openai-responses",
    media_type="text/event-stream; charset=utf-8",
    whole=json_answer(200, _DONE, _REQUEST),
    pieces=(
        Piece(
            _events(
                0,
                {"type": "response.created", "response": _response("in_progress", [], None)},
                {"type": "response.in_progress", "response": _response("in_progress", [], None)},
                {"type": "response.output_item.added", "output_index": 0, "item": _item("in_progress", [])},
                {"type": "response.content_part.added", **_WHERE, "part": _part("")},
                _delta(TEXTS[0]),
            ),
            TEXTS[0],
        ),
        *(Piece(_events(number, _delta(text)), text) for number, text in enumerate(TEXTS[1:], 5)),
        Piece(
            _events(
                9,
                {"type": "response.output_text.done", **_WHERE, "text": WHOLE_TEXT, "logprobs": []},
                {"type": "response.content_part.done", **_WHERE, "part": _part(WHOLE_TEXT)},
                {"type": "response.output_item.done", "output_index": 0, "item": _DONE_ITEM},
                {"type": "response.completed", "response": _DONE},
            )
        ),
    ),
    refusal=_REFUSAL,
    failure=_events(
        7, {"type": "error", "code": "server_error", "message": "The model failed — try again.", "param": None}
    ),
    early=b": processing\n\n",
    headers=tuple(_REQUEST.items()),
)
