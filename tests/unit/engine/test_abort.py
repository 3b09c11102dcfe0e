"""An abort in every phase, with the real upstream client: once it is confirmed, socket, task and slots are free."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event as ThreadEvent
from typing import Any

import anyio
import anyio.lowlevel
import psutil
import pytest

from longwire.protocol.limits import WINDOW_FLOOR_BYTES
from longwire.upstream import UpstreamClient
from longwire.upstream.resolver import SystemResolver
from tests.patience import PATIENCE_S
from tests.unit.engine.harness import PAGE, Bench, running_engine
from tests.upstreams import bodies, faults, redirects
from tests.upstreams.server import Routes, Server

SLOW_NAME = "slow.test"

ROUTES = {
    "/silent": faults.NAMED["silent"],
    "/body-silent": faults.NAMED["body-silent"],
    "/endless": bodies.endless,
    "/redirect": redirects.redirect,
    "/ok": faults.raw(bodies.head(200, [("Content-Length", "2")]) + b"ok", then="close"),
}


class SlowNames:
    """A `getaddrinfo` that does not answer before the test says so."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.asked = asyncio.Event()
        self.answer = ThreadEvent()

    def __call__(self, host: str) -> Sequence[str]:
        assert host == SLOW_NAME
        self._loop.call_soon_threadsafe(self.asked.set)
        self.answer.wait(PATIENCE_S)
        return ["127.0.0.1"]


@dataclass
class World:
    """An engine over a real client, and everything it may talk to."""

    bench: Bench
    client: UpstreamClient
    server: Server
    names: SlowNames
    dead_port: int
    _not_ours: frozenset[Any] = frozenset()

    def __post_init__(self) -> None:
        self._not_ours = frozenset(each.laddr for each in self.sockets())
        self._tasks_before = self.tasks()

    def start(self, stream_id: int, target: str, **changes: Any) -> None:
        """STREAM_START of `target`: an absolute URL, or a path of the server."""
        url = target if "://" in target else self.server.url(target)
        self.bench.start(stream_id, url=url, **changes)

    def sockets(self) -> list[Any]:
        """The client's."""
        remote_ports = [(self.server.port,), (self.dead_port,)]  # () for a socket that listens
        connections = psutil.Process().net_connections("inet")
        return [c for c in connections if c.raddr[1:] in remote_ports and c.laddr not in self._not_ours]

    def tasks(self) -> int:
        """But for those of the server."""
        return len(asyncio.all_tasks() - self.server._tasks)

    def assert_nothing_left(self) -> None:
        """No trace of any stream in the tables, the loop or the process."""
        connection = self.bench.connection
        assert (connection.streams, self.bench.service._exchanges) == (0, {})
        assert connection._scheduler.live_streams == 0
        assert connection._table.credit.lent == 0
        assert (self.client.busy_connections, self.client.idle_connections) == (0, 0)
        assert self.sockets() == []
        assert self.tasks() == self._tasks_before


@asynccontextmanager
async def running_world(folder: Path) -> AsyncIterator[World]:
    """A grant for one stream at a time, so that a slot that is not free is seen."""
    names = SlowNames()
    client = UpstreamClient(resolver=SystemResolver(names))
    with faults.unanswering_port() as dead_port:
        async with Server(Routes(dict(ROUTES))) as server:
            policy = f"""\
version = 1
[[grant]]
name = "test"
pages = ["{PAGE}"]
destinations = ["{server.url()}", "http://127.0.0.1:{dead_port}/", "http://{SLOW_NAME}/"]
methods = ["GET", "POST"]
network = "loopback"
limits = {{ streams = 1 }}
"""
            async with running_engine(folder, policy=policy) as bench:
                bench.upstream.answer = client.open
                yield World(bench, client, server, names, dead_port)
            names.answer.set()
            await client.aclose()


# --- the phases: each starts stream 1 and comes back when it is there -----------------------------------------------


async def in_dns(world: World) -> None:
    world.start(1, f"http://{SLOW_NAME}/")
    await world.names.asked.wait()


async def in_connect(world: World) -> None:
    world.start(1, f"http://127.0.0.1:{world.dead_port}/")
    while not any(each.status == psutil.CONN_SYN_SENT for each in world.sockets()):
        await anyio.lowlevel.checkpoint()


async def before_headers(world: World) -> None:
    world.start(1, "/silent")
    await world.server.wait_requests(1)


async def before_headers_of_a_later_hop(world: World) -> None:
    world.start(1, redirects.to(world.server.url("/silent")))
    await world.server.wait_requests(2)


async def inside_a_request_body(world: World) -> None:
    world.start(1, "/silent", method="POST", body={"kind": "stream"})
    await world.bench.channel.message("STREAM_BODY_ACK", 1)
    world.bench.channel.send(type="STREAM_BODY", id=1, offset=0, data="YWJj")
    await world.server.wait_requests(1)


async def in_a_silent_body(world: World) -> None:
    world.start(1, "/body-silent")
    await world.bench.channel.message("STREAM_CHUNK", 1)


async def mid_body_without_credit(world: World) -> None:
    world.start(1, "/endless")
    await world.bench.channel.wait_for(lambda _: chunk_bytes(world.bench) == WINDOW_FLOOR_BYTES)


async def mid_body_with_credit(world: World) -> None:
    await mid_body_without_credit(world)
    world.bench.channel.send(type="STREAM_ACK", id=1, consumed=WINDOW_FLOOR_BYTES)
    await world.bench.channel.wait_for(lambda _: chunk_bytes(world.bench) > WINDOW_FLOOR_BYTES)


def chunk_bytes(bench: Bench) -> int:
    return sum(len(message["data"]) for message in bench.channel.of_stream(1) if message["type"] == "STREAM_CHUNK")


PHASES = [
    in_dns,
    in_connect,
    before_headers,
    before_headers_of_a_later_hop,
    inside_a_request_body,
    in_a_silent_body,
    mid_body_without_credit,
    mid_body_with_credit,
]
in_every_phase = pytest.mark.parametrize("reach", PHASES, ids=lambda phase: phase.__name__)
Phase = Callable[[World], Awaitable[None]]


@in_every_phase
async def test_when_an_abort_is_confirmed_nothing_is_left_and_the_slot_is_free(tmp_path: Path, reach: Phase) -> None:
    async with running_world(tmp_path) as world:
        await reach(world)
        world.bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        with anyio.fail_after(PATIENCE_S):
            assert (await world.bench.channel.terminal(1))["type"] == "STREAM_ABORTED"
            world.assert_nothing_left()
            for connection in world.server.connections:
                await connection.wait_gone()
        world.start(2, "/ok")
        end = await world.bench.channel.terminal(2)
    assert (end["type"], end["bytes"]) == ("STREAM_END", 2)
    assert [message["type"] for message in world.bench.channel.of_stream(1)].count("STREAM_ABORTED") == 1


@in_every_phase
async def test_a_lost_channel_aborts_in_every_phase(tmp_path: Path, reach: Phase) -> None:
    async with running_world(tmp_path) as world:
        await reach(world)
        world.bench.channel.close()
        with anyio.fail_after(PATIENCE_S):
            await world.bench.over.wait()
            assert world.client.busy_connections == 0
            assert world.sockets() == []
            for connection in world.server.connections:
                await connection.wait_gone()


@in_every_phase
async def test_an_abort_and_the_next_start_in_one_piece_of_input(tmp_path: Path, reach: Phase) -> None:
    async with running_world(tmp_path) as world:
        await reach(world)
        # As a page that stops an answer and asks again: both frames are there before anything can be closed.
        world.bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        world.start(2, "/ok")
        assert (await world.bench.channel.terminal(2))["type"] == "STREAM_END"
        assert (await world.bench.channel.terminal(1))["type"] == "STREAM_ABORTED"


async def test_an_abort_that_comes_with_its_start(tmp_path: Path) -> None:
    async with running_world(tmp_path) as world:
        world.start(1, "/silent")
        world.bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        with anyio.fail_after(PATIENCE_S):
            assert (await world.bench.channel.terminal(1))["type"] == "STREAM_ABORTED"
        world.assert_nothing_left()
