"""OpenAI's Responses, with nothing that is stored: `store` false, no files, no connectors, no earlier response."""

from collections.abc import Hashable, Iterator
from typing import Any, Final

import orjson

from longwire.generation.bounds import MAX_NAME_CHARS
from longwire.generation.decoding import Broken, Decoder
from longwire.generation.failures import failure, of_event
from longwire.generation.joining import Calls, Counting, count_of, dict_of, list_of, text_of
from longwire.generation.parts import Failed, Finished, Named, Part, Reasoning, Text, Usage
from longwire.generation.prompt import Message, Outgoing, Prompt
from longwire.generation.requests import RequestRefused
from longwire.generation.words import Said, said_by
from longwire.protocol.generation import FailureCode, FinishReason
from longwire.protocol.generation_request import AssistantMessage, TextPart, ToolMessage

INCOMPLETE_REASONS: Final = {
    "max_output_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}


class OpenAiResponses:
    """The adapter."""

    key_header = "Authorization"
    key_prefix = "Bearer "

    def request(self, prompt: Prompt) -> Outgoing:
        """POST /responses.

        Raises:
            RequestRefused: `stop`, which this protocol does not have.
        """
        if prompt.stop:
            raise RequestRefused(
                "stop", "OpenAI's Responses have none; leave it out, or use a provider of another kind"
            )
        body: dict[str, Any] = {
            "model": prompt.model,
            "input": [item for message in prompt.messages for item in _items(message)],
            "max_output_tokens": prompt.max_tokens,
            "store": False,
        }
        if prompt.stream:
            body["stream"] = True
        if prompt.system is not None:
            body["instructions"] = prompt.system
        if prompt.tools:
            # Here functions are strict unless one says otherwise, and a strict one takes only a part of JSON Schema.
            body["tools"] = [
                {"type": "function", "strict": False, **tool.model_dump(include=_TOOL_FIELDS, exclude_none=True)}
                for tool in prompt.tools
            ]
        if prompt.temperature is not None:
            body["temperature"] = prompt.temperature
        if prompt.reasoning is not None:
            body["reasoning"] = {"effort": prompt.reasoning}
            if prompt.reasoning != "none":
                body["reasoning"]["summary"] = "auto"
        accept = "text/event-stream" if prompt.stream else "application/json"
        headers = (("Content-Type", "application/json"), ("Accept", accept))
        return Outgoing("POST", "/responses", headers, orjson.dumps(body))

    def decoder(self, media_type: str) -> Decoder:
        """For the answer."""
        return Decoder(ResponsesReader(), media_type)


_TOOL_FIELDS: Final = {"name", "description", "parameters"}


def _items(message: Message) -> Iterator[dict[str, Any]]:
    if isinstance(message, ToolMessage):
        yield {"type": "function_call_output", "call_id": message.tool_call_id, "output": message.content}
    elif isinstance(message, AssistantMessage):
        if message.content is not None:
            yield {"role": "assistant", "content": message.content}
        for call in message.tool_calls or ():
            arguments = orjson.dumps(call.arguments).decode()
            yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}
    elif isinstance(message.content, str):
        yield {"role": "user", "content": message.content}
    else:
        parts = [
            {"type": "input_text", "text": part.text}
            if isinstance(part, TextPart)
            else {"type": "input_image", "image_url": f"data:{part.media_type};base64,{part.data}", "detail": "auto"}
            for part in message.content
        ]
        yield {"role": "user", "content": parts}


class ResponsesReader:
    """One answer. What its end says again is given only where it was not given before."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._named = False
        self._texts = Counting()
        self._thoughts = Counting()
        self._calls = Calls()
        self._call_ids: set[str] = set()
        self._refused = False
        # Whether events say where in the output they belong. Not all compatible servers do.
        self._placed = True

    def read(self, value: dict[str, Any]) -> Iterator[Part]:
        """One event."""
        kind = value.get("type")
        place, part = self._place(value), value.get("content_index", value.get("summary_index"))
        if kind in ("response.output_text.delta", "response.refusal.delta"):
            self._refused = self._refused or kind == "response.refusal.delta"
            if text := text_of(value.get("delta")):
                yield Text(text, self._texts.of((place, _number(part))))
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            if text := text_of(value.get("delta")):
                yield Reasoning(text, self._thoughts.of((place, kind, _number(part))))
        elif kind == "response.output_item.added":
            item = dict_of(value.get("item"))
            if item.get("type") == "function_call":
                self._calls.begin(place, text_of(item.get("call_id")), text_of(item.get("name")))
        elif kind == "response.function_call_arguments.delta":
            self._calls.add(place, text_of(value.get("delta")))
        elif kind == "response.output_item.done":
            yield from self._item(place, dict_of(value.get("item")))
        elif isinstance(kind, str) and kind in _WITH_RESPONSE:
            yield from self._response(kind, dict_of(value.get("response")))

    def whole(self, value: dict[str, Any]) -> Iterator[Part]:
        """A response that was not streamed."""
        yield from self._response(f"response.{value.get('status')}", value)
        raise Broken("its answer has no status that ends it")

    def done(self) -> Iterator[Part]:
        """`[DONE]`, which some servers send after the end. Before it, it says that there will be none."""
        yield Failed(failure(FailureCode.ENDED_EARLY))

    def _response(self, kind: str, response: dict[str, Any]) -> Iterator[Part]:
        model = text_of(response.get("model"))
        if model and not self._named:
            self._named = True
            yield Named(model[:MAX_NAME_CHARS])
        if usage := dict_of(response.get("usage")):
            self.usage = _usage(usage)
        if kind in ("response.failed", "response.cancelled"):
            yield Failed(
                of_event(said_by(response) or Said((), "it does not say why"), delivered=self._gave_anything())
            )
        elif kind in ("response.completed", "response.incomplete"):
            for number, item in enumerate(list_of(response.get("output"))):
                if self._placed or item.get("type") == "function_call":
                    yield from self._item(number, item)
            yield from self._calls.finish_all()
            if self.usage is not None:
                yield self.usage
            yield Finished(self._reason(kind, response), self.usage)

    def _gave_anything(self) -> bool:
        return bool(len(self._calls) or len(self._texts) or len(self._thoughts))

    def _reason(self, kind: str, response: dict[str, Any]) -> FinishReason:
        if kind == "response.incomplete":
            reason = dict_of(response.get("incomplete_details")).get("reason")
            return INCOMPLETE_REASONS.get(str(reason), FinishReason.OTHER)
        if len(self._calls):
            return FinishReason.TOOL_CALLS
        return FinishReason.CONTENT_FILTER if self._refused else FinishReason.STOP

    def _place(self, value: dict[str, Any]) -> Hashable:
        """Where in the output an event belongs: a number, or the name of its item."""
        number = value.get("output_index")
        if isinstance(number, int):
            return number
        item = value.get("item_id") or dict_of(value.get("item")).get("id")
        if isinstance(item, str):
            self._placed = False
            return item
        return None

    def _item(self, key: Hashable, item: dict[str, Any]) -> Iterator[Part]:
        """An item that is done: its calls always, its texts if they were not given in pieces."""
        kind = item.get("type")
        if kind == "function_call":
            call_id = text_of(item.get("call_id"))
            if key not in self._calls and call_id in self._call_ids:
                return
            self._call_ids.add(call_id)
            self._calls.begin(key, call_id, text_of(item.get("name")))
            yield from self._calls.finish(key, text_of(item.get("arguments")))
        elif kind == "message":
            for number, part in enumerate(list_of(item.get("content"))):
                known = not self._placed or (key, number) in self._texts
                if known or part.get("type") not in ("output_text", "refusal"):
                    continue
                self._refused = self._refused or part["type"] == "refusal"
                if text := text_of(part.get("text", part.get("refusal"))):
                    yield Text(text, self._texts.of((key, number)))
        elif kind == "reasoning":
            for name, delta in (
                ("summary", "response.reasoning_summary_text.delta"),
                ("content", "response.reasoning_text.delta"),
            ):
                for number, part in enumerate(list_of(item.get(name))):
                    known = not self._placed or (key, delta, number) in self._thoughts
                    if not known and (text := text_of(part.get("text"))):
                        yield Reasoning(text, self._thoughts.of((key, delta, number)))


_WITH_RESPONSE: Final = frozenset(
    f"response.{status}"
    for status in ("created", "in_progress", "queued", "completed", "incomplete", "failed", "cancelled")
)


def _number(number: Any) -> int:
    return number if isinstance(number, int) else 0


def _usage(usage: dict[str, Any]) -> Usage:
    return Usage(
        input=count_of(usage.get("input_tokens")),
        output=count_of(usage.get("output_tokens")),
        reasoning=count_of(dict_of(usage.get("output_tokens_details")).get("reasoning_tokens")),
        cached=count_of(dict_of(usage.get("input_tokens_details")).get("cached_tokens")),
    )
