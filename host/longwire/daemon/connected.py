"""What connects to the daemon: a socket, or what stands in its place."""

import socket
import sys
from typing import TYPE_CHECKING, TypeAlias, Union

if TYPE_CHECKING:
    from longwire.daemon.named_pipe import NamedPipe

# NamedPipe is loaded where there are such pipes only.
Connected: TypeAlias = Union["socket.socket", "NamedPipe"]


def unconnected() -> Connected:
    """One that is to be connected. It blocks."""
    if sys.platform == "win32":
        from longwire.daemon.named_pipe import NamedPipe

        return NamedPipe()
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
