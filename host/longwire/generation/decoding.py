"""Bytes of one answer, in any split, to its parts: the same parts for every split, and exactly one that is the last."""

import json
from collections.abc import Iterator
from typing import Any, Final, Protocol

import orjson

from longwire.generation.event_stream import EventStream, ServerEvent, TooLarge
from longwire.generation.failures import failure, of_event
from longwire.generation.json_lines import JsonLines, WholeJson
from longwire.generation.parts import Failed, Finished, Part, Reasoning, Text, ToolCall, Usage
from longwire.generation.words import said_by
from longwire.protocol.generation import FailureCode


class Broken(Exception):
    """What came is not what the vendor's protocol says. The text says what, and quotes nothing."""


class Reader(Protocol):
    """One vendor's state of one answer. Raises Broken."""

    usage: Usage | None

    def read(self, value: dict[str, Any]) -> Iterator[Part]:
        """The parts that one event adds."""
        ...

    def whole(self, value: dict[str, Any]) -> Iterator[Part]:
        """The parts of an answer that came in one piece, up to the last one."""
        ...

    def done(self) -> Iterator[Part]:
        """The parts that `[DONE]` adds."""
        ...


class Decoder:
    """One answer. `receive` its bytes, then `end`; after the last part both give nothing more."""

    def __init__(self, reader: Reader, media_type: str, usual: type[EventStream | JsonLines] = EventStream) -> None:
        """`media_type` is the answer's Content-Type, which may be another than what was asked for.

        `usual` is how the vendor streams: what counts where the Content-Type says nothing of use.
        """
        self._reader = reader
        essence = media_type.partition(";")[0].strip().lower()
        self._framing: EventStream | JsonLines | WholeJson
        if essence == "text/event-stream":
            self._framing = EventStream()
        elif essence in _LINES:
            self._framing = JsonLines()
        elif essence in _WHOLE or essence.endswith("+json"):
            self._framing = WholeJson()
        else:
            self._framing = usual()
        self._whole = isinstance(self._framing, WholeJson)
        self._delivered = False
        self._over = False

    @property
    def over(self) -> bool:
        """Whether the last part was given: the rest of the body has no meaning."""
        return self._over

    @property
    def delivered(self) -> bool:
        """Whether content, reasoning or a call was given."""
        return self._delivered

    @property
    def usage(self) -> Usage | None:
        """What the provider has counted so far, also where the answer was cut."""
        return self._reader.usage

    def receive(self, data: bytes) -> list[Part]:
        """The parts that these bytes complete."""
        if self._over:
            return []
        try:
            events = self._framing.receive(data)
        except TooLarge as error:
            events = error.args[0]
            parts = self._read(events)
            return [*parts, *self._fail_unless_over("it sent an event that is too large")]
        return self._read(events)

    def end(self) -> list[Part]:
        """The body is over, whether cut or not. Without the vendor's own end, that is a failure."""
        if self._over:
            return []
        parts = self._read(self._framing.end())
        if not self._over:
            self._over = True
            parts.append(Failed(failure(FailureCode.ENDED_EARLY)))
        return parts

    def _read(self, events: list[ServerEvent]) -> list[Part]:
        parts: list[Part] = []
        for event in events:
            try:
                for part in self._parts_of(event):
                    parts.append(part)
                    if isinstance(part, Text | Reasoning | ToolCall):
                        self._delivered = True
                    elif isinstance(part, Finished | Failed):
                        self._over = True
                        return parts
            except Broken as error:
                return [*parts, *self._fail_unless_over(str(error))]
        return parts

    def _parts_of(self, event: ServerEvent) -> Iterator[Part]:
        if not event.data.strip():
            return
        if event.data.strip() == "[DONE]" and not self._whole:
            yield from self._reader.done()
            return
        value = _parsed(event.data)
        if event.bare:
            # Nothing of the protocol. If it is not an error it is nothing at all.
            value = value if said_by(value) else None
            if value is None:
                return
        if value is None and event.name == "error":
            # Words beside a name that says enough.
            yield Failed(failure(FailureCode.GENERATION_FAILED, event.data))
            return
        if (said := said_by(value)) is not None:
            yield Failed(of_event(said, delivered=self._delivered))
            return
        if not isinstance(value, dict):
            raise Broken("it sent what is no JSON object")
        yield from self._reader.whole(value) if self._whole else self._reader.read(value)

    def _fail_unless_over(self, detail: str) -> list[Part]:
        if self._over:
            return []
        self._over = True
        return [Failed(failure(FailureCode.GENERATION_FAILED, detail))]


_LINES: Final = frozenset(
    {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
)
# A page is what a proxy answers in place of the provider; as JSON it fails with a word for it.
_WHOLE: Final = frozenset({"application/json", "text/json", "text/html"})


def _parsed(text: str) -> Any:
    """The value of a JSON text, None where it is none."""
    try:
        return orjson.loads(text)
    except ValueError:
        return _with_halves(text)


def _with_halves(text: str) -> Any:
    r"""For text with half of a surrogate pair, escaped by itself (`"\ud83c"`), as JSON allows and orjson does not.

    The half becomes U+FFFD, for what follows must be UTF-8. Anything else that is wrong is wrong here too.
    """
    if "\\ud" not in text and "\\uD" not in text:
        return None
    try:
        value = json.loads(text, parse_constant=_refused)
        return orjson.loads(
            json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        )
    except (ValueError, RecursionError):
        return None


def _refused(name: str) -> float:
    raise ValueError(name)
