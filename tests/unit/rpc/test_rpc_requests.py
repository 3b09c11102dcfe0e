"""Requests between peers over a connection in memory."""

import asyncio
from typing import Any

import pytest

from longwire.rpc import PASS, RpcError
from longwire.rpc.events import CloseSocket, Requested
from tests.patience import PATIENCE_S
from tests.unit.rpc.pair import NOTHING, failing, pair, settled, turns

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what it is for."""
    return "asyncio"


async def test_requests_are_answered_by_the_first_handler_that_has_an_answer() -> None:
    async with pair() as (client, server, _):
        server.match(lambda _: PASS)

        @server.match
        async def add(data: Any) -> Any:
            return sum(data) if isinstance(data, list) else PASS

        server.match(lambda data: None if data == "null" else PASS)
        assert await client.request([1, 2]) == 3
        assert await client.request("null") is None
        assert (await failing(client.request("other"))).code == "NO_ANSWER"


async def test_requests_fail_with_what_the_handler_raised_or_in_time() -> None:
    async with pair() as (client, server, _):
        cancelled = asyncio.Event()

        @server.match
        async def answer(what: str) -> Any:
            if what == "rpc":
                raise RpcError("DENIED", "Not you")
            if what == "plain":
                raise LookupError("secret")
            if what == "bad":
                return object()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()

        denied = await failing(client.request("rpc"))
        assert (denied.code, denied.message) == ("DENIED", "Not you")
        plain = await failing(client.request("plain"))
        assert (plain.code, plain.message) == ("FAILED", "The other side failed")
        assert (await failing(client.request("bad"))).code == "BAD_PAYLOAD"
        assert (await failing(client.request("hang", timeout=0.05))).code == "REQUEST_TIMEOUT"
        await asyncio.wait_for(cancelled.wait(), PATIENCE_S)
        cancelled.clear()
        asked = asyncio.create_task(client.request("hang"))
        await turns()
        asked.cancel()
        await asyncio.wait_for(cancelled.wait(), PATIENCE_S)
        assert (await failing(client.request(object()))).code == "BAD_PAYLOAD"
        assert [await settled(client), await settled(server)] == [NOTHING, NOTHING]


async def test_send_is_answered_by_nobody() -> None:
    async with pair() as (client, server, _):
        seen: asyncio.Queue[Any] = asyncio.Queue()
        server.match(seen.put_nowait)
        client.send({"hello": 1})
        assert await asyncio.wait_for(seen.get(), PATIENCE_S) == {"hello": 1}
        assert await settled(server) == NOTHING


async def test_who_tells_more_than_handlers_take_is_not_heard_any_more() -> None:
    busy = asyncio.Event()
    async with pair() as (client, server, _):
        server.match(lambda data: busy.wait() if data == "wait" else None)
        for _ in range(3):  # what was handled counts no more
            for _ in range(8000):
                client.send("done")
            await client.request("done")
        assert server.counts == NOTHING
        core = server.core
        notice = '{"category":"request","requestId":"n","notify":true,"data":"wait"}'
        for _ in range(20_001):
            core.receive(notice, 0)
        happened = core.events()
        assert sum(isinstance(each, Requested) for each in happened) == 20_000
        assert happened[-1] == CloseSocket(1008, "too many messages unhandled")
