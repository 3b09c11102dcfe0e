"""Anthropic's Messages."""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from longwire.generation.bounds import MAX_NAME_CHARS, MAX_UNFINISHED_CHARS
from longwire.generation.decoding import Broken, Decoder
from longwire.generation.failures import failure
from longwire.generation.joining import Calls, Counting, count_of, dict_of, json_of, list_of, text_of
from longwire.generation.parts import Failed, Finished, Named, Part, Reasoning, Text, Usage
from longwire.generation.prompt import Message, Outgoing, Prompt
from longwire.protocol.generation import FailureCode, FinishReason
from longwire.protocol.generation_request import AssistantMessage, TextPart, ToolMessage

VERSION: Final = "2023-06-01"
FINISH_REASONS: Final = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
}
# Models that think within a budget of tokens. All later ones decide for themselves, and take an effort.
_BUDGETED: Final = re.compile(r"claude-(?:3|(?:opus|sonnet|haiku)-4(?:-[015])?(?:-\d{8})?$)", re.ASCII)
# The vendor's least is 1,024, and it must be less than max_tokens.
_BUDGETS: Final = {"low": 1_024, "medium": 4_096, "high": 16_384}


class AnthropicMessages:
    """The adapter."""

    key_header = "x-api-key"
    key_prefix = ""

    def request(self, prompt: Prompt) -> Outgoing:
        """POST /v1/messages. Never refuses: models that take no temperature, or cannot but think, say so themselves."""
        body: dict[str, Any] = {
            "model": prompt.model,
            "max_tokens": prompt.max_tokens,
            "messages": _turns(prompt),
        }
        if prompt.stream:
            body["stream"] = True
        if prompt.system is not None:
            body["system"] = prompt.system
        if prompt.tools:
            body["tools"] = [
                {
                    "name": tool.name,
                    **({"description": tool.description} if tool.description is not None else {}),
                    "input_schema": tool.parameters,
                }
                for tool in prompt.tools
            ]
        if prompt.temperature is not None:
            body["temperature"] = prompt.temperature
        if prompt.stop:
            body["stop_sequences"] = list(prompt.stop)
        body |= _thinking(prompt)
        accept = "text/event-stream" if prompt.stream else "application/json"
        headers = (("Content-Type", "application/json"), ("Accept", accept), ("anthropic-version", VERSION))
        return Outgoing("POST", "/v1/messages", headers, orjson.dumps(body))

    def decoder(self, media_type: str) -> Decoder:
        """For the answer."""
        return Decoder(MessagesReader(), media_type)


def _thinking(prompt: Prompt) -> dict[str, Any]:
    if prompt.reasoning is None:
        return {}
    if prompt.reasoning == "none":
        return {"thinking": {"type": "disabled"}}
    if not _BUDGETED.match(prompt.model):
        thinking = {"type": "adaptive", "display": "summarized"}
        return {"thinking": thinking, "output_config": {"effort": prompt.reasoning}}
    budget = min(_BUDGETS[prompt.reasoning], prompt.max_tokens - 1)
    # These models want their signed thoughts back with the results of their calls, and nobody keeps those.
    if budget < _BUDGETS["low"] or isinstance(prompt.messages[-1], ToolMessage):
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _turns(prompt: Prompt) -> list[dict[str, Any]]:
    """Users and models in turn: all results of one round of calls must be in one message."""
    turns: list[dict[str, Any]] = []
    for message in prompt.messages:
        role, blocks = ("assistant" if isinstance(message, AssistantMessage) else "user"), _blocks(message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: Message) -> list[dict[str, Any]]:
    if isinstance(message, ToolMessage):
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content}]
    if isinstance(message, AssistantMessage):
        text = [] if message.content is None else [{"type": "text", "text": message.content}]
        calls = [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
            for call in message.tool_calls or ()
        ]
        return [*text, *calls]
    if isinstance(message.content, str):
        return [{"type": "text", "text": message.content}]
    return [
        {"type": "text", "text": part.text}
        if isinstance(part, TextPart)
        else {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": part.data}}
        for part in message.content
    ]


class MessagesReader:
    """One answer. Blocks of types that are not known, and pings, add nothing."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._counts: dict[str, Any] = {}
        self._texts = Counting()
        self._thoughts = Counting()
        self._calls = Calls()
        # Arguments that came with the beginning of a call, which count if no fragment follows.
        self._inputs: dict[int, str] = {}
        self._reason: FinishReason | None = None

    def read(self, value: dict[str, Any]) -> Iterator[Part]:
        """One event."""
        kind = value.get("type")
        if kind == "content_block_delta":
            yield from self._delta(_index(value), dict_of(value.get("delta")))
        elif kind == "message_start":
            message = dict_of(value.get("message"))
            if model := text_of(message.get("model")):
                yield Named(model[:MAX_NAME_CHARS])
            yield from self._count(message.get("usage"))
        elif kind == "content_block_start":
            yield from self._begin(_index(value), dict_of(value.get("content_block")))
        elif kind == "content_block_stop":
            yield from self._finish(_index(value))
        elif kind == "message_delta":
            reason = text_of(dict_of(value.get("delta")).get("stop_reason"))
            if reason:
                self._reason = FINISH_REASONS.get(reason, FinishReason.OTHER)
            yield from self._count(value.get("usage"))
        elif kind == "message_stop":
            yield from self._end()

    def whole(self, value: dict[str, Any]) -> Iterator[Part]:
        """A message that was not streamed."""
        if value.get("type") != "message":
            raise Broken("its answer is no message")
        yield from self.read({"type": "message_start", "message": {**value, "usage": None}})
        for number, block in enumerate(list_of(value.get("content"))):
            yield from self._begin(number, block)
            yield from self._finish(number)
        yield from self.read({"type": "message_delta", "delta": value, "usage": value.get("usage")})
        yield from self._end()

    def done(self) -> Iterator[Part]:
        """`[DONE]` is not of this protocol; before the end it says that there will be none."""
        yield Failed(failure(FailureCode.ENDED_EARLY))

    def _begin(self, index: int, block: dict[str, Any]) -> Iterator[Part]:
        kind = block.get("type")
        if kind == "text" and (text := text_of(block.get("text"))):
            yield Text(text, self._texts.of(index))
        elif kind == "thinking" and (text := text_of(block.get("thinking"))):
            yield Reasoning(text, self._thoughts.of(index))
        elif kind == "tool_use":
            self._calls.begin(index, text_of(block.get("id")), text_of(block.get("name")))
            self._inputs[index] = json_of(dict_of(block.get("input")))
            if sum(map(len, self._inputs.values())) > MAX_UNFINISHED_CHARS:
                raise Broken("the arguments of a tool call are too long")

    def _delta(self, index: int, delta: dict[str, Any]) -> Iterator[Part]:
        kind = delta.get("type")
        if kind == "text_delta" and (text := text_of(delta.get("text"))):
            yield Text(text, self._texts.of(index))
        elif kind == "thinking_delta" and (text := text_of(delta.get("thinking"))):
            yield Reasoning(text, self._thoughts.of(index))
        elif kind == "input_json_delta" and index in self._calls:
            fragment = text_of(delta.get("partial_json"))
            if fragment:
                self._inputs.pop(index, None)
            self._calls.add(index, fragment)

    def _finish(self, index: int) -> Iterator[Part]:
        yield from self._calls.finish(index, self._inputs.pop(index, None))

    def _count(self, usage: Any) -> Iterator[Part]:
        """What is counted is the whole so far, not what came since; null says nothing."""
        self._counts |= {name: count for name, count in dict_of(usage).items() if count is not None}
        if not self._counts:
            return
        read, written = (count_of(self._counts.get(f"cache_{what}_input_tokens")) for what in ("read", "creation"))
        fresh = count_of(self._counts.get("input_tokens"))
        counted = Usage(
            # The vendor leaves what the cache knew out of the input.
            input=None if fresh is None else count_of(fresh + (read or 0) + (written or 0)),
            output=count_of(self._counts.get("output_tokens")),
            reasoning=_thinking_tokens(self._counts.get("output_tokens_details")),
            cached=read,
        )
        if counted != self.usage:
            self.usage = counted
            yield counted

    def _end(self) -> Iterator[Part]:
        if self._reason is None:
            yield Failed(failure(FailureCode.ENDED_EARLY))
            return
        for index in list(self._inputs):
            yield from self._finish(index)
        yield from self._calls.finish_all()
        yield Finished(self._reason, self.usage)


def _thinking_tokens(details: Any) -> int | None:
    return count_of(details.get("thinking_tokens")) if isinstance(details, dict) else None


def _index(value: dict[str, Any]) -> int:
    index = value.get("index")
    if not isinstance(index, int):
        raise Broken("it sent a block without its index")
    return index
