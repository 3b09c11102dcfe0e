"""The demo's place for uploads: counts, digests and forgets."""

import asyncio
import hashlib
import json
import time
from typing import Final

from longwire.demo.server import Request, Responder

PATH: Final = "/v1/upload"
# So slow that an eye can follow the bar, and that the page is seen to be held back by a server that takes its time.
RATE_BYTES_PER_S: Final = 12_000_000


async def receive_upload(request: Request, responder: Responder, rate_bytes_per_s: float = RATE_BYTES_PER_S) -> None:
    """Read the body at that rate and answer `{"bytes": …, "sha256": "…"}`."""
    started_at_s = time.monotonic()
    digest = hashlib.sha256()
    received = 0
    while piece := await request.read():
        digest.update(piece)
        received += len(piece)
        await asyncio.sleep(started_at_s + received / rate_bytes_per_s - time.monotonic())
    answer = {"bytes": received, "sha256": digest.hexdigest()}
    await responder.reply(200, json.dumps(answer).encode(), "application/json")
