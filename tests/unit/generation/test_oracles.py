"""The vendors' own SDKs read the vectors as we do; where they do not, it stands here.

Each SDK runs in one node process, its fetch answered from the vectors. What is compared: the text, the calls, the
tokens of input and output, and how it ends. A row of DIFFERS is what the SDK says instead. Most rows are not errors of
ours or of theirs: they are why the host reads answers itself.
"""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.generation.vectors import VECTORS, Vector

SCRIPTS: Final = Path(__file__).parent / "oracles"
# Whose node_modules the SDKs are in.
PACKAGES: Final = Path(__file__).parents[2] / "compat"

# What an SDK says of an end, in our words. What is not here stays as it is.
ENDS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "other",
    "completed": "stop",
    "max_output_tokens": "length",
    "load": "other",
    "eos": "other",
}

DIFFERS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "openai-chat": {  # openai 7.57.0, chat.completions.stream()
        # What is left out of xAI's completion tokens stays out.
        "xai-usage-in-every-chunk": {"usage": [32, 9]},
        "content-as-parts": {"text": "[object Object][object Object]."},
        # Compatible servers that are not quite: an error, or the arguments of both calls in one.
        "calls-without-index": {"end": "error"},
        "calls-under-one-index": {"calls": [["b", "g", None]]},
        "call-with-a-new-id-each-time": {"calls": [["x3", "f", {"a": 1}]]},
        "call-without-id-or-arguments": {"end": "error"},
        # It has the words in another field than the text.
        "refusal": {"end": "stop", "text": ""},
        "other-choices": {"end": "error", "text": "B"},
        # An event with empty data is no JSON to it.
        "every-way-to-write-lines": {"end": "error"},
        # JavaScript's strings can be no Unicode.
        "half-of-a-pair": {"text": "a\ud83cb"},
        # Complete without [DONE].
        "no-done": {"end": "stop"},
        "wrong-types": {"text": "7"},
    },
    "openai-responses": {  # openai 7.57.0, responses.stream(), whose finalResponse() does not fail
        "refusal": {"end": "stop", "text": ""},
        "failed": {"end": "failed"},
        "failed-rate-limit": {"end": "failed"},
        "failed-after-text-rate-limit": {"end": "failed"},
        # An answer that was cut is a response in progress, and no error.
        "done-too-early": {"end": "in_progress"},
        "no-end": {"end": "in_progress"},
        # It fails at the first event that it does not know.
        "unknown-events": {"end": "error", "text": ""},
        # It wants every event that the vendor sends, and its place.
        "only-the-end-says-it": {"end": "error", "text": ""},
        "no-places": {"end": "error", "text": ""},
    },
    "anthropic": {  # @anthropic-ai/sdk 1.12.0, messages.stream()
        # In the order in which they began, not in which they were done.
        "interleaved-blocks": {"calls": [["a", "f", {"x": 1}], ["b", "g", {"y": 2}]]},
        # Arguments that were cut are an empty object.
        "call-cut-by-length": {"calls": [["a", "f", {}]]},
        # Tokens that came from the cache are no input.
        "cached-input": {"usage": [3, 7]},
        "stop-without-a-reason": {"end": None},
    },
    "ollama": {  # ollama 0.6.4
        # A call without an id stays without.
        "calls": {"calls": [[None, "weather", {"city": "Köln"}], ["call_x", "now", {}]]},
        "no-counts": {"end": None},
    },
}
FILES: Final = {
    "openai-chat": "chat-completions",
    "openai-responses": "openai-responses",
    "anthropic": "anthropic-messages",
    "ollama": "ollama-chat",
}


def _ask(oracle: str, vectors: list[Vector]) -> dict[str, dict[str, Any]]:
    answers = [
        {"name": each.name, "mediaType": each.media_type, "body": base64.b64encode(each.body).decode()}
        for each in vectors
    ]
    done = subprocess.run(
        ["node", SCRIPTS / f"{oracle}.mjs"],
        input=json.dumps(answers),
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGES,
    )
    said: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return said


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


@pytest.mark.parametrize("oracle", FILES)
def test_the_vendors_own_sdk_reads_the_same_answer(oracle: str) -> None:
    # They read an answer in one piece only where they asked for one.
    vectors = [
        vector
        for vector in VECTORS
        if vector.name.startswith(FILES[oracle]) and not vector.name.partition("/")[2].startswith("whole")
    ]
    said = _ask(oracle, vectors)
    differs: dict[str, dict[str, Any]] = {}
    for vector in vectors:
        ours, theirs = _ours(vector), _theirs(said[vector.name])
        # Of what one of them calls an error there is no more to compare.
        keys = ours.keys() & theirs.keys()
        differing = {key: theirs[key] for key in sorted(keys) if ours[key] != theirs[key]}
        if differing:
            differs[vector.name.partition("/")[2]] = differing
    assert differs == DIFFERS[oracle]
