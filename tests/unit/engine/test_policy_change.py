"""A real host, a living stream, and a policy that changes under it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host_process import HostProcess, grant, greeted_host, write_policy
from tests.upstreams import faults
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer


@pytest.fixture
def upstream() -> Iterator[ThreadedServer]:
    """Sends a beginning and then nothing."""
    routes = Routes()
    routes.add("/events", faults.NAMED["body-silent"])
    with ThreadedServer(lambda: Server(routes)) as threaded:
        yield threaded


def test_a_network_class_that_no_longer_holds_its_server_ends_a_living_stream(
    tmp_path: Path, upstream: ThreadedServer
) -> None:
    policy = grant(upstream.url("/events"))
    with greeted_host(tmp_path, policy) as host:
        host.start(1, upstream.url("/events"))
        host.expect("STREAM_HEADERS")
        write_policy(tmp_path, policy.replace('"test"', '"renamed"'))
        assert next_of(host, "POLICY", "STREAM_ERROR") == "POLICY"
        write_policy(tmp_path, policy.replace('network = "loopback"', 'network = "private"'))
        ended = host.expect("STREAM_ERROR")
        assert ended["code"] == "POLICY_DENIED"
        assert "another network" in ended["message"]
        upstream.run(upstream.server.connections[0].wait_gone)


def next_of(host: HostProcess, *kinds: str) -> str:
    """The type of the next message that is one of these."""
    while (message := host.next()) is not None:
        if message["type"] in kinds:
            return str(message["type"])
    raise AssertionError(host.stderr())
