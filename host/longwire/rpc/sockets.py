"""What a peer needs of a socket, and the sockets that there are: ASGI, Starlette, `websockets`."""

import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol, TypeAlias

AsgiMessage: TypeAlias = MutableMapping[str, Any]
AsgiReceive: TypeAlias = Callable[[], Awaitable[AsgiMessage]]
AsgiSend: TypeAlias = Callable[[AsgiMessage], Awaitable[None]]


class SocketClosed(Exception):
    """It is over: raised by `receive` and `send` of a Socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class Socket(Protocol):
    """Any socket with messages. `send` returns when there is room for another one: that is the backpressure."""

    async def receive(self) -> str | bytes:
        """The next message. Raises SocketClosed when there is none."""
        ...

    async def send(self, data: str | bytes) -> None:
        """Send a message. Raises SocketClosed when it cannot be sent."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """Close it, once or more often."""
        ...


class AsgiSocket:
    """A WebSocket of an ASGI server: of the callables, or of Starlette's WebSocket, which has both."""

    def __init__(self, receive: AsgiReceive, send: AsgiSend) -> None:
        self._receive = receive
        self._send = send
        self._over: SocketClosed | None = None

    async def accept(self, subprotocol: str | None = None) -> None:
        """Answer the handshake, which an application has to do before anything else."""
        message = await self._receive()
        if message["type"] == "websocket.connect":
            await self._send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def receive(self) -> str | bytes:
        """See Socket."""
        if self._over is not None:
            raise self._over
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._over = SocketClosed(message.get("code") or 1005, message.get("reason") or "")
            raise self._over
        text, data = message.get("text"), message.get("bytes")
        if isinstance(text, str):
            return text
        return bytes(data) if data is not None else ""

    async def send(self, data: str | bytes) -> None:
        """See Socket."""
        kind = "text" if isinstance(data, str) else "bytes"
        try:
            await self._send({"type": "websocket.send", kind: data})
        except Exception as error:
            # Each server has an exception of its own for a client that has left (ASGI 2.4: an OSError), and some
            # complain about the order of messages instead. The close itself comes out of `receive`.
            raise self._over or SocketClosed(1006, "") from error

    async def close(self, code: int, reason: str) -> None:
        """See Socket."""
        with contextlib.suppress(Exception):  # closed already; each server says so in its own way
            await self._send({"type": "websocket.close", "code": code, "reason": reason})


class WebsocketsSocket:
    """A connection of the `websockets` library, client's or server's, on asyncio."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def _closed(self) -> SocketClosed:
        code: int | None = self._connection.close_code
        return SocketClosed(code or 1006, self._connection.close_reason or "")

    async def receive(self) -> str | bytes:
        """See Socket."""
        from websockets.exceptions import ConnectionClosed  # only where it is used

        try:
            message: str | bytes = await self._connection.recv()
        except ConnectionClosed as error:
            raise self._closed() from error
        return message

    async def send(self, data: str | bytes) -> None:
        """See Socket."""
        from websockets.exceptions import ConnectionClosed  # only where it is used

        try:
            await self._connection.send(data)
        except ConnectionClosed as error:
            raise self._closed() from error

    async def close(self, code: int, reason: str) -> None:
        """See Socket."""
        await self._connection.close(code, reason)


def as_socket(given: Any) -> Socket:
    """What an application has, as a Socket.

    Raises:
        TypeError: it is none of those.
    """
    if hasattr(given, "recv") and hasattr(given, "close_code"):
        return WebsocketsSocket(given)
    # Starlette's and FastAPI's: its own `send` and `receive` are those of ASGI, with the states looked after.
    if hasattr(given, "receive_text") and hasattr(given, "scope"):
        return AsgiSocket(given.receive, given.send)
    if all(callable(getattr(given, name, None)) for name in ("receive", "send", "close")):
        socket: Socket = given
        return socket
    raise TypeError(
        "a socket is Starlette's WebSocket, a connection of websockets, AsgiSocket(receive, send), "
        f"or anything with receive, send and close, and this is a {type(given).__name__}"
    )
