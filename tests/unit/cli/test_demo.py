import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from longwire.cli.demo.chat import PATH, TEXT, ChatService, tokens
from longwire.cli.demo.page import DemoPage
from longwire.cli.demo.run import judge
from longwire.cli.demo.server import LoopbackServer

KEY = "lw-demo-0123456789abcdefghij"


async def exchange(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def unchunk(answer: bytes) -> bytes:
    rest = answer.partition(b"\r\n\r\n")[2]
    body = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            return body
        body += rest[: int(size, 16)]
        rest = rest[int(size, 16) + 2 :]


def test_the_tokens_are_the_text() -> None:
    assert "".join(tokens()) == TEXT
    assert 150 < len(tokens()) < 300


async def test_the_service_streams_the_text_to_whoever_has_the_key() -> None:
    chat = ChatService(KEY, duration_s=0)
    async with LoopbackServer(chat.handle) as server:
        answer = await exchange(server.port, post(PATH, b"{}", f"Authorization: Bearer {KEY}"))
    body = unchunk(answer)
    events = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event]

    assert b"200" in answer.splitlines()[0]
    assert b"access-control" not in answer.lower()
    assert "".join(json.loads(event)["delta"] for event in events[:-1]) == TEXT
    assert events[-1] == b"[DONE]"
    assert (chat.bytes_sent, chat.digest) == (len(body), hashlib.sha256(body).hexdigest())
    assert (chat.keys_accepted, chat.keys_refused) == (1, 0)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(PATH, b"{}"), b"401"),
        (post(PATH, b"{}", "Authorization: Bearer a-dummy"), b"401"),
        (post("/elsewhere", b"{}"), b"404"),
        (b"OPTIONS /v1/chat HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"405"),
    ],
)
async def test_the_service_refuses_everything_else(request_bytes: bytes, status: bytes) -> None:
    async with LoopbackServer(ChatService(KEY).handle) as server:
        answer = await exchange(server.port, request_bytes)

    assert answer.split()[1] == status
    assert KEY.encode() not in answer


async def test_a_visitor_that_speaks_no_http_is_dropped() -> None:
    async with LoopbackServer(ChatService(KEY).handle) as server:
        assert await exchange(server.port, b"\x16\x03\x01 nonsense\r\n\r\n") == b""


@asynccontextmanager
async def demo_page(texts: list[str]) -> AsyncIterator[tuple[DemoPage, int]]:
    page = DemoPage("http://127.0.0.1:1/v1/chat", texts.append)
    async with LoopbackServer(page.handle) as server:
        yield page, server.port


async def test_the_page_is_served_with_the_upstream_in_it() -> None:
    async with demo_page([]) as (_, port):
        answer = await exchange(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert b'const UPSTREAM = "http://127.0.0.1:1/v1/chat"' in answer
    assert b"{{" not in answer


async def test_what_the_page_reports_is_heard_in_order_and_once() -> None:
    texts: list[str] = []
    async with demo_page(texts) as (page, port):
        await exchange(port, post("/events", b'["a", "b"]'))
        await exchange(port, post("/events", b'["c"]'))
        await exchange(port, post("/done", b'{"bytes": 3}'))
        await exchange(port, post("/failed", b'{"code": "LATE"}'))

        assert (texts, page.events) == (["ab", "c"], 3)
        assert page.outcome.result() == {"bytes": 3, "failed": False}


async def test_a_page_without_the_extension_gives_up_in_the_end() -> None:
    async with demo_page([]) as (page, port):
        for _ in range(20):
            await exchange(port, post("/without-longwire", b"{}"))
        assert not page.outcome.done()
        await exchange(port, post("/without-longwire", b"{}"))

        assert page.outcome.result()["code"] == "NO_EXTENSION"


async def verdict(**changes: Any) -> str | None:
    """What `judge` says of a run that went well but for `changes`."""
    chat, page = ChatService(KEY), DemoPage("x", lambda _: None)
    chat.bytes_sent, chat.events_sent, chat.keys_accepted, chat.finished_at_s = 10, 2, 1, 5.0
    page.first_text_at_s = changes.pop("first_text_at_s", 1.0)
    chat.keys_refused = changes.pop("keys_refused", 0)
    outcome = {
        "failed": False,
        "ownFetch": "refused",
        "bytes": 10,
        "digest": chat.digest,
        "text": TEXT,
        "seen": "content-type text/event-stream",
        "firstTextMs": 12.3,
        "totalMs": 3000,
        **changes,
    }
    return judge(outcome, chat, page, KEY).reason


async def test_a_run_that_kept_every_promise_passes() -> None:
    assert await verdict() is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"digest": "0" * 64}, "they differ"),
        ({"bytes": 9}, "they differ"),
        ({"text": TEXT[:-1]}, "they differ"),
        ({"ownFetch": "status 200"}, "without Longwire"),
        ({"seen": f"x {KEY} y"}, "could see the key"),
        ({"seen": base64.b64encode(f"ab{KEY}".encode()).decode()}, "could see the key"),
        ({"keys_refused": 1}, "did not get the key"),
        ({"first_text_at_s": 6.0}, "only after"),
        ({"first_text_at_s": None}, "only after"),
        ({"failed": True, "code": "HOST_UNAVAILABLE", "message": "not installed"}, "HOST_UNAVAILABLE: not installed"),
        ({"failed": True, "code": "X", "message": "m", "status": {"state": "host-missing"}}, "bridge: host-missing"),
    ],
)
async def test_a_broken_promise_fails_the_demo_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    assert reason in (await verdict(**changes) or "")
