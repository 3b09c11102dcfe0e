"""httpcore2's two interfaces to the network, for one connection: resolve, check, connect to what was checked, TLS.

The connection's own `HopBackend` knows what its hop may reach; httpcore2 only ever sees the name, so Host and the TLS
name stay what the URL says. Library timeouts are ignored throughout: `timers` has the only clocks.
"""

import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, TypeVar

import anyio
import httpcore2
from anyio.streams.tls import TLSStream

from longwire.protocol.errors import StreamError
from longwire.turns import Turns
from longwire.upstream.buffers import ReceiveBuffers
from longwire.upstream.errors import EarlyAnswer, EndWithoutNotice, connect_error, tls_error
from longwire.upstream.interim import InterimAnswers
from longwire.upstream.model import Network
from longwire.upstream.resolver import Resolver, check_beyond_proxy, resolve_checked, resolve_proxy
from longwire.upstream.sockets import SocketStream, dial
from longwire.upstream.tunnel import open_tunnel

T = TypeVar("T")

# How long an upload may go on after the final response has begun. Servers that answer at once and still read the body
# are common enough to let a short upload finish; one that refuses the body must not be fed for longer.
EARLY_ANSWER_GRACE_S: Final = 0.5
# What is looked through at once while a body is being sent: a thousand of the smallest interim answers.
PROBE_BYTES: Final = 16 * 1024


class HopStream(httpcore2.AsyncNetworkStream):
    """A connection's bytes, in TLS or not. During an upload it watches for a response that comes early."""

    def __init__(self, raw: SocketStream, host: str, answers: InterimAnswers) -> None:
        self._raw = raw
        self._host = host
        self._plain: SocketStream | TLSStream = raw
        # Bytes of the response that nobody asked for yet; then the failure or the end that followed them.
        self._early = bytearray()
        self._failure: Exception | None = None
        self._answers = answers
        self._stop_upload_at: float | None = None
        self.ended = False
        # On from the first body byte until the response is read: every write gives way to an early response.
        self._watching = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Give 1 to `max_bytes` bytes, b"" at an orderly end.

        Raises:
            EndWithoutNotice, anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError
            StreamError: UPSTREAM_PROTOCOL, see `InterimAnswers`.
        """
        self._watching = False
        while not self._early:
            if self._failure is not None:
                raise self._failure
            if self.ended:
                return b""
            self._answers.before_waiting()
            await self._raw.step()  # TLS may hold many small records, for which it asks no socket
            try:
                data = self._answers.feed(await self._plain.receive(max_bytes))
            except anyio.EndOfStream:
                self.ended = True
                data = self._answers.rest()
            except anyio.BrokenResourceError as error:
                raise self._judged(error) from None
            if 0 < len(data) <= max_bytes:
                return data
            self._early += data
        early = bytes(self._early[:max_bytes])
        del self._early[:max_bytes]
        return early

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of `buffer`.

        Raises:
            EarlyAnswer: an upload is on and the response is there.
            httpcore2.WriteError: the connection broke. httpcore2 then looks for a response.
        """
        if self._watching:
            await self.unless_answered(lambda: self._send(buffer), cancel=False)
        else:
            await self._send(buffer)

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

    def close(self) -> None:
        """Close the socket now, without a closing handshake that a dead or slow peer could draw out."""
        self._raw.close()

    async def aclose(self) -> None:
        """`close`, for httpcore2's interface."""
        self.close()

    @property
    def readable(self) -> bool:
        """Whether anything is waiting to be read. On an idle connection that means it cannot be used again."""
        return bool(self._early) or self.ended or self._failure is not None or self._undecrypted or self._raw.readable

    @property
    def cut(self) -> bool:
        """Whether a part of a request was not sent because the response was there: nothing else may follow it."""
        return self._raw.muted

    def get_extra_info(self, info: str) -> Any:
        """Answer httpcore2's question whether an idle connection is still good."""
        return self.readable if info == "is_readable" else None

    def expect(self, answers: InterimAnswers) -> None:
        """The next request is about to be sent: what comes from here on is the answer to that."""
        self._answers = answers

    def begin_upload(self) -> None:
        """Watch for the response from here on. What was seen during an earlier request's upload is forgotten."""
        self._watching = True
        self._stop_upload_at = None

    async def unless_answered(self, operation: Callable[[], Awaitable[T]], *, cancel: bool = True) -> T:
        """Await `operation`, and meanwhile look whether the final response begins.

        When it does, `operation` has EARLY_ANSWER_GRACE_S left, counted from that moment. Then, or as soon as the
        connection ends or fails, nothing more is sent on it: a write is over by that, and must not be cancelled (see
        `SocketStream.mute`); anything else is, with `cancel`.

        Raises:
            EarlyAnswer: `operation` was ended; whatever it did in part does not count.
            Exception: what `operation` itself raises.
        """
        # A fast upload never waits, and still has to notice.
        await self._probe()
        if self._stop_upload_at is not None and time.monotonic() >= self._stop_upload_at:
            self._raw.mute()
            raise EarlyAnswer
        results: list[T] = []
        failure: Exception | None = None
        async with anyio.create_task_group() as group:

            async def watch() -> None:
                await self._wait_for_answer()
                self._raw.mute()
                if cancel:
                    group.cancel_scope.cancel()

            group.start_soon(watch)
            try:
                results.append(await operation())
            except Exception as error:  # noqa: BLE001  (raised below: a task group would wrap it)
                failure = error
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure
        if self._raw.muted or not results:
            raise EarlyAnswer
        return results[0]

    @property
    def _undecrypted(self) -> bool:
        """Whether TLS holds records beyond what it gave out. The socket does not show them any more."""
        if self._plain is self._raw:
            return False
        # anyio has no public way to ask. If the name changes, nothing is reused over TLS, and a test says so.
        received = getattr(self._plain, "_read_bio", None)
        return received is None or received.pending > 0

    async def _wait_for_answer(self) -> None:
        while self._stop_upload_at is None:
            # TLS may hold more than it gave, and the socket does not show that.
            if await self._probe():
                await self._raw.step()
                continue
            if self._stop_upload_at is None:
                try:
                    await self._raw.wait_readable()
                except anyio.ClosedResourceError:
                    return
        await anyio.sleep(max(0.0, self._stop_upload_at - time.monotonic()))

    async def _probe(self) -> bool:
        """Take what is there to be read without waiting, and decide what it means for the upload.

        Returns whether there was something, and may be more.
        """
        if self._stop_upload_at is not None:
            return False
        self._raw.waits = False
        try:
            self._early += self._answers.feed(await self._plain.receive(PROBE_BYTES))
        except anyio.WouldBlock:
            return False  # nothing, or a part of a TLS record, or a session ticket
        except anyio.EndOfStream:
            self._early += self._answers.rest()
            self.ended = True
            self._stop_upload_at = 0.0
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError) as error:
            self._failure = self._judged(error)
            self._stop_upload_at = 0.0
        except StreamError as error:  # of the interim answers; `read` raises it
            self._failure = error
            self._stop_upload_at = 0.0
        else:
            if self._answers.final:
                self._stop_upload_at = time.monotonic() + EARLY_ANSWER_GRACE_S
            return True
        finally:
            self._raw.waits = True
        return False

    async def _send(self, buffer: bytes) -> None:
        try:
            await self._plain.send(buffer)
            self._answers.uploaded(len(buffer))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError):
            raise httpcore2.WriteError from None

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
