"""Ollama's `/api/chat`: newline-delimited JSON."""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from longwire.generation.bounds import MAX_CALLS, MAX_NAME_CHARS
from longwire.generation.decoding import Broken, Decoder
from longwire.generation.failures import failure
from longwire.generation.joining import count_of, dict_of, json_of, list_of, text_of, tool_call
from longwire.generation.json_lines import JsonLines
from longwire.generation.parts import Failed, Finished, Named, Part, Reasoning, Text, Usage
from longwire.generation.prompt import Message, Outgoing, Prompt, texts_and_images
from longwire.protocol.generation import FailureCode, FinishReason
from longwire.protocol.generation_request import AssistantMessage, ToolMessage

FINISH_REASONS: Final = {"stop": FinishReason.STOP, "length": FinishReason.LENGTH}


class OllamaChat:
    """The adapter. A local Ollama has no key; its cloud takes one."""

    key_header = "Authorization"
    key_prefix = "Bearer "

    def request(self, prompt: Prompt) -> Outgoing:
        """POST /api/chat. Never refuses."""
        options: dict[str, Any] = {"num_predict": prompt.max_tokens}
        if prompt.temperature is not None:
            options["temperature"] = prompt.temperature
        if prompt.stop:
            options["stop"] = list(prompt.stop)
        # Without `stream` this one streams.
        body: dict[str, Any] = {
            "model": prompt.model,
            "messages": _messages(prompt),
            "stream": prompt.stream,
            "options": options,
        }
        if prompt.tools:
            body["tools"] = [
                {"type": "function", "function": tool.model_dump(include=_TOOL_FIELDS, exclude_none=True)}
                for tool in prompt.tools
            ]
        if prompt.reasoning is not None:
            body["think"] = False if prompt.reasoning == "none" else prompt.reasoning
        accept = "application/x-ndjson" if prompt.stream else "application/json"
        headers = (("Content-Type", "application/json"), ("Accept", accept))
        return Outgoing("POST", "/api/chat", headers, orjson.dumps(body))

    def decoder(self, media_type: str) -> Decoder:
        """For the answer."""
        return Decoder(OllamaReader(), media_type, JsonLines)


_TOOL_FIELDS: Final = {"name", "description", "parameters"}


def _messages(prompt: Prompt) -> list[dict[str, Any]]:
    names: dict[str, str] = {}
    messages: list[dict[str, Any]] = []
    if prompt.system is not None:
        messages.append({"role": "system", "content": prompt.system})
    for message in prompt.messages:
        if isinstance(message, AssistantMessage):
            names |= {call.id: call.name for call in message.tool_calls or ()}
        messages.append(_message(message, names))
    return messages


def _message(message: Message, names: dict[str, str]) -> dict[str, Any]:
    if isinstance(message, ToolMessage):
        # A result is known by the name of the function here.
        name = names.get(message.tool_call_id)
        return {"role": "tool", "content": message.content, **({"tool_name": name} if name else {})}
    if isinstance(message, AssistantMessage):
        said: dict[str, Any] = {"role": "assistant", "content": message.content or ""}
        if message.tool_calls:
            said["tool_calls"] = [
                {"function": {"name": call.name, "arguments": call.arguments}} for call in message.tool_calls
            ]
        return said
    texts, images = texts_and_images(message)
    asked: dict[str, Any] = {"role": "user", "content": "\n\n".join(texts)}
    return {**asked, "images": [image.data for image in images]} if images else asked


class OllamaReader:
    """One answer. Its calls come whole, with arguments that are parsed already."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._named = False
        self._calls = 0

    def read(self, value: dict[str, Any]) -> Iterator[Part]:
        """One line."""
        model = text_of(value.get("model"))
        if model and not self._named:
            self._named = True
            yield Named(model[:MAX_NAME_CHARS])
        message = dict_of(value.get("message"))
        if thought := text_of(message.get("thinking")):
            yield Reasoning(thought, 0)
        if text := text_of(message.get("content")):
            yield Text(text, 0)
        for call in list_of(message.get("tool_calls")):
            yield from self._call(call)
        if value.get("done") is True:
            yield from self._end(value)

    def whole(self, value: dict[str, Any]) -> Iterator[Part]:
        """An answer that was not streamed: the one line of it."""
        yield from self.read(value)
        raise Broken("its answer is not done")

    def done(self) -> Iterator[Part]:
        """`[DONE]` is not of this protocol."""
        yield Failed(failure(FailureCode.ENDED_EARLY))

    def _call(self, call: dict[str, Any]) -> Iterator[Part]:
        function = dict_of(call.get("function"))
        name, arguments = text_of(function.get("name")), function.get("arguments")
        if not name:
            raise Broken("a tool call has no name")
        if self._calls >= MAX_CALLS:
            raise Broken("its answer has too many tool calls")
        text = json_of(arguments) if arguments is not None else ""
        yield tool_call(self._calls, text_of(call.get("id")), name, text)
        self._calls += 1

    def _end(self, value: dict[str, Any]) -> Iterator[Part]:
        counted = Usage(input=count_of(value.get("prompt_eval_count")), output=count_of(value.get("eval_count")))
        if counted != Usage():
            self.usage = counted
            yield counted
        reason = FINISH_REASONS.get(text_of(value.get("done_reason")) or "stop", FinishReason.OTHER)
        if reason is FinishReason.STOP and self._calls:
            reason = FinishReason.TOOL_CALLS
        yield Finished(reason, self.usage)
