"""Answers that the daemon itself gives, as a server would."""

from typing import Final

import orjson

from longwire.engine.exchange import Exchange
from longwire.protocol.errors import ErrorCode
from longwire.protocol.field_types import HeaderPair
from longwire.protocol.messages import StreamHeaders
from longwire.protocol.records import Completeness

_PIECE_BYTES: Final = 64 * 1024
_REASONS: Final = {
    200: "OK",
    204: "No Content",
    304: "Not Modified",
    400: "Bad Request",
    404: "Not Found",
    410: "Gone",
    424: "Failed Dependency",
}
# Nothing between here and the page keeps any of it, and nobody guesses what it is. A page that isolates itself may have
# it, too.
OURS: Final[list[HeaderPair]] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "cross-origin"),
]
_JSON: Final[list[HeaderPair]] = [("content-type", "application/json"), *OURS]


async def begin(exchange: Exchange, grant: str, status: int, headers: list[HeaderPair]) -> None:
    """The head of an answer."""
    await exchange.may_begin()
    exchange.clock.headers_ms = exchange.clock.elapsed_ms()
    head = StreamHeaders(
        type="STREAM_HEADERS",
        id=exchange.stream.id,
        url=exchange.start.url,
        redirected=False,
        status=status,
        reason=_REASONS.get(status, ""),
        headers=headers,
    )
    exchange.headers(head, grant)


async def say(exchange: Exchange, data: bytes) -> None:
    """More of an answer's body, as fast as the page reads."""
    for start in range(0, len(data), _PIECE_BYTES):
        piece = data[start : start + _PIECE_BYTES]
        while piece:
            room = await exchange.room()
            exchange.push(piece[:room])
            piece = piece[room:]


async def answer(exchange: Exchange, grant: str, status: int, headers: list[HeaderPair], body: bytes = b"") -> None:
    """All of an answer that is known whole."""
    await begin(exchange, grant, status, headers)
    await say(exchange, body)
    exchange.finish(Completeness.LENGTH if body else Completeness.NONE)


async def answer_json(exchange: Exchange, grant: str, status: int, value: object) -> None:
    """The same, of a value."""
    await answer(exchange, grant, status, _JSON, b"" if exchange.start.method == "HEAD" else orjson.dumps(value))


async def refuse(exchange: Exchange, grant: str, status: int, code: ErrorCode, message: str, **more: object) -> None:
    """A status that says no, and why."""
    await answer_json(exchange, grant, status, {"code": code, "message": message, **more})
