"""An answer as an oracle says it beside the same as our vectors say it: text, calls, tokens, and how it ends."""

import json
from typing import Any, Final

from tests.unit.generation.vectors import Vector

# What an SDK says of an end, in our words. What is not here stays as it is.
ENDS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "other",
    "completed": "stop",
    "max_output_tokens": "length",
    "load": "other",
    "eos": "other",
}


def differing(vector: Vector, said: dict[str, Any]) -> dict[str, Any]:
    """What the oracle says instead. Of what one of them calls an error there is no more to compare than its text."""
    ours, theirs = _ours(vector), _theirs(said)
    return {key: theirs[key] for key in sorted(ours.keys() & theirs.keys()) if ours[key] != theirs[key]}


def _ours(vector: Vector) -> dict[str, Any]:
    last = vector.events[-1]
    said: dict[str, Any] = {
        "text": "".join(event["text"] for event in vector.events if event["type"] == "content"),
        "end": last.get("finishReason", "error"),
    }
    if last["type"] == "complete":
        said["calls"] = [
            [event["id"], event["name"], event.get("arguments")]
            for event in vector.events
            if event["type"] == "tool_call"
        ]
        usage = last.get("usage", {})
        said["usage"] = [usage.get("inputTokens"), usage.get("outputTokens")]
    return said


def _theirs(said: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"text": said["text"], "end": "error"}
    if "error" not in said:
        calls = [[call.get("id"), call["name"], _object(call["arguments"])] for call in said["calls"]]
        usage = said.get("usage") or {}
        end = ENDS.get(said["finish"], said["finish"])
        # Two of them have no word for it.
        result["end"] = "tool_calls" if end == "stop" and calls else end
        result |= {"calls": calls, "usage": [usage.get("input"), usage.get("output")]}
    return result


def _object(arguments: str) -> Any:
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
