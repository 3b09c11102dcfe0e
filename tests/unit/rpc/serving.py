"""Real servers of the application: uvicorn with Starlette, `websockets`, and Node."""

import asyncio
import json
import socket
import subprocess
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
import websockets

from longwire.assets import client_library
from longwire.rpc import Resumables, accept
from tests.patience import PATIENCE_S
from tests.unit.rpc.application import Application, asgi_application

HERE = Path(__file__).parent
PACKAGES = Path(__file__).parents[3] / "extension" / "package.json"


@contextmanager
def uvicorn_server(app: Any = None) -> Iterator[str]:
    """Its URL, while the context lasts."""
    # Its other implementation over `websockets` is the legacy one, which warns.
    config = uvicorn.Config(app or asgi_application(), log_config=None, lifespan="off", ws="websockets-sansio")
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        listening.close()
        assert not thread.is_alive()


@asynccontextmanager
async def websockets_server(authorization: str | None = None) -> AsyncGenerator[str, None]:
    """The `websockets` library's own server; with an `authorization`, for those who have it."""
    resumables = Resumables()

    def admit(connection: websockets.ServerConnection, request: websockets.Request) -> websockets.Response | None:
        allowed = authorization in (None, request.headers.get("Authorization"))
        return None if allowed else connection.respond(401, "Not you")

    async def handler(connection: websockets.ServerConnection) -> None:
        peer = await accept(connection, resumables=resumables)
        Application(peer)
        await peer.wait_closed()

    async with websockets.serve(handler, "127.0.0.1", 0, process_request=admit) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"


def node(what: str, *arguments: str) -> list[str]:
    """The command of a process of Node, with the library as the package has it."""
    library = client_library().with_name("rpc.js")
    return ["node", str(HERE / "node_peer.mjs"), library.as_uri(), PACKAGES.as_uri(), what, *arguments]


@contextmanager
def node_server(what: str = "server") -> Iterator[str]:
    """One in Node; `relay` instead passes messages between each two that connect."""
    process = subprocess.Popen(node(what), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield f"ws://127.0.0.1:{int(process.stdout.readline())}/"
    finally:
        process.kill()
        process.communicate()


async def node_client(url: str, *, own: bool = False) -> dict[str, Any]:
    """What the scenario gives in Node, over that of `ws` or its own WebSocket, behind a flag before Node 22."""
    program, *arguments = node("client", url)
    flag = "--experimental-websocket" if own else "--no-experimental-websocket"
    process = await asyncio.create_subprocess_exec(program, flag, *arguments, stdout=asyncio.subprocess.PIPE)
    try:
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            process.kill()
    results: dict[str, Any] = json.loads(output)
    return results
