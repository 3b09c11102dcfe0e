"""What the demo's upstream serves for download: bytes that no compression shortens, with their digest announced."""

import base64
import hashlib
import os
from collections.abc import Iterator
from typing import Final

from longwire.demo.sent import Sent
from longwire.demo.server import Responder

PATH: Final = "/v1/download"
CONTENT_TYPE: Final = "application/octet-stream"
SIZE_BYTES: Final = 32 * 1024 * 1024
_BLOCK_BYTES: Final = 128 * 1024
_COUNTER_BYTES: Final = 8


class Download:
    """A body of `size` bytes. No two blocks of it are alike, so one that is lost, doubled or moved shows."""

    def __init__(self, size: int = SIZE_BYTES) -> None:
        self.size = size
        self._noise = os.urandom(_BLOCK_BYTES - _COUNTER_BYTES)
        self._digest = hashlib.sha256()
        for block in self.blocks():
            self._digest.update(block)

    @property
    def digest(self) -> str:
        """SHA-256 of the whole, in hex."""
        return self._digest.hexdigest()

    def blocks(self) -> Iterator[bytes]:
        """The body in order."""
        for start in range(0, self.size, _BLOCK_BYTES):
            yield (start.to_bytes(_COUNTER_BYTES, "big") + self._noise)[: self.size - start]

    async def send(self, responder: Responder, sent: Sent) -> None:
        """Answer one request, as fast as the other side reads."""
        digest = base64.b64encode(self._digest.digest()).decode()
        announced = [("Repr-Digest", f"sha-256=:{digest}:")]  # RFC 9530
        await responder.start(200, CONTENT_TYPE, length=self.size, headers=announced)
        for block in self.blocks():
            sent.count(block)
            await responder.send(block)
        sent.finish()
