"""Newline-delimited JSON, and JSON in one piece: bytes in any split, the texts of whole values out."""

from longwire.generation.bounds import MAX_EVENT_BYTES, MAX_WHOLE_BYTES
from longwire.generation.event_stream import ServerEvent, TooLarge


class JsonLines:
    """One event for each line that is not blank. The last counts only if it was ended: half of a number is one too."""

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._line = bytearray()

    def receive(self, data: bytes) -> list[ServerEvent]:
        """The lines that these bytes complete.

        Raises:
            TooLarge: as `EventStream.receive`.
        """
        events: list[ServerEvent] = []
        *ended, rest = data.split(b"\n")
        for piece in ended:
            self._add(piece, events)
            # A carriage return before the line feed is part of the end, and white space to JSON.
            line = bytes(self._line).strip()
            self._line.clear()
            if line:
                events.append(ServerEvent("", line.decode("utf-8", "replace")))
        self._add(rest, events)
        return events

    def end(self) -> list[ServerEvent]:
        """The stream is over."""
        return []

    def _add(self, piece: bytes, events: list[ServerEvent]) -> None:
        if len(self._line) + len(piece) > self._limit:
            raise TooLarge(events)
        self._line += piece


class WholeJson:
    """A body that is one value: one event, at its end."""

    def __init__(self, limit: int = MAX_WHOLE_BYTES) -> None:
        self._limit = limit
        self._body = bytearray()

    def receive(self, data: bytes) -> list[ServerEvent]:
        """Nothing yet.

        Raises:
            TooLarge: as `EventStream.receive`.
        """
        if len(self._body) + len(data) > self._limit:
            raise TooLarge([])
        self._body += data
        return []

    def end(self) -> list[ServerEvent]:
        """The value, if there is any."""
        text = bytes(self._body).strip()
        self._body.clear()
        return [ServerEvent("", text.decode("utf-8", "replace"))] if text else []
