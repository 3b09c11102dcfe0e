"""TCP to an address that has been checked: non-blocking sockets under anyio's stream interface.

Why not anyio's own sockets. A buffer limit must be set before the connection is made, or the window it announces
is already larger. An asyncio transport reads up to 256 KiB ahead of whoever asked, and a thousand paused streams
would hold that much each; here nothing is taken from the kernel beyond what is asked for.
"""

import errno
import socket
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv6Address
from typing import Final

import anyio
import anyio.abc

from longwire.addresses import IPAddress
from longwire.turns import Turns
from longwire.upstream.buffers import LARGE_BUFFER_BYTES, SMALL_BUFFER_BYTES, ReceiveBuffer, ReceiveBuffers

READ_BYTES: Final = 64 * 1024
# What is taken from the kernel at once while nobody is known to want more: what a reader that stops leaves behind lies
# in two or three places at once.
SMALL_READ_BYTES: Final = 4 * 1024
# Less is not worth a call to the kernel.
LEAST_READ_BYTES: Final = 512

# How much of a request may wait in the kernel for a peer that does not take it.
UNSENT_BYTES: Final = 128 * 1024

# When the next address is tried beside one that does not answer (RFC 8305 section 5).
ATTEMPT_DELAY_S: Final = 0.25
# A name may have hundreds of addresses; each attempt is a socket.
MAX_ATTEMPTS: Final = 8

_IN_PROGRESS: Final = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)} - {0})
# This machine lacks the address family or a route for it: says nothing about the server.
_NO_FAMILY: Final = frozenset({errno.ENETUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})


class SocketStream(anyio.abc.ByteStream):
    """A connected socket. One task may receive while another sends."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._sending: anyio.Lock | None = None  # while somebody sends: it is 760 bytes, and most is silence
        self._buffer: ReceiveBuffer | None = None
        self._turns = Turns()
        self._isolation = ""
        self._closed = False
        # The most that `receive` takes, however much it is asked for: anyio's TLS and httpcore2 always ask for 64 KiB.
        self.most = SMALL_READ_BYTES
        # Whether sending is over, by `end_sending` or because the connection broke.
        self.muted = False
        # Bytes that the kernel took.
        self.sent_bytes = 0
        # Makes a connection that breaks under `send` muted instead of an error: what the peer sent before can be read.
        self.forgiving = False
        self._broken = False

    def share(self, buffers: ReceiveBuffers, turns: Turns, isolation: str) -> None:
        """Let the receive buffer be large while it is drained, as `buffers` allows, and take turns with the others."""
        self._turns, self._isolation = turns, isolation
        self._buffer = ReceiveBuffer(buffers, isolation, lambda size: _set_receive_buffer(self._socket, size))

    async def receive(self, max_bytes: int = READ_BYTES) -> bytes:
        """Take 1 to `max_bytes` bytes from the kernel, and no more than `most`.

        Raises:
            anyio.EndOfStream: the peer closed its side.
            anyio.BrokenResourceError: the connection broke.
            anyio.ClosedResourceError: this side closed, possibly while waiting.
        """
        # A socket that always has data would never let another task run.
        await self.step()
        while True:
            if self._closed:
                raise anyio.ClosedResourceError
            try:
                data = self._socket.recv(min(max_bytes, self.most))
            except (BlockingIOError, InterruptedError):
                await self._wait_readable()
            except OSError as error:
                raise anyio.BrokenResourceError from error
            else:
                if not data:
                    if self._broken:
                        raise anyio.BrokenResourceError
                    raise anyio.EndOfStream
                if self._buffer is not None:
                    self._buffer.received(len(data))
                return data

    async def step(self) -> None:
        """See `Turns.step`: before each piece of work on what this socket brings."""
        await self._turns.step(self._isolation)

    async def send(self, item: bytes) -> None:
        """Put all of `item` into the kernel's buffer; concurrent calls go out one after the other. Muted: drop it.

        Raises:
            anyio.BrokenResourceError: the connection broke.
            anyio.ClosedResourceError: this side closed, possibly while waiting.
        """
        # A peer that takes all at once would never let another task run.
        await self.step()
        if self._sending is None:
            self._sending = anyio.Lock(fast_acquire=True)  # `step` gave the loop back
        sending = self._sending
        try:
            async with sending:
                await self._send(item)
        finally:
            if not sending.locked():
                self._sending = None

    async def _send(self, item: bytes) -> None:
        rest = memoryview(item)
        while rest and not self.muted:
            if self._closed:
                raise anyio.ClosedResourceError
            try:
                sent = self._socket.send(rest)
            except (BlockingIOError, InterruptedError):
                await self._wait_writable()
            except OSError as error:
                self._send_failed(error)
            else:
                self.sent_bytes += sent
                rest = rest[sent:]

    def _send_failed(self, error: OSError) -> None:
        # Whoever is told of a reset first has taken it from the other, who then sees an end that looks orderly. After
        # an orderly end it is EPIPE.
        self._broken = error.errno != errno.EPIPE
        if not self.forgiving:
            raise anyio.BrokenResourceError from error
        self.muted = True

    async def _wait_readable(self) -> None:
        with suppress(anyio.ClosedResourceError):  # `end_sending` wakes whoever waits here, too
            await anyio.wait_readable(self._socket)

    async def _wait_writable(self) -> None:
        with suppress(anyio.ClosedResourceError):
            await anyio.wait_writable(self._socket)

    def end_sending(self) -> None:
        """Drop what is being sent, and all that would be, and tell the peer that no more comes. Receiving goes on.

        To anyio's TLSStream a `send` that was cancelled is a lost record, after which it does not receive either. One
        that was muted is simply done. There is no close_notify: what was cut off is not to look whole.
        """
        self.muted = True
        if not self._closed:
            anyio.notify_closing(self._socket)
            with suppress(OSError):  # not connected any more
                self._socket.shutdown(socket.SHUT_WR)

    async def send_eof(self) -> None:
        """Not offered: an HTTP/1.1 client says where its request ends by framing."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the socket now; whoever waits on it gets anyio.ClosedResourceError. Idempotent."""
        if not self._closed:
            self._closed = True
            if self._buffer is not None:
                self._buffer.close()
            anyio.notify_closing(self._socket)
            self._socket.close()

    async def aclose(self) -> None:
        """`close`, for anyio's interface."""
        self.close()

    @property
    def readable(self) -> bool:
        """Whether there is something to receive: bytes, the end, or an error. Takes nothing."""
        if self._closed:
            return True
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True
        return True


async def dial(addresses: Sequence[IPAddress], port: int) -> SocketStream:
    """Connect to the first of `addresses` that answers; a dead one costs the others a quarter of a second.

    Families take turns, the preferred one first (RFC 8305 section 4). What is not chosen is closed.

    Raises:
        OSError: none answered; the most telling of the errors.
    """
    winner: socket.socket | None = None
    errors: list[OSError] = []

    async def attempt(address: IPAddress, finished: anyio.Event) -> None:
        nonlocal winner
        try:
            sock = await _connect(address, port)
        except OSError as error:
            errors.append(error)
        else:
            if winner is None:
                winner = sock
                group.cancel_scope.cancel()
            else:
                sock.close()
        finally:
            finished.set()

    try:
        async with anyio.create_task_group() as group:
            for address in _by_turns(addresses)[:MAX_ATTEMPTS]:
                finished = anyio.Event()
                group.start_soon(attempt, address, finished)
                with anyio.move_on_after(ATTEMPT_DELAY_S):
                    await finished.wait()
    except BaseException:
        if winner is not None:
            winner.close()
        raise
    if winner is None:
        raise next((error for error in errors if error.errno not in _NO_FAMILY), errors[0])
    return SocketStream(winner)


async def _connect(address: IPAddress, port: int) -> socket.socket:
    family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(0)  # non-blocking
        # The largest first: the scale of TCP's window is fixed when the connection is made.
        _set_receive_buffer(sock, LARGE_BUFFER_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The system's keepalive waits two hours; a stream of events may be silent for long, and middleboxes forget
        # after minutes. Three unanswered probes and the connection is known to be dead.
        # What the peer does not take would else fill the kernel's buffer, which grows to megabytes of no use to a body
        # that comes piece by piece. What is on its way does not count.
        for name, value in (
            ("TCP_KEEPIDLE", 60),
            ("TCP_KEEPINTVL", 20),
            ("TCP_KEEPCNT", 3),
            ("TCP_NOTSENT_LOWAT", UNSENT_BYTES),
        ):
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        code = sock.connect_ex((str(address), port))
        if code in _IN_PROGRESS:
            await anyio.wait_writable(sock)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, "connect")
        _set_receive_buffer(sock, SMALL_BUFFER_BYTES)
    except BaseException:
        sock.close()
        raise
    return sock


def _set_receive_buffer(sock: socket.socket, size: int) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def _by_turns(addresses: Sequence[IPAddress]) -> list[IPAddress]:
    if not addresses:
        return []
    first = [address for address in addresses if address.version == addresses[0].version]
    other = [address for address in addresses if address.version != addresses[0].version]
    merged: list[IPAddress] = []
    for index in range(max(len(first), len(other))):
        merged += first[index : index + 1] + other[index : index + 1]
    return merged
