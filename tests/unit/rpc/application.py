"""What a peer may ask for in the tests; application.mjs is the same in JavaScript."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import count
from typing import Any

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from longwire.rpc import PASS, Peer, Resumables, RpcError, accept


class Application:
    """Of one peer."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._closed: list[str] = []
        self.ended = asyncio.Event()
        peer.match(self.answer)

    async def answer(self, data: Any) -> Any:
        handler = getattr(self, f"do_{data['do']}", None)
        return PASS if handler is None else await handler(data)

    async def _numbers(self, to: float, name: str) -> AsyncIterator[int]:
        try:
            for number in count():
                if number >= to:
                    return
                yield number
        finally:
            self._closed.append(name)
            self.ended.set()

    async def _failing(self) -> AsyncIterator[int]:
        yield 1
        raise RpcError("QUOTA", "No more", name="QuotaError", retryable=True)

    async def do_count(self, data: Any) -> str:
        self._peer.send_stream(self._numbers(data["to"], data["id"]), data["id"], batch=(50, 0.005))
        return str(data["id"])

    async def do_endless(self, data: Any) -> str:
        self._peer.send_stream(self._numbers(float("inf"), data["id"]), data["id"])
        return str(data["id"])

    async def do_bytes(self, data: Any) -> str:
        whole = bytes(range(256)) * (data["length"] // 256 + 1)
        self._peer.send_stream([whole[: data["length"]], whole[:3]], data["id"])
        return str(data["id"])

    async def do_fail(self, data: Any) -> str:
        self._peer.send_stream(self._failing(), data["id"])
        return str(data["id"])

    async def do_deny(self, data: Any) -> None:
        raise RpcError("DENIED", "Not you")

    async def do_closed(self, data: Any) -> list[str]:
        return self._closed

    async def do_sum(self, data: Any) -> int:
        _, stream = self._peer.receive_stream(data["id"])
        return sum([number async for number in stream])

    async def do_first(self, data: Any) -> Any:
        _, stream = self._peer.receive_stream(data["id"])
        async with aclosing(stream):
            return await anext(stream)


def asgi_application() -> Starlette:
    """Behind Starlette, at any path."""
    resumables = Resumables()

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        peer = await accept(websocket, resumables=resumables)
        Application(peer)
        await peer.wait_closed()

    return Starlette(routes=[WebSocketRoute("/{path:path}", endpoint)])


async def scenario(peer: Peer) -> dict[str, Any]:
    """What a peer in Python sees of it; scenario.mjs is the same in JavaScript."""
    results: dict[str, Any] = {"extended": peer.extended}

    async def ask(request: dict[str, Any], stream_id: str) -> Any:
        _, stream = peer.receive_stream(stream_id)
        await peer.request({**request, "id": stream_id})
        return stream

    async def code(awaitable: Any) -> str:
        try:
            await awaitable
        except RpcError as error:
            return error.code
        return "nothing failed"

    results["counted"] = sum([n async for n in await ask({"do": "count", "to": 1000}, "count")])
    results["bytes"] = [len(n) async for n in await ask({"do": "bytes", "length": 100_000}, "bytes")]
    failed = await ask({"do": "fail"}, "fail")
    results["first"] = await anext(failed)
    try:
        await anext(failed)
    except RpcError as error:
        results["failed"] = [error.name, error.message, error.code, error.retryable]
    async with aclosing(await ask({"do": "endless"}, "endless")) as endless:
        async for item in endless:
            if item == 500:
                break
    ended: list[str] = []
    while "endless" not in ended:
        ended = await peer.request({"do": "closed"})
    results["left"] = True
    results["denied"] = await code(peer.request({"do": "deny"}))
    results["unanswered"] = await code(peer.request({"do": "what"}))
    sending = peer.send_stream(range(1000), "sum")
    results["sum"] = await peer.request({"do": "sum", "id": "sum"})
    results["sent"] = await sending
    own = Application(peer)
    sent = peer.send_stream(own._numbers(float("inf"), "first"), "first")
    results["taken"] = await peer.request({"do": "first", "id": "first"}) + 7
    results["cancelled"] = await code(sent)
    await own.ended.wait()
    results["returned"] = True
    async with aclosing(await ask({"do": "endless"}, "slow")) as slow:
        await anext(slow)
        results["beside"] = len([n async for n in await ask({"do": "count", "to": 5000}, "beside")])
    while "slow" not in ended:
        ended = await peer.request({"do": "closed"})
    results["counts"] = [peer.counts[name] for name in ("outgoing", "incoming", "requests")]
    await peer.close()
    results["end"] = (await peer.wait_closed())[0]
    return results


EXPECTED = {
    "extended": True,
    "counted": 499_500,
    "bytes": [100_000, 3],
    "first": 1,
    "failed": ["QuotaError", "No more", "QUOTA", True],
    "left": True,
    "denied": "DENIED",
    "unanswered": "NO_ANSWER",
    "sent": "sum",
    "sum": 499_500,
    "taken": 7,
    "cancelled": "CANCELLED",
    "returned": True,
    "beside": 5000,
    "counts": [0, 0, 0],
    "end": 1000,
}
