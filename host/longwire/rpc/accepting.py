"""Peers of sockets that a server accepted."""

import asyncio
from typing import Any

from longwire.rpc import events as event
from longwire.rpc.messages import Hello
from longwire.rpc.options import PeerOptions
from longwire.rpc.peer import Peer
from longwire.rpc.sockets import Socket, as_socket


class Resumables:
    """The peers of a server that may be resumed, for one event loop."""

    def __init__(self) -> None:
        self._peers: dict[str, tuple[Peer, str | None]] = {}

    def __len__(self) -> int:
        return len(self._peers)

    def find(self, hello: Hello, owner: str | None) -> Peer | None:
        """Whose streams the other side wants back, if it knows both tokens and is the same one."""
        peer, its_owner = self._peers.get(hello.resume or "", (None, None))
        if peer is None or peer.core.state == "closed":
            return None
        return peer if its_owner == owner and peer.core.other_token == hello.peer else None

    def add(self, peer: Peer, owner: str | None) -> None:
        """Until it is closed."""
        self._peers[peer.core.token] = (peer, owner)

    def discard(self, peer: Peer) -> None:
        """It is closed."""
        self._peers.pop(peer.core.token, None)


class _Accepting:
    def __init__(self, socket: Socket, peer: Peer, resumables: Resumables | None, owner: str | None) -> None:
        self._socket = socket
        self._peer = peer
        self._resumables = resumables
        self._owner = owner
        self.found: asyncio.Future[Peer] = asyncio.get_running_loop().create_future()
        # Only who has lost the connection comes back, not who left in order.
        peer.on_closed = lambda code, _: peer.core.keeps and code not in (1000, 1001)
        peer.on_connection = self._on

    def _on(self, happened: event.Event) -> None:
        match happened:
            case event.ResumeAsked(hello):
                self._resume(hello)
            case event.Ready(extended):
                if self._resumables is not None and extended:
                    self._resumables.add(self._peer, self._owner)
                if not self.found.done():
                    self.found.set_result(self._peer)
            case event.Expired():
                self._peer.lost(1006, "", final=True)

    def _resume(self, hello: Hello) -> None:
        kept = None if self._resumables is None else self._resumables.find(hello, self._owner)
        if kept is None:
            self._peer.core.refuse_resume(asyncio.get_running_loop().time() * 1000)
            return
        self._peer.release()
        # This server may not have noticed yet that the old socket is dead.
        kept.lost(1006, "", final=False)
        if not self.found.done():
            self.found.set_result(kept)
        # Not here: the first peer's reader still has its hands on the socket.
        asyncio.get_running_loop().call_soon(kept.attach, self._socket, hello)


async def accept(
    websocket: Any,
    options: PeerOptions | None = None,
    *,
    resumables: Resumables | None = None,
    owner: str | None = None,
) -> Peer:
    """The peer of a socket: a new one, or the one that the client lost its connection to.

    `websocket` is Starlette's or FastAPI's after its `accept()`, a connection of `websockets`, an AsgiSocket, or
    anything with its three methods. `owner`: who it is, as the server knows it, such as a user's id; nobody else
    resumes its streams. Returns once it is known whom one speaks to. Wait for `peer.wait_closed()` before the
    application returns: servers close a socket whose application has.

    Raises:
        TypeError: what is no socket.
        RpcError: CONNECTION_FAILED, if the socket closes before.
    """
    socket = as_socket(websocket)
    peer = Peer(options or PeerOptions(), "accept", resumable=resumables is not None)
    accepting = _Accepting(socket, peer, resumables, owner)
    peer.attach(socket)
    if resumables is not None:
        _forget_when_closed(peer, resumables)
    opened = asyncio.ensure_future(peer.opened())
    waits: list[asyncio.Future[Any]] = [opened, accepting.found]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if accepting.found.done():
            return accepting.found.result()
        opened.result()  # raises
        return await accepting.found
    finally:
        opened.cancel()
        if opened.done() and not opened.cancelled():
            opened.exception()


_forgetting: set["asyncio.Task[None]"] = set()


def _forget_when_closed(peer: Peer, resumables: Resumables) -> None:
    async def forget() -> None:
        await peer.wait_closed()
        resumables.discard(peer)

    task = asyncio.create_task(forget(), name="rpc resumable")
    _forgetting.add(task)
    task.add_done_callback(_forgetting.discard)
