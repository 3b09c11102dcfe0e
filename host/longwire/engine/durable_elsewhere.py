"""A durable request that another daemon carries out: an older one, which finishes what it began.

This daemon is that one's client then, as an extension is: what its page reads comes by the other's channel, and what
the page acknowledged is acknowledged there. So the other's credit is the page's, and what is held here is one window at
most.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeAlias
from urllib.parse import quote

import anyio
import orjson
import pybase64

from longwire import __version__
from longwire.durable.record import Head, Record
from longwire.engine.channel import Channel, ChannelLost
from longwire.engine.durable_access import page_of
from longwire.engine.exchange import Exchange
from longwire.policy import Grant, filter_response_headers
from longwire.protocol.errors import ErrorCode, FrameError, Phase, StreamError
from longwire.protocol.frames import FrameDecoder, frame
from longwire.protocol.limits import (
    INLINE_BODY_BYTES,
    MAX_FRAME_TO_BROWSER,
    PROTOCOL_VERSION,
    UPLOAD_CHUNK_BYTES,
)
from longwire.protocol.messages import DURABLE_KIND, DURABLE_URL, StreamHeaders, StreamStart
from longwire.protocol.records import Completeness, NoBody, RedirectMode, Timeouts

# A channel to the daemon of that owner, after its handshake; None where there is none.
Elsewhere: TypeAlias = Callable[[str], Awaitable[Channel | None]]

# For what has no body: an old daemon ends a request and deletes what there is of it. One that stands still keeps
# whoever asks it, and with them the key, no longer.
PATIENCE_S: Final = 20.0
_ID: Final = 1
_ABORT: Final = frame(orjson.dumps({"type": "STREAM_ABORT", "id": _ID, "reason": "cancel"}))


async def nowhere(owner: str) -> Channel | None:
    """There is no other daemon."""
    return None


class Relay:
    """One exchange, carried out by another daemon."""

    def __init__(self, exchange: Exchange, channel: Channel) -> None:
        self._exchange = exchange
        self._channel = channel
        self._pieces: deque[bytes] = deque()
        self._ending: Completeness | StreamError | None = None
        self._acknowledged = 0
        self._writing = anyio.Lock()
        # Behind half a message nothing can be said; and before the start is whole there is nothing to abort.
        self._half_written = True

    async def run(self, body: bytes | None, grant: str, shows: Callable[[Head], Grant | None]) -> None:
        """Until its end, or until the page detaches. `shows` gives the grant that filters the head.

        Raises:
            StreamError: what the other says; HOST_LOST, it is gone.
        """
        messages = _messages(self._channel)
        try:
            await greet(self._channel, messages)
            await _start(self._channel, messages, self._exchange.start, body)
            self._half_written = False
            async for message in messages:
                if message["type"] == "STREAM_HEADERS":
                    await self._exchange.may_begin()
                    self._exchange.headers(self._head(message, shows), grant)
                    break
                await self._take(message)
                if isinstance(self._ending, StreamError):
                    raise self._ending
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._receive, messages)
                await self._deliver()
                tasks.cancel_scope.cancel()
        except (ChannelLost, FrameError):
            raise lost() from None
        finally:
            # The page may have detached. Whoever drops a channel lets go of it, but that may be later.
            if not self._half_written:
                with suppress(ChannelLost):
                    self._channel.write_at_once(_ABORT)
        if not isinstance(self._ending, Completeness):
            raise self._ending or lost()
        self._exchange.finish(self._ending)

    async def _receive(self, messages: AsyncIterator[dict[str, Any]]) -> None:
        try:
            async for message in messages:
                await self._take(message)
                if self._ending is not None:
                    return
        except (ChannelLost, FrameError):
            pass
        self._ending = self._ending or lost()
        self._exchange.wake()

    async def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "STREAM_CHUNK":
                self._pieces.append(pybase64.b64decode(message["data"]))
            case "STREAM_END":
                self._ending = Completeness(message["completeness"])
            case "STREAM_ERROR" | "FATAL":
                self._ending = _error(message)
            case "STREAM_PING":
                await self._send(type="STREAM_PONG", seq=message["seq"])
                return
            case _:
                return
        self._exchange.wake()

    async def _deliver(self) -> None:
        """What came, as fast as the page reads; and what the page acknowledged, back."""
        exchange = self._exchange
        while self._pieces or self._ending is None:
            if self._pieces and (room := exchange.room_now):
                piece = self._pieces.popleft()
                if len(piece) > room:
                    self._pieces.appendleft(piece[room:])
                exchange.push(piece[:room])
            elif exchange.taken > self._acknowledged:
                self._acknowledged = exchange.taken
                try:
                    await self._send(type="STREAM_ACK", id=_ID, consumed=self._acknowledged)
                except ChannelLost:
                    self._ending = self._ending or lost()
            else:
                await exchange.changed()

    async def _send(self, **message: Any) -> None:
        async with self._writing:
            self._half_written = True
            await send(self._channel, **message)
            self._half_written = False

    def _head(self, message: dict[str, Any], shows: Callable[[Head], Grant | None]) -> StreamHeaders:
        """As the other daemon's policy shows it, and this one's."""
        pairs = [(name, value) for name, value in message["headers"]]
        status = message["status"]
        told = Head(
            url=message["url"],
            redirected=message["redirected"],
            status=status,
            reason=message["reason"],
            headers=pairs,
        )
        grant = shows(told)
        return StreamHeaders(
            type="STREAM_HEADERS",
            id=self._exchange.stream.id,
            url=told.url,
            redirected=told.redirected,
            status=status,
            reason=told.reason,
            headers=pairs if grant is None else filter_response_headers(pairs, grant, status),
        )


async def carried_out(channel: Channel, start: StreamStart) -> None:
    """Have another daemon carry out what has no body, neither way.

    Raises:
        StreamError: what it says; HOST_LOST, it is gone, or stands still.
    """
    with suppress(ChannelLost, FrameError), anyio.move_on_after(PATIENCE_S):
        messages = _messages(channel)
        await greet(channel, messages)
        await _start(channel, messages, start, None)
        async for message in messages:
            if message["type"] == "STREAM_END":
                return
            if message["type"] in ("STREAM_ERROR", "FATAL"):
                raise _error(message)
    raise lost()


def deleting(record: Record) -> StreamStart:
    """What its page would ask a desk."""
    return StreamStart(
        type="STREAM_START",
        id=1,
        method="DELETE",
        url=f"{DURABLE_URL}/{quote(record.name, safe='')}",
        headers=[],
        body=NoBody(kind="none"),
        redirect=RedirectMode.ERROR,
        timeouts=Timeouts(),
        page=page_of(record),
        kind=DURABLE_KIND,
    )


async def greet(channel: Channel, messages: AsyncIterator[dict[str, Any]]) -> None:
    """HELLO, and its answer.

    Raises:
        ChannelLost: there is none.
        StreamError: the other daemon speaks another version.
    """
    await send(channel, type="HELLO", protocol=PROTOCOL_VERSION, extension=__version__)
    async for message in messages:
        if message["type"] == "WELCOME":
            return
        if message["type"] == "FATAL":
            raise _error(message)
    raise ChannelLost("it said no word")


async def send(channel: Channel, **message: Any) -> None:
    """One message to another daemon."""
    await channel.write(frame(orjson.dumps(message)))


def lost() -> StreamError:
    """What a page is told whose request was another daemon's."""
    message = (
        "the daemon that carries this request out went away. Attach to it again: if it had come to its end, it is here"
    )
    return StreamError(ErrorCode.HOST_LOST, message, Phase.BODY)


async def _messages(channel: Channel) -> AsyncIterator[dict[str, Any]]:
    """What the other daemon says, until it is gone."""
    decoder = FrameDecoder(MAX_FRAME_TO_BROWSER)
    while data := await channel.receive():
        for payload in decoder.feed(data):
            yield orjson.loads(payload)


async def _start(
    channel: Channel, messages: AsyncIterator[dict[str, Any]], start: StreamStart, body: bytes | None
) -> None:
    """STREAM_START, with its body behind it where it is long."""
    said = start.model_dump(mode="json", exclude_none=True) | {"id": _ID}
    if body is None:
        said["body"] = {"kind": "none"}
    elif len(body) <= INLINE_BODY_BYTES:
        said["body"] = {"kind": "inline", "data": pybase64.b64encode(body).decode()}
    else:
        said["body"] = {"kind": "stream", "size": len(body)}
    await send(channel, **said)
    if body is None or len(body) <= INLINE_BODY_BYTES:
        return
    sent = limit = 0
    while sent < len(body):
        while sent < min(limit, len(body)):
            piece = body[sent : min(sent + UPLOAD_CHUNK_BYTES, limit)]
            await send(channel, type="STREAM_BODY", id=_ID, offset=sent, data=pybase64.b64encode(piece).decode())
            sent += len(piece)
        if sent < len(body):
            message = await anext(messages, None)
            if message is None:
                raise ChannelLost("it took only a part of the body")
            if message["type"] == "STREAM_BODY_ACK":
                limit = message["consumed"] + message["window"]
            elif message["type"] in ("STREAM_ERROR", "FATAL"):
                raise _error(message)
    await send(channel, type="STREAM_BODY_END", id=_ID, bytes=len(body))


def _error(message: dict[str, Any]) -> StreamError:
    """As the other daemon said it. What it says that is not known here is a lost daemon."""
    try:
        code, phase = ErrorCode(message["code"]), Phase(message.get("phase", Phase.POLICY))
    except ValueError:
        return lost()
    first, retryable = message.get("first"), message.get("retryable")
    return StreamError(code, message["message"], phase, retryable=retryable, first=first)
