"""Streams of the demo over one socket, by longwire.rpc: whoever asks for one has it counted to."""

from collections.abc import AsyncIterator
from typing import Any, Final

from longwire import rpc
from longwire.demo.sockets import DemoSocket

PATH: Final = "/v1/streams"
ITEMS: Final = 1000
ITEM_BYTES: Final = 2048
# So slow that an eye can follow the bars.
RATE_BYTES_PER_S: Final = 500_000


async def count_streams(socket: DemoSocket, rate_bytes_per_s: float = RATE_BYTES_PER_S) -> None:
    """Answer `{"do": "count", "id": …}` with the number of items, and send them as the stream of that id.

    `{"do": "sent", "id": …}` is answered with how many of them have been sent: asked of the iterator, that is.
    """
    sent: dict[str, int] = {}

    async def count(stream_id: str) -> AsyncIterator[dict[str, Any]]:
        for number in range(1, ITEMS + 1):
            sent[stream_id] = number
            yield {"number": number, "rest": "." * ITEM_BYTES}

    try:
        peer = await rpc.accept(socket)
    except rpc.RpcError:  # it left before it said a word
        return

    @peer.match
    async def answer(data: Any) -> Any:
        match data:
            case {"do": "count", "id": str(stream_id)}:
                peer.send_stream(count(stream_id), stream_id, rate=rate_bytes_per_s, compress=False)
                return ITEMS
            case {"do": "sent", "id": str(stream_id)}:
                return sent.get(stream_id, 0)
        return rpc.PASS

    await peer.wait_closed()
