"""text/event-stream, by the HTML standard section 9.2: bytes in any split, whole events out.

`id` and `retry` are skipped: an answer of a model is never resumed.
"""

import re
from typing import Final, NamedTuple

from longwire.generation.bounds import MAX_EVENT_BYTES

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_BOM: Final = b"\xef\xbb\xbf"


class ServerEvent(NamedTuple):
    """One event: its type, empty where there is none, and its data as text.

    `bare`: no event of the standard, but a line that begins with a brace, as servers and proxies write that forgot what
    the answer is. No text of a model can make one, as its line ends are escaped.
    """

    name: str
    data: str
    bare: bool = False


class TooLarge(Exception):
    """A line or an event has more bytes than are kept."""


class EventStream:
    """The parser. A line, and the data of one event, are at most `limit` bytes."""

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._started = False
        self._after_cr = False
        # What there is of a line that has not ended. Byte arrays, not lists of pieces: they take what they hold.
        self._line = bytearray()
        self._name = b""
        self._data: bytearray | None = None

    def receive(self, data: bytes) -> list[ServerEvent]:
        """The events that these bytes complete.

        Raises:
            TooLarge: nothing that follows has a meaning. What the same bytes completed before is in `args[0]`.
        """
        events: list[ServerEvent] = []
        try:
            self._receive(data, events)
        except TooLarge:
            raise TooLarge(events) from None
        return events

    def end(self) -> list[ServerEvent]:
        """The stream is over: an event that no blank line ended is none, says the standard."""
        return []

    def _receive(self, data: bytes, events: list[ServerEvent]) -> None:
        if not self._started:
            data = self._begin(data)
            if not self._started:
                return
        if self._after_cr and data:
            self._after_cr = False
            if data[:1] == b"\n":
                data = data[1:]
        start = 0
        for match in _LINE_END.finditer(data):
            self._add(data[start : match.start()])
            start = match.end()
            line = bytes(self._line)
            self._line.clear()
            event = self._field(line) if line else self._dispatch()
            if event is not None:
                events.append(event)
        if start:
            self._after_cr = data[-1:] == b"\r"
        self._add(data[start:])

    def _begin(self, data: bytes) -> bytes:
        """Without the one byte-order mark that may be there, which may come in pieces."""
        head = bytes(self._line) + data
        self._line.clear()
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._add(head)
            return b""
        self._started = True
        return head.removeprefix(_BOM)

    def _add(self, piece: bytes) -> None:
        if len(self._line) + len(piece) > self._limit:
            raise TooLarge
        self._line += piece

    def _field(self, line: bytes) -> ServerEvent | None:
        if line[:1] == b"{":
            return ServerEvent("", line.decode("utf-8", "replace"), bare=True)
        field, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if field == b"data":
            if self._data is None:
                self._data = bytearray()
            else:
                self._data += b"\n"
            self._data += value
            if len(self._data) > self._limit:
                raise TooLarge
        elif field == b"event":
            self._name = value
        return None

    def _dispatch(self) -> ServerEvent | None:
        name, self._name = self._name, b""
        data, self._data = self._data, None
        if data is None:
            return None
        return ServerEvent(name.decode("utf-8", "replace"), data.decode("utf-8", "replace"))
