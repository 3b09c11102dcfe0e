"""What vendors send in fragments, and count in their own ways, put together."""

from collections.abc import Hashable, Iterator
from typing import Any, Final

import orjson

from longwire.generation.bounds import (
    MAX_ARGUMENT_CHARS,
    MAX_CALLS,
    MAX_NAME_CHARS,
    MAX_TEXTS,
    MAX_UNFINISHED_CHARS,
)
from longwire.generation.decoding import Broken
from longwire.generation.parts import ToolCall
from longwire.protocol.generation_request import MAX_JSON_DEPTH, nests_deeper


class Counting:
    """Numbers what comes, from 0, in the order of first sight, whatever the vendor calls it."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def of(self, key: Hashable) -> int:
        """The number of `key`.

        Raises:
            Broken: there are more than any answer has.
        """
        number = self._numbers.setdefault(key, len(self._numbers))
        if number >= MAX_TEXTS:
            raise Broken("its answer has too many texts")
        return number


class _Call:
    def __init__(self, call_id: str, name: str) -> None:
        self.id = call_id
        self.name = name
        self.arguments = bytearray()  # UTF-8: a list of fragments takes many times what they hold
        self.size = 0
        self.given = False


class Calls:
    """Tool calls of one answer, joined by the vendor's key of each, given as whole calls in the order they began."""

    def __init__(self) -> None:
        self._calls: dict[Hashable, _Call] = {}
        self._given = 0
        self._unfinished_chars = 0

    def __len__(self) -> int:
        return self._given

    def __contains__(self, key: Hashable) -> bool:
        return key in self._calls

    def begin(self, key: Hashable, call_id: str, name: str) -> None:
        """A call, or more about one: some vendors say its id and name once, some again with every fragment.

        Raises:
            Broken: too many, or a name that is none.
        """
        call = self._calls.get(key)
        if call is None:
            if len(self._calls) >= MAX_CALLS:
                raise Broken("its answer has too many tool calls")
            call = self._calls[key] = _Call("", "")
        call.id = call.id or call_id
        call.name = call.name or name

    def id_of(self, key: Hashable) -> str:
        """The id of a call that began; empty where the vendor gave none."""
        return self._calls[key].id

    def add(self, key: Hashable, fragment: str) -> None:
        """More of the arguments.

        Raises:
            Broken: of a call that never began, or more than is kept.
        """
        call = self._calls.get(key)
        if call is None:
            raise Broken("it sent arguments of a tool call that never began")
        if call.given:
            return
        call.size += len(fragment)
        self._unfinished_chars += len(fragment)
        if call.size > MAX_ARGUMENT_CHARS or self._unfinished_chars > MAX_UNFINISHED_CHARS:
            raise Broken("the arguments of a tool call are too long")
        call.arguments += fragment.encode()

    def finish(self, key: Hashable, arguments: str | None = None) -> Iterator[ToolCall]:
        """The whole call, once. `arguments`: all of them, where the vendor says them again."""
        call = self._calls.get(key)
        if call is None or call.given:
            return
        call.given = True
        self._unfinished_chars -= call.size
        text = call.arguments.decode() if arguments is None else arguments
        call.arguments.clear()
        if len(text) > MAX_ARGUMENT_CHARS:
            raise Broken("the arguments of a tool call are too long")
        if not call.name:
            raise Broken("a tool call has no name")
        yield tool_call(self._given, call.id, call.name, text)
        self._given += 1

    def finish_all(self) -> Iterator[ToolCall]:
        """All that are left."""
        for key in list(self._calls):
            yield from self.finish(key)


def tool_call(index: int, call_id: str, name: str, arguments: str) -> ToolCall:
    """With its arguments parsed, which may be nothing at all. An id that is not given is made.

    Raises:
        Broken: a name that is too long, or arguments that nest too deep to be written again.
    """
    call_id = call_id or f"call_{index}"
    if len(call_id) > MAX_NAME_CHARS or len(name) > MAX_NAME_CHARS:
        raise Broken("a tool call has a name that is too long")
    if not arguments.strip():
        return ToolCall(index, call_id, name, {})
    try:
        value = orjson.loads(arguments)
    except ValueError:
        value = None
    if nests_deeper(value, MAX_JSON_DEPTH):
        raise Broken(_TOO_DEEP)
    return (
        ToolCall(index, call_id, name, value)
        if isinstance(value, dict)
        else ToolCall(index, call_id, name, None, arguments)
    )


def json_of(arguments: Any) -> str:
    """The text of arguments that came parsed.

    Raises:
        Broken: they nest too deep.
    """
    try:
        return orjson.dumps(arguments).decode()
    except TypeError:  # of what was JSON a moment ago
        raise Broken(_TOO_DEEP) from None


_TOO_DEEP: Final = "the arguments of a tool call nest too deep"


def text_of(value: Any) -> str:
    """A field that is text, or absent, or null.

    Raises:
        Broken: it is something else.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Broken("it sent text that is none")
    return value


def dict_of(value: Any) -> dict[str, Any]:
    """A field that is an object, or absent, or null.

    Raises:
        Broken: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Broken("it sent an object that is none")
    return value


def list_of(value: Any) -> list[dict[str, Any]]:
    """A field that is a list of objects, or absent, or null.

    Raises:
        Broken: it is something else.
    """
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Broken("it sent a list that is none")
    return value


def count_of(value: Any) -> int | None:
    """A number of tokens; None where there is none that makes sense."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
