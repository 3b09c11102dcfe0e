"""See `native.system`: sockets in a folder, `poll` that tells of an end, `fork`."""

import os
import select
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from longwire.daemon.connected import Connected

assert sys.platform != "win32"  # noqa: S101  (see `windows`)

if TYPE_CHECKING:
    import subprocess

    from longwire.native.socket_channel import SocketChannel
    from longwire.native.system import Accepted, Listener

EXIT_READY: Final = 0
EXIT_NOT_READY: Final = 1


class Posix:
    """See `System`."""

    def unbound(self) -> "Listener":
        """See `System.unbound`."""
        return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    async def accept(self, listener: "Listener") -> "Accepted":
        """See `System.accept`."""
        import asyncio  # here, and below: a pipe's start does without

        connected, _ = await asyncio.get_running_loop().sock_accept(_socket(listener))
        return connected

    def channel(self, connected: "Connected | Accepted") -> "SocketChannel":
        """See `System.channel`."""
        from longwire.native.socket_channel import SocketChannel

        return SocketChannel(_socket(connected))

    def writer_is_gone(self, descriptor: int) -> bool:
        """See `System.writer_is_gone`."""
        poll = select.poll()
        poll.register(descriptor, 0)  # POLLHUP comes unasked
        return any(events & (select.POLLHUP | select.POLLERR) for _, events in poll.poll(0))

    def died(self, connected: Connected) -> bool:
        """See `System.died`. In the ordinary way it still takes what comes; if it died, nobody does."""
        return self.writer_is_gone(_socket(connected).fileno())

    def pass_on(self, connected: Connected, data: memoryview, input_fd: int) -> bool | None:
        """See `System.pass_on`."""
        to_daemon = _socket(connected)
        while data:
            try:
                data = data[to_daemon.send(data, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                if _closed_before_room(input_fd, to_daemon.fileno()):
                    return None
            except OSError:
                return False
        return True

    def start_apart(self, command: list[str], environ: dict[str, str]) -> "subprocess.Popen[bytes]":
        """See `System.start_apart`."""
        import subprocess

        return subprocess.Popen(  # noqa: S603  (this very program)
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=True,
            cwd="/",
            start_new_session=True,
            env=environ,
        )

    def leave_parent(self) -> Callable[[], None]:
        """See `System.leave_parent`. It goes on in a child that nothing ties to terminal, folder or descriptors."""
        ready, saying = os.pipe()
        if os.fork():
            os.close(saying)
            os._exit(EXIT_READY if os.read(ready, 1) else EXIT_NOT_READY)
        os.chdir("/")
        os.umask(0o077)
        saying = os.dup2(saying, 3, inheritable=False)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))

        def say_ready() -> None:
            os.write(saying, b".")
            os.close(saying)

        return say_ready


def _closed_before_room(input_fd: int, to_daemon: int) -> bool:
    """Wait until there is room for more, or the browser closed, although what it sent last is not even read."""
    poll = select.poll()
    poll.register(input_fd, 0)  # POLLHUP comes unasked
    poll.register(to_daemon, select.POLLOUT)
    return any(descriptor == input_fd and events & select.POLLHUP for descriptor, events in poll.poll())


def _socket(connected: "Connected | Accepted | Listener") -> socket.socket:
    assert isinstance(connected, socket.socket)  # noqa: S101  (there is nothing else on these systems)
    return connected
