"""Bodies: seeded random bytes, sent in any framing and any pieces, and what their digest must be."""

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Literal, TypeAlias

from tests.upstreams.connection import Connection, Request
from tests.upstreams.server import Handler

Framing: TypeAlias = Literal["length", "chunked", "close"]

FRAMINGS: dict[str, Framing] = {"length": "length", "chunked": "chunked", "close": "close"}

_BLOCK = 1024 * 1024
_ENDLESS_PIECE = bytes(range(256)) * 256


def seeded(seed: str, size: int) -> Iterator[bytes]:
    """`size` bytes that depend on `seed` alone and do not compress, in blocks of at most 1 MiB."""
    for index, start in enumerate(range(0, size, _BLOCK)):
        yield hashlib.shake_128(f"{seed}/{index}".encode()).digest(min(_BLOCK, size - start))


def digest(seed: str, size: int) -> str:
    """SHA-256 of `seeded`, in hex."""
    total = hashlib.sha256()
    for block in seeded(seed, size):
        total.update(block)
    return total.hexdigest()


def head(status: int = 200, headers: Sequence[tuple[str, str]] = (), reason: str = "Reason") -> bytes:
    """A response head, exactly these fields."""
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of the chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def framed(body: bytes, framing: Framing, pieces: Sequence[int] = ()) -> bytes:
    """Framing fields, the empty line, and the body: what follows a status line and other fields.

    `pieces` are the sizes of the first chunks; what they leave is one more.
    """
    if framing == "length":
        return b"Content-Length: %d\r\n\r\n" % len(body) + body
    if framing == "close":
        return b"Connection: close\r\n\r\n" + body
    chunks = []
    rest = body
    for size in pieces:
        if rest[:size]:
            chunks.append(chunk(rest[:size]))
            rest = rest[size:]
    if rest:
        chunks.append(chunk(rest))
    return b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n"


async def respond(
    connection: Connection,
    body: bytes,
    *,
    status: int = 200,
    headers: Sequence[tuple[str, str]] = (),
) -> None:
    """A whole response with a Content-Length."""
    await connection.send(head(status, [*headers, ("Content-Length", str(len(body)))]) + body)


async def stream(
    connection: Connection,
    pieces: AsyncIterator[bytes],
    *,
    framing: Framing,
    size: int | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> None:
    """A response whose pieces are sent as they come; `size` is needed for framing `length`."""
    field = {
        "length": ("Content-Length", str(size)),
        "chunked": ("Transfer-Encoding", "chunked"),
        "close": ("Connection", "close"),
    }[framing]
    await connection.send(head(200, [*headers, field]))
    async for piece in pieces:
        await connection.send(chunk(piece) if framing == "chunked" else piece)
    if framing == "chunked":
        await connection.send(b"0\r\n\r\n")
    if framing == "close":
        connection.close()


def random_bytes(default_size: int = 0) -> Handler:
    """`?size=…&seed=…&framing=length|chunked|close&piece=…`: that many random bytes, in pieces of that size."""

    async def handler(request: Request) -> None:
        query = request.query
        size = int(query.get("size", default_size))
        piece = int(query.get("piece", 65536))
        framing = FRAMINGS[query.get("framing", "length")]

        async def pieces() -> AsyncIterator[bytes]:
            for block in seeded(query.get("seed", "0"), size):
                for start in range(0, len(block), piece):
                    yield block[start : start + piece]

        headers = [("Content-Type", "application/octet-stream")]
        await stream(request.connection, pieces(), framing=framing, size=size, headers=headers)

    return handler


async def endless(request: Request) -> None:
    """Bytes without end, at the least cost to the server: for readers that take all they can get, or nothing."""
    await request.connection.send(head(200, [("Connection", "close")]))
    while True:
        await request.connection.send(_ENDLESS_PIECE)


async def digest_of(request: Request) -> None:
    """`?size=…&seed=…`: the SHA-256 (hex, text) that `random_bytes` with the same parameters must have."""
    query = request.query
    text = digest(query.get("seed", "0"), int(query["size"]))
    await respond(request.connection, text.encode(), headers=[("Content-Type", "text/plain")])
