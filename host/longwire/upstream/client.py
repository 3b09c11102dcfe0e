"""Requests over HTTP/1.1: connect or reuse, send, follow redirects, hand over the response.

The parts come from httpx2: its TLS trust (`httpx2.create_ssl_context`, in `trust`) and the HTTP/1.1 connection and
network interfaces of its own transport layer, httpcore2. `httpx2.AsyncClient` above them is not used, because what
it adds is what must not happen here: a cookie jar, netrc and proxies from the environment, its own redirects that
carry secrets along, normalisation of a URL that has already been decided on, unproven decoding, and library
timeouts. Why there is no pool either stands in `connection`.

HTTP/1.1 only: one paused HTTP/2 stream holds up all others on its connection.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import anyio

from longwire.authority import SECURE_SCHEMES
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.header_names import METHOD_OVERRIDES, same_to_servers
from longwire.protocol.records import RedirectMode
from longwire.turns import Turns
from longwire.upstream.account import Aside
from longwire.upstream.buffers import ReceiveBuffers
from longwire.upstream.connection import ConnectionKey, UpstreamConnection
from longwire.upstream.decoding import ACCEPT_ENCODING, BOOKED_BYTES, SMALL_CODINGS
from longwire.upstream.errors import FOREIGN, exchange_error
from longwire.upstream.idle_connections import KEEPALIVE_S, IdleConnections
from longwire.upstream.model import Hop, Timings, UpstreamRequest, can_repeat, repeated
from longwire.upstream.redirects import Chain, as_redirect, follow, location_of
from longwire.upstream.request_head import build_request
from longwire.upstream.resolver import Resolver, SystemResolver
from longwire.upstream.response import HttpResponse
from longwire.upstream.response_head import judge_head
from longwire.upstream.timers import Timers
from longwire.upstream.trust import TrustStore
from longwire.upstream.tunnel import PROXY_LOGIN, login_asked
from longwire.upstream.upload import Upload

# RFC 9110 section 9.2.2, of those that may be asked for.
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_LOST: Final = frozenset({ErrorCode.UPSTREAM_RESET, ErrorCode.UPLOAD_FAILED})


class _Unanswered(Exception):
    """A server closes a connection that is idle too long, and a request may be on its way to it just then. Nobody acted
    on that; but who knows which of two reasons it was? RFC 9112 section 9.3.1 allows what does no harm twice.
    """


class _GetConnection(Protocol):
    async def __call__(self, isolation: str, hop: Hop, *, new: bool) -> UpstreamConnection: ...


def _is_idempotent(method: str, hop: Hop) -> bool:
    overridden = any(same_to_servers(name) in METHOD_OVERRIDES for name, _ in hop.headers)
    return method in IDEMPOTENT and not overridden


class UpstreamClient:
    """An `Upstream` over HTTP/1.1. Belongs to one event loop. There is no limit on connections: who counts streams is
    the caller.
    """

    def __init__(
        self, *, resolver: Resolver | None = None, keepalive_s: float = KEEPALIVE_S, turns: Turns | None = None
    ) -> None:
        """`turns` are those of everything else in this event loop."""
        self._turns = turns or Turns()
        self._resolver = resolver or SystemResolver()
        self._buffers = ReceiveBuffers()
        self._trust = TrustStore()
        self._idle = IdleConnections(keepalive_s)
        self._busy: set[UpstreamConnection] = set()
        self._closed = False

    @property
    def busy_connections(self) -> int:
        """Connections that carry a request or a response that is not finished."""
        return len(self._busy)

    @property
    def idle_connections(self) -> int:
        """Connections kept for the next request; none stays longer than the keep-alive time."""
        return len(self._idle)

    async def open(self, request: UpstreamRequest) -> HttpResponse:
        """See `Upstream`."""
        return await _Exchange(request, self._turns, self._connection, self._release).run()

    async def aclose(self) -> None:
        """See `Upstream`."""
        self._closed = True
        self._idle.close()
        for connection in list(self._busy):
            connection.close()

    async def connection(self, isolation: str, hop: Hop) -> UpstreamConnection:
        """One for this hop that carried nothing before. `release` gives it back.

        Raises:
            StreamError: UPSTREAM_TLS, the grant's `ca_file`.
        """
        return await self._connection(isolation, hop, new=True)

    def release(self, connection: UpstreamConnection) -> None:
        """What was carried is over. It is closed if nothing more can be sent by it."""
        self._release(connection)

    @property
    def turns(self) -> Turns:
        """Those of everything in this event loop."""
        return self._turns

    async def _connection(self, isolation: str, hop: Hop, *, new: bool) -> UpstreamConnection:
        if self._closed:
            raise RuntimeError("the client is closed")
        key = ConnectionKey.of(isolation, hop)
        connection = None if new else self._idle.take(key)
        if connection is None:
            context = await self._trust.context(hop.ca_file) if hop.scheme in SECURE_SCHEMES else None
            connection = UpstreamConnection(key, hop, self._resolver, self._buffers, turns=self._turns, context=context)
        self._busy.add(connection)
        return connection

    def _release(self, connection: UpstreamConnection) -> None:
        self._busy.discard(connection)
        if self._closed:
            connection.close()
        else:
            self._idle.put(connection)


class _Exchange:
    """One `open`: the hops of one request, under one set of clocks."""

    def __init__(
        self,
        request: UpstreamRequest,
        turns: Turns,
        get_connection: "_GetConnection",
        release: Callable[[UpstreamConnection], None],
    ) -> None:
        self._request = request
        self._step = partial(turns.step, request.isolation)
        self._aside: Aside = partial(turns.aside, request.isolation)
        self._get_connection = get_connection
        self._release = release
        self._timers = Timers(request.timeouts)
        self._connection: UpstreamConnection | None = None
        # A server had the request: it answered with a redirect that is followed, or closed the connection.
        self._sent = False

    async def run(self) -> HttpResponse:
        """Go from hop to hop until a response is not a redirect to be followed."""
        try:
            return await self._run()
        except StreamError as error:
            if not self._sent:
                raise
            # A server may have acted on the request already: no phase may say that nothing was sent.
            raise error.in_phase(Phase.HEADERS) from None

    async def _run(self) -> HttpResponse:
        request = self._request
        hop = request.hop
        chain = Chain(request.method, hop.href, request.body)
        with self._timers.to_headers(self._phase):
            response = await self._respond(hop, chain)
            while request.redirect is not RedirectMode.MANUAL:
                try:
                    location = location_of(response.status, response.headers)
                    if location is None:
                        break
                    self._sent = True
                    chain = follow(chain, response.status, location, request.redirect)
                    hop = await request.next_hop(as_redirect(chain))
                except BaseException:
                    await response.aclose()
                    raise
                await response.discard()
                if hop.timeouts is not None:
                    self._timers.on_redirect(hop.timeouts)
                response = await self._respond(hop, chain)
        return response

    def _phase(self) -> Phase:
        return Phase.CONNECT if self._connection is None else self._connection.phase

    async def _respond(self, hop: Hop, chain: Chain) -> HttpResponse:
        """Send one hop's request and take the head of its response; once more where that is safe."""
        try:
            return await self._attempt(hop, chain, new=False)
        except _Unanswered:
            self._sent = True
            return await self._attempt(hop, chain._replace(body=repeated(chain.body)), new=True)

    async def _attempt(self, hop: Hop, chain: Chain, *, new: bool) -> HttpResponse:
        """`new`: on no connection that was kept.

        Raises:
            _Unanswered: a kept connection ended without an answer, and the request may be sent again.
        """
        self._connection = None
        connection = self._connection = await self._get_connection(self._request.isolation, hop, new=new)
        fresh = connection.connected_at is None
        # What is asked for can also be decoded: its window is held from here on, and released when the head of the body
        # says that it needs less.
        codings = ACCEPT_ENCODING if self._request.memory.hold(BOOKED_BYTES) else SMALL_CODINGS
        upload = Upload(chain.body, connection, self._timers, self._step)
        try:
            request = build_request(chain.method, hop, chain.body, upload, codings)
            raw = await connection.send(request, self._timers.progress)
            head = judge_head(
                chain.method,
                raw.extensions["http_version"],
                raw.status,
                raw.extensions["reason_phrase"],
                raw.headers,
            )
            raw.headers = []  # judged, and not held as long as the body takes
            if hop.asks_proxy and head.status == PROXY_LOGIN:
                raise login_asked()
            timings = Timings(connection.connected_at if fresh else None, time.monotonic())
            response = HttpResponse(
                url=hop.href.partition("#")[0],
                redirected=chain.redirects > 0,
                head=head,
                raw=raw,
                connection=connection,
                upload=upload,
                timers=self._timers,
                timings=timings,
                step=self._step,
                aside=self._aside,
                memory=self._request.memory,
                release=self._release,
            )
        except FOREIGN as error:
            await self._drop(connection, upload)
            if upload.failure is not None:
                raise upload.failure from None
            failure = exchange_error(error, connection.phase, ended=connection.ended, uploading=not upload.complete)
            lost = failure.code in _LOST and not isinstance(error, anyio.ClosedResourceError)  # which is this side's
            harmless = _is_idempotent(chain.method, hop) and can_repeat(chain.body) and not self._request.at_most_once
            if lost and harmless and not fresh and connection.silent:
                raise _Unanswered from None
            raise failure from None
        except BaseException:
            await self._drop(connection, upload)
            raise
        upload.answered(error=head.status >= 300)
        return response

    async def _drop(self, connection: UpstreamConnection, upload: Upload) -> None:
        connection.close()
        self._release(connection)
        await upload.stop()
