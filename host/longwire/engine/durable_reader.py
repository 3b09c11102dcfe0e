"""A page that reads a durable request: from its offset to the end of what there is, and on with what comes.

What comes while it has everything goes straight from the upstream into its stream, in the same breath. What it is
behind with it takes from the spool, as fast as its credit allows.
"""

from collections.abc import Callable
from typing import Final

from longwire.durable.record import Head
from longwire.durable.spool import SpoolGap, SpoolLost
from longwire.engine.durable_producer import DurableRequest
from longwire.engine.exchange import Exchange
from longwire.policy import Grant, filter_response_headers
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.field_types import HeaderPair
from longwire.protocol.limits import CHUNK_SHARED_BYTES
from longwire.protocol.messages import StreamHeaders
from longwire.turns import Turns

_LENGTH: Final = "content-length"


class Reader:
    """Of one exchange. See `Follower`."""

    def __init__(self, request: DurableRequest, exchange: Exchange, offset: int) -> None:
        self.position = offset
        self._request = request
        self._exchange = exchange
        self._offset = offset

    @property
    def taken(self) -> int:
        """See `Follower`."""
        return self._offset + self._exchange.taken

    def feed(self, data: bytes, offset: int) -> None:
        """See `Follower`. Straight on, if it has all that came before and credit for this."""
        if offset == self.position and self._exchange.room_now >= len(data):
            self._push(data)
        else:
            self._exchange.wake()

    def wake(self) -> None:
        """See `Follower`."""
        self._exchange.wake()

    def revoke(self, error: StreamError) -> None:
        """See `Follower`."""
        self._exchange.revoke(error)

    async def run(self, shows: Callable[[Head], Grant | None], turns: Turns) -> None:
        """Until the end of the request, or until the page detaches. `shows` gives the grant that filters the head.

        Raises:
            StreamError: the request's own failure, behind its bytes; SPOOL_FULL, they cannot be read any more.
        """
        request, exchange = self._request, self._exchange
        while request.head is None:
            if not request.running:
                raise self._failure()
            await exchange.changed()
        await exchange.may_begin()
        exchange.clock.headers_ms = exchange.clock.elapsed_ms()
        exchange.headers(self._message(request.head, shows(request.head)), request.record.grant)
        while True:
            if self.position < request.end:
                await self._catch_up(turns)
            elif request.running:
                await exchange.changed()
                request.progressed()
            elif (ending := request.record.ending) is not None:
                exchange.finish(ending.completeness)
                return
            else:
                raise self._failure()

    async def _catch_up(self, turns: Turns) -> None:
        request, exchange = self._request, self._exchange
        if not (room := exchange.room_now):
            # It may be that the upstream waits for this reader, and not only the reader for its page.
            await exchange.changed()
            request.progressed()
            return
        await turns.step(exchange.asker)
        room = min(room, exchange.room_now, CHUNK_SHARED_BYTES)
        if room > 0:
            self._push(self._read(room))

    def _read(self, size: int) -> bytes:
        try:
            return self._request.spool.read(self.position, size)
        except SpoolGap as gap:
            raise gap_at(self.position, gap.first) from None
        except SpoolLost as lost:
            message = f"what was kept of the response cannot be read any more: {lost}. Forget the request"
            raise StreamError(ErrorCode.SPOOL_FULL, message, Phase.BODY) from None

    def _push(self, data: bytes) -> None:
        if data:
            clock = self._exchange.clock
            if clock.first_byte_ms is None:
                clock.first_byte_ms = clock.elapsed_ms()
            self.position += len(data)
            self._exchange.push(data)

    def _failure(self) -> StreamError:
        error = self._request.error
        if error is None:
            message = "the daemon ended while the request ran"
            error = StreamError(ErrorCode.HOST_LOST, message, Phase.BODY)
        return error

    def _message(self, head: Head, shows: Grant | None) -> StreamHeaders:
        headers = head.headers if shows is None else filter_response_headers(head.headers, shows, head.status)
        return StreamHeaders(
            type="STREAM_HEADERS",
            id=self._exchange.stream.id,
            url=head.url,
            redirected=head.redirected,
            status=head.status,
            reason=head.reason,
            headers=_from(self._offset, headers),
        )


def check_offset(request: DurableRequest, offset: int) -> None:
    """Whether a reader may begin there.

    Raises:
        StreamError: PROTOCOL, it is beyond what there is; GAP, it is kept no longer.
    """
    if offset > request.end:
        so_far = " so far" if request.running else ""
        message = f"there are {request.end} bytes{so_far}, and nothing at offset {offset}"
        raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
    if offset < request.spool.first:
        raise gap_at(offset, request.spool.first)


def gap_at(offset: int, first: int) -> StreamError:
    """What a page is told that asks for bytes which have gone."""
    message = (
        f"the bytes from {offset} on are kept no longer, but those from {first} on are: attach from there, or allow "
        "more with max_bytes in the grant's durable"
    )
    return StreamError(ErrorCode.GAP, message, Phase.POLICY, first=first)


def _from(offset: int, headers: list[HeaderPair]) -> list[HeaderPair]:
    """The length that a page is told is that of what it gets."""
    if offset == 0:
        return headers
    coded = any(name.lower() == "content-encoding" for name, _ in headers)
    kept: list[HeaderPair] = []
    for name, value in headers:
        if name.lower() != _LENGTH:
            kept.append((name, value))
        elif not coded and value.isascii() and value.isdecimal() and int(value) >= offset:
            kept.append((name, str(int(value) - offset)))
    return kept
