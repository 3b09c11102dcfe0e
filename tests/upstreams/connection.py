"""One accepted connection: parsed requests in, exact bytes out, and counters of what really happened."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from tests.patience import PATIENCE_S

MAX_HEAD_BYTES = 256 * 1024


class PeerGoneError(Exception):
    """The peer closed or reset the connection while a handler wanted something from it."""


@dataclass
class Request:
    """One request head, and its body to be read."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    raw_head: bytes
    connection: "Connection" = field(repr=False)

    @property
    def path(self) -> str:
        """The target up to the query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The last value of each query parameter."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """The only value of `name`, None if absent; several are an error of the test."""
        values = [value for given, value in self.headers if given.lower() == name.lower()]
        assert len(values) <= 1, f"{name} given {len(values)} times"
        return values[0] if values else None

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises PeerGoneError if the peer goes before its end."""
        if (self.header("transfer-encoding") or "").lower() == "chunked":
            while size := int((await self.connection.read_line()).split(b";")[0], 16):
                yield await self.connection.read_exactly(size)
                assert await self.connection.read_line() == b"\r\n"
            assert await self.connection.read_line() == b"\r\n"
            return
        rest = int(self.header("content-length") or 0)
        while rest:
            piece = await self.connection.read_some(min(rest, 65536))
            rest -= len(piece)
            yield piece

    async def body(self) -> bytes:
        """The whole body."""
        return b"".join([piece async for piece in self.pieces()])


class Connection:
    """What a handler talks through. All counters can be read at any time and from any thread."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._written = 0
        self.received = 0
        self.requests: list[Request] = []
        self.opened_at = time.monotonic()
        # The peer closed its side, or the connection broke.
        self.gone = asyncio.Event()
        self.gone_at: float | None = None
        self.closed = asyncio.Event()
        # A handler that sets this off leaves the connection unusable for a next request.
        self.keep_alive = True

    @property
    def sent(self) -> int:
        """Bytes that left this process for the kernel (over TLS: before encryption, about)."""
        return self._written - self._writer.transport.get_write_buffer_size()

    @property
    def writer(self) -> asyncio.StreamWriter:
        """For what this class does not offer."""
        return self._writer

    async def wait_gone(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the peer has closed; TimeoutError after `timeout_s`."""
        await asyncio.wait_for(self.gone.wait(), timeout_s)

    async def send(self, data: bytes) -> None:
        """Hand `data` to the kernel; back when it has taken it all. Raises PeerGoneError if it cannot."""
        self._written += len(data)
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            raise PeerGoneError from None

    async def read_head(self) -> Request | None:
        """The next request, None if the peer closed in between or sent no end of a head."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return None
        self.received += len(head)
        lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, _ = lines[0].split(" ")
        pairs = [line.partition(":") for line in lines[1:]]
        request = Request(method, target, [(name, value.strip()) for name, _, value in pairs], head, self)
        self.requests.append(request)
        return request

    async def read_some(self, max_bytes: int = 65536) -> bytes:
        """At least one byte of what the peer sends."""
        try:
            data = await self._reader.read(max_bytes)
        except ConnectionError:
            raise PeerGoneError from None
        if not data:
            raise PeerGoneError
        self.received += len(data)
        return data

    async def read_exactly(self, size: int) -> bytes:
        """`size` bytes of what the peer sends."""
        try:
            data = await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise PeerGoneError from None
        self.received += size
        return data

    async def read_line(self) -> bytes:
        """One line, CRLF included."""
        try:
            line = await self._reader.readuntil(b"\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            raise PeerGoneError from None
        self.received += len(line)
        return line

    def reset(self) -> None:
        """Break the connection with a TCP RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def abort(self) -> None:
        """Close at once; what is still in the process's own buffer is lost."""
        self.keep_alive = False
        # A transport of Python 3.11 that was closed with bytes to send cannot be aborted any more once they are sent.
        if not self.closed.is_set():
            self._writer.transport.abort()

    def close(self) -> None:
        """Close after everything sent so far."""
        self.keep_alive = False
        # A TLS transport of Python 3.11 that is closed twice can no longer be aborted.
        if not self._writer.is_closing():
            self._writer.close()

    def note_gone(self) -> None:
        """For the server: the peer closed its side, or the connection broke."""
        if not self.gone.is_set():
            self.gone_at = time.monotonic()
            self.gone.set()
