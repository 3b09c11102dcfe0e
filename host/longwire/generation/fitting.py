"""A prompt that fits into `max_input`: what users and tools say is cut, longest first; nothing else is.

Sizes are bytes of UTF-8 of all text: messages, system, functions and their calls. Images are not text, and not counted.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import orjson

from longwire.generation.cutting import DoesNotFit, cut_longest, size_of
from longwire.generation.prompt import Message, Prompt
from longwire.generation.templates import Template
from longwire.protocol.generation_request import AssistantMessage, Part, TextPart, ToolMessage, UserMessage


class Fitted(NamedTuple):
    """A prompt as it is sent, and the sizes before and after."""

    prompt: Prompt
    original_size: int
    size: int

    @property
    def truncated(self) -> bool:
        """Whether something is missing."""
        return self.size < self.original_size


def fit(prompt: Prompt, limit: int | None) -> Fitted:
    """`prompt` in at most `limit` bytes of text; without one, as it is.

    Raises:
        DoesNotFit: what may not be cut is too long already.
    """
    fixed = _fixed_size(prompt)
    texts = {name: text for at, message in enumerate(prompt.messages) for name, text in _texts(at, message)}
    if limit is None:
        size = fixed + sum(map(size_of, texts.values()))
        return Fitted(prompt, size, size)
    cut = cut_longest(texts, limit, fixed)
    if cut.truncated:
        left = (_with(at, message, cut.texts) for at, message in enumerate(prompt.messages))
        messages = [message for message in left if message is not None]
        if not any(cut.texts.values()) or not messages:
            raise DoesNotFit(fixed, limit)
        prompt = prompt._replace(messages=messages)
    return Fitted(prompt, fixed + cut.original_size, fixed + cut.size)


def fill(prompt: Prompt, template: Template, fields: Mapping[str, str], limit: int | None) -> Fitted:
    """`prompt` with the filled template as its only message. The fields are cut, never the template's own words.

    Raises:
        RequestRefused: a field is missing, or unknown.
        DoesNotFit: the template alone is too long already.
    """
    template.check(fields)
    fixed = _fixed_size(prompt) + template.size
    whole = fixed + sum(size_of(fields[name]) for name in template.names)
    if limit is not None and whole > limit:
        if len(set(template.names)) == len(template.names):
            fields = cut_longest(fields, limit, fixed).texts
        else:
            # A field that stands there twice takes its room twice.
            most = max(map(template.names.count, template.names))
            if limit - fixed < most:
                raise DoesNotFit(fixed, limit)
            fields = cut_longest(fields, (limit - fixed) // most).texts
    filled = prompt._replace(messages=[UserMessage(role="user", content=template.render(fields))])
    fitted = fit(filled, limit)
    return fitted._replace(original_size=whole)


def _fixed_size(prompt: Prompt) -> int:
    size = size_of(prompt.system or "")
    for tool in prompt.tools:
        size += len(tool.name) + size_of(tool.description or "") + len(orjson.dumps(tool.parameters))
    for message in prompt.messages:
        if isinstance(message, AssistantMessage):
            size += size_of(message.content or "")
            size += sum(len(call.name) + len(orjson.dumps(call.arguments)) for call in message.tool_calls or ())
    return size


def _texts(at: int, message: Message) -> Iterator[tuple[str, str]]:
    if isinstance(message, AssistantMessage):
        return
    if isinstance(message.content, str):
        yield f"{at}", message.content
        return
    for number, part in enumerate(message.content):
        if isinstance(part, TextPart):
            yield f"{at}.{number}", part.text


def _with(at: int, message: Message, texts: Mapping[str, str]) -> Message | None:
    """`message` with its texts as they were cut; None if nothing is left, for vendors refuse empty texts."""
    if isinstance(message, AssistantMessage):
        return message
    if isinstance(message, ToolMessage):
        return message.model_copy(update={"content": texts[f"{at}"]})
    if isinstance(message.content, str):
        text = texts[f"{at}"]
        return message.model_copy(update={"content": text}) if text else None
    parts: list[Part] = []
    for number, part in enumerate(message.content):
        if not isinstance(part, TextPart):
            parts.append(part)
        elif text := texts[f"{at}.{number}"]:
            parts.append(part.model_copy(update={"text": text}))
    return message.model_copy(update={"content": parts}) if parts else None
