"""The page `longwire:terminal`: an engine in this process, at the other end of a channel that is memory.

What a grant does not give it, it has not: it is judged, limited and written down as any page is.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

import anyio
import orjson
import pybase64

from longwire import __version__
from longwire.engine.authorization import Authorizer
from longwire.engine.engine import Engine
from longwire.engine.exchange import Kind
from longwire.engine.generation import Generation
from longwire.engine.http import Http
from longwire.engine.status import PolicyStatus
from longwire.engine.suspending import SuspensionKeeper
from longwire.policy import SuspensionFile, Suspensions
from longwire.policy.live_policy import LivePolicy
from longwire.policy.urls import CONSOLE
from longwire.protocol.errors import ErrorCode, LongwireError, Phase
from longwire.protocol.frames import FrameDecoder, frame
from longwire.protocol.limits import MAX_FRAME_TO_BROWSER, PROTOCOL_VERSION
from longwire.protocol.messages import DEFAULT_KIND, GENERATION_KIND, GENERATION_URL
from longwire.turns import Turns
from longwire.upstream.client import UpstreamClient

# What a body may come with in the start itself.
_INLINE_BYTES: Final = 256 * 1024
_PIECE_BYTES: Final = 64 * 1024


class StreamFailed(LongwireError):
    """A STREAM_ERROR: there is no answer, or no more of it."""

    def __init__(self, code: ErrorCode, message: str, phase: Phase, command: str | None = None) -> None:
        super().__init__(code, message)
        self.phase = phase
        self.command = command


class _Memory:
    """A `Channel`: what one side puts in, the other takes out."""

    def __init__(self) -> None:
        self._to_host: asyncio.Queue[bytes] = asyncio.Queue()
        self._to_page: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._decoder = FrameDecoder(MAX_FRAME_TO_BROWSER)

    async def receive(self) -> bytes:
        return await self._to_host.get()

    async def hung_up(self) -> None:
        await anyio.sleep_forever()

    async def write(self, data: bytes) -> None:
        self.write_at_once(data)

    def write_at_once(self, data: bytes) -> int:
        for payload in self._decoder.feed(data):
            self._to_page.put_nowait(orjson.loads(payload))
        return len(data)

    def send(self, **message: Any) -> None:
        self._to_host.put_nowait(frame(orjson.dumps(message)))

    def close(self) -> None:
        self._to_host.put_nowait(b"")

    async def message(self) -> dict[str, Any]:
        while True:
            message = await self._to_page.get()
            if message["type"] != "STREAM_PING":
                return message
            self.send(type="STREAM_PONG", seq=message["seq"])


class ConsolePage:
    """Asks one thing after another."""

    def __init__(self, channel: _Memory) -> None:
        self._channel = channel
        self._last_id = 0

    async def generate(self, request: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        """The bytes of the answer's event stream. Leaving the loop before its end aborts it.

        Raises:
            StreamFailed: the policy does not allow it, or the host cannot go on.
        """
        headers = [("content-type", "application/json")]
        asked = self.ask(GENERATION_KIND, "POST", GENERATION_URL, headers, orjson.dumps(request))
        async with aclosing(asked) as answer:
            async for message in answer:
                if message["type"] == "STREAM_CHUNK":
                    yield message["data"]

    async def ask(
        self, kind: str, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes | None
    ) -> AsyncGenerator[dict[str, Any], None]:
        """A request's STREAM_HEADERS, STREAM_CHUNK and STREAM_END, `data` as bytes. Leaving the loop before aborts it.

        Raises:
            StreamFailed: the policy does not allow it, or there is no answer, or no more of it.
        """
        self._last_id += 1
        stream_id = self._last_id
        self._channel.send(
            type="STREAM_START",
            id=stream_id,
            kind=kind,
            page={"origin": CONSOLE.href, "tab": 0, "frame": 0, "document": "console", "private": False},
            method=method,
            url=url,
            headers=headers,
            body=_body_field(body),
            redirect="follow",
            timeouts={},
        )
        consumed, sent, over = 0, 0, False
        try:
            while True:
                message = await self._channel.message()
                if message.get("id") != stream_id:
                    continue
                if message["type"] == "STREAM_BODY_ACK":
                    sent = self._upload(stream_id, body or b"", sent, message["consumed"] + message["window"])
                elif message["type"] == "STREAM_CHUNK":
                    message["data"] = pybase64.b64decode(message["data"])
                    yield message
                    consumed += len(message["data"])
                    self._channel.send(type="STREAM_ACK", id=stream_id, consumed=consumed)
                elif message["type"] == "STREAM_ERROR":
                    over = True
                    raise StreamFailed(
                        ErrorCode(message["code"]), message["message"], Phase(message["phase"]), message.get("command")
                    )
                elif message["type"] == "STREAM_END":
                    over = True
                    yield message
                    return
                elif message["type"] == "STREAM_HEADERS":
                    yield message
        finally:
            if not over:
                self._channel.send(type="STREAM_ABORT", id=stream_id, reason="user")

    def _upload(self, stream_id: int, body: bytes, sent: int, upto: int) -> int:
        """Send what the window allows; returns how much is sent in all."""
        while sent < min(upto, len(body)):
            size = min(_PIECE_BYTES, upto - sent, len(body) - sent)
            data = pybase64.b64encode(body[sent : sent + size]).decode()
            self._channel.send(type="STREAM_BODY", id=stream_id, offset=sent, data=data)
            sent += size
            if sent == len(body):
                self._channel.send(type="STREAM_BODY_END", id=stream_id, bytes=sent)
        return sent


def _body_field(body: bytes | None) -> dict[str, Any]:
    if body is None:
        return {"kind": "none"}
    if len(body) > _INLINE_BYTES:
        return {"kind": "stream", "size": len(body)}
    return {"kind": "inline", "data": pybase64.b64encode(body).decode()}


@asynccontextmanager
async def console_page() -> AsyncIterator[ConsolePage]:
    """The page, while the block runs. All of its sockets are closed behind it."""
    channel, turns = _Memory(), Turns()
    upstream = UpstreamClient(turns=turns)
    policy, keeper = LivePolicy(at_console=True), SuspensionKeeper(Suspensions(SuspensionFile()))
    authorizer = Authorizer(policy, keeper)
    kinds: dict[str, Kind] = {
        DEFAULT_KIND: Http(upstream, authorizer),
        GENERATION_KIND: Generation(upstream, authorizer, turns=turns),
    }
    engine = Engine(kinds, PolicyStatus(policy, keeper), turns=turns)
    failure: Exception | None = None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(engine.serve, channel)
            channel.send(type="HELLO", protocol=PROTOCOL_VERSION, extension=__version__)
            while (await channel.message())["type"] != "WELCOME":
                pass
            try:
                yield ConsolePage(channel)
            except Exception as error:  # noqa: BLE001  (whatever it is: from inside a task group it would come wrapped)
                failure = error
            channel.close()
    finally:
        authorizer.close()
        with anyio.CancelScope(shield=True):
            await upstream.aclose()
    if failure is not None:
        raise failure
