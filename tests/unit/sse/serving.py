"""A real uvicorn in a thread, and a client of which a test decides each byte: what it reads, and how it leaves."""

import socket
import struct
import threading
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

import anyio
import uvicorn

from longwire.sse import Event, EventResponse

# A test that waits longer has failed: the figure is no promise, machines are slow at times.
PATIENCE_S = 30.0


class Served:
    """Serves an ASGI application on a free port of 127.0.0.1 while its context lasts."""

    def __init__(self, app: Any, *, lifespan: Any = "auto") -> None:
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan=lifespan))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self.address: tuple[str, int] = self._socket.getsockname()
        self.url = f"http://127.0.0.1:{self.address[1]}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        self._socket.close()
        assert not self._thread.is_alive()


class Client:
    """One connection, in HTTP/1.1."""

    def __init__(self, served: Served, *, receive_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(PATIENCE_S)
        self._socket.connect(served.address)
        self._read = b""

    def ask(self, method: str = "GET", *headers: str, path: str = "/", body: str = "") -> Self:
        """Send a request; `headers` are whole lines."""
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
        self._socket.sendall("\r\n".join([*lines, "", body]).encode())
        return self

    def until(self, end: bytes) -> bytes:
        """What comes, up to `end` and with it."""
        while end not in self._read:
            piece = self._socket.recv(65536)
            assert piece, f"the server closed after {self._read!r}"
            self._read += piece
        read, end, self._read = self._read.partition(end)
        return read + end

    def rest(self) -> bytes:
        """What comes until the server closes."""
        read = self._read
        while piece := self._socket.recv(65536):
            read += piece
        return read

    def close(self) -> None:
        """Leave as a browser does: with what came unread, the kernel makes a reset of it."""
        self._socket.close()

    def reset(self) -> None:
        """Leave with a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def half_close(self) -> None:
        """Say that nothing more is sent, and go on reading."""
        self._socket.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()


class Watched:
    """A producer that tells how it goes: one event, then `then` until the client has left."""

    def __init__(self, text: str = "first") -> None:
        self._text = text
        self.opened: list[str | None] = []
        self.second = threading.Event()
        self._closed = threading.Event()

    async def waiting(self, last_event_id: str | None = None) -> AsyncIterator[Event]:
        """Waits for what never comes."""
        self.opened.append(last_event_id)
        try:
            yield Event("text", self._text)
            self.second.set()
            await anyio.Event().wait()
        finally:
            await self._clean_up()

    async def busy(self, last_event_id: str | None = None) -> AsyncIterator[Event]:
        """Never waits, and never ends."""
        self.opened.append(last_event_id)
        event = Event("text", self._text)
        try:
            yield event
            self.second.set()
            while True:
                yield event
        finally:
            await self._clean_up()

    async def _clean_up(self) -> None:
        # As a connection does that goes back to its pool: it takes turns of the loop.
        for _ in range(3):
            await anyio.sleep(0.001)
        self._closed.set()

    def wait_closed(self) -> None:
        """Raises AssertionError where `finally` is not carried out to its end."""
        assert self._closed.wait(PATIENCE_S), "the producer was never closed"


async def two_events(last_event_id: str | None) -> AsyncIterator[Event]:
    """A short answer."""
    yield Event("text", f"behind {last_event_id}", event_id="1")
    yield Event("done")


def two() -> EventResponse:
    """The response with them."""
    return EventResponse(two_events)
