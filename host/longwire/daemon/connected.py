"""What connects to the daemon: a socket, or what stands in its place."""

import socket
import sys
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from longwire.daemon.named_pipe import NamedPipe

    Connected: TypeAlias = socket.socket | NamedPipe
else:
    # What is not loaded yet would have to be a string, and the first of those in an alias takes a millisecond.
    Connected = socket.socket


def unconnected() -> Connected:
    """One that is to be connected. It blocks."""
    if sys.platform == "win32":
        from longwire.daemon.named_pipe import NamedPipe

        return NamedPipe()
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
