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

from tests.unit.generation.comparing import differing
from tests.unit.generation.vectors import VECTORS, Vector

SCRIPTS: Final = Path(__file__).parent / "oracles"
# Whose node_modules the SDKs are in.
PACKAGES: Final = Path(__file__).parents[2] / "compat"

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


@pytest.mark.parametrize("oracle", FILES)
def test_the_vendors_own_sdk_reads_the_same_answer(oracle: str) -> None:
    # They read an answer in one piece only where they asked for one.
    vectors = [
        vector
        for vector in VECTORS
        if vector.name.startswith(FILES[oracle]) and not vector.name.partition("/")[2].startswith("whole")
    ]
    said = _ask(oracle, vectors)
    found = {vector.name.partition("/")[2]: differing(vector, said[vector.name]) for vector in vectors}
    assert {name: row for name, row in found.items() if row} == DIFFERS[oracle]
