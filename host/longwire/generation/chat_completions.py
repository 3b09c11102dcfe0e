"""Chat Completions: OpenAI's, and of whoever is compatible with it (xAI, vLLM, llama.cpp, LM Studio).

Where the servers differ, and what is made of it:
- usage comes in a last chunk without choices (OpenAI, vLLM), in the chunk that ends the choice (llama.cpp), or, summed
  up, in every chunk (xAI): the last word counts
- thoughts come as `reasoning_content` (DeepSeek, xAI, llama.cpp), as `reasoning` (vLLM, LM Studio), or as both
- the index of a tool call may be missing, or the same for different calls; an id may come once, or with every fragment
- xAI's completion tokens leave the reasoning tokens out, OpenAI's have them in: what is not prompt is output
"""

from collections.abc import Hashable, Iterator
from typing import Any, Final

import orjson

from longwire.generation.bounds import MAX_NAME_CHARS
from longwire.generation.decoding import Broken, Decoder
from longwire.generation.failures import failure
from longwire.generation.joining import Calls, count_of, dict_of, json_of, list_of, text_of
from longwire.generation.parts import Failed, Finished, Named, Part, Reasoning, Text, Usage
from longwire.generation.prompt import Message, Outgoing, Prompt, texts_and_images
from longwire.protocol.generation import FailureCode, FinishReason
from longwire.protocol.generation_request import AssistantMessage, TextPart, ToolMessage

FINISH_REASONS: Final = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}


class ChatCompletions:
    """The adapter. `openai`: the vendor itself, which has fields that strict servers of others refuse."""

    key_header = "Authorization"
    key_prefix = "Bearer "

    def __init__(self, *, openai: bool) -> None:
        self._openai = openai

    def request(self, prompt: Prompt) -> Outgoing:
        """POST /chat/completions. Never refuses."""
        body: dict[str, Any] = {
            "model": prompt.model,
            "messages": [*_system(prompt.system), *(_message(message) for message in prompt.messages)],
            # OpenAI's reasoning models refuse the old name, servers of others may not know the new one.
            "max_completion_tokens" if self._openai else "max_tokens": prompt.max_tokens,
        }
        if prompt.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if prompt.tools:
            body["tools"] = [
                {"type": "function", "function": tool.model_dump(include=_TOOL_FIELDS, exclude_none=True)}
                for tool in prompt.tools
            ]
        if prompt.temperature is not None:
            body["temperature"] = prompt.temperature
        if prompt.stop:
            body["stop"] = list(prompt.stop)
        if prompt.reasoning is not None:
            body["reasoning_effort"] = prompt.reasoning
        if self._openai:
            body["store"] = False
        accept = "text/event-stream" if prompt.stream else "application/json"
        headers = (("Content-Type", "application/json"), ("Accept", accept))
        return Outgoing("POST", "/chat/completions", headers, orjson.dumps(body))

    def decoder(self, media_type: str) -> Decoder:
        """For the answer."""
        return Decoder(ChatReader(), media_type)


_TOOL_FIELDS: Final = {"name", "description", "parameters"}


def _system(text: str | None) -> list[dict[str, Any]]:
    return [] if text is None else [{"role": "system", "content": text}]


def _message(message: Message) -> dict[str, Any]:
    if isinstance(message, ToolMessage):
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    if isinstance(message, AssistantMessage):
        said: dict[str, Any] = {"role": "assistant", "content": message.content}
        if message.tool_calls:
            said["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": orjson.dumps(call.arguments).decode()},
                }
                for call in message.tool_calls
            ]
        return said
    if isinstance(message.content, str):
        return {"role": "user", "content": message.content}
    if not texts_and_images(message)[1]:
        # Servers without images often take text only as text.
        return {"role": "user", "content": "\n\n".join(texts_and_images(message)[0])}
    parts = [
        {"type": "text", "text": part.text}
        if isinstance(part, TextPart)
        else {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{part.data}"}}
        for part in message.content
    ]
    return {"role": "user", "content": parts}


class ChatReader:
    """One answer."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._named = False
        self._calls = Calls()
        # Which call a fragment is of: the last one that began, and the last one under each index.
        self._last_call: Hashable = None
        self._under: dict[int, Hashable] = {}
        self._reason: FinishReason | None = None
        self._refused = False

    def read(self, value: dict[str, Any]) -> Iterator[Part]:
        """One chunk."""
        yield from self._about(value)
        for choice in list_of(value.get("choices")):
            if choice.get("index") not in (0, None):
                continue  # one answer was asked for
            yield from self._delta(dict_of(choice.get("delta")))
            yield from self._finish(choice.get("finish_reason"))

    def whole(self, value: dict[str, Any]) -> Iterator[Part]:
        """A chat completion that was not streamed."""
        yield from self._about(value)
        choices = list_of(value.get("choices"))
        if not choices:
            raise Broken("its answer has no choices")
        message = dict_of(choices[0].get("message"))
        calls = [{"index": number, **call} for number, call in enumerate(list_of(message.get("tool_calls")))]
        yield from self._delta({**message, "tool_calls": calls})
        yield from self._finish(choices[0].get("finish_reason"))
        yield from self.done()

    def done(self) -> Iterator[Part]:
        """`[DONE]`: the end of an answer whose choice has ended; without that it is the end of something else."""
        if self._reason is None:
            yield Failed(failure(FailureCode.ENDED_EARLY))
            return
        if self.usage is not None:
            yield self.usage
        reason = self._reason
        if reason is FinishReason.STOP and self._refused:
            reason = FinishReason.CONTENT_FILTER
        elif reason is FinishReason.STOP and len(self._calls):
            reason = FinishReason.TOOL_CALLS  # some servers end every answer with `stop`
        yield Finished(reason, self.usage)

    def _about(self, value: dict[str, Any]) -> Iterator[Part]:
        model = text_of(value.get("model"))
        if model and not self._named:
            self._named = True
            yield Named(model[:MAX_NAME_CHARS])
        usage = dict_of(value.get("usage"))
        if usage:
            self.usage = _usage(usage)

    def _delta(self, delta: dict[str, Any]) -> Iterator[Part]:
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought and isinstance(thought, str):
            yield Reasoning(thought, 0)
        if text := _content(delta.get("content")):
            yield Text(text, 0)
        if refusal := text_of(delta.get("refusal")):
            self._refused = True
            yield Text(refusal, 0)
        for call in list_of(delta.get("tool_calls")):
            self._call(call)

    def _call(self, call: dict[str, Any]) -> None:
        function = dict_of(call.get("function"))
        call_id, name = text_of(call.get("id")), text_of(function.get("name"))
        key = self._key(call.get("index"), call_id, name)
        self._last_call = key
        if key is not None:
            self._calls.begin(key, call_id, name)
        arguments = function.get("arguments")
        self._calls.add(key, json_of(arguments) if isinstance(arguments, dict) else text_of(arguments))

    def _key(self, index: Any, call_id: str, name: str) -> Hashable:
        """Which call a fragment is of."""
        if not isinstance(index, int):
            return ("id", call_id) if call_id else ("name", name) if name else self._last_call
        key = self._under.get(index)
        # Another call under an index that is taken has another id and a name; a new id alone is a server's whim.
        if key is None or (name and call_id and self._calls.id_of(key) not in ("", call_id)):
            key = self._under[index] = (index, call_id)
        return key

    def _finish(self, reason: Any) -> Iterator[Part]:
        if reason is None or reason == "":
            return
        if reason == "error":
            yield Failed(
                failure(FailureCode.GENERATION_FAILED, "it ended the answer with an error that it does not name")
            )
            return
        if self._reason is None:
            yield from self._calls.finish_all()
        self._reason = FINISH_REASONS.get(text_of(reason), FinishReason.OTHER)


def _content(content: Any) -> str:
    """Text, or a list of parts as some servers have it, of which only the texts are the answer."""
    if isinstance(content, list):
        return "".join(text_of(part.get("text")) for part in list_of(content) if part.get("type") == "text")
    return text_of(content)


def _usage(usage: dict[str, Any]) -> Usage:
    prompt, completion = count_of(usage.get("prompt_tokens")), count_of(usage.get("completion_tokens"))
    total = count_of(usage.get("total_tokens"))
    output = completion
    if total is not None and prompt is not None:
        output = max(completion or 0, total - prompt)
    return Usage(
        input=prompt,
        output=output,
        reasoning=count_of(dict_of(usage.get("completion_tokens_details")).get("reasoning_tokens")),
        cached=count_of(dict_of(usage.get("prompt_tokens_details")).get("cached_tokens")),
    )
