"""The demo's upstream: what it serves, to whom, and what it keeps account of."""

import asyncio
import base64
import hashlib
import json
import socket
from contextlib import suppress

import pytest

from longwire.demo import chat, download
from longwire.demo.chat import TEXT, tokens
from longwire.demo.clock import VARIABLE, command_started_at
from longwire.demo.sent import Sent
from longwire.demo.server import LoopbackServer
from longwire.demo.upstream import Upstream
from tests.patience import PATIENCE_S
from tests.unit.demo.demo_http import exchange, get, post, unchunk

KEY = "lw-demo-0123456789abcdefghij"
AUTHORIZED = f"Authorization: Bearer {KEY}"
SIZE = 300_001


def upstream() -> Upstream:
    return Upstream(KEY, text_duration_s=0, size=SIZE)


def test_the_tokens_are_the_text() -> None:
    assert "".join(tokens()) == TEXT
    assert 150 < len(tokens()) < 300


async def test_the_service_streams_the_text_to_whoever_has_the_key() -> None:
    service = upstream()
    async with LoopbackServer(service.handle) as server:
        answer = await exchange(server.port, post(chat.PATH, b"{}", AUTHORIZED))
    body = unchunk(answer)
    events = [event.removeprefix(b"data: ") for event in body.split(b"\n\n") if event]

    assert b"200" in answer.splitlines()[0]
    assert b"access-control" not in answer.lower()
    deltas = [json.loads(event)["choices"][0]["delta"]["content"] for event in events[:-1]]
    assert "".join(deltas) == TEXT
    assert events[-1] == b"[DONE]"
    assert service.chat is not None
    assert service.chat.finished_at_s is not None
    assert (service.chat.bytes, service.chat.digest) == (len(body), hashlib.sha256(body).hexdigest())
    assert service.chat.events == len(tokens())


async def test_the_download_is_what_its_digest_says_and_no_block_is_like_another() -> None:
    service = upstream()
    async with LoopbackServer(service.handle) as server:
        answer = await exchange(
            server.port,
            f"GET {download.PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{AUTHORIZED}\r\n\r\n".encode(),
        )
    head, _, body = answer.partition(b"\r\n\r\n")
    digest = hashlib.sha256(body)

    assert f"content-length: {SIZE}".encode() in head.lower()
    assert f"Repr-Digest: sha-256=:{base64.b64encode(digest.digest()).decode()}:".encode() in head
    assert (len(body), service.file.digest) == (SIZE, digest.hexdigest())
    assert len(set(service.file.blocks())) == 3


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post(chat.PATH, b"{}"), b"401"),
        (post(chat.PATH, b"{}", "Authorization: Bearer a-dummy"), b"401"),
        (post("/elsewhere", b"{}", AUTHORIZED), b"404"),
        (post(download.PATH, b"{}", AUTHORIZED), b"405"),
        (get(download.PATH), b"401"),
        (f"OPTIONS {chat.PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(), b"405"),
    ],
)
async def test_the_service_refuses_everything_else(request_bytes: bytes, status: bytes) -> None:
    service = upstream()
    async with LoopbackServer(service.handle) as server:
        answer = await exchange(server.port, request_bytes)

    assert answer.split()[1] == status
    assert KEY.encode() not in answer
    assert service.keys_refused == (status == b"401")
    assert (service.chat, service.download) == (None, None)


async def test_a_visitor_that_speaks_no_http_is_dropped() -> None:
    async with LoopbackServer(upstream().handle) as server:
        assert await exchange(server.port, b"\x16\x03\x01 nonsense\r\n\r\n") == b""


# Browsers open connections ahead of their use. Zero turns: the kernel has accepted this one, the loop has not.
@pytest.mark.parametrize("turns", range(8))
async def test_a_visitor_that_has_said_nothing_is_let_go_of(turns: int) -> None:
    async with LoopbackServer(upstream().handle) as server:
        visitor = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
        for _ in range(turns):
            await asyncio.sleep(0)
    with visitor, suppress(ConnectionResetError):
        assert visitor.recv(1) == b""


async def test_a_visitor_that_leaves_is_noticed() -> None:
    service = Upstream(KEY, text_duration_s=60, size=1)
    async with LoopbackServer(service.handle) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(post(chat.PATH, b"{}", AUTHORIZED))
        await reader.readuntil(b"delta")
        writer.transport.abort()
        assert service.chat is not None
        assert await service.chat.wait_ended() is not None
        assert service.chat.finished_at_s is None


async def test_a_response_that_goes_on_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longwire.demo.sent._NOTICE_TIMEOUT_S", 0)

    assert await Sent().wait_ended() is None


@pytest.mark.parametrize(
    ("value", "expected"), [("1700000000.25", 1700000000.25), ("1700000000.N", 1700000000), ("1700000000", 1700000000)]
)
def test_make_hands_its_own_start_down(monkeypatch: pytest.MonkeyPatch, value: str, expected: float) -> None:
    monkeypatch.setenv(VARIABLE, value)
    assert command_started_at() == expected


@pytest.mark.parametrize("value", ["", "soon", "99999999999"])
def test_without_a_sensible_one_the_process_began_it(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    import time

    import psutil

    monkeypatch.setenv(VARIABLE, value)
    assert abs(command_started_at() - psutil.Process().create_time()) < 1.5
    assert command_started_at() <= time.time()
