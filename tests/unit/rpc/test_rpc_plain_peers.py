"""Against peers that know the plain protocol and no more, over real sockets: plain_peer.py and plain_peer.mjs."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from longwire.rpc import NO_RETRY, Peer, RpcError, connect
from tests.patience import PATIENCE_S
from tests.unit.rpc.pair import all_of, failing
from tests.unit.rpc.plain_peer import plain_client, plain_server
from tests.unit.rpc.serving import HERE, PACKAGES, node, node_server, uvicorn_server, websockets_server

pytestmark = pytest.mark.anyio

SEEN = {
    "extended": False,
    "counted": 499_500,
    "failed": [1, ["REMOTE", "it broke"]],
    "sent": ["up", 1000, 999, None],
    "broken": [["first"], "No more", "QUOTA"],
    "denied": ["REMOTE", "Not you"],
    "unanswered": "REQUEST_TIMEOUT",
    "asked": 21,
    "ping": 12_345,
    # What of ours is no plain message would stand here.
    "there": {"told": ["something"], "violations": []},
    "counts": [0, 0, 0],
}
SEEN_BY_THE_PLAIN_ONE = {
    "counted": ["count", 499_500, None],
    "failed": [[1], "No more"],
    "denied": "Not you",
    "sum": 499_500,
    "ping": 12_345,
    "violations": [],
}


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what it is for."""
    return "asyncio"


def plain_node(what: str, *arguments: str) -> list[str]:
    """The command of plain_peer.mjs."""
    return ["node", str(HERE / "plain_peer.mjs"), PACKAGES.as_uri(), what, *arguments]


@asynccontextmanager
async def plain_server_in_node() -> AsyncGenerator[str]:
    """Its URL."""
    process = await asyncio.create_subprocess_exec(*plain_node("server"), stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield f"ws://127.0.0.1:{int(await process.stdout.readline())}/"
    finally:
        process.kill()
        await process.communicate()


async def output_of(command: list[str]) -> Any:
    """What a process writes, which is JSON."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
    return json.loads(output)


async def plain_client_in_node(url: str) -> Any:
    return await output_of(plain_node("client", url))


async def ours_in_node(url: str) -> Any:
    return await output_of(node("plain", url))


async def breaking() -> AsyncIterator[str]:
    yield "first"
    raise RpcError("QUOTA", "No more")


async def ours(url: str) -> dict[str, Any]:
    """What a peer in Python sees of a plain one; plain_scenario.mjs is the same in JavaScript."""
    async with asyncio.timeout(PATIENCE_S), connect(url, retry=NO_RETRY) as peer:
        return await scenario(peer)


async def scenario(peer: Peer) -> dict[str, Any]:
    peer.match(lambda data: data["q"] + 1)
    results: dict[str, Any] = {"extended": peer.extended}
    stream_id, counted = peer.receive_stream()
    await peer.request({"do": "count", "to": 1000, "id": stream_id})
    results["counted"] = sum(await all_of(counted))
    stream_id, failed = peer.receive_stream()
    await peer.request({"do": "fail", "id": stream_id})
    first, error = await anext(failed), await failing(anext(failed))
    results["failed"] = [first, [error.code, error.message]]
    sent = peer.send_stream(range(1000), "up")
    items, text = await peer.request({"do": "received", "id": "up"})
    results["sent"] = [await sent, len(items), items[-1], text]
    broken = peer.send_stream(breaking(), "broken")
    there = await peer.request({"do": "received", "id": "broken"})
    results["broken"] = [*there, (await failing(broken)).code]
    denied = await failing(peer.request({"do": "deny"}))
    results["denied"] = [denied.code, denied.message]
    results["unanswered"] = (await failing(peer.request({"do": "silence"}, timeout=0.05))).code
    results["asked"] = await peer.request({"do": "ask"})
    results["ping"] = await peer.request({"do": "ping"})
    peer.send({"do": "tell", "text": "something"})
    results["there"] = await peer.request({"do": "report"})
    results["counts"] = [peer.counts[name] for name in ("outgoing", "incoming", "requests")]
    return results


@pytest.mark.parametrize("client", [ours, ours_in_node], ids=["python", "node"])
@pytest.mark.parametrize("server", [plain_server, plain_server_in_node], ids=["plain-python", "plain-node"])
async def test_a_peer_of_ours_speaks_plainly_to_a_plain_server(client: Any, server: Any) -> None:
    async with server() as url:
        assert await client(url) == SEEN


@pytest.mark.parametrize("client", [plain_client, plain_client_in_node], ids=["plain-python", "plain-node"])
async def test_a_plain_client_is_served_by_all_servers_of_ours(client: Any) -> None:
    async with asyncio.timeout(PATIENCE_S), websockets_server() as url:
        assert await client(url) == SEEN_BY_THE_PLAIN_ONE
    async with asyncio.timeout(PATIENCE_S):
        with uvicorn_server() as url:
            assert await client(url) == SEEN_BY_THE_PLAIN_ONE
        with node_server() as url:
            assert await client(url) == SEEN_BY_THE_PLAIN_ONE
