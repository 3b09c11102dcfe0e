"""Anthropic: the messages API."""

from dataclasses import replace
from typing import Any

from tests.upstreams.vendors.wire import TEXTS, WHOLE_TEXT, Piece, Wire, event, json_answer

_REQUEST = {"request-id": "req_018EeWyXxfu5pfWkrYcMdjWG"}
_MESSAGE = {
    "id": "msg_1nZdL29xx5MUA1yADyHTEsnR8uuvGzszyY",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
}


def _event(value: dict[str, Any]) -> bytes:
    return event(value, kind=value["type"])


def _delta(text: str) -> bytes:
    return _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


_START: dict[str, Any] = {
    **_MESSAGE,
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 25, "output_tokens": 1},
}

MESSAGES = Wire(
    name="anthropic",
    media_type="text/event-stream; charset=utf-8",
    whole=json_answer(
        200,
        {
            **_MESSAGE,
            "content": [{"type": "text", "text": WHOLE_TEXT}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 25, "output_tokens": 15},
        },
        _REQUEST,
    ),
    pieces=(
        Piece(
            _event({"type": "message_start", "message": _START})
            + _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
            + _event({"type": "ping"})
            + _delta(TEXTS[0]),
            TEXTS[0],
        ),
        *(Piece(_delta(text), text) for text in TEXTS[1:]),
        Piece(
            _event({"type": "content_block_stop", "index": 0})
            + _event(
                {
                    "type": "message_delta",
                    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                    "usage": {"output_tokens": 15},
                }
            )
            + _event({"type": "message_stop"})
        ),
    ),
    refusal=json_answer(
        429,
        {
            "type": "error",
            "error": {"type": "rate_limit_error", "message": "This request would exceed your rate limit — wait."},
            "request_id": _REQUEST["request-id"],
        },
        _REQUEST,
    ),
    failure=_event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded — try later"}}),
    early=_event({"type": "ping"}),
    headers=tuple(_REQUEST.items()),
)

# The older of the two ways to send a key, which other people's clients use.
MESSAGES_BY_API_KEY = replace(MESSAGES, name="anthropic-api-key", key_header="x-api-key", key_prefix="")
