"""The demo's upstream: it speaks like a chat service, wants a key, and sends no CORS headers."""

import asyncio
import hashlib
import json
import re
import time
from typing import Final

from longwire.cli.demo.server import Request, Responder

PATH: Final = "/v1/chat"
_DURATION_S: Final = 3.0

TEXT: Final = " ".join(
    """
    This text was not fetched by your browser. A page on one port asked for it; a server on another port, which sends
    no CORS headers and demands a key, is sending it now, one word at a time. Between the two stands a small Python
    process that the browser itself has started. It read a policy file, found the grant that lets this page reach this
    server, put the key into the request, and opened the connection. Every word goes from the server to that process,
    from there in a frame to the extension, through its worker and its relay into the page, and comes out of an
    ordinary Response whose body is an ordinary ReadableStream. The page never sees the key: it is in no header, no
    body and no variable that the page can reach. If the page stops reading, the process stops reading too, and the
    server feels it; nothing piles up on the way. If the page goes away, the connection closes within a second. And
    bytes are counted: the page adds up what it received, and that is compared with what was sent, in any script:
    naïve café, ελληνικά, русский, 日本語, 🧵. When this line is complete, so is the stream.
    """.split()  # noqa: SIM905  (prose reads better as prose)
)


def tokens() -> list[str]:
    """The text in the pieces in which it is sent; joined they are the text."""
    return re.findall(r"\S+ ?", TEXT)


class ChatService:
    """Answers POST /v1/chat with server-sent events, and keeps account of what it sent and what it was sent."""

    def __init__(self, key: str, duration_s: float = _DURATION_S) -> None:
        self._key = key
        self._pause_s = duration_s / len(tokens())
        self._digest = hashlib.sha256()
        self.bytes_sent = 0
        self.events_sent = 0
        self.finished_at_s: float | None = None
        self.keys_accepted = 0
        self.keys_refused = 0

    @property
    def digest(self) -> str:
        """SHA-256 of the body so far, in hex."""
        return self._digest.hexdigest()

    async def handle(self, request: Request, responder: Responder) -> None:
        """Serve one request."""
        if request.path != PATH:
            await responder.reply(404, b"not here\n")
        elif request.method != "POST":  # also a CORS preflight, which therefore fails
            await responder.reply(405, b"POST only\n")
        elif request.headers.get("authorization") != f"Bearer {self._key}":
            self.keys_refused += 1
            await responder.reply(401, b'{"error": "no valid key"}\n', "application/json")
        else:
            self.keys_accepted += 1
            await self._stream(responder)

    async def _stream(self, responder: Responder) -> None:
        await responder.start(200, "text/event-stream")
        for token in tokens():
            await self._event(responder, json.dumps({"delta": token}))
            await asyncio.sleep(self._pause_s)
        await self._event(responder, "[DONE]")
        self.finished_at_s = time.monotonic()

    async def _event(self, responder: Responder, data: str) -> None:
        event = f"data: {data}\n\n".encode()
        self._digest.update(event)
        self.bytes_sent += len(event)
        self.events_sent += 1
        await responder.send(event)
