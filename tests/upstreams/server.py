"""The server: accepts, counts, and knows when each connection was closed by its peer."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeAlias

from tests.patience import PATIENCE_S
from tests.upstreams.connection import MAX_HEAD_BYTES, Connection, PeerGoneError, Request

# Answers one request. It may close, reset or hold the connection; else the next request is awaited on it.
Handler: TypeAlias = Callable[[Request], Awaitable[None]]


class Routes:
    """A handler that chooses among others: by exact path, or by the longest prefix that ends in a slash."""

    def __init__(self, routes: dict[str, Handler] | None = None) -> None:
        self._routes = dict(routes or {})

    def add(self, path: str, handler: Handler) -> None:
        """Serve `path`, or everything below it if it ends in a slash."""
        self._routes[path] = handler

    async def __call__(self, request: Request) -> None:
        handler = self._routes.get(request.path)
        if handler is None:
            prefixes = [path for path in self._routes if path.endswith("/") and request.path.startswith(path)]
            if not prefixes:
                await request.body()
                await request.connection.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                return
            handler = self._routes[max(prefixes, key=len)]
        await handler(request)


class _Protocol(asyncio.StreamReaderProtocol):
    """Tells the connection when its peer is gone, also while no handler reads."""

    def __init__(self, server: "Server", reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._server = server
        self._stream = reader
        self._connection: Connection | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        if transport.get_extra_info("ssl_object") is None:
            # So that `send` is back only when the kernel has it all. (asyncio's TLS transport never resumes with 0.)
            transport.set_write_buffer_limits(0)
        writer = asyncio.StreamWriter(transport, self, self._stream, asyncio.get_running_loop())
        self._connection = Connection(self._stream, writer)
        self._server.accepted(self._connection)

    def eof_received(self) -> bool:
        super().eof_received()
        if self._connection is not None:
            self._connection.note_gone()
        # False closes the transport: HTTP/1.1 clients do not half-close.
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._connection is not None:
            self._connection.note_gone()
            self._connection.closed.set()


class _Listener(socket.socket):
    """Remembers the sockets it accepted: one in the middle of a TLS handshake is a connection to nobody yet."""

    unclosed: set[socket.socket]

    def accept(self) -> tuple[socket.socket, Any]:
        sock, address = super().accept()
        self.unclosed = {one for one in self.unclosed if one.fileno() != -1} | {sock}
        return sock, address


class Server:
    """A raw HTTP/1.1 server on a free port (or `port`) of 127.0.0.1 (or `host`), as an async context manager.

    `send_buffer` and `receive_buffer` fix the kernel buffers of accepted connections (SO_SNDBUF, SO_RCVBUF), so that
    "what left the server" means something. `context` makes it a TLS server; `name` is the host in its URLs.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        name: str | None = None,
        context: ssl.SSLContext | None = None,
        send_buffer: int | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        self._handler = handler
        self._host = host
        self._name = name or (f"[{host}]" if ":" in host else host)
        self._context = context
        self._send_buffer = send_buffer
        self._receive_buffer = receive_buffer
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.connections: list[Connection] = []
        self.requests: list[Request] = []
        self.port = port

    def url(self, target: str = "/") -> str:
        """The absolute URL of `target` on this server."""
        return f"{'https' if self._context else 'http'}://{self._name}:{self.port}{target}"

    @property
    def open_connections(self) -> int:
        """Connections that neither side has closed."""
        return sum(not connection.gone.is_set() for connection in self.connections)

    @property
    def sent(self) -> int:
        """Bytes that left the process, over all connections."""
        return sum(connection.sent for connection in self.connections)

    async def wait_connections(self, count: int, timeout_s: float = PATIENCE_S) -> None:
        """Wait until `count` connections have been accepted in all."""
        await self._wait(lambda: len(self.connections) >= count, timeout_s)

    async def wait_requests(self, count: int, timeout_s: float = PATIENCE_S) -> None:
        """Wait until `count` request heads have come in all."""
        await self._wait(lambda: len(self.requests) >= count, timeout_s)

    async def start(self) -> None:
        """Listen."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        sock = self._listener = _Listener(family, socket.SOCK_STREAM)
        sock.unclosed = set()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self._send_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)
        if self._receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        sock.bind((self._host, self.port))
        # What a StreamReader holds before it stops reading is twice its limit.
        limit = self._receive_buffer or MAX_HEAD_BYTES
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Protocol(self, asyncio.StreamReader(limit=limit)), sock=sock, ssl=self._context, backlog=1024
        )
        self.port = sock.getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, end all handlers, break all connections."""
        assert self._server is not None
        # Of a closed server an accepted socket becomes no connection, in Python 3.11, and is closed by nobody.
        asyncio.get_running_loop().remove_reader(self._listener.fileno())
        for _ in range(8):
            await asyncio.sleep(0)
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self.connections:
            connection.abort()
        await asyncio.gather(*(connection.closed.wait() for connection in self.connections))
        # What was accepted just now, or is still in its TLS handshake, sees an end and closes itself some turns later.
        for sock in self._listener.unclosed:
            if sock.fileno() != -1:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for _ in range(1000):
            if all(sock.fileno() == -1 for sock in self._listener.unclosed):
                break
            await asyncio.sleep(0)
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def accepted(self, connection: Connection) -> None:
        """For the protocol: a connection is there (after the TLS handshake, if any)."""
        self.connections.append(connection)
        self._note()
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def _serve(self, connection: Connection) -> None:
        while connection.keep_alive and (request := await connection.read_head()) is not None:
            self.requests.append(request)
            self._note()
            try:
                await self._handler(request)
            except PeerGoneError:
                break
        connection.close()

    def _finished(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # A handler that fails is an error of the test: say so where it is seen.
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a handler of a test server failed", "exception": task.exception()}
            )

    def _note(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait(self, reached: Callable[[], bool], timeout_s: float) -> None:
        async with asyncio.timeout(timeout_s):
            while not reached():
                await self._changed.wait()
