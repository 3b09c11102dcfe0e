"""What an answer is made of, as a decoder gives it: named tuples, for there is one for each token.

They know neither their request nor the time; `telling` adds both.
"""

from typing import Any, NamedTuple, TypeAlias

from longwire.generation.failures import Failure
from longwire.protocol.generation import FinishReason


class Named(NamedTuple):
    """The model that answers, as the provider calls it."""

    model: str


class Text(NamedTuple):
    """More of one of the answer's texts, counted from 0."""

    text: str
    number: int


class Reasoning(NamedTuple):
    """More of one of the model's thoughts, counted from 0."""

    text: str
    number: int


class ToolCall(NamedTuple):
    """A whole call. `arguments` is None where `raw` is not a JSON object."""

    number: int
    id: str
    name: str
    arguments: dict[str, Any] | None
    raw: str | None = None


class Usage(NamedTuple):
    """Tokens as the provider counts them; None where it does not say. Output includes reasoning, input cached."""

    input: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cached: int | None = None


class Finished(NamedTuple):
    """The provider said that this is all."""

    reason: FinishReason
    usage: Usage | None


class Failed(NamedTuple):
    """This is all, and not what was asked for."""

    failure: Failure


Part: TypeAlias = Named | Text | Reasoning | ToolCall | Usage | Finished | Failed
