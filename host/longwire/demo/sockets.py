"""WebSockets of the demo's server: wsproto's, with the methods that longwire.rpc wants of a socket."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from longwire.demo.server import Request, Responder
from longwire.rpc import SocketClosed

_MAX_MESSAGE_BYTES: Final = 1024 * 1024
_TOO_LARGE: Final = 1009
_ABNORMAL: Final = 1006


class DemoSocket:
    """A socket that is open: a `longwire.rpc.Socket`. A message has 1 MiB at most."""

    def __init__(self, connection: WSConnection, request: Request, responder: Responder) -> None:
        self._connection = connection
        self._request = request
        self._responder = responder

    async def receive(self) -> str | bytes:
        """See Socket."""
        data = b""
        while True:
            match await self._next_event():
                case TextMessage() | BytesMessage() as part:
                    data += part.data.encode() if isinstance(part.data, str) else part.data
                    if len(data) > _MAX_MESSAGE_BYTES:
                        await self.close(_TOO_LARGE, "")
                        raise SocketClosed(_TOO_LARGE, "")
                    if part.message_finished:
                        return data.decode() if isinstance(part.data, str) else data
                case Ping() as ping:
                    await self._send(ping.response())
                case CloseConnection(code=code, reason=reason) as closing:
                    with contextlib.suppress(SocketClosed):  # of a connection that only ended
                        await self._send(closing.response())
                    raise SocketClosed(code, reason or "")

    async def send(self, data: str | bytes) -> None:
        """See Socket."""
        await self._send(TextMessage(data=data) if isinstance(data, str) else BytesMessage(data=data))

    async def close(self, code: int, reason: str) -> None:
        """See Socket."""
        with contextlib.suppress(SocketClosed):  # already
            await self._send(CloseConnection(code=code, reason=reason))

    async def _next_event(self) -> Event:
        # Each time anew, for one that ended gives nothing of what comes later.
        while (event := next(self._connection.events(), None)) is None:
            self._connection.receive_data(await self._request.read_switched() or None)
        return event

    async def _send(self, event: Event) -> None:
        try:
            await self._responder.send_switched(self._connection.send(event))
        except (LocalProtocolError, ConnectionError):
            raise SocketClosed(_ABNORMAL, "") from None


async def serve_socket(request: Request, responder: Responder, serve: Callable[[DemoSocket], Awaitable[None]]) -> None:
    """Answer a handshake, and serve its socket until `serve` returns or the socket is closed."""
    connection = WSConnection(ConnectionType.SERVER)
    fields = [(name.encode(), value.encode("latin-1")) for name, value in request.headers.items()]
    try:
        connection.initiate_upgrade_connection(fields, request.path)
        next(connection.events())  # the request
    except RemoteProtocolError:
        await responder.reply(426, b"for a WebSocket\n", headers=[("Upgrade", "websocket")])
        return
    await responder.send_switched(connection.send(AcceptConnection()))
    with contextlib.suppress(SocketClosed):
        await serve(DemoSocket(connection, request, responder))
