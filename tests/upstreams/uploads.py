"""What servers do with request bodies: echo them, digest them, answer or refuse them early, read them slowly."""

import asyncio
import hashlib
import json

from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Handler


async def echo(request: Request) -> None:
    """What arrived, as JSON: method, target, header pairs, body length and SHA-256."""
    total = hashlib.sha256()
    size = 0
    async for piece in request.pieces():
        total.update(piece)
        size += len(piece)
    answer = {
        "method": request.method,
        "target": request.target,
        "headers": request.headers,
        "bytes": size,
        "sha256": total.hexdigest(),
    }
    await bodies.respond(
        request.connection, json.dumps(answer).encode(), headers=[("Content-Type", "application/json")]
    )


async def mirror(request: Request) -> None:
    """The request body, as the response body."""
    await bodies.respond(request.connection, await request.body())


async def duplex(request: Request) -> None:
    """Answer before the body is there, give each piece back as it comes, and end with it."""
    await request.connection.send(bodies.head(200, [("Transfer-Encoding", "chunked")]) + bodies.chunk(b"begun "))
    async for piece in request.pieces():
        await request.connection.send(bodies.chunk(piece))
    await request.connection.send(b"0\r\n\r\n")


class AnswerFirst:
    """Answers `ok` in full before it reads the body."""

    def __init__(self) -> None:
        self._body: asyncio.Queue[bytes] = asyncio.Queue()

    async def __call__(self, request: Request) -> None:
        await bodies.respond(request.connection, b"ok")
        self._body.put_nowait(await request.body())

    async def arrived(self) -> bytes:
        """The whole of the next body, waiting for its end."""
        return await self._body.get()


def early(status: int = 413, *, after_bytes: int = 0, body: bytes = b"too large") -> Handler:
    """Answer after that many body bytes, read no more, and wait until the client goes."""

    async def handler(request: Request) -> None:
        taken = 0
        if after_bytes:
            async for piece in request.pieces():
                taken += len(piece)
                if taken >= after_bytes:
                    break
        await bodies.respond(request.connection, body, status=status)
        # What follows here is the rest of the body, not a next request.
        request.connection.keep_alive = False
        await request.connection.gone.wait()

    return handler


class SlowSink:
    """Reads a request body only as far as the test allows, then answers with its SHA-256.

    Give the server a small `receive_buffer`, or the kernel takes what the sink does not.
    """

    def __init__(self) -> None:
        self._allowed = 0
        self._more = asyncio.Event()
        self.taken = 0
        # It has read all it was last allowed to, and wants more.
        self.waiting = asyncio.Event()

    def allow(self, count: int) -> None:
        """Let it read `count` bytes more."""
        self._allowed += count
        self.waiting.clear()
        self._more.set()
        self._more = asyncio.Event()

    async def __call__(self, request: Request) -> None:
        total = hashlib.sha256()
        body = request.pieces()
        while True:
            while self.taken >= self._allowed:
                self.waiting.set()
                await self._more.wait()
            piece = await anext(body, None)
            if piece is None:
                break
            total.update(piece)
            self.taken += len(piece)
        await bodies.respond(request.connection, total.hexdigest().encode())
