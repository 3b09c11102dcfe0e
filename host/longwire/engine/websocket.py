"""Exchanges of the kind `websocket`: a handshake like any request, then the messages of both sides as parts of bodies.

begin (authorization) ──► open_socket ──► STREAM_HEADERS, 101
    server to page: room? read, inspect, push parts ──► the close as the last part ──► STREAM_END
    page to server: credit, parts, send ──► the close of the page

Of a message nothing is held here but what one read brought: the page puts it together, within the grant's
`message_bytes`. Where the connection ends without a close frame, the body ends without one. What the page does not take
is not read, pings behind it neither; only after the page's own close is the rest read, and dropped.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from longwire.engine.aborting import closed_in_any_case
from longwire.engine.authorization import Answer, Authorization, Authorizer
from longwire.engine.exchange import Exchange
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.messages import StreamHeaders
from longwire.protocol.records import Completeness
from longwire.streams.socket_parts import WHOLE_BYTES, Kind, PartReader, Piece, part
from longwire.streams.upload import BadUpload, Upload
from longwire.upstream.model import (
    NO_CLOSE_CODE,
    FrameViolation,
    HandshakeRefused,
    SocketClosed,
    SocketFragment,
    SocketUpstream,
    UpstreamSocket,
)

# How long the server may go on after the page's close before the socket is closed without its own.
CLOSE_PATIENCE_S: Final = 10.0
# How long it may take to end the connection once both said close.
END_PATIENCE_S: Final = 2.0
# How long a close frame may take that says why a socket fails.
_LAST_WORD_S: Final = 0.5
_DISCARD_BYTES: Final = 64 * 1024
# What a frame costs that brings nothing, against the message that it belongs to: a server may send them for ever.
EMPTY_FRAGMENT_COST: Final = 64
_TOO_BIG: Final = 1009
_MIN_WHOLE_PARTS: Final = 2


class WebSocket:
    """The kind, for `Kinds`."""

    def __init__(self, upstream: SocketUpstream, authorizer: Authorizer) -> None:
        self._upstream = upstream
        self._authorizer = authorizer

    async def __call__(self, exchange: Exchange) -> None:
        """See `Kind`."""
        start, upload = exchange.start, exchange.stream.upload
        if start.method != "GET" or upload is None:
            message = "a WebSocket is asked for by GET, with a body that is streamed; update the extension"
            raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
        async with self._authorizer.begin(start, exchange.revoke) as authorization:
            exchange.allowed(authorization.grant_name)
            try:
                socket = await self._upstream.open_socket(authorization.request(None), tuple(start.protocols or ()))
            except HandshakeRefused as refused:
                if refused.status is not None:
                    await exchange.may_begin()
                    exchange.headers(_head(exchange, refused.status), authorization.grant_name)
                raise
            async with closed_in_any_case(socket):
                await exchange.may_begin()
                await _Relay(exchange, upload, authorization, socket).run()


class _Relay:
    """Of one socket that is open."""

    def __init__(
        self, exchange: Exchange, upload: Upload, authorization: Authorization, socket: UpstreamSocket
    ) -> None:
        self._exchange = exchange
        self._upload = upload
        self._authorization = authorization
        self._socket = socket
        self._limit = authorization.message_bytes
        self._message = 0  # what the message so far has cost
        self._received = 0
        self._failure: Exception | None = None
        self._page_closed = False
        self._closed: SocketClosed | None = None
        self._receiving = anyio.CancelScope()

    async def run(self) -> None:
        """Until the connection is over."""
        exchange, socket = self._exchange, self._socket
        clock = exchange.clock
        if socket.timings.connected_at is not None:
            clock.connected_ms = clock.since_start_ms(socket.timings.connected_at)
        clock.headers_ms = clock.since_start_ms(socket.timings.headers_at)
        # In the reason's place the guard looks at it whatever headers the grant lets through.
        answer = self._authorization.answer([], socket.protocol, status=101)
        chosen = [("sec-websocket-protocol", socket.protocol)] if socket.protocol else []
        exchange.recordable = self._authorization.recordable
        exchange.headers(_head(exchange, 101, chosen), self._authorization.grant_name)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._guarded, self._send)
            tasks.start_soon(self._guarded, socket.answer_pings)
            with self._receiving:
                await self._guarded(lambda: self._receive(answer))
            tasks.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure
        if self._closed is not None:
            exchange.push(part(Kind.CLOSE, _close_data(self._closed), last=True))
        exchange.finish(Completeness.CLOSE)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        """What fails in one direction ends both. The server is told why, if it takes that."""
        try:
            await work()
        except (StreamError, BadUpload) as error:
            self._failure = self._failure or error
            if isinstance(error, FrameViolation):
                with anyio.move_on_after(_LAST_WORD_S):
                    await self._socket.close(error.close_code)
            self._receiving.cancel()

    # --- server to page --------------------------------------------------------------------------------------

    async def _receive(self, answer: Answer) -> None:
        exchange = self._exchange
        while self._closed is None:
            room = await exchange.room(lambda: self._page_closed)
            events = await self._socket.read(room or _DISCARD_BYTES)
            if not events:
                return
            parts = bytearray()
            try:
                for event in events:
                    if isinstance(event, SocketClosed):
                        answer.inspect(event.reason.encode(), self._received)
                        self._closed = event
                    elif not self._page_closed:
                        self._take(event, answer, parts)
            except FrameViolation:
                self._push(parts)
                raise
            self._push(parts)
        # A server that does not take the answer is done all the same.
        self._receiving.deadline = anyio.current_time() + END_PATIENCE_S
        await self._socket.close(self._closed.code, self._closed.reason)
        while await self._socket.read(_DISCARD_BYTES):
            pass

    def _push(self, parts: bytearray) -> None:
        if parts and not self._page_closed:
            if self._exchange.clock.first_byte_ms is None:
                self._exchange.first_byte()
            self._exchange.push(bytes(parts))

    def _take(self, fragment: SocketFragment, answer: Answer, parts: bytearray) -> None:
        self._message += len(fragment.data) or (0 if fragment.last else EMPTY_FRAGMENT_COST)
        if self._message > self._limit:
            raise _too_big(self._limit)
        self._received += len(fragment.data)
        answer.inspect(fragment.data, self._received)
        if fragment.data or fragment.last:
            parts += part(Kind.TEXT if fragment.text else Kind.BINARY, fragment.data, last=fragment.last)
        if fragment.last:
            self._message = 0

    # --- page to server --------------------------------------------------------------------------------------

    async def _send(self) -> None:
        exchange, upload = self._exchange, self._upload
        # What is held until it is whole must leave room for the rest of it.
        parts = PartReader(self._limit, min(WHOLE_BYTES, upload.window // _MIN_WHOLE_PARTS))
        exchange.acknowledge_body(*upload.open())
        while True:
            data = upload.take()
            for piece in parts.feed(data or b""):
                if piece.kind is Kind.CLOSE:
                    await self._close_for_page(piece)
                    return
                if not await self._socket.send(SocketFragment(piece.kind is Kind.TEXT, piece.data, piece.last)):
                    return  # the end of the connection is what there is to tell
            if (progress := upload.acknowledge(parts.held, prompt=True)) is not None:
                exchange.acknowledge_body(*progress)
            if data is None:
                if upload.complete:
                    raise StreamError(ErrorCode.PROTOCOL, "the page's side of a socket ended unclosed", Phase.BODY)
                await exchange.changed()

    async def _close_for_page(self, piece: Piece) -> None:
        code = int.from_bytes(piece.data[:2], "big") if piece.data else NO_CLOSE_CODE
        try:
            reason = piece.data[2:].decode()
        except UnicodeDecodeError:
            raise StreamError(ErrorCode.PROTOCOL, "the reason of a close is not UTF-8", Phase.BODY) from None
        if piece.data and not (code == 1000 or 3000 <= code <= 4999 or code == _TOO_BIG):
            raise StreamError(ErrorCode.PROTOCOL, f"a page cannot close a socket with the code {code}", Phase.BODY)
        self._page_closed = True
        if self._closed is None:
            self._receiving.deadline = anyio.current_time() + CLOSE_PATIENCE_S
        self._exchange.wake()
        await self._socket.close(code, reason)


def _too_big(limit: int) -> FrameViolation:
    text = f"the server sent a message of more than {limit} bytes, which is what the grant allows; the policy raises it"
    return FrameViolation(ErrorCode.BODY_TOO_LARGE, text + ' with limits = { message_bytes = "…" }', _TOO_BIG)


def _head(exchange: Exchange, status: int, headers: list[tuple[str, str]] | None = None) -> StreamHeaders:
    return StreamHeaders(
        type="STREAM_HEADERS",
        id=exchange.stream.id,
        url=exchange.start.url,
        redirected=False,
        status=status,
        reason="",
        headers=headers or [],
    )


def _close_data(closed: SocketClosed) -> bytes:
    return b"" if closed.code == NO_CLOSE_CODE else closed.code.to_bytes(2, "big") + closed.reason.encode()
