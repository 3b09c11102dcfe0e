"""Everything a server can do wrong, as handlers and as ports that are no servers at all."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal, TypeAlias

from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Handler

# What happens after the bytes: an orderly close, a RST, silence until the peer goes, or the next request.
Then: TypeAlias = Literal["close", "reset", "hold", "keep"]


def raw(data: bytes, *, then: Then = "keep", read_body: bool = True) -> Handler:
    """Answer every request with exactly these bytes."""

    async def handler(request: Request) -> None:
        if read_body:
            await request.body()
        if data:
            await request.connection.send(data)
        await finish(request, then)

    return handler


async def finish(request: Request, then: Then) -> None:
    """Do what `then` says."""
    if then == "close":
        request.connection.close()
    elif then == "reset":
        request.connection.reset()
    elif then == "hold":
        await request.connection.gone.wait()


def pieces(*parts: bytes, gap_s: float = 0.01, then: Then = "keep") -> Handler:
    """Answer in these pieces, each a TCP segment of its own as far as a pause can make it so."""

    async def handler(request: Request) -> None:
        await request.body()
        for part in parts:
            await request.connection.send(part)
            await asyncio.sleep(gap_s)
        await finish(request, then)

    return handler


def drip(data: bytes, *, gap_s: float, then: Then = "hold") -> Handler:
    """Answer one byte at a time."""
    return pieces(*(bytes([byte]) for byte in data), gap_s=gap_s, then=then)


async def interim_flood(request: Request) -> None:
    """103 for ever, never a final response."""
    await request.body()
    while True:
        await request.connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 20)
        await asyncio.sleep(0.001)


async def endless_header(request: Request) -> None:
    """A header field that does not end."""
    await request.body()
    await request.connection.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        await request.connection.send(b"x" * 4096)


async def endless_body(request: Request) -> None:
    """A body without end, as fast as the reader takes it."""
    await request.body()
    await request.connection.send(bodies.head(200, [("Transfer-Encoding", "chunked")]))
    for number in itertools.count():
        await request.connection.send(bodies.chunk(b"%016d" % number * 4096))


_OK = b"HTTP/1.1 200 OK\r\n"

# Named, for a browser: /fault/NAME. Before the head of a response first, then inside the body.
NAMED: dict[str, Handler] = {
    "silent": raw(b"", then="hold"),
    "close-at-once": raw(b"", then="close"),
    "reset-at-once": raw(b"", then="reset"),
    "garbage": raw(b"SSH-2.0-OpenSSH\r\n\r\n", then="hold"),
    "head-cut": raw(_OK + b"Content-Type: te", then="close"),
    "head-endless": endless_header,
    "head-drip": drip(_OK + b"X-A: " + b"a" * 1000, gap_s=0.05),
    "head-oversize": raw(_OK + b"X-Long: " + b"x" * 300_000 + b"\r\n\r\n", then="hold"),
    "fields-many": raw(_OK + b"a: b\r\n" * 5000 + b"Content-Length: 0\r\n\r\n", then="hold"),
    "interim-flood": interim_flood,
    "switching": raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", then="hold"),
    "length-and-chunked": raw(
        _OK + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n", then="hold"
    ),
    "two-lengths": raw(_OK + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", then="hold"),
    "odd-coding": raw(_OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", then="hold"),
    "old-chunked": raw(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", then="close"),
    "length-cut": raw(_OK + b"Content-Length: 1000\r\n\r\nhalf", then="close"),
    "length-reset": raw(_OK + b"Content-Length: 1000\r\n\r\nhalf", then="reset"),
    "chunked-cut": raw(_OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", then="close"),
    "chunked-bad": raw(_OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nnot hex\r\n", then="hold"),
    "body-silent": raw(_OK + b"Content-Length: 1000\r\n\r\nhalf", then="hold"),
    "body-endless": endless_body,
}


@asynccontextmanager
async def no_http(reply: bytes) -> AsyncIterator[int]:
    """A port on 127.0.0.1 that answers whatever comes first with `reply` (none if empty), and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port on 127.0.0.1 that refuses connections, and that nobody else can take meanwhile."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@contextmanager
def unanswering_port() -> Iterator[int]:
    """A port on 127.0.0.1 where connecting hangs: its queue is full and nobody accepts (Linux drops the SYN)."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        try:
            for filler in fillers:
                filler.settimeout(0)
                filler.connect_ex(sock.getsockname())
            yield sock.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()
