"""WebSocket servers: a real one of the `websockets` package, and what a raw one sends to the byte.

`SocketServer` serves by path:
    /echo                 each message back
    /told                 one message, JSON: the handshake's path and header pairs; then as /echo
    /close?code=…&reason=…    closed at once by the server
    /endless?size=…       messages of that size without end
    /numbered?size=…&fill=…   the same, beginning with their number in 12 digits; then noise (bytes) or a letter (text)
    /paced?n=…&per_second=…   so many of 100 bytes with the clock in them, each answered so; then the answers' delays
    /burst?n=…            so many of 100 bytes at once; then it takes as many, and says in how many seconds
    /sink                 nothing, and forgets what it is sent
    /count?n=…            so many small messages, and a close with 1000
The subprotocols that it knows are `chat` and `superchat`.
"""

import asyncio
import base64
import hashlib
import itertools
import json
import os
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.patience import PATIENCE_S
from tests.upstreams.connection import Request

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
NUMBER_DIGITS: Final = 12
SMALL_BYTES: Final = 100
SUBPROTOCOLS: Final = (Subprotocol("chat"), Subprotocol("superchat"))


class SocketServer:
    """On a free port of 127.0.0.1, until the block ends."""

    def __init__(
        self, context: ssl.SSLContext | None = None, *, compression: bool = True, send_buffer: int | None = None
    ) -> None:
        """`send_buffer`: of the kernel, in bytes, so that what left the server means something."""
        self._context = context
        self._compression = "deflate" if compression else None
        self._send_buffer = send_buffer
        self._server: Server | None = None
        self.port = 0
        self.closes: list[tuple[int, str]] = []  # of clients, as they came
        self.received: list[str | bytes] = []
        self.handshakes: list[list[tuple[str, str]]] = []  # their header pairs
        self.sent_bytes = 0
        self.received_bytes = 0  # by /sink
        self.changed = asyncio.Event()

    @property
    def url(self) -> str:
        """Without a path."""
        return f"{'ws' if self._context is None else 'wss'}://localhost:{self.port}"

    @property
    def open(self) -> int:
        """How many connections are open."""
        assert self._server is not None
        return len(self._server.connections)

    async def start(self) -> None:
        """Listen."""
        listening = socket.create_server(("127.0.0.1", 0))
        if self._send_buffer is not None:  # what is accepted has it too
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)
        self._server = await serve(
            self._handle,
            sock=listening,
            ssl=self._context,
            compression=self._compression,
            subprotocols=SUBPROTOCOLS,
            select_subprotocol=_choose,
            max_size=None,
            ping_interval=None,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close what is open."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def closed(self) -> tuple[int, str]:
        """Code and reason of the first connection that is over, as the server had them."""
        async with asyncio.timeout(PATIENCE_S):
            while not self.closes:
                await self.changed.wait()
        return self.closes[0]

    async def all_closed(self, count: int) -> None:
        """So many connections are over, since `closes` was cleared."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.closes) < count:
                await self.changed.wait()

    async def _handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.handshakes.append(list(connection.request.headers.raw_items()))
        parts = urlsplit(connection.request.path)
        query = dict(parse_qsl(parts.query))
        with suppress(ConnectionClosed):
            await self._serve(connection, parts.path, query)
        await connection.wait_closed()
        self.closes.append((connection.close_code or 1006, connection.close_reason or ""))
        self.changed.set()
        self.changed = asyncio.Event()

    async def _serve(self, connection: ServerConnection, path: str, query: dict[str, str]) -> None:
        assert connection.request is not None
        if path == "/told":
            pairs = list(connection.request.headers.raw_items())
            await connection.send(json.dumps({"path": connection.request.path, "headers": pairs}))
        elif path == "/close":
            await connection.close(int(query.get("code", "1000")), query.get("reason", ""))
        elif path == "/endless":
            data = b"e" * int(query.get("size", "1000"))
            while True:
                await connection.send(data)
                self.sent_bytes += len(data)
        elif path == "/numbered":
            size = int(query["size"]) - NUMBER_DIGITS
            noise = os.urandom(size)
            for number in itertools.count():
                digits = f"{number:0{NUMBER_DIGITS}}"
                await connection.send(digits.encode() + noise if query["fill"] == "noise" else digits + "e" * size)
                self.sent_bytes += int(query["size"])
        elif path == "/paced":
            await _pace(connection, int(query["n"]), float(query["per_second"]))
        elif path == "/burst":
            await _burst(connection, int(query["n"]))
        elif path == "/sink":
            async for message in connection:
                self.received_bytes += len(message)
        elif path == "/count":
            for number in range(int(query["n"])):
                await connection.send(str(number))
            await connection.close()
        async for message in connection:
            self.received.append(message)
            await connection.send(message)


def _clock_ms() -> float:
    return time.time() * 1000


async def _pace(connection: ServerConnection, count: int, per_second: float) -> None:
    delays: list[float] = []
    for _ in range(count):
        await asyncio.sleep(1 / per_second)
        await connection.send(f"{_clock_ms():<{SMALL_BYTES}}")
        sent_ms = float(await connection.recv())
        delays.append(_clock_ms() - sent_ms)
    await connection.send(json.dumps(delays))


async def _burst(connection: ServerConnection, count: int) -> None:
    for _ in range(count):
        await connection.send("x" * SMALL_BYTES)
    await connection.recv()
    began = time.perf_counter()
    for _ in range(count - 1):
        await connection.recv()
    await connection.send(str(time.perf_counter() - began))


def _choose(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((each for each in SUBPROTOCOLS if each in offered), None)


def frame(opcode: int, payload: bytes = b"", *, last: bool = True, reserved: int = 0) -> bytes:
    """A frame as a server sends it. `reserved`: bits of the first byte."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    elif size < 1 << 16:
        length = b"\x7e" + size.to_bytes(2, "big")
    else:
        length = b"\x7f" + size.to_bytes(8, "big")
    return bytes([opcode | (0x80 if last else 0) | reserved]) + length + payload


def answer(request: Request, *fields: str) -> bytes:
    """The 101 that accepts the handshake, with more fields."""
    key = (request.header("Sec-WebSocket-Key") or "").encode()
    accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()  # noqa: S324  (RFC 6455)
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept}",
        *fields,
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def unmasked(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first frame of a client in `data`: first byte, payload, and what follows; None if it is not whole."""
    if len(data) < 6:
        return None
    size, at = data[1] & 0x7F, 2
    if size >= 126:
        width = 2 if size == 126 else 8
        size, at = int.from_bytes(data[2 : 2 + width], "big"), 2 + width
    mask, end = data[at : at + 4], at + 4 + size
    if len(data) < end:
        return None
    payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data[at + 4 : end]))
    return data[0], payload, data[end:]
