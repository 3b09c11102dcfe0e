"""A visitor of the demo's servers who writes HTTP by hand."""

import asyncio


async def exchange(port: int, request: bytes) -> bytes:
    """Send these bytes; returns everything that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def get(path: str, *headers: str) -> bytes:
    """A GET after which the server closes."""
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", "Connection: close", *headers]).encode() + b"\r\n\r\n"


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A POST after which the server closes."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def unchunk(answer: bytes) -> bytes:
    """The body of a chunked response."""
    rest = answer.partition(b"\r\n\r\n")[2]
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return body
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]
