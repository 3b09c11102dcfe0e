"""A peer that knows the plain protocol of docs/rpc.md and no more, over `websockets`.

It shares no code with the library.
What it is sent must be a plain message to the letter; what is not is kept as a violation. plain_peer.mjs is the same
over `ws`.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import websockets

# The members of each message. What may be there besides: a hello, of which it knows nothing, and `notify`, likewise.
SHAPES: dict[Any, set[str]] = {
    "StreamData": {"type", "streamId", "payload"},
    "StreamEnd": {"type", "streamId"},
    "StreamError": {"type", "streamId", "error"},
    "request": {"category", "requestId", "data"},
    "response": {"category", "requestId", "data"},
    "error": {"category", "error", "details"},
    "ping": {"category", "timestamp"},
    "pong": {"category", "timestamp"},
}


class PlainPeer:
    def __init__(self, connection: websockets.ServerConnection | websockets.ClientConnection) -> None:
        self._connection = connection
        self._items: dict[str, list[Any]] = {}
        self._waiting: dict[str, asyncio.Future[Any]] = {}  # for an answer, a pong, the end of a stream
        self._tasks: set[asyncio.Task[None]] = set()
        self.told: list[Any] = []
        self.violations: list[str] = []

    async def run(self) -> None:
        """Until the connection is closed."""
        async for text in self._connection:
            message: dict[str, Any] = json.loads(text) if isinstance(text, str) else {"type": "binary"}
            kind = message.get("type") or message.get("category")
            message.pop({"ping": "longwire", "request": "notify"}.get(str(kind), ""), None)
            if SHAPES.get(kind) != set(message):
                self.violations.append(repr(text)[:200])
            elif kind == "StreamData":
                self._items.setdefault(message["streamId"], []).append(message["payload"])
            elif kind == "request":
                task = asyncio.create_task(self._answer(message["requestId"], message["data"]))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            elif kind == "ping":
                await self._send({"category": "pong", "timestamp": message["timestamp"]})
            else:
                name = message.get("streamId") or message.get("requestId") or message.get("timestamp")
                waits = self.waits(message["details"]["requestId"] if kind == "error" else name)
                if not waits.done():
                    waits.set_result(message)

    async def _send(self, message: dict[str, Any]) -> None:
        await self._connection.send(json.dumps(message))

    def waits(self, name: Any) -> asyncio.Future[Any]:
        return self._waiting.setdefault(str(name), asyncio.get_running_loop().create_future())

    async def request(self, data: Any) -> dict[str, Any]:
        name = str(uuid4())
        await self._send({"category": "request", "requestId": name, "data": data})
        answer: dict[str, Any] = await self.waits(name)
        return answer

    async def ping(self) -> Any:
        await self._send({"category": "ping", "timestamp": 12345})
        return (await self.waits(12345))["timestamp"]

    async def received(self, name: str) -> tuple[list[Any], str | None]:
        """All of a stream, and what its sender said went wrong."""
        end = await self.waits(name)
        return self._items.pop(name, []), end.get("error")

    async def stream(self, name: str, items: AsyncIterable[Any]) -> None:
        try:
            async for item in items:
                await self._send({"type": "StreamData", "streamId": name, "payload": item})
            await self._send({"type": "StreamEnd", "streamId": name})
        except ValueError as error:
            await self._send({"type": "StreamError", "streamId": name, "error": str(error)})

    async def _answer(self, request_id: str, data: Any) -> None:
        match data["do"]:
            case "count":
                await self.stream(data["id"], numbers(data["to"]))
                answer = data["id"]
            case "fail":
                await self.stream(data["id"], failing())
                answer = data["id"]
            case "received":
                answer = list(await self.received(data["id"]))
            case "ask":
                answer = (await self.request({"q": 20}))["data"]
            case "ping":
                answer = await self.ping()
            case "tell":
                self.told.append(data["text"])
                return
            case "silence":
                return
            case "deny":
                details = {"requestId": request_id}
                await self._send({"category": "error", "error": "Not you", "details": details})
                return
            case _:
                answer = {"told": self.told, "violations": self.violations}
        await self._send({"category": "response", "requestId": request_id, "data": answer})


async def numbers(to: int) -> AsyncGenerator[int]:
    for number in range(to):
        yield number


async def failing() -> AsyncGenerator[int]:
    yield 1
    raise ValueError("it broke")


@asynccontextmanager
async def plain_server() -> AsyncGenerator[str]:
    """Its URL."""

    async def handle(connection: websockets.ServerConnection) -> None:
        await PlainPeer(connection).run()

    async with websockets.serve(handle, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"


async def plain_client(url: str) -> dict[str, Any]:
    """What a plain peer sees of application.py, or of application.mjs."""
    async with websockets.connect(url) as connection:
        peer = PlainPeer(connection)
        running = asyncio.create_task(peer.run())
        counted = await peer.request({"do": "count", "to": 1000, "id": "count"})
        items, error = await peer.received("count")
        await peer.request({"do": "fail", "id": "fail"})
        failed = await peer.received("fail")
        denied = await peer.request({"do": "deny"})
        await peer.stream("sum", numbers(1000))
        summed = await peer.request({"do": "sum", "id": "sum"})
        results = {
            "counted": [counted["data"], sum(items), error],
            "failed": list(failed),
            "denied": denied["error"],
            "sum": summed["data"],
            "ping": await peer.ping(),
            "violations": peer.violations,
        }
    await running
    return results
