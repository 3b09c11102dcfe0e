"""A client that leaves, in every way and at every moment: the producer is closed, and its `finally` carried out."""

from collections.abc import Callable
from typing import Any

import pytest

from longwire.sse import EventResponse
from tests.unit.sse.serving import Client, Served, Watched

LEAVE: dict[str, Callable[[Client], None]] = {
    "closed": Client.close,
    "reset": Client.reset,
    "half-closed": Client.half_close,
}
ways = pytest.mark.parametrize("way", LEAVE)
# More than the kernel takes for a client that does not read (net.ipv4.tcp_wmem: 4 MiB at most) and uvicorn's buffer.
LARGE = "x" * (7 * 1024 * 1024)


@ways
def test_while_the_producer_waits(way: str) -> None:
    watched = Watched()
    with Served(EventResponse(watched.waiting)) as served, Client(served) as client:
        client.ask().until(b"first")
        LEAVE[way](client)
        watched.wait_closed()


@ways
def test_while_a_generator_waits(way: str) -> None:
    watched = Watched()
    with Served(EventResponse(watched.waiting(None))) as served, Client(served) as client:
        client.ask().until(b"first")
        LEAVE[way](client)
        watched.wait_closed()


@ways
def test_while_the_producer_never_waits(way: str) -> None:
    watched = Watched()
    with Served(EventResponse(watched.busy)) as served, Client(served) as client:
        client.ask().until(b"first")
        LEAVE[way](client)
        watched.wait_closed()


@pytest.mark.parametrize("way", ["closed", "reset"])
def test_while_nothing_more_can_be_sent_to_it(way: str) -> None:
    watched = Watched(LARGE)
    with Served(EventResponse(watched.busy)) as served, Client(served, receive_buffer=4096) as client:
        client.ask()
        assert watched.second.wait(30.0)
        LEAVE[way](client)
        watched.wait_closed()


def test_before_it_read_anything() -> None:
    watched = Watched()
    with Served(EventResponse(watched.waiting)) as served, Client(served) as client:
        client.ask()
        assert watched.second.wait(30.0)
        client.reset()
        watched.wait_closed()


def test_many_at_once() -> None:
    everyone = [Watched() for _ in range(20)]
    sources = iter(everyone)
    response = EventResponse(lambda last_event_id: next(sources).waiting(last_event_id))
    with Served(response) as served:
        clients = [Client(served) for _ in everyone]
        for client in clients:
            client.ask().until(b"first")
        for client in clients:
            client.close()
        for watched in everyone:
            watched.wait_closed()


def test_the_servers_log_has_nothing_of_it(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    with Served(EventResponse(watched.waiting)) as served, Client(served) as client:
        client.ask().until(b"first")
        client.reset()
        watched.wait_closed()
    problems: list[Any] = [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]
    assert problems == []
