"""A small HTTP/1.1 server on loopback, on top of h11: enough for the demo's upstream and its pages."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Final

import h11

_READ_BYTES: Final = 64 * 1024
# The page's last report holds all that it could see.
_MAX_BODY_BYTES: Final = 4 * 1024 * 1024


class BrokenOffError(ConnectionError):
    """What a handler raises to close the connection with the response as it stands."""


class Request:
    """One request. Header names are lower case, `path` is without a query; the body is read as it comes, once."""

    def __init__(self, head: h11.Request, connection: h11.Connection, reader: asyncio.StreamReader) -> None:
        self.method = head.method.decode()
        self.path = head.target.decode().partition("?")[0]
        self.headers = {name.decode(): value.decode("latin-1") for name, value in head.headers}
        self._connection = connection
        self._reader = reader
        self._whole = False
        self._switched = False

    async def read(self) -> bytes:
        """The next piece of the body, empty at its end."""
        if not self._whole:
            event = await _next_event(self._connection, self._reader)
            if isinstance(event, h11.Data):
                return bytes(event.data)
            self._whole = True
        return b""

    async def body(self) -> bytes:
        """What is left of the body.

        Raises:
            BrokenOffError: it is longer than 4 MiB.
        """
        body = bytearray()
        while piece := await self.read():
            body += piece
            if len(body) > _MAX_BODY_BYTES:
                raise BrokenOffError
        return bytes(body)

    async def read_switched(self) -> bytes:
        """The next bytes of a connection that speaks another protocol now, empty at its end."""
        early, _ = self._connection.trailing_data
        if early and not self._switched:
            self._switched = True
            return bytes(early)
        return await self._reader.read(_READ_BYTES)


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

    async def send_switched(self, data: bytes) -> None:
        """Send bytes of another protocol. The connection is closed when the handler returns."""
        self._writer.write(data)
        await self._writer.drain()

    async def finish(self) -> None:
        """End the response, if it was begun."""
        if self._connection.our_state is h11.SEND_BODY:
            await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        self._writer.write(self._connection.send(event) or b"")
        await self._writer.drain()


# Of the event loop, from a socket's acceptance to the first step of its task: three in asyncio.
_ACCEPT_TURNS: Final = 8

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
        assert self._server is not None  # noqa: S101  (`__aenter__` made it)
        # A socket that was accepted just now is a connection some turns later, and closed by nobody but its task; of a
        # closed server it becomes none, in Python 3.11, and is closed by nobody at all.
        with contextlib.suppress(NotImplementedError):  # Windows' loop has no readers
            for listening in self._server.sockets:
                asyncio.get_running_loop().remove_reader(listening.fileno())
        for _ in range(_ACCEPT_TURNS):
            await asyncio.sleep(0)
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
            head = await _next_event(connection, reader)
            if not isinstance(head, h11.Request):
                return
            request, responder = Request(head, connection, reader), Responder(connection, writer)
            await self._handler(request, responder)
            await responder.finish()
            await request.body()  # with some of it unread, closing would take the response back
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()


async def _next_event(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_READ_BYTES))
    return event
