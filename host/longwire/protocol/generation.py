"""What a generation says while it runs: one union of events, as pydantic models. `generation_request` has the request.

On the wire each event is the data of one server-sent event: a JSON object whose names are in camel case. No event
holds the text so far; whoever reads them keeps it. Nothing of this is made when the host starts.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from longwire.protocol.errors import ErrorCode
from longwire.protocol.field_types import HumanText, Message, Offset, ShortText


class Spoken(Message):
    """A message whose names are in camel case on the wire, and those of Python in the host."""

    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, serialize_by_alias=True)


class FailureCode(StrEnum):
    """Why a generation failed, as far as the provider's own words say. Append only, as ErrorCode is."""

    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    AUTHENTICATION = "AUTHENTICATION"
    OVERLOADED = "OVERLOADED"
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    CONTEXT_TOO_LONG = "CONTEXT_TOO_LONG"
    CONTENT_FILTERED = "CONTENT_FILTERED"
    MODEL_UNKNOWN = "MODEL_UNKNOWN"
    BAD_REQUEST = "BAD_REQUEST"
    GENERATION_FAILED = "GENERATION_FAILED"
    ENDED_EARLY = "ENDED_EARLY"


class FinishReason(StrEnum):
    """Why a complete answer ends where it does."""

    STOP = "stop"  # the model was done, or came to one of the texts of `stop`
    LENGTH = "length"  # `maxTokens`, or the model's own limit
    TOOL_CALLS = "tool_calls"  # the model waits for the results of its calls
    CONTENT_FILTER = "content_filter"  # the provider, or the model itself, would not go on
    OTHER = "other"


class GenerationPhase(StrEnum):
    """What a generation is at."""

    QUEUED = "queued"
    CONNECTING = "connecting"
    THINKING = "thinking"
    GENERATING = "generating"
    RETRYING = "retrying"
    SWITCHING_PROVIDER = "switching_provider"


class TokenUsage(Spoken):
    """Tokens as the provider counts them; `estimated` where it has not said yet.

    `outputTokens` includes `reasoningTokens`, `inputTokens` includes `cachedTokens`, whatever the provider adds up.
    """

    input_tokens: Offset | None = None
    output_tokens: Offset | None = None
    reasoning_tokens: Offset | None = None
    cached_tokens: Offset | None = None
    estimated: bool = False


class Cost(Spoken):
    """What an answer costs by the policy's prices. `amount` is a decimal number: `"0.00125"`."""

    amount: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$", max_length=60)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]


class GenerationTimings(Spoken):
    """Milliseconds since the request was accepted. `overhead` is what of `total` was not the provider's."""

    first_content: Offset | None = None
    total: Offset
    overhead: Offset


class GenerationEvent(Spoken):
    """What every event says: which generation it belongs to."""

    request_id: ShortText


class StatusEvent(GenerationEvent):
    """The generation came to another phase. `message` is for people."""

    type: Literal["status"] = "status"
    phase: GenerationPhase
    message: HumanText


class MetadataEvent(GenerationEvent):
    """Who answers what, before any content. Sizes are bytes of UTF-8; `truncated` says that the input was cut."""

    type: Literal["metadata"] = "metadata"
    model: ShortText
    provider: ShortText
    truncated: bool | None = None
    original_size: Offset | None = None
    truncated_size: Offset | None = None
    prompt_length: Offset


class ContentEvent(GenerationEvent):
    """More of the answer. `index` counts the texts of an answer, of which there is nearly always one."""

    type: Literal["content"] = "content"
    text: str
    index: Offset


class ReasoningEvent(GenerationEvent):
    """More of what the model thinks, as far as the provider shows it."""

    type: Literal["reasoning"] = "reasoning"
    text: str
    index: Offset


class ToolCallEvent(GenerationEvent):
    """One whole call of a function.

    Where the model wrote what is not a JSON object, or was cut, there is `raw_arguments` in place of `arguments`.
    """

    type: Literal["tool_call"] = "tool_call"
    index: Offset
    id: ShortText
    name: ShortText
    arguments: dict[str, Any] | None = None
    raw_arguments: str | None = None


class UsageEvent(GenerationEvent, TokenUsage):
    """Tokens so far."""

    type: Literal["usage"] = "usage"


class CompleteEvent(GenerationEvent):
    """The provider said that the answer is whole. Last event."""

    type: Literal["complete"] = "complete"
    finish_reason: FinishReason
    usage: TokenUsage
    model: ShortText
    provider: ShortText
    timings: GenerationTimings
    cost: Cost | None = None


class ErrorEvent(GenerationEvent):
    """The generation failed; what came before stays. Last event.

    `retryAfter` is in seconds, as the header of that name: docs/events.md has it so for every server.
    """

    type: Literal["error"] = "error"
    code: FailureCode | ErrorCode
    message: HumanText
    retryable: bool
    retry_after: Annotated[float, Field(ge=0)] | None = None


AnyGenerationEvent = Annotated[
    StatusEvent
    | MetadataEvent
    | ContentEvent
    | ReasoningEvent
    | ToolCallEvent
    | UsageEvent
    | CompleteEvent
    | ErrorEvent,
    Field(discriminator="type"),
]
