"""What the sockets of a page are opened to: a real server, and one that sends to the byte what a path names.

Of the raw one: `/raw?hex=…` accepts and sends these bytes. `&then=close|reset|hold` says what follows, by default
nothing; with `answered` it closes once the client sent something. `/answer/NAME` is one of the handshakes that a
browser refuses, `/fragments?n=…` one text of so many fragments.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import cast

from tests.e2e.conftest import SEND_BUFFER_BYTES
from tests.unit.upstream.test_websocket import BAD_ANSWERS, drain
from tests.upstreams import faults
from tests.upstreams.connection import PeerGoneError, Request
from tests.upstreams.server import Server
from tests.upstreams.sockets import SocketServer, answer, frame
from tests.upstreams.threaded import ThreadedServer


@dataclass
class SocketServers:
    """Both, in one thread."""

    sockets: SocketServer
    threaded: ThreadedServer

    @property
    def url(self) -> str:
        """Of the real one, without a path."""
        return self.sockets.url

    @property
    def raw(self) -> str:
        """Of the raw one."""
        return f"ws://localhost:{self.threaded.server.port}"


@contextmanager
def socket_servers() -> Iterator[SocketServers]:
    """Until the block ends."""
    with ThreadedServer(lambda: Server(_serve)) as threaded:
        sockets = SocketServer(send_buffer=SEND_BUFFER_BYTES)
        threaded.run(sockets.start)
        try:
            yield SocketServers(sockets, threaded)
        finally:
            threaded.run(sockets.stop)


async def _serve(request: Request) -> None:
    request.connection.keep_alive = False
    query = request.query
    if request.path.startswith("/answer/"):
        name = request.path.removeprefix("/answer/").replace("%20", " ")
        if name != "never":
            await request.connection.send(BAD_ANSWERS[name](request))
        await drain(request)
        return
    await request.connection.send(answer(request))
    if request.path == "/fragments":
        count = int(query["n"])
        await request.connection.send(frame(1, b"a", last=False) + frame(0, b"b", last=False) * (count - 2))
        await request.connection.send(frame(0, b"c"))
    else:
        await request.connection.send(bytes.fromhex(query.get("hex", "")))
    then = query.get("then", "drain")
    if then == "drain":
        await drain(request)
    elif then == "answered":  # a client that is to close, or fails
        with suppress(PeerGoneError):
            await request.connection.read_some()
    else:
        await faults.finish(request, cast("faults.Then", then))
