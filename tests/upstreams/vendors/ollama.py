"""Ollama: `/api/chat`, newline-delimited JSON."""

from typing import Any

from tests.upstreams.vendors.wire import TEXTS, WHOLE_TEXT, Piece, Wire, compact, json_answer

_DONE = {
    "done_reason": "stop",
    "done": True,
    "total_duration": 4883583458,
    "load_duration": 1334875,
    "prompt_eval_count": 26,
    "prompt_eval_duration": 342546000,
    "eval_count": 282,
    "eval_duration": 4535599000,
}


def _answer(text: str, **more: Any) -> dict[str, Any]:
    return {
        "model": "llama3.2",
        "created_at": "2026-11-21T12:00:00.123456Z",
        "message": {"role": "assistant", "content": text},
        **({"done": False} | more),
    }


def _line(value: Any) -> bytes:
    return compact(value).encode() + b"\n"


CHAT = Wire(
    name="ollama",
    media_type="application/x-ndjson",
    whole=json_answer(200, _answer(WHOLE_TEXT, **_DONE)),
    pieces=(
        *(Piece(_line(_answer(text)), text) for text in TEXTS),
        Piece(_line(_answer("", **_DONE))),
    ),
    refusal=json_answer(404, {"error": "model 'llama3.2' not found — try pulling it first"}),
    failure=_line({"error": "an error was encountered while running the model — out of memory"}),
)
