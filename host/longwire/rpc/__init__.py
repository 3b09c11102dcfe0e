"""Many typed streams, and requests beside them, over one WebSocket, on asyncio. See docs/rpc.md.

A leaf: nothing of the host imports it, and it imports nothing of the host, nor anything outside the standard library.
`connect` alone wants the `websockets` library.
"""

from longwire.rpc.accepting import Resumables, accept
from longwire.rpc.connecting import NO_RETRY, Retry, connect
from longwire.rpc.errors import RpcError
from longwire.rpc.handlers import PASS
from longwire.rpc.options import PeerOptions
from longwire.rpc.peer import Peer
from longwire.rpc.sockets import AsgiSocket, Socket, SocketClosed

__all__ = [
    "NO_RETRY",
    "PASS",
    "AsgiSocket",
    "Peer",
    "PeerOptions",
    "Resumables",
    "Retry",
    "RpcError",
    "Socket",
    "SocketClosed",
    "accept",
    "connect",
]
