"""What the demo's chat service says: a text in small pieces, as server-sent events."""

import asyncio
import json
import re
from typing import Final

from longwire.demo.sent import Sent
from longwire.demo.server import Responder

PATH: Final = "/v1/chat/completions"
# The same, for whoever has time.
ESSAY_PATH: Final = "/v1/essays"
CONTENT_TYPE: Final = "text/event-stream"
# About forty words a second, as a quick language model writes.
DURATION_S: Final = 5.0
ESSAY_DURATION_S: Final = 30.0

_PARAGRAPHS: Final = (
    """
    This text was not fetched by your browser. A page on one port asked for it; a server on another port, which sends
    no CORS headers and demands a key, is sending it now, one word at a time.
    """,
    """
    Between the two stands a small Python process that the browser itself has started. It read a policy file, found
    the grant that lets this page reach this server, put the key into the request, and opened the connection. Every
    word goes from the server to that process, from there in a frame to the extension, through its worker and its
    relay into the page, and comes out of an ordinary Response whose body is an ordinary ReadableStream.
    """,
    """
    The page never sees the key: it is in no header, no body and no variable that the page can reach. If the page
    stops reading, the process stops reading too, and the server feels it; nothing piles up on the way. If the page
    goes away, the connection closes within a second.
    """,
    """
    Meanwhile a large file comes down the same channel, and the words do not wait for it. Every byte is counted: what
    the page received is compared with what was sent, in any script: naïve café, ελληνικά, русский, ქართული, 😀. When
    this line is complete, so is the stream.
    """,
)
TEXT: Final = "\n\n".join(" ".join(paragraph.split()) for paragraph in _PARAGRAPHS)


def tokens() -> list[str]:
    """The text in the pieces in which it is sent; joined they are the text."""
    return re.findall(r"\S+\s*", TEXT)


async def send_chat(responder: Responder, sent: Sent, duration_s: float = DURATION_S) -> None:
    """Answer one request with all of the text, evenly over `duration_s`."""
    pieces = tokens()
    await responder.start(200, CONTENT_TYPE)
    for piece in pieces:
        await _send_event(responder, sent, json.dumps({"choices": [{"delta": {"content": piece}}]}), events=1)
        await asyncio.sleep(duration_s / len(pieces))
    await _send_event(responder, sent, "[DONE]")
    sent.finish()


async def _send_event(responder: Responder, sent: Sent, data: str, events: int = 0) -> None:
    event = f"data: {data}\n\n".encode()
    sent.count(event, events=events)
    await responder.send(event)
