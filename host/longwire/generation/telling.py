"""What a page is told: parts of an answer as events of one generation, and events as the bytes of an event stream.

The time comes from outside, in milliseconds since the request was accepted.
"""

from collections.abc import Iterator
from typing import Final

from longwire.generation.estimate import estimated
from longwire.generation.failures import Failure
from longwire.generation.parts import Finished, Named, Part, Reasoning, Text, ToolCall, Usage
from longwire.generation.prices import cost_of
from longwire.prices import Prices
from longwire.protocol.generation import (
    AnyGenerationEvent,
    CompleteEvent,
    ContentEvent,
    ErrorEvent,
    GenerationPhase,
    GenerationTimings,
    MetadataEvent,
    ReasoningEvent,
    StatusEvent,
    TokenUsage,
    ToolCallEvent,
    UsageEvent,
)

# A comment: an event would be one more that a reader does not know, and ends the answers of some.
HEARTBEAT: Final = b": still there\n\n"


def encode(event: AnyGenerationEvent) -> bytes:
    """As one event of a text/event-stream. JSON escapes line ends, so that no text of a model ends or begins one."""
    return b"data: " + event.model_dump_json(exclude_none=True).encode() + b"\n\n"


class Telling:
    """One generation, whoever answers it in the end."""

    def __init__(self, request_id: str, provider: str, model: str, prices: Prices | None = None) -> None:
        """`prices` of `model`, where the policy has them."""
        self._request_id = request_id
        self._prices = prices
        self._provider = provider
        self._model = model
        self._phase: GenerationPhase | None = None
        self._first_content_ms: int | None = None
        self._input_estimate = 0

    def switch(self, provider: str, model: str, prices: Prices | None) -> None:
        """Another provider answers. Before any content, so that nothing was told that is not so any more."""
        self._provider, self._model, self._prices = provider, model, prices

    def status(self, phase: GenerationPhase, message: str) -> StatusEvent:
        """What the generation is at."""
        self._phase = phase
        return StatusEvent(request_id=self._request_id, phase=phase, message=message)

    def metadata(self, prompt_length: int, input_estimate: int, cut: tuple[int, int] | None = None) -> MetadataEvent:
        """Who answers what. `prompt_length` in bytes, `input_estimate` in tokens, `cut` the sizes before and after."""
        self._input_estimate = input_estimate
        return MetadataEvent(
            request_id=self._request_id,
            model=self._model,
            provider=self._provider,
            prompt_length=prompt_length,
            truncated=True if cut else None,
            original_size=cut[0] if cut else None,
            truncated_size=cut[1] if cut else None,
        )

    def tell(self, part: Part, now_ms: int, waited_ms: int, output_estimate: int = 0) -> Iterator[AnyGenerationEvent]:
        """The events of one part.

        `waited_ms`: how much of `now_ms` was the provider's. `output_estimate`: tokens so far, where it counts none.
        """
        if isinstance(part, Text):
            if self._first_content_ms is None:
                self._first_content_ms = now_ms
            yield from self._enter(GenerationPhase.GENERATING, "The model answers")
            yield ContentEvent(request_id=self._request_id, text=part.text, index=part.number)
        elif isinstance(part, Reasoning):
            yield from self._enter(GenerationPhase.THINKING, "The model thinks")
            yield ReasoningEvent(request_id=self._request_id, text=part.text, index=part.number)
        elif isinstance(part, ToolCall):
            yield ToolCallEvent(
                request_id=self._request_id,
                index=part.number,
                id=part.id,
                name=part.name,
                arguments=part.arguments,
                raw_arguments=part.raw,
            )
        elif isinstance(part, Usage):
            yield UsageEvent(
                request_id=self._request_id,
                input_tokens=part.input,
                output_tokens=part.output,
                reasoning_tokens=part.reasoning,
                cached_tokens=part.cached,
            )
        elif isinstance(part, Named):
            self._model = part.model
        elif isinstance(part, Finished):
            yield self._complete(part, now_ms, waited_ms, output_estimate)
        else:
            yield self.error(part.failure)

    def guess(self, output_tokens: int) -> UsageEvent:
        """Tokens so far that nobody counted, where the provider counts at the end."""
        return UsageEvent(
            request_id=self._request_id,
            input_tokens=self._input_estimate,
            output_tokens=output_tokens,
            estimated=True,
        )

    def error(self, failure: Failure) -> ErrorEvent:
        """The last event of a generation that did not go well."""
        return ErrorEvent(
            request_id=self._request_id,
            code=failure.code,
            message=failure.message,
            retryable=failure.retryable,
            retry_after=None if failure.retry_after_ms is None else failure.retry_after_ms / 1000,
        )

    def _enter(self, phase: GenerationPhase, message: str) -> Iterator[StatusEvent]:
        if self._phase is not phase:
            yield self.status(phase, message)

    def _complete(self, part: Finished, now_ms: int, waited_ms: int, output_estimate: int) -> CompleteEvent:
        counted = part.usage
        usage = estimated(self._input_estimate, output_estimate) if counted is None else _usage(counted)
        return CompleteEvent(
            request_id=self._request_id,
            finish_reason=part.reason,
            usage=usage,
            model=self._model,
            provider=self._provider,
            timings=GenerationTimings(
                first_content=self._first_content_ms, total=now_ms, overhead=max(now_ms - waited_ms, 0)
            ),
            cost=cost_of(counted, self._prices) if counted is not None and self._prices is not None else None,
        )


def _usage(usage: Usage) -> TokenUsage:
    return TokenUsage(
        input_tokens=usage.input,
        output_tokens=usage.output,
        reasoning_tokens=usage.reasoning,
        cached_tokens=usage.cached,
    )
