"""What the benchmark's servers send, as a client without a browser gets it."""

import http.client
import json
from collections.abc import Iterator

import pytest

from tests.bench.bodies import pool
from tests.bench.routes import add_to, mean_event_bytes
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    routes = Routes()
    add_to(routes)
    with ThreadedServer(lambda: Server(routes)) as threaded:
        yield threaded


def fetched(server: ThreadedServer, target: str, body: bytes | None = None) -> tuple[str | None, bytes]:
    """Content type and body."""
    client = http.client.HTTPConnection("127.0.0.1", server.server.port)
    client.request("GET" if body is None else "POST", target, body)
    response = client.getresponse()
    data = response.read()
    client.close()
    return response.getheader("content-type"), data


def test_a_body_is_of_its_kind_and_size(server: ThreadedServer) -> None:
    assert fetched(server, "/work?kind=random&size=300000") == ("application/octet-stream", pool("random")[:300000])
    assert fetched(server, "/work?kind=text&size=5") == ("text/event-stream", pool("text")[:5])


@pytest.mark.parametrize("how", ["per_second=5000", "", "chunk=event"], ids=["paced", "as fast as it goes", "chunks"])
def test_events_are_numbered_and_end_with_when_they_left(server: ThreadedServer, how: str) -> None:
    kind, data = fetched(server, f"/events?n=300&{how}")
    events = data.decode().split("\n\n")
    assert (kind, len(events), events.pop()) == ("text/event-stream", 301, "")
    stamps = []
    for number, event in enumerate(events):
        first, second, third = event.split("\n")
        assert first == f"id: {number}"
        assert json.loads(second.removeprefix("data: "))["object"] == "chat.completion.chunk"
        stamps.append(float(third.removeprefix(": ")))
    assert stamps == sorted(stamps)
    assert len(data) / 300 == pytest.approx(mean_event_bytes(), rel=0.02)


def test_an_upload_is_counted(server: ThreadedServer) -> None:
    _, data = fetched(server, "/take", b"x" * 300000)
    answer = json.loads(data)
    assert answer["bytes"] == 300000
    assert answer["milliseconds"] >= 0
