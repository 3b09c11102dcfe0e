"""A page's request, checked: what it says is a GenerationRequest, or one refusal that names the field and the fix."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from longwire.protocol.errors import printable
from longwire.protocol.generation import FailureCode
from longwire.protocol.generation_request import GenerationRequest


class RequestRefused(Exception):
    """A request that is not sent. `field` is a path (`tools.0.type`), `message` says what to do and quotes no value."""

    code: Final = FailureCode.BAD_REQUEST

    def __init__(self, field: str, fix: str) -> None:
        self.field = printable(field)
        self.message = printable(f"{field}: {fix}" if field else fix)
        super().__init__(self.message)


_KEYS: Final = "keys, addresses and headers belong in the policy file; name a provider of it"
_STORED: Final = "leave it out: nothing is stored at a provider, so send the whole conversation in messages"
_FILES: Final = "leave it out: only text and inline images are sent"
_CHOICES: Final = "leave it out: one answer, streamed, is what a generation is"
# Fields that other interfaces have, and what to do here instead.
_FIXES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("apiKey", "api_key", "key", "url", "baseURL", "base_url", "headers", "organization"), _KEYS),
    **dict.fromkeys(("previous_response_id", "conversation", "store", "thread", "thread_id", "background"), _STORED),
    **dict.fromkeys(
        ("file_id", "file_ids", "fileId", "file", "attachments", "image_url", "imageUrl", "include"), _FILES
    ),
    **dict.fromkeys(("n", "stream_options", "logprobs", "response_format"), _CHOICES),
    **dict.fromkeys(
        ("mcp_servers", "server_url", "connector_id", "container"),
        "only function tools are sent, which the page runs itself",
    ),
    "input": "write messages",
    "prompt": "write messages, or template and fields",
    "instructions": "write system",
    "max_tokens": "write maxTokens",
    "max_output_tokens": "write maxTokens",
    "max_completion_tokens": "write maxTokens",
    "tool_calls": "write toolCalls, each with id, name and arguments",
    "tool_call_id": "write toolCallId",
    "input_schema": "write parameters",
    "function": "write name, description and parameters beside type",
    "thinking": "write reasoning: 'none', 'low', 'medium' or 'high'",
    "reasoning_effort": "write reasoning: 'none', 'low', 'medium' or 'high'",
    "reasoningEffort": "write reasoning: 'none', 'low', 'medium' or 'high'",
    "stop_sequences": "write stop",
}
_TYPES: Final[Mapping[str, str]] = {
    "tools": "only tools of the type 'function' are sent, which the page runs itself",
    "content": "only parts of the types 'text' and 'image' are sent",
    "role": "write 'user', 'assistant' or 'tool'; what the system is to know goes into the field system",
}

# What a text must look like, in words.
_SHAPES: Final[Mapping[str, str]] = {
    "provider": "must be a name of the policy: letters, digits, '_', '.' and '-', 64 at most",
    "fallback": "must be a name of the policy: letters, digits, '_', '.' and '-', 64 at most",
    "model": "must be printable ASCII without spaces",
    "name": "must be letters, digits, '_' and '-', 64 at most",
    "data": "must be base64 without line ends",
    "fields": "is no name of a field: those are in upper case, as in PR_TITLE",
}

# Of errors at the same depth: a wrong `type` says more than a field that does not belong there, and that more than
# one that is not there.
_TELLING: Final = {"literal_error": 3, "extra_forbidden": 2, "string_type": 0}
_TAGS: Final = ("union_tag_invalid", "union_tag_not_found")


def parse_request(value: object) -> GenerationRequest:
    """What a page asked for.

    Raises:
        RequestRefused: one thing in it is not of a generation request. Nothing was sent.
    """
    try:
        return GenerationRequest.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        raise _refusal(error.errors(include_url=False, include_context=False), value) from None


def _refusal(errors: list[ErrorDetails], value: object) -> RequestRefused:
    # Of a union each member has its errors. The one that got furthest into what is there says most.
    paths = [(_path(each["loc"], value, missing=each["type"] == "missing"), each) for each in errors]
    path, error = max(paths, key=lambda pair: (len(pair[0]), _TELLING.get(pair[1]["type"], 1)))
    if error["type"] in _TAGS:
        path.append("type" if "content" in path else "role")
    return RequestRefused(".".join(path), _fix(path, error))


def _path(loc: tuple[int | str, ...], value: object, *, missing: bool) -> list[str]:
    """`loc` without what pydantic puts between: the names of a union's members, which are not in the value."""
    path: list[str] = []
    for position, step in enumerate(loc):
        named = missing and position == len(loc) - 1
        if isinstance(value, Mapping) and (step in value or named):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            continue
        path.append(str(step))
    return path


def _fix(path: list[str], error: ErrorDetails) -> str:
    name = path[-1] if path else ""
    kind = error["type"]
    if kind == "extra_forbidden":
        return _FIXES.get(name, "is no field of a generation request; leave it out")
    if kind in _TAGS:
        return _TYPES["role" if name == "role" else "content"]
    if kind == "literal_error" and path[0] == "tools":
        return _TYPES["tools"]
    if kind == "missing":
        return "is missing"
    if kind in ("model_type", "dict_type"):
        return "must be an object"
    said = str(error["msg"])[:1].lower() + str(error["msg"])[1:]
    if kind == "string_pattern_mismatch":
        said = next((_SHAPES[step] for step in (path[0], *reversed(path)) if step in _SHAPES), said)
    return said
