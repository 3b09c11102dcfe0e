"""httpcore2's two interfaces to the network, for one upstream connection: resolve, check, connect, TLS.

The connection's own `HopBackend` knows what its hop may reach; httpcore2 only ever sees the name, so Host and the TLS
name stay what the URL says. Library timeouts are ignored throughout: `timers` has the only clocks.
"""

import ssl
from collections.abc import Iterable
from typing import Any

import anyio
import httpcore2
from anyio.streams.tls import TLSStream

from longwire.addresses import Network
from longwire.turns import Turns
from longwire.upstream.buffers import ReceiveBuffers
from longwire.upstream.errors import EndWithoutNotice, connect_error, tls_error
from longwire.upstream.interim_responses import InterimAnswers
from longwire.upstream.resolver import Resolver, check_beyond_proxy, resolve_checked, resolve_proxy
from longwire.upstream.sockets import SocketStream, dial
from longwire.upstream.tunnel import open_tunnel


class HopStream(httpcore2.AsyncNetworkStream):
    """A connection's bytes, in TLS or not. One task may read while another writes."""

    def __init__(self, raw: SocketStream, host: str, answers: InterimAnswers) -> None:
        self._raw = raw
        self._host = host
        self._plain: SocketStream | TLSStream = raw
        self._answers = answers
        self.ended = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Give the next bytes, b"" at an orderly end. The head of a response comes as a whole, beyond `max_bytes` too.

        Raises:
            EndWithoutNotice, anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError
            StreamError: UPSTREAM_PROTOCOL, see `InterimAnswers`.
        """
        while not self.ended:
            self._answers.before_waiting()
            await self._raw.step()  # TLS may hold many small records, for which it asks no socket
            try:
                data = self._answers.feed(await self._plain.receive(max_bytes))
            except anyio.EndOfStream:
                self.ended = True
                data = self._answers.rest()
            except anyio.BrokenResourceError as error:
                raise self._judged(error) from None
            if data:
                return data
        return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`.

        Raises:
            httpcore2.WriteError: the connection broke, or sending was ended. A response may be there all the same.
        """
        self._raw.forgiving = True
        try:
            await self._plain.send(buffer)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError):
            raise httpcore2.WriteError from None
        if self._raw.muted:
            raise httpcore2.WriteError
        self._answers.uploaded(len(buffer))

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        """Do the handshake, with verification.

        Raises:
            StreamError: UPSTREAM_TLS. The socket is closed.
        """
        try:
            # `standard_compatible` makes an end without close_notify visible. The closing handshake that it also
            # means does not take place: this class closes the socket itself.
            self._plain = await TLSStream.wrap(
                self._raw, hostname=server_hostname, ssl_context=ssl_context, standard_compatible=True
            )
        except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.ClosedResourceError, OSError) as error:
            self.close()
            raise tls_error(error, self._host) from None
        except BaseException:
            self.close()
            raise
        return self

    def limit_reads(self, size: int) -> None:
        """From now on take at most `size` bytes from the kernel at once."""
        self._raw.most = size

    def end_sending(self) -> None:
        """Close this side's direction, in the middle of whatever is being sent; go on reading."""
        self._raw.end_sending()

    def close(self) -> None:
        """Close the socket now, without a closing handshake that a dead or slow peer could draw out."""
        self._raw.close()

    async def aclose(self) -> None:
        """`close`, for httpcore2's interface."""
        self.close()

    @property
    def readable(self) -> bool:
        """Whether anything is waiting to be read. On an idle connection that means it cannot be used again."""
        return self.ended or self._undecrypted or self._raw.readable

    @property
    def cut(self) -> bool:
        """Whether a part of a request was not sent: nothing else may follow it."""
        return self._raw.muted

    @property
    def sent_bytes(self) -> int:
        """What the kernel took so far, encrypted if it is."""
        return self._raw.sent_bytes

    def get_extra_info(self, info: str) -> Any:
        """Answer httpcore2's question whether an idle connection is still good."""
        return self.readable if info == "is_readable" else None

    def expect(self, answers: InterimAnswers) -> None:
        """The next request is about to be sent: what comes from here on is the answer to that."""
        self._answers = answers

    @property
    def _undecrypted(self) -> bool:
        """Whether TLS holds records beyond what it gave out. The socket does not show them any more."""
        if self._plain is self._raw:
            return False
        # anyio has no public way to ask. If the name changes, nothing is reused over TLS, and a test says so.
        received = getattr(self._plain, "_read_bio", None)
        return received is None or received.pending > 0

    def _judged(self, error: Exception) -> Exception:
        if isinstance(error.__cause__, ssl.SSLEOFError) or (
            isinstance(error.__cause__, ssl.SSLError) and "UNEXPECTED_EOF" in (error.__cause__.reason or "")
        ):
            self.ended = True
            return EndWithoutNotice()
        return error


class HopBackend(httpcore2.AsyncNetworkBackend):
    """Connects one connection once, to an address that its grant's network class admits or through its proxy."""

    def __init__(
        self,
        resolver: Resolver,
        buffers: ReceiveBuffers,
        network: Network,
        isolation: str,
        *,
        turns: Turns,
        proxy: tuple[str, int] | None = None,
        tunnel: bool = True,
    ) -> None:
        """With a `proxy`, `tunnel` says whether it is asked for a way to the destination, or asked in its place."""
        self._resolver = resolver
        self._buffers = buffers
        self._network = network
        self._isolation = isolation
        self._turns = turns
        self._proxy = proxy
        self._tunnel = tunnel
        self._closed = False
        self._answers = InterimAnswers()
        self.stream: HopStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve, check, connect; through a proxy: check what can be checked, and have it connect.

        Raises:
            StreamError: UPSTREAM_DNS, POLICY_DENIED, UPSTREAM_CONNECT; phase `connect`.
        """
        if self._proxy is None:
            addresses = await resolve_checked(self._resolver, host, self._network, self._isolation)
            first_host, first_port = host, port
        else:
            check_beyond_proxy(host, self._network)
            first_host, first_port = self._proxy
            addresses = await resolve_proxy(self._resolver, first_host, self._isolation)
        try:
            raw = await dial(addresses, first_port)
        except OSError as error:
            raise connect_error(error, first_host, first_port) from None
        raw.share(self._buffers, self._turns, self._isolation)
        self.stream = HopStream(raw, host, self._answers)
        if self._closed:
            self.stream.close()
        if self._proxy is not None and self._tunnel:
            await open_tunnel(raw, host, port)
        return self.stream

    def expect(self, answers: InterimAnswers) -> None:
        """Before each request: where what comes before its final response goes."""
        self._answers = answers
        if self.stream is not None:
            self.stream.expect(answers)

    def close(self) -> None:
        """Close the socket now, or as soon as there is one."""
        self._closed = True
        if self.stream is not None:
            self.stream.close()
