"""Across languages and servers: one scenario, in Python and in Node, with real sockets between them."""

import asyncio
from typing import Any

import pytest

from longwire.rpc import NO_RETRY, connect
from tests.patience import PATIENCE_S
from tests.unit.rpc.application import EXPECTED, Application, scenario
from tests.unit.rpc.serving import node_client, node_server, uvicorn_server, websockets_server

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """asyncio is what it is for."""
    return "asyncio"


async def python_client(url: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S), connect(url, retry=NO_RETRY) as peer:
        return await scenario(peer)


@pytest.mark.parametrize("client", [python_client, node_client], ids=["python", "node"])
async def test_with_starlette_behind_uvicorn(client: Any) -> None:
    with uvicorn_server() as url:
        assert await client(url) == EXPECTED


@pytest.mark.parametrize("client", [python_client, node_client], ids=["python", "node"])
async def test_with_the_websockets_librarys_server(client: Any) -> None:
    async with websockets_server() as url:
        assert await client(url) == EXPECTED


@pytest.mark.parametrize("client", [python_client, node_client], ids=["python", "node"])
async def test_with_a_server_in_node(client: Any) -> None:
    with node_server() as url:
        assert await client(url) == EXPECTED


async def test_nodes_own_websocket() -> None:
    with uvicorn_server() as url:
        assert await node_client(url, own=True) == EXPECTED


async def test_two_that_connect_to_a_relay() -> None:
    async def serving(url: str) -> None:
        async with connect(url, retry=NO_RETRY) as peer:
            Application(peer)
            await peer.wait_closed()

    with node_server("relay") as url:
        other = asyncio.create_task(serving(url))
        assert await python_client(url) == EXPECTED
        await other
