"""The request body of an exchange, as its page sends it: with the start, or after it."""

from collections.abc import AsyncIterator, Callable

from longwire.engine.exchange import Exchange
from longwire.protocol.records import StreamedRequestBody
from longwire.streams.upload import Upload


def body_of(exchange: Exchange) -> bytes | AsyncIterator[bytes] | None:
    """Whole, in pieces, or none. Asked for once: what came with the start is held no longer."""
    whole = exchange.take_body()
    if whole is not None:
        return whole
    upload = exchange.stream.upload
    return None if upload is None else _pieces(exchange, upload)


def body_again(exchange: Exchange) -> Callable[[], AsyncIterator[bytes]] | None:
    """What asks the page for its body once more; None where the page has it no longer."""
    body, upload = exchange.start.body, exchange.stream.upload
    if upload is None or not (isinstance(body, StreamedRequestBody) and body.repeatable):
        return None
    return lambda: _pieces(exchange, upload, again=True)


async def _pieces(exchange: Exchange, upload: Upload, *, again: bool = False) -> AsyncIterator[bytes]:
    """Acknowledged as they are taken."""
    if again:
        exchange.ask_body_again(upload.again())
    exchange.acknowledge_body(*upload.open())
    while True:
        piece = upload.take()
        if piece is not None:
            yield piece
        if (progress := upload.acknowledge()) is not None:
            exchange.acknowledge_body(*progress)
        if piece is None:
            if upload.complete:
                return
            if (more := upload.starve()) is not None:
                exchange.acknowledge_body(*more)
            await exchange.changed()
