"""Reads tests/vectors/generation, and replays what is in it. What the fields mean stands in tests/vectors/README.md."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from longwire.generation.adapters import ADAPTERS
from longwire.generation.decoding import Decoder
from longwire.generation.parts import Failed, Finished, Named, Part, Reasoning, Text, ToolCall, Usage

FOLDER: Final = Path(__file__).parents[2] / "vectors" / "generation"


class Vector(NamedTuple):
    """One answer: what came, and what it means."""

    name: str
    adapter: str
    media_type: str
    chunks: tuple[bytes, ...]
    trailing: bytes
    events: list[dict[str, Any]]

    @property
    def body(self) -> bytes:
        """The whole answer."""
        return b"".join(self.chunks) + self.trailing

    def decoder(self) -> Decoder:
        """A new one for it."""
        return ADAPTERS[self.adapter].decoder(self.media_type)


def _load(path: Path) -> Iterable[Vector]:
    file = json.loads(path.read_text("utf-8"))
    for case in file["cases"]:
        yield Vector(
            name=f"{path.stem}/{case['name']}",
            adapter=case.get("adapter", file["adapter"]),
            media_type=case["mediaType"],
            chunks=tuple(chunk.encode() for chunk in case["chunks"]),
            trailing=case.get("trailing", "").encode(),
            events=case["events"],
        )


VECTORS: Final = [vector for path in sorted(FOLDER.glob("*.json")) for vector in _load(path)]


def decoded(vector: Vector, pieces: Iterable[bytes]) -> list[dict[str, Any]]:
    """The events of an answer that comes in these pieces, as the vectors write them."""
    decoder = vector.decoder()
    parts = [part for piece in pieces for part in decoder.receive(piece)]
    parts += decoder.end()
    assert decoder.over
    assert not decoder.receive(b"data: more\n\n") and not decoder.end()
    return [as_event(part) for part in parts]


def as_event(part: Part) -> dict[str, Any]:  # noqa: PLR0911  (one for each kind)
    """A part as the vectors write it: the event it becomes, without what its generation adds."""
    match part:
        case Named(model):
            return {"type": "metadata", "model": model}
        case Text(text, number):
            return {"type": "content", "text": text, "index": number}
        case Reasoning(text, number):
            return {"type": "reasoning", "text": text, "index": number}
        case ToolCall(number, call_id, name, arguments, raw):
            call = {"type": "tool_call", "index": number, "id": call_id, "name": name}
            return {**call, **({"arguments": arguments} if raw is None else {"rawArguments": raw})}
        case Usage():
            return {"type": "usage", **_counts(part)}
        case Finished(reason, usage):
            event: dict[str, Any] = {"type": "complete", "finishReason": reason.value}
            return event if usage is None else {**event, "usage": _counts(usage)}
        case Failed(failure):
            event = {
                "type": "error",
                "code": failure.code.value,
                "retryable": failure.retryable,
                "refused": failure.refused,
            }
            return event if failure.retry_after_ms is None else {**event, "retryAfter": failure.retry_after_ms / 1000}


def _counts(usage: Usage) -> dict[str, int]:
    counts = {
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "reasoningTokens": usage.reasoning,
        "cachedTokens": usage.cached,
    }
    return {name: count for name, count in counts.items() if count is not None}
