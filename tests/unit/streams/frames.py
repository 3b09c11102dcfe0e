"""Reading the host's frames back, for tests of what left it."""

from typing import Any

import orjson
import pybase64

from longwire.protocol.frames import FrameDecoder
from longwire.protocol.limits import MAX_FRAME_TO_BROWSER


def read_frames(data: bytes) -> list[dict[str, Any]]:
    """All messages in `data`, chunk data as bytes."""
    messages = [orjson.loads(payload) for payload in FrameDecoder(MAX_FRAME_TO_BROWSER).feed(data)]
    for message in messages:
        if message["type"] == "STREAM_CHUNK":
            message["data"] = pybase64.b64decode(message["data"], validate=True)
    return messages


def read_frame(data: bytes) -> dict[str, Any]:
    """The one message in `data`."""
    (message,) = read_frames(data)
    return message
