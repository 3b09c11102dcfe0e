"""Servers that send what costs a client most, as fast as it is taken: `HostileServer`.

What they do is in `FLOODS`: what comes once, and what comes then again and again. `/flood/NAME` is the URL of one.
Beside them `/clock`, an honest stream: the time on `time.monotonic()`, a hundred times a second.
"""

import gzip
import multiprocessing
import socket
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Final, NoReturn, Self

import brotli

_CHUNKED: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_LENGTH: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n"


def _wide() -> bytes:
    compressor = brotli.Compressor(quality=5, lgwin=24)
    packed: bytes = compressor.process(bytes(64 * 1024 * 1024)) + compressor.finish()
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: %d\r\n\r\n"
    return head % len(packed) + packed


_WIDE: Final = _wide()

# Name: what comes first, and what comes again and again; nothing closes the connection. The answer does not wait for a
# body of the request.
FLOODS: Final[dict[str, tuple[bytes, bytes]]] = {
    "interim answers": (b"", b"HTTP/1.1 100\r\n\r\n"),
    "one-byte chunks": (_CHUNKED, b"1\r\nx\r\n"),
    "chunk extensions": (_CHUNKED, b"1;" + b"e" * 20 + b"\r\nx\r\n"),
    "endless chunk extension": (_CHUNKED + b"1;", b"e"),
    "one-byte segments": (_LENGTH, b"x"),
    "endless header": (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "tiny fields": (b"HTTP/1.1 200 OK\r\n", b"a:\r\n"),
    "tiny trailers": (_CHUNKED + b"0\r\n", b"a:\r\n"),
    # As many as an HTTP library takes, and their end.
    "whole tiny trailers": (_CHUNKED + b"0\r\n" + b"a:\r\n" * 25_000 + b"\r\n", b""),
    "whole tiny fields": (b"HTTP/1.1 200 OK\r\n" + b"a:\r\n" * 25_000 + b"Content-Length: 0\r\n\r\n", b""),
    "empty gzip members": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9000000000\r\n\r\n",
        gzip.compress(b""),
    ),
    # A decoder fills its whole window before it gives a byte.
    "wide brotli windows": (_WIDE, b""),
}
# Every byte a segment of its own, as far as the kernel lets it.
SINGLY: Final = frozenset({"one-byte segments"})
_BLOCK_BYTES: Final = 256 * 1024
CLOCK: Final = "/clock"
_TICK_S: Final = 0.01


def path(name: str) -> str:
    """The path of a flood's URL."""
    return "/flood/" + name.replace(" ", "-")


class HostileServer:
    """Two processes that listen on 127.0.0.1, one for the floods and one for the clock; a context manager."""

    def __init__(self) -> None:
        self._floods, self._clock = _Process(), _Process()

    @property
    def origins(self) -> tuple[str, str]:
        """What a policy has to grant, with a slash at the end."""
        return self.url("/"), self._clock.url("/")

    def url(self, path: str) -> str:
        """The absolute URL of a path."""
        return (self._clock if path == CLOCK else self._floods).url(path)

    def __enter__(self) -> Self:
        self._floods.start()
        self._clock.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._floods.end()
        self._clock.end()


class _Process:
    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._mine, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._port = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}{path}"

    def start(self) -> None:
        self._process.start()
        self._port = self._mine.recv()

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._process.close()
        self._mine.close()


def _serve(told: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        told.send(listening.getsockname()[1])
        while True:
            accepted, _ = listening.accept()
            threading.Thread(target=_flood, args=(accepted,), daemon=True).start()


def _flood(client: socket.socket) -> None:
    with client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = b""
        while b"\r\n\r\n" not in head:
            received = client.recv(65536)
            if not received:
                return
            head += received
        asked = head.split(b" ")[1].decode()
        with suppress(OSError):  # the client has gone
            if asked == CLOCK:
                _tell_time(client)
            name = next(name for name in FLOODS if path(name) == asked)
            first, again = FLOODS[name]
            block = again * (1 if name in SINGLY else _BLOCK_BYTES // max(1, len(again)))
            client.sendall(first)
            while block:
                client.sendall(block)


def _tell_time(client: socket.socket) -> NoReturn:
    client.sendall(_CHUNKED)
    while True:
        text = b"%.6f\n" % time.monotonic()
        client.sendall(b"%x\r\n%b\r\n" % (len(text), text))
        time.sleep(_TICK_S)
