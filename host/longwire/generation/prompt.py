"""What an adapter is asked to send: a request whose provider is chosen, whose template is filled, whose input fits."""

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from longwire.generation.decoding import Decoder
from longwire.protocol.generation_request import (
    AssistantMessage,
    FunctionTool,
    GenerationRequest,
    ImagePart,
    TextPart,
    ToolMessage,
    UserMessage,
)

Message: TypeAlias = UserMessage | AssistantMessage | ToolMessage
# What is sent where the page names none: Anthropic wants one, and a budget needs one.
DEFAULT_MAX_TOKENS: Final = 8_192


class Prompt(NamedTuple):
    """One question to one model."""

    model: str
    messages: Sequence[Message]
    system: str | None = None
    tools: Sequence[FunctionTool] = ()
    max_tokens: int = DEFAULT_MAX_TOKENS
    temperature: float | None = None
    stop: Sequence[str] = ()
    reasoning: Literal["none", "low", "medium", "high"] | None = None
    stream: bool = True

    @property
    def images(self) -> int:
        """How many images it has: their tokens are not in their bytes."""
        asked = (message for message in self.messages if isinstance(message, UserMessage))
        return sum(len(texts_and_images(message)[1]) for message in asked)

    @classmethod
    def of(cls, request: GenerationRequest, model: str, messages: Sequence[Message]) -> "Prompt":
        """`request` for `model`, with the messages as they are to be sent."""
        return cls(
            model=model,
            messages=messages,
            system=request.system,
            tools=request.tools or (),
            max_tokens=request.max_tokens or DEFAULT_MAX_TOKENS,
            temperature=request.temperature,
            stop=request.stop or (),
            reasoning=request.reasoning,
            stream=request.stream,
        )


class Outgoing(NamedTuple):
    """An HTTP request as far as an adapter knows it.

    `path` follows the provider's base_url. No key is in it: the policy puts it in, under the adapter's `key_header`.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Adapter(Protocol):
    """One vendor's protocol, both ways."""

    # The header that carries the key, and what stands before the key in it.
    key_header: str
    key_prefix: str

    def request(self, prompt: Prompt) -> Outgoing:
        """What to send.

        Raises:
            RequestRefused: the vendor's protocol has no way to say one of the prompt's fields.
        """
        ...

    def decoder(self, media_type: str) -> Decoder:
        """For the answer to it, whose Content-Type is `media_type`."""
        ...


def texts_and_images(message: UserMessage) -> tuple[list[str], list[ImagePart]]:
    """For vendors that keep them apart."""
    if isinstance(message.content, str):
        return [message.content], []
    texts = [part.text for part in message.content if isinstance(part, TextPart)]
    return texts, [part for part in message.content if isinstance(part, ImagePart)]
