"""One upstream connection, to one hop: httpcore2's HTTP/1.1 connection and the socket under it, held together.

Why not httpcore2's pool. Its work is to queue for slots, multiplex HTTP/2 and pick a connection for a request,
and none of that exists here: there is no limit per server, no HTTP/2, and a connection belongs to one isolation
key. What would remain is a list of idle connections (`idle_connections`), and in exchange the pool hides which socket a
request got, which the upload beside a response, the timings and the immediate close on cancellation all need.
"""

import logging
import ssl
import time
from collections.abc import Callable
from typing import NamedTuple

import h11
import httpcore2

from longwire.protocol.errors import Phase
from longwire.turns import Turns
from longwire.upstream.backend import HopBackend, HopStream
from longwire.upstream.buffers import ReceiveBuffers
from longwire.upstream.interim_responses import InterimAnswers, Unread
from longwire.upstream.model import Hop
from longwire.upstream.resolver import Resolver
from longwire.upstream.sockets import SMALL_READ_BYTES

# At DEBUG it logs whole header lists, injected secrets included, whatever the root logger's owner asked for.
logging.getLogger("httpcore2").setLevel(logging.WARNING)


class ConnectionKey(NamedTuple):
    """Requests with equal keys may use the same connection, one after the other."""

    isolation: str
    scheme: str
    host: str
    port: int
    network: str
    ca_file: str | None
    proxy: tuple[str, int] | None

    @classmethod
    def of(cls, isolation: str, hop: Hop) -> "ConnectionKey":
        """The key of `hop` for a caller with this isolation key."""
        return cls(isolation, hop.scheme, hop.host, hop.port, hop.network, hop.ca_file, hop.proxy)


class UpstreamConnection:
    """Carries one request at a time. `close` is immediate and may come at any moment."""

    def __init__(
        self,
        key: ConnectionKey,
        hop: Hop,
        resolver: Resolver,
        buffers: ReceiveBuffers,
        *,
        turns: Turns,
        context: ssl.SSLContext | None,
    ) -> None:
        self.key = key
        self._backend = HopBackend(
            resolver,
            buffers,
            hop.network,
            key.isolation,
            turns=turns,
            proxy=hop.proxy,
            tunnel=not hop.asks_proxy,
        )
        self._http = httpcore2.AsyncHTTPConnection(
            httpcore2.Origin(hop.scheme.encode("ascii"), hop.host.encode("ascii"), hop.port),
            ssl_context=context,
            http1=True,
            http2=False,
            retries=0,
            network_backend=self._backend,
        )
        self._closed = False
        self._answers = InterimAnswers()
        # When the connection stood, TLS included; None before.
        self.connected_at: float | None = None

    @property
    def stream(self) -> HopStream:
        """The bytes; only once `phase` is `headers`."""
        if self._backend.stream is None:
            raise RuntimeError("not connected yet")
        return self._backend.stream

    @property
    def phase(self) -> Phase:
        """How far the request on this connection has come: `connect` or `headers`."""
        return Phase.CONNECT if self.connected_at is None else Phase.HEADERS

    @property
    def ended(self) -> bool:
        """Whether the server has closed its side."""
        return self._backend.stream is not None and self._backend.stream.ended

    @property
    def silent(self) -> bool:
        """Whether nothing has come since the request was sent."""
        return self._answers.silent

    async def send(self, request: httpcore2.Request, alive: Callable[[], None]) -> httpcore2.Response:
        """Connect if this is the first request, send it, and wait for the head of the final response.

        `alive` is called when interim answers came.

        Raises:
            StreamError: not connected; or too many interim answers.
            One of `errors.FOREIGN`: anything later.
        """
        self._answers = InterimAnswers(alive, self._unparsed)
        self._backend.expect(self._answers)
        request.extensions["trace"] = self._trace
        if self._backend.stream is not None:
            self._backend.stream.limit_reads(SMALL_READ_BYTES)
        return await self._http.handle_async_request(request)

    async def send_body(self, event: h11.Data | h11.EndOfMessage) -> None:
        """Send a part of the request's body, or its end, while the response is read.

        Raises:
            httpcore2.WriteError: the connection broke, or sending was ended.
        """
        parser = self._parser()
        if parser is None:
            raise RuntimeError("httpcore2 does not show its parser any more")
        if data := parser.send(event):
            await self.stream.write(data)

    def take_over(self) -> tuple[HopStream, bytes]:
        """After a 101: the bytes of what HTTP was left for, and those of them that came with the head."""
        parser = self._parser()
        if parser is None:
            raise RuntimeError("httpcore2 does not show its parser any more")
        self._backend.expect(Unread())
        return self.stream, parser.trailing_data[0]

    def end_sending(self) -> None:
        """Tell the server that no more of the request comes. Nothing is sent here after that."""
        self.stream.end_sending()

    @property
    def taken_bytes(self) -> int:
        """What the kernel took of all that was sent here."""
        return self.stream.sent_bytes

    @property
    def closing(self) -> bool:
        """Whether the server has closed, or said that it will after this response."""
        parser = self._parser()
        return self.ended or parser is None or parser.their_state in (h11.MUST_CLOSE, h11.CLOSED, h11.ERROR)

    @property
    def reusable(self) -> bool:
        """Whether the next request may go out here: the last one ended on both sides, and nothing follows it."""
        if self._closed or not self._http.is_idle() or self._left_over():
            return False
        return not self.stream.cut and not self.stream.readable

    def close(self) -> None:
        """Close the socket now, whatever is going on on it."""
        self._closed = True
        self._backend.close()

    def _left_over(self) -> bool:
        """Whether bytes after the end of the response were read with it. They would be taken for the next answer."""
        parser = self._parser()
        return parser is None or parser.trailing_data != (b"", False)

    def _unparsed(self) -> bytes:
        """What h11 holds and can make nothing of yet."""
        parser = self._parser()
        return b"" if parser is None else parser.trailing_data[0]

    def _parser(self) -> h11.Connection | None:
        # httpcore2 has no public way to ask. If these names change, nothing is sent or reused, and tests say so.
        http11 = getattr(self._http, "_connection", None)
        return getattr(http11, "_h11_state", None)

    async def _trace(self, event: str, info: dict[str, object]) -> None:
        # The first event after TCP and TLS; on a kept-alive connection it comes at once.
        if event == "http11.send_request_headers.started" and self.connected_at is None:
            self.connected_at = time.monotonic()
