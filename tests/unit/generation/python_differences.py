"""Where the SDKs for Python are not as we are: what each reads of the vectors, and what each sends for the questions.

Most rows are not errors of ours or of theirs: they are why the host speaks to vendors itself.
"""

from typing import Any, Final, NamedTuple

from tests.unit.generation.vectors import VECTORS


class Oracle(NamedTuple):
    """One SDK: its script, its package, the version that its rows were seen with, and the vectors that it reads."""

    script: str
    package: str
    version: str
    files: tuple[str, ...]


ORACLES: Final = {
    "openai-chat": Oracle("openai_chat", "openai", "3.57.0", ("chat-completions",)),
    "openai-responses": Oracle("openai_responses", "openai", "3.57.0", ("openai-responses",)),
    "anthropic": Oracle("anthropic_messages", "anthropic", "2.14.0", ("anthropic-messages",)),
    "ollama": Oracle("ollama_chat", "ollama", "0.6.3", ("ollama-chat",)),
    # Of Ollama it reads what that sends as Chat Completions.
    "pydantic-ai": Oracle(
        "pydantic_ai_models",
        "pydantic-ai-slim",
        "2.68.0",
        ("chat-completions", "openai-responses", "anthropic-messages"),
    ),
}
# The text of the vectors `hostile-text`.
_HOSTILE: Final = next(
    "".join(event["text"] for event in vector.events if event["type"] == "content")
    for vector in VECTORS
    if vector.name == "ollama-chat/hostile-text"
)
# By vector, what it says where we say something else. `requests`: how many it sent, where it was not one.
DIFFERS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "openai-chat": {  # chat.completions.stream(), and create() for what is not streamed
        # What is left out of xAI's completion tokens stays out.
        "chat-completions/xai-usage-in-every-chunk": {"usage": [32, 9]},
        # Servers that are not quite compatible: an error, or several calls and ids run together.
        "chat-completions/content-as-parts": {"end": "error", "text": ""},
        "chat-completions/calls-without-index": {"end": "error"},
        "chat-completions/calls-under-one-index": {"calls": [["aab", "fg", None]]},
        "chat-completions/call-with-a-new-id-each-time": {"calls": [["x1x2x3", "f", {"a": 1}]]},
        "chat-completions/call-without-id-or-arguments": {"calls": [[None, "now", {}]]},
        # An answer that came to its limit, or was filtered, is an exception; its usage is not to be had.
        "chat-completions/call-cut-by-length": {"end": "error"},
        "chat-completions/length": {"end": "error"},
        "chat-completions/content-filter": {"end": "error"},
        # It has the words in another field than the text.
        "chat-completions/refusal": {"end": "stop", "text": ""},
        # An assertion of its own.
        "chat-completions/other-choices": {"end": "error", "text": ""},
        "chat-completions/half-of-a-pair": {"end": "error", "text": ""},
        # An event with empty data is no JSON to it.
        "chat-completions/every-way-to-write-lines": {"end": "error", "text": ""},
        # An answer that was cut is a final one, without a finish reason at best.
        "chat-completions/done-without-a-finish-reason": {"end": None},
        "chat-completions/no-done": {"end": "stop"},
        "chat-completions/error-bare": {"end": None},
    },
    "openai-responses": {  # responses.stream(), and create() for what is not streamed
        # "Didn't receive a `response.completed` event": the same as if it had been cut.
        "openai-responses/incomplete-length": {"end": "error"},
        "openai-responses/incomplete-filter": {"end": "error"},
        "openai-responses/refusal": {"end": "stop", "text": ""},
        # It wants every event that the vendor sends, and its place.
        "openai-responses/only-the-end-says-it": {"end": "error", "text": ""},
        "openai-responses/no-places": {"end": "error", "text": ""},
        # A status, which is nothing that it raises.
        "openai-responses/whole-failed": {"end": "failed"},
        "openai-responses/whole-queued": {"end": "queued"},
    },
    "anthropic": {  # messages.stream(), and create() for what is not streamed
        # In the order in which they began, not in which they were done.
        "anthropic-messages/interleaved-blocks": {"calls": [["a", "f", {"x": 1}], ["b", "g", {"y": 2}]]},
        # Arguments that were cut are an empty object.
        "anthropic-messages/call-cut-by-length": {"calls": [["a", "f", {}]]},
        # Tokens that came from the cache are no input.
        "anthropic-messages/cached-input": {"usage": [3, 7]},
        # An answer that was cut is a final one.
        "anthropic-messages/stop-without-a-reason": {"end": None},
        "anthropic-messages/no-stop": {"end": "stop"},
    },
    "ollama": {
        # Its calls have no field for an id.
        "ollama-chat/calls": {"calls": [[None, "weather", {"city": "Köln"}], [None, "now", {}]]},
        "ollama-chat/no-counts": {"end": None},
        # An empty line is no JSON to it, and U+2028 ends a line: see findings/json-lines-in-python-clients.sh.
        "ollama-chat/crlf-and-blank-lines": {"end": "error"},
        "ollama-chat/hostile-text": {"end": "error", "text": _HOSTILE.rpartition(":")[0]},
        # Its iterator ends, and that is all.
        "ollama-chat/no-done": {"end": None},
        "ollama-chat/whole-not-done": {"end": None},
    },
    "pydantic-ai": {  # an agent's first request, stream_response(debounce_by=None)
        "anthropic-messages/interleaved-blocks": {"calls": [["a", "f", {"x": 1}], ["b", "g", {"y": 2}]]},
        # It asks for the rest by itself, up to ten times, and pays for each.
        "anthropic-messages/pause": {"end": "error", "requests": 2},
        # Any text in a fragment of a kind that it does not know is text of the answer.
        "anthropic-messages/unknown-blocks": {"text": "xa"},
        "anthropic-messages/stop-without-a-reason": {"end": None},
        "anthropic-messages/no-stop": {"end": "stop"},
        # What is summed up in every chunk is added up, so that the question counts once for each.
        "chat-completions/xai-usage-in-every-chunk": {"usage": [96, 9]},
        "chat-completions/calls-under-one-index": {"calls": [["b", "fg", None]]},
        "chat-completions/call-with-a-new-id-each-time": {"calls": [["x3", "f", {"a": 1}]]},
        "chat-completions/call-without-id-or-arguments": {"calls": [[None, "now", {}]]},
        "chat-completions/refusal": {"text": ""},
        "chat-completions/unknown-finish-reason": {"end": None},
        # It takes the first choice of each chunk, whatever its number.
        "chat-completions/other-choices": {"text": "B"},
        # Text that is no Unicode.
        "chat-completions/half-of-a-pair": {"text": "a\ud83cb"},
        "chat-completions/every-way-to-write-lines": {"end": "error"},
        # It says `stop` itself of what ends without a finish reason, be it cut or an error that it does not know.
        "chat-completions/done-without-a-finish-reason": {"end": "stop"},
        "chat-completions/no-done": {"end": "stop"},
        "chat-completions/error-object": {"end": "stop"},
        "chat-completions/error-bare": {"end": "stop"},
        "chat-completions/error-in-a-choice": {"end": None},
        "chat-completions/wrong-types": {"end": "stop"},
        "chat-completions/arguments-of-nothing": {"end": "stop"},
        "openai-responses/refusal": {"text": ""},
        # What only the end says it does not read.
        "openai-responses/only-the-end-says-it": {"calls": [], "end": "stop", "text": ""},
        "openai-responses/unknown-events": {"end": "error"},
        "openai-responses/done-too-early": {"end": None},
        "openai-responses/no-end": {"end": None},
        "openai-responses/whole-queued": {"end": None},
    },
}

# By question, what it sends at a place where we send something else; None is nothing. Header fields, and the path, are
# compared with the plain question.
_ANTHROPIC: Final = {
    # They ask for one form of answer and take the other. Our Accept is what we ask for.
    "accept": "application/json",
    # Of October 2026: it has no temperature any more, and the key goes where it goes with all others. We send what all
    # gateways know, and models that take a temperature still get one.
    "anthropic-version": "2026-10-21",
    "authorization": "Bearer none",
    "x-api-key": None,
}
# Thoughts are wanted back in a form that only the vendor reads, to be sent again: nothing is kept here.
_ENCRYPTED: Final = {"include.0": "reasoning.encrypted_content"}


def _strict(at: str) -> dict[str, Any]:
    """A schema that could be strict is made strict, and the default is said."""
    return {
        "tool_choice": "auto",
        f"tools.0.{at}parameters.additionalProperties": False,
        f"tools.0.{at}strict": True,
    }


def _blocks(at: str, text: str) -> dict[str, Any]:
    """A result as a list of one block, which says that it is no error."""
    return {
        f"{at}.content": None,
        f"{at}.content.0.text": text,
        f"{at}.content.0.type": "text",
        f"{at}.is_error": False,
    }


SENDS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "openai-chat": {"chat-completions/plain": {"accept": "application/json"}},
    "openai-responses": {"openai-responses/plain": {"accept": "application/json"}},
    "anthropic": {
        "anthropic-messages/plain": _ANTHROPIC,
        "anthropic-messages/temperature": {
            "error": "TypeError: Messages.create() got an unexpected keyword argument 'temperature'",
            "fits": False,
        },
    },
    "ollama": {
        "ollama-chat/plain": {"accept": "application/json", "tools": []},
        **{
            f"ollama-chat/{name}": {"tools": []}
            for name in ("system", "conversation", "image", "temperature", "stop", "reasoning", "no-reasoning")
        },
    },
    "pydantic-ai": {
        "chat-completions/plain": {"accept": "application/json"},
        "chat-completions/tools": _strict("function."),
        "chat-completions/results": _strict("function."),
        # It knows which models take none, and leaves it out; we let the vendor say so.
        "chat-completions/temperature": {"temperature": None},
        # It knows that this model cannot but think, and asks for the least.
        "chat-completions/no-reasoning": {"reasoning_effort": "minimal"},
        "openai-responses/plain": {"accept": "application/json", **_ENCRYPTED},
        "openai-responses/system": {
            **_ENCRYPTED,
            # What the system says is a message of its own here, not the instructions.
            "input.0.content": "Be brief.",
            "input.0.role": "system",
            "input.1.content": "Hello",
            "input.1.role": "user",
            "instructions": None,
        },
        "openai-responses/conversation": _ENCRYPTED,
        "openai-responses/image": _ENCRYPTED,
        "openai-responses/tools": {**_ENCRYPTED, **_strict("")},
        "openai-responses/results": {**_ENCRYPTED, **_strict("")},
        "openai-responses/temperature": {**_ENCRYPTED, "temperature": None},
        "openai-responses/reasoning": _ENCRYPTED,
        "openai-responses/no-reasoning": {**_ENCRYPTED, "reasoning.effort": "minimal"},
        "anthropic-messages/plain": _ANTHROPIC,
        "anthropic-messages/tools": {"tool_choice.type": "auto"},
        "anthropic-messages/results": {
            "tool_choice.type": "auto",
            **_blocks("messages.2.content.0", "A cat."),
            **_blocks("messages.2.content.1", "A dog."),
        },
        # Thoughts come as the model's default has them, which is not at all for later ones.
        "anthropic-messages/reasoning": {"thinking.display": None},
        "anthropic-messages/no-reasoning": {"thinking.type": None},
    },
}
