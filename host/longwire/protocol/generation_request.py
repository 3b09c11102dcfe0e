"""What a page asks of a language model, as pydantic models: text, inline images and functions, and nothing else.

A field that is not here does not exist: what would reach an organisation's files, connectors, stored conversations or
third parties has no way in. `longwire.generation.requests` says which field was wrong, and what to do.
"""

from typing import Annotated, Any, Final, Literal, Self

import orjson
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from longwire.protocol.field_types import ShortText
from longwire.protocol.generation import Spoken

MAX_MESSAGES: Final = 2_048
MAX_PARTS: Final = 256
MAX_TOOLS: Final = 128
MAX_TOOL_CALLS: Final = 128
MAX_TEXT_CHARS: Final = 16 * 1024 * 1024
MAX_IMAGE_CHARS: Final = 16 * 1024 * 1024
MAX_STOPS: Final = 4  # what OpenAI takes
MAX_STOP_CHARS: Final = 256
MAX_FALLBACKS: Final = 8
MAX_FIELDS: Final = 64
MAX_TOKENS: Final = 1_000_000
# Objects and lists within each other in what is sent on as JSON, which may have some 250 in all.
MAX_JSON_DEPTH: Final = 128


def nests_deeper(value: object, depth: int) -> bool:
    """Whether a JSON value has more objects and lists within each other."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(depth):
        inside = (inner for each in level for inner in (each.values() if isinstance(each, dict) else each))
        level = [inner for inner in inside if isinstance(inner, dict | list)]
        if not level:
            return False
    return True


def _sendable(value: dict[str, Any]) -> dict[str, Any]:
    if nests_deeper(value, MAX_JSON_DEPTH):
        raise PydanticCustomError("too_deep", "nests too deep: have at most 128 objects and lists within each other")
    try:
        orjson.dumps(value)
    except TypeError:
        raise PydanticCustomError("no_json", "has what JSON cannot say, such as a number of 20 digits") from None
    return value


Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)]
ProviderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
ModelName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")]
FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
JsonObject = Annotated[dict[str, Any], AfterValidator(_sendable)]
FieldName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]


class TextPart(Spoken):
    """Text of a message."""

    type: Literal["text"]
    text: Text


class ImagePart(Spoken):
    """An image, its bytes as base64 text. Never an address: whoever fetches it would be somebody else."""

    type: Literal["image"]
    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    data: Annotated[str, Field(min_length=4, max_length=MAX_IMAGE_CHARS, pattern="^[A-Za-z0-9+/]+={0,2}$")]


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class FunctionCall(Spoken):
    """A call that the model made before, as its `tool_call` event said."""

    id: Annotated[ShortText, Field(min_length=1)]
    name: FunctionName
    arguments: JsonObject


class UserMessage(Spoken):
    """What the user says."""

    role: Literal["user"]
    content: Text | Annotated[list[Part], Field(min_length=1, max_length=MAX_PARTS)]


class AssistantMessage(Spoken):
    """What the model answered before: text, calls, or both."""

    role: Literal["assistant"]
    content: Text | None = None
    tool_calls: Annotated[list[FunctionCall], Field(min_length=1, max_length=MAX_TOOL_CALLS)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.content is None and self.tool_calls is None:
            raise PydanticCustomError("empty_message", "needs content or toolCalls")
        return self


class ToolMessage(Spoken):
    """The result of the call `tool_call_id`."""

    role: Literal["tool"]
    tool_call_id: Annotated[ShortText, Field(min_length=1)]
    content: Annotated[str, Field(max_length=MAX_TEXT_CHARS)]


ChatMessage = Annotated[UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")]


class FunctionTool(Spoken):
    """A function that the model may ask for. `parameters` is a JSON Schema of an object."""

    type: Literal["function"] = "function"
    name: FunctionName
    description: Annotated[str, Field(max_length=MAX_TEXT_CHARS)] | None = None
    parameters: JsonObject


class GenerationRequest(Spoken):
    """What to generate: either `messages`, or a `template` of the policy's and its `fields`.

    `reasoning` is how much a model is to think first; without it, what the provider does by itself. `fallback` are
    providers to ask when this one refuses. `stream` false: the answer in one piece.
    """

    provider: ProviderName
    model: ModelName | None = None
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MAX_MESSAGES)] | None = None
    template: ShortText | None = None
    fields: Annotated[dict[FieldName, str], Field(max_length=MAX_FIELDS)] | None = None
    system: Text | None = None
    tools: Annotated[list[FunctionTool], Field(min_length=1, max_length=MAX_TOOLS)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    stop: (
        Annotated[list[Annotated[str, Field(min_length=1, max_length=MAX_STOP_CHARS)]], Field(max_length=MAX_STOPS)]
        | None
    ) = None
    reasoning: Literal["none", "low", "medium", "high"] | None = None
    fallback: Annotated[list[ProviderName], Field(max_length=MAX_FALLBACKS)] | None = None
    stream: bool = True

    @model_validator(mode="after")
    def _has_one_input(self) -> Self:
        if (self.messages is None) == (self.template is None):
            raise PydanticCustomError("one_input", "needs either messages or a template")
        if (self.template is None) != (self.fields is None):
            raise PydanticCustomError("template_fields", "a template and its fields come together")
        return self
