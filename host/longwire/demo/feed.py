"""The demo's feed: its connection breaks every few entries, and it goes on behind `Last-Event-ID`."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from longwire.demo.server import BrokenOffError, Responder

PATH: Final = "/v1/feed"
CONTENT_TYPE: Final = "text/event-stream"
_NUMBER: Final = re.compile("[0-9]{1,9}")
ENTRIES: Final = (
    "this entry came over the first connection",
    "every entry has a number",
    "the server sends them in fours",
    "and drops the connection in the middle of the next",
    "the page waited as long as the server had asked for",
    "and asked for what follows number 4",
    "what had arrived stayed",
    "and nothing came twice",
    "as long as that brings something new, it goes on",
    "three attempts in a row that bring nothing end it",
    "no entry is missing",
    "and this is the last one",
)


@dataclass
class Feed:
    """What is sent and how badly. `asked` are the `Last-Event-ID`s of the requests so far, None for a first one."""

    entries: Sequence[str] = ENTRIES
    interval_s: float = 0.4
    entries_per_connection: int = 4
    # What the client waits before it comes again, in milliseconds; it varies that by a quarter.
    retry_ms: int = 3000
    asked: list[str | None] = field(default_factory=list)

    async def send(self, responder: Responder, last_event_id: str | None) -> None:
        """Answer one request with what follows that id.

        Raises:
            BrokenOffError: as often as not all entries are sent, in the middle of one.
        """
        self.asked.append(last_event_id)
        begin = int(last_event_id) if last_event_id and _NUMBER.fullmatch(last_event_id) else 0
        end = min(begin + self.entries_per_connection, len(self.entries))
        await responder.start(200, CONTENT_TYPE)
        await responder.send(f"retry: {self.retry_ms}\n\n".encode())
        for number in range(begin + 1, end + 1):
            await asyncio.sleep(self.interval_s)
            await responder.send(f"id: {number}\ndata: {self.entries[number - 1]}\n\n".encode())
        if end < len(self.entries):
            await responder.send(f"id: {end + 1}\ndata: {self.entries[end][:5]}".encode())
            raise BrokenOffError
        await responder.send(b"data: [DONE]\n\n")
