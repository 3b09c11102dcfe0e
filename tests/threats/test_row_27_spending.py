"""Row 27: a page spends money. The bound holds over hosts, kills and retries, and only listed fields are sent."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.host_process import HostProcess, write_policy
from tests.unit.engine.generation_bench import Vendor, chat, chat_end, chat_text, one_provider, read_events, refusing
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

PRICES = 'prices = { "test-1" = { input = "1 USD/1M", output = "2 USD/1M" } }'
ANSWER = chat(chat_text("a"), chat_end((10, 20)))


@dataclass
class Home:
    """A home with a vendor; each host in it is another browser's."""

    folder: Path
    vendor: Vendor
    server: ThreadedServer

    def allow(self, limits: str) -> None:
        more = f"{PRICES}\nlimits = {{ {limits} }}"
        write_policy(self.folder, one_provider(self.server.url("/v1"), more=more))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    vendor = Vendor([ANSWER])
    with ThreadedServer(lambda: Server(vendor)) as server:
        yield Home(tmp_path, vendor, server)


def ask(host: HostProcess, stream_id: int, **request: Any) -> dict[str, Any]:
    """The last event of the answer, or the STREAM_ERROR that there was instead."""
    question = {"provider": "vendor", "messages": [{"role": "user", "content": "Why?"}]} | request
    host.generate(stream_id, json.dumps(question).encode())
    body, terminal = host.body(stream_id)
    return read_events(body)[-1] if terminal["type"] == "STREAM_END" else terminal


def test_two_browsers_spend_from_one_budget(home: Home) -> None:
    home.allow('requests = "3/day"')
    with HostProcess(home.folder) as one, HostProcess(home.folder) as other:
        one.hello()
        other.hello()
        ends = [ask(host, number)["type"] for number, host in enumerate((one, other, one, other, one), 1)]
    assert ends == ["complete"] * 3 + ["error"] * 2
    assert len(home.vendor.requests) == 3


def test_a_host_that_is_killed_in_the_middle_leaves_spent_what_it_had_reserved(home: Home) -> None:
    async def hold(request: Request) -> None:
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        await request.connection.send(bodies.head(200, fields) + bodies.chunk(chat_text("first")))
        await request.connection.wait_gone()

    # The most that one request can take is 1,024 tokens, the bytes of its body, and maxTokens, times the prices.
    home.allow('cost = "0.004 USD/day"')
    home.vendor.replies = [hold, ANSWER]
    with HostProcess(home.folder) as host:
        host.hello()
        host.generate(1, b'{"provider":"vendor","messages":[{"role":"user","content":"Why?"}],"maxTokens":1000}')
        while b"first" not in (host.expect("STREAM_CHUNK")["data"]):
            pass
        host.process.kill()
        host.process.wait()
    with HostProcess(home.folder) as host:
        host.hello()
        refused = ask(host, 1, maxTokens=1000)
        assert (refused["code"], refused["retryable"]) == ("LIMIT_EXCEEDED", True)
        assert len(home.vendor.requests) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"mcp_servers": [{"url": "https://elsewhere.test"}]},
        {"previous_response_id": "resp_1"},
        {"store": True},
        {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
        {"tools": [{"type": "mcp", "server_url": "https://elsewhere.test"}]},
        {"messages": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "url": "https://elsewhere.test/a.png"}]}]},
        {"n": 100},
        {"maxTokens": 10**9},
        {"base_url": "https://elsewhere.test"},
        {"headers": {"Authorization": "Bearer other"}},
    ],
    ids=lambda more: json.dumps(more)[:40],
)
def test_a_field_that_reaches_further_is_refused_and_nothing_is_sent(home: Home, more: dict[str, Any]) -> None:
    home.allow('requests = "3/day"')
    with HostProcess(home.folder) as host:
        host.hello()
        refused = ask(host, 1, **more)
    assert (refused["code"], refused["retryable"], home.vendor.requests) == ("BAD_REQUEST", False, [])


def test_a_quota_that_is_used_up_is_asked_once(home: Home) -> None:
    home.allow('requests = "9/day"')
    home.vendor.replies = [refusing(429, {"message": "used up", "code": "insufficient_quota"})]
    with HostProcess(home.folder) as host:
        host.hello()
        assert ask(host, 1)["code"] == "QUOTA_EXCEEDED"
    assert len(home.vendor.requests) == 1
