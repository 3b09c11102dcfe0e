"""A connection and the far end of it, for tests: no loop, no clock, no sleep."""

from typing import Any

import orjson

from longwire.protocol.frames import frame
from longwire.protocol.limits import PROTOCOL_VERSION
from longwire.protocol.messages import StreamHeaders
from longwire.protocol.records import Completeness, PolicyState, PolicySummary, Timings
from longwire.streams.connection import Connection
from longwire.streams.events import ConnectionEvent, Greeted, Started
from longwire.streams.stream import Stream
from tests.unit.streams.frames import read_frames

SUMMARY = PolicySummary(state=PolicyState.OK, digest="d", pages=[])
PAGE = {"origin": "http://localhost:5173", "tab": 1, "frame": 0, "document": "d", "private": False}


class Pair:
    """`now` moves only when a test says so. `got` is everything that the far end received."""

    def __init__(self, *, greeted: bool = True) -> None:
        self.now = 1000.0
        self.connection = Connection(self.now)
        self.got: list[dict[str, Any]] = []
        if greeted:
            (event,) = self.send(type="HELLO", protocol=PROTOCOL_VERSION, extension="1.2.3")
            assert event == Greeted("1.2.3")
            self.connection.welcome(SUMMARY)
            self.read()

    def feed(self, data: bytes) -> list[ConnectionEvent]:
        """Bytes from the extension; what they told the engine."""
        return [event for event in self.connection.receive(data, self.now) if event is not None]

    def send(self, **message: Any) -> list[ConnectionEvent]:
        """One message from the extension."""
        return self.feed(frame(orjson.dumps(message)))

    def read(self, steps: int = 1000) -> list[dict[str, Any]]:
        """What the host has to send now, at most so many steps of it."""
        new: list[dict[str, Any]] = []
        for _ in range(steps):
            data, _streams = self.connection.data_to_send()
            if not data:
                break
            new += read_frames(data)
        self.got += new
        return new

    def start_message(self, stream_id: int, **changes: Any) -> dict[str, Any]:
        """STREAM_START of a GET; `changes` replace fields."""
        message: dict[str, Any] = {
            "type": "STREAM_START",
            "id": stream_id,
            "page": PAGE,
            "method": "GET",
            "url": "http://upstream.test/",
            "headers": [],
            "body": {"kind": "none"},
            "redirect": "follow",
            "timeouts": {},
        }
        return message | changes

    def start(self, stream_id: int, **changes: Any) -> Stream:
        """A stream that was accepted."""
        (event,) = self.send(**self.start_message(stream_id, **changes))
        assert isinstance(event, Started)
        return event.stream

    def body(self, stream_id: int, data: bytes = b"", **changes: Any) -> Stream:
        """A stream whose head is out, and `data` behind it."""
        stream = self.start(stream_id, **changes)
        self.connection.headers(stream, head(stream_id))
        if data:
            self.connection.push(stream, data)
        self.read()
        return stream

    def finish(self, stream: Stream) -> None:
        """The upstream's body is whole."""
        self.connection.finish(stream, Completeness.LENGTH, Timings(total_ms=1))

    def kinds(self, stream_id: int) -> list[str]:
        """The types of what was read for one stream."""
        return [message["type"] for message in self.got if message.get("id") == stream_id]


def head(stream_id: int) -> StreamHeaders:
    """A response's head."""
    return StreamHeaders(
        type="STREAM_HEADERS",
        id=stream_id,
        url="http://upstream.test/",
        redirected=False,
        status=200,
        reason="OK",
        headers=[],
    )
