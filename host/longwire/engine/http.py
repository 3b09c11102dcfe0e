"""Exchanges of the kind `http`: one request to an upstream, redirects included.

begin (authorization) ──► open (upstream) ──► STREAM_HEADERS ──► pump: room? read, inspect, push ──► STREAM_END
"""

from dataclasses import replace

from longwire.engine.aborting import closed_in_any_case
from longwire.engine.authorization import Authorization, Authorizer
from longwire.engine.exchange import Exchange
from longwire.engine.request_body import body_again, body_of
from longwire.protocol.errors import Phase, StreamError
from longwire.protocol.messages import StreamHeaders
from longwire.upstream.model import Upstream, UpstreamResponse


class Http:
    """The kind, for `Kinds`."""

    def __init__(self, upstream: Upstream, authorizer: Authorizer) -> None:
        self._upstream = upstream
        self._authorizer = authorizer

    async def __call__(self, exchange: Exchange) -> None:
        """See `Kind`."""
        async with self._authorizer.begin(exchange.start, exchange.revoke) as authorization:
            exchange.allowed(authorization.grant_name)
            try:
                response = await exchange.clock.waiting(self._open(exchange, authorization))
                if not response.uploading:
                    exchange.body_gone()
                async with closed_in_any_case(response):
                    await exchange.may_begin()
                    await _deliver(exchange, authorization, response)
            finally:
                exchange.stream.decoders.close()

    async def _open(self, exchange: Exchange, authorization: Authorization) -> UpstreamResponse:
        try:
            # Without a name for the request: it would hold the body as long as the stream lives.
            return await self._upstream.open(
                replace(
                    authorization.request(body_of(exchange), body_again(exchange)),
                    memory=exchange.stream.decoders,
                    at_most_once=exchange.at_most_once,
                ),
            )
        except StreamError as error:
            if error.phase is Phase.CONNECT and not authorization.redirected:
                exchange.nothing_sent()
            raise


async def _deliver(exchange: Exchange, authorization: Authorization, response: UpstreamResponse) -> None:
    stream, clock = exchange.stream, exchange.clock
    connected_at = response.timings.connected_at
    clock.connected_ms = None if connected_at is None else clock.since_start_ms(connected_at)
    clock.headers_ms = clock.since_start_ms(response.timings.headers_at)
    answer = authorization.answer(
        response.headers,
        response.reason,  # whole: the guard looks at it before it is cut
        response.url if response.redirected else "",
        status=response.status,
    )
    head = StreamHeaders(
        type="STREAM_HEADERS",
        id=stream.id,
        url=response.url,
        redirected=response.redirected,
        status=response.status,
        reason=response.reason[:200],
        headers=answer.headers,
    )
    exchange.recordable = authorization.recordable
    exchange.headers(head, authorization.grant_name)
    del head  # not held as long as the body takes
    while data := await clock.waiting(response.read(await exchange.room())):
        if clock.first_byte_ms is None:
            exchange.first_byte()
        answer.inspect(data, stream.pushed + len(data))
        exchange.push(data)
        data = b""  # not held while nobody reads
    exchange.finish(response.completeness)
