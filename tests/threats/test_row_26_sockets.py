"""Row 26: what a page or a server does with a socket. The rows above hold for its handshake as for any request."""

import zlib
from pathlib import Path

import pytest

from tests.unit.engine.test_websocket import SECRET, bench_for, policy
from tests.unit.upstream.test_websocket import drain, raw
from tests.upstreams.connection import PeerGoneError, Request
from tests.upstreams.server import Server
from tests.upstreams.sockets import SocketServer, answer, frame


def bomb() -> bytes:
    """64 MiB of zeros as permessage-deflate sends them (RFC 7692)."""
    packer = zlib.compressobj(9, wbits=-15)
    packed = packer.compress(bytes(64 * 1024 * 1024)) + packer.flush(zlib.Z_SYNC_FLUSH)
    return frame(2, packed[:-4], reserved=0x40)


async def test_nothing_is_inflated_that_nobody_asked_to_be_packed(tmp_path: Path) -> None:
    async with Server(raw(bomb())) as server, bench_for(tmp_path, f"ws://localhost:{server.port}") as bench:
        bench.open(1)
        error = await bench.channel.terminal(1)
        assert server.requests[0].header("Sec-WebSocket-Extensions") is None
    assert (error["code"], bench.body(1)) == ("UPSTREAM_PROTOCOL", b"")


@pytest.mark.parametrize("field", ["Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: chat"])
async def test_what_was_not_asked_for_is_refused(tmp_path: Path, field: str) -> None:
    offering = raw(bomb(), fields=(field,))
    async with Server(offering) as server, bench_for(tmp_path, f"ws://localhost:{server.port}") as bench:
        bench.open(1)
        assert (await bench.channel.terminal(1))["code"] == "HANDSHAKE_FAILED"


@pytest.mark.parametrize("flood", [frame(9, b"?"), frame(10), frame(0, last=False)], ids=["pings", "pongs", "nothing"])
async def test_frames_without_end_that_bring_nothing_hold_up_no_neighbour(tmp_path: Path, flood: bytes) -> None:
    async def then(request: Request) -> None:
        try:
            await request.connection.send(frame(2, b"x", last=False))
            while True:
                await request.connection.send(flood * 1000)
        except PeerGoneError:
            pass

    async with Server(raw(then=then)) as flooding, SocketServer() as honest:
        text = policy(f'ws://localhost:{flooding.port}/", "{honest.url}')
        async with bench_for(tmp_path, honest.url, text) as bench:
            bench.bench.start(1, kind="websocket", url=f"ws://localhost:{flooding.port}/", body={"kind": "stream"})
            await bench.granted(1)
            bench.open(2, "/count?n=200")
            assert len(await bench.wait_for_messages(2, 200)) >= 200
            assert len(bench.body(1)) <= 6  # a byte and its head
            bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
            await bench.channel.wait_for(lambda written: any(m.get("id") == 1 and m["type"] in ENDS for m in written))


ENDS = ("STREAM_ABORTED", "STREAM_ERROR")


async def test_a_redirect_takes_no_secret_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGWIRE_TEST_SOCKET_KEY", SECRET)
    async with Server(drain) as other:

        async def away(request: Request) -> None:
            location = f"Location: ws://localhost:{other.port}/\r\n".encode()
            await request.connection.send(b"HTTP/1.1 307 Away\r\nContent-Length: 0\r\n" + location + b"\r\n")

        async with Server(away) as server:
            url = f"ws://localhost:{server.port}"
            text = policy(f'{url}/", "ws://localhost:{other.port}', secret=True)
            async with bench_for(tmp_path, url, text) as bench:
                bench.open(1)
                assert (await bench.channel.terminal(1))["code"] == "HANDSHAKE_FAILED"
        assert other.connections == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ws://user:pass@{}/", "PROTOCOL"),
        ("ws://127.1:{port}/", "PROTOCOL"),
        ("ws://{}/#x", "POLICY_DENIED"),
        ("wss://{}/", "POLICY_DENIED"),
        ("ws://169.254.169.254/", "POLICY_DENIED"),
    ],
)
async def test_a_url_is_judged_as_that_of_a_request_is(tmp_path: Path, url: str, code: str) -> None:
    async with Server(drain) as server:
        text = policy('ws://169.254.169.254/", "ws://elsewhere.test')
        async with bench_for(tmp_path, "ws://elsewhere.test", text) as bench:
            target = url.format(f"localhost:{server.port}", port=server.port)
            bench.bench.start(1, kind="websocket", url=target, body={"kind": "stream"})
            assert (await bench.channel.terminal(1))["code"] == code
        assert server.connections == []


@pytest.mark.parametrize("code", [1005, 1006, 1015])
async def test_a_code_that_no_server_may_send_is_not_passed_on(tmp_path: Path, code: int) -> None:
    forged = frame(8, code.to_bytes(2, "big"))
    async with Server(raw(forged)) as server, bench_for(tmp_path, f"ws://localhost:{server.port}") as bench:
        bench.open(1)
        assert (await bench.channel.terminal(1))["code"] == "UPSTREAM_PROTOCOL"
        assert bench.parts(1) == []


async def test_a_refused_handshake_shows_a_page_its_status_and_nothing_else(tmp_path: Path) -> None:
    async def refuse(request: Request) -> None:
        lines = b"HTTP/1.1 401 Unauthorized\r\nSet-Cookie: a=b\r\nX-Inside: 10.0.0.1\r\nContent-Length: 4\r\n\r\nbody"
        await request.connection.send(lines)

    async with Server(refuse) as server, bench_for(tmp_path, f"ws://localhost:{server.port}") as bench:
        bench.open(1)
        await bench.channel.terminal(1)
        (head,) = [m for m in bench.channel.of_stream(1) if m["type"] == "STREAM_HEADERS"]
    assert (head["status"], head["headers"], head["reason"]) == (401, [], "")


async def test_an_answer_of_another_handshake_is_none(tmp_path: Path) -> None:
    async def replay(request: Request) -> None:
        request.headers = [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
        await request.connection.send(answer(request) + frame(1, b"not for you"))
        await drain(request)

    async with Server(replay) as server, bench_for(tmp_path, f"ws://localhost:{server.port}") as bench:
        bench.open(1)
        assert (await bench.channel.terminal(1))["code"] == "HANDSHAKE_FAILED"
        assert bench.body(1) == b""
