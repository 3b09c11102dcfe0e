"""Two language models that the demo plays: one speaks as OpenAI does (Chat Completions), the other as Ollama."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from longwire.demo.server import Responder

# As the demo's policy names them.
QUICK_BASE: Final = "/quick/v1"
CAREFUL_BASE: Final = "/careful"
QUICK_PATH: Final = f"{QUICK_BASE}/chat/completions"
CAREFUL_PATH: Final = f"{CAREFUL_BASE}/api/chat"
_QUICK_MODEL: Final = "quick-1"
_CAREFUL_MODEL: Final = "careful-1"


class _Said(NamedTuple):
    text: str
    words_per_s: float


QUICK: Final = _Said(
    "Air scatters short waves of light far more than long ones. Blue light is short, so it reaches you from all over "
    "the sky, and what is left of the sun looks yellow.",
    30,
)
CAREFUL: Final = _Said(
    "Sunlight has all colours in it. On its way through the air it meets molecules much smaller than its waves, and "
    "those scatter it by the fourth power of its frequency: blue about four times as much as red. Violet is scattered "
    "more still, but the sun sends less of it, the high air absorbs part of that, and our eyes see it badly. In the "
    "evening the light comes a long way through the air; its blue is gone by then, and the sky around the sun is red.",
    18,
)


async def send_quick(responder: Responder, speed: float = 1) -> None:
    """Answer one request as OpenAI's Chat Completions does. `speed` is how many times as fast as usual."""
    await responder.start(200, "text/event-stream")
    for word in _words(QUICK):
        await responder.send(_event({"choices": [{"index": 0, "delta": {"content": word}}]}))
        await asyncio.sleep(1 / QUICK.words_per_s / speed)
    await responder.send(_event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
    usage = {"prompt_tokens": 12, "completion_tokens": len(list(_words(QUICK)))}
    await responder.send(_event({"model": _QUICK_MODEL, "choices": [], "usage": usage}) + b"data: [DONE]\n\n")


async def send_careful(responder: Responder, speed: float = 1) -> None:
    """The same as Ollama does: lines of JSON."""
    await responder.start(200, "application/x-ndjson")
    for word in _words(CAREFUL):
        await responder.send(_line({"message": {"role": "assistant", "content": word}, "done": False}))
        await asyncio.sleep(1 / CAREFUL.words_per_s / speed)
    counts = {"prompt_eval_count": 12, "eval_count": len(list(_words(CAREFUL)))}
    last = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop", **counts}
    await responder.send(_line(last))


def policy_lines(upstream: str) -> str:
    """The providers, for the demo's policy file, with its secret; a grant names them by `generate`."""
    return f"""\
[[provider]]
name = "quick"
kind = "openai-chat"
base_url = "{upstream}{QUICK_BASE}"
models = ["{_QUICK_MODEL}"]
network = "loopback"
secret = "demo"

[[provider]]
name = "careful"
kind = "ollama"
base_url = "{upstream}{CAREFUL_BASE}"
models = ["{_CAREFUL_MODEL}"]
network = "loopback"
secret = "demo"
"""


def _words(said: _Said) -> Iterator[str]:
    yield from re.findall(r"\S+\s*", said.text)


def _event(value: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(value)}\n\n".encode()


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps({"model": _CAREFUL_MODEL, **value}).encode() + b"\n"
