"""A small HTTP/1.1 server on loopback, on top of h11: enough for the demo's upstream and its page."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Final

import h11

_READ_BYTES: Final = 64 * 1024
# The page's last report holds all that it could see.
_MAX_BODY_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request. Header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Responder:
    """The way back for one request: `reply` at once, or `start`, `send` …, and the server ends it."""

    def __init__(self, connection: h11.Connection, writer: asyncio.StreamWriter) -> None:
        self._connection = connection
        self._writer = writer

    async def reply(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = "text/plain; charset=utf-8",
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Send a whole response."""
        await self.start(status, content_type, length=len(body), headers=headers)
        await self._send(h11.Data(data=body))

    async def start(
        self, status: int, content_type: str, *, length: int | None = None, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Begin a response; without `length` it ends where the server says so."""
        framing = ("Transfer-Encoding", "chunked") if length is None else ("Content-Length", str(length))
        await self._send(
            h11.Response(
                status_code=status,
                headers=[("Content-Type", content_type), framing, ("Cache-Control", "no-store"), *headers],
            )
        )

    async def send(self, data: bytes) -> None:
        """Send body bytes now."""
        await self._send(h11.Data(data=data))

    async def finish(self) -> None:
        """End the response, if it was begun."""
        if self._connection.our_state is h11.SEND_BODY:
            await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        self._writer.write(self._connection.send(event) or b"")
        await self._writer.drain()


Handler = Callable[[Request, Responder], Awaitable[None]]


class LoopbackServer:
    """Serves `handler` on a free port of 127.0.0.1 while its context lasts."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "LoopbackServer":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  (asyncio calls this in a task)
        self._connections.add(task)
        # Every event is to leave at once: this is a demonstration of that.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, h11.ProtocolError):
            pass  # the browser went away, or is not one
        except asyncio.CancelledError:
            pass  # the server closes; nobody awaits this task, and Python 3.11 would print a traceback for it
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            request = await _read_request(connection, reader)
            if request is None:
                return
            responder = Responder(connection, writer)
            await self._handler(request, responder)
            await responder.finish()
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()


async def _read_request(connection: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > _MAX_BODY_BYTES:
                return None
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
            return Request(head.method.decode(), head.target.decode().partition("?")[0], headers, bytes(body))
        else:
            return None
