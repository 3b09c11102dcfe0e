"""Whose process is at the other end of a local socket, by the word of the kernel."""

import socket
import struct
import sys
from typing import Final, NamedTuple, Protocol

from longwire.daemon.address import own_uid

# Linux: struct ucred of unix(7): pid, uid, gid.
_SO_PEERCRED: Final[int] = getattr(socket, "SO_PEERCRED", 0)
_UCRED: Final = struct.Struct("=iII")
# macOS, FreeBSD: struct xucred of sys/ucred.h begins with a version and the uid; 16 groups come after that.
_SOL_LOCAL: Final = 0
_LOCAL_PEERCRED: Final = 1
_XUCRED_BYTES: Final = 128
_XUCRED: Final = struct.Struct("=II")


class Peer(NamedTuple):
    """`pid` is 0 where the system does not tell; `uid` is -1 where users have no numbers (Windows)."""

    uid: int
    pid: int


class ForeignPeer(Exception):
    """Another user's process, or one that the kernel does not vouch for. The text names the user."""


class Vouching(Protocol):
    """An end of what is no socket, and tells by itself whose the other one is: a named pipe."""

    def own_peer(self) -> Peer:
        """As the function of that name."""
        ...


def peer_of(connected: socket.socket, platform: str = sys.platform) -> Peer:
    """Of a connected AF_UNIX socket. On the side that connected it is who listened.

    Raises:
        ForeignPeer: this system does not tell.
    """
    try:
        if platform == "linux":
            pid, uid, _ = _UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, _SO_PEERCRED, _UCRED.size))
            return Peer(uid, pid)
        if platform == "darwin" or platform.startswith("freebsd"):
            credentials = connected.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES)
            return Peer(_XUCRED.unpack_from(credentials)[1], 0)
    except (OSError, struct.error):
        pass
    raise ForeignPeer("this system does not tell whose process is at the other end of a socket")


def own_peer(connected: socket.socket | Vouching, uid: int | None = None) -> Peer:
    """The peer, if it is this user's.

    Raises:
        ForeignPeer: it is not.
    """
    if not isinstance(connected, socket.socket):
        return connected.own_peer()
    peer = peer_of(connected)
    if peer.uid != (own_uid() if uid is None else uid):
        raise ForeignPeer(f"a process of user id {peer.uid} is at the other end")
    return peer
