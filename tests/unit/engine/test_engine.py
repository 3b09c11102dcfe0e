"""The engine over a channel: handshake, fairness, what ends a stream and what ends the bridge."""

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import structlog
from structlog.testing import capture_logs

from longwire import __version__
from longwire.engine import engine as engine_module
from longwire.protocol.frames import frame
from longwire.protocol.limits import (
    INLINE_BODY_BYTES,
    INLINE_POOL_BYTES,
    MAX_STREAMS_PER_TAB_FRAME,
    PROTOCOL_VERSION,
    UPLOAD_CHUNK_BYTES,
    WINDOW_FLOOR_BYTES,
)
from longwire.upstream.model import StreamedBody
from tests.unit.engine.harness import PAGE, POLICY, Bench, ScriptedResponse, page_facts, running_engine


async def test_hello_is_answered_with_version_limits_and_the_policys_pages(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        welcome = await bench.channel.message("WELCOME")
    assert (welcome["protocol"], welcome["host"]) == (PROTOCOL_VERSION, __version__)
    assert welcome["limits"]["streams_per_frame"] == MAX_STREAMS_PER_TAB_FRAME
    assert (welcome["policy"]["state"], welcome["policy"]["pages"]) == ("ok", [PAGE])


async def test_a_frame_that_names_no_stream_is_fatal_and_last(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        await bench.response(1)
        bench.channel.feed(frame(b"{"))
        await bench.over.wait()
    assert [message["type"] for message in bench.channel.written[-2:]] == ["STREAM_ERROR", "FATAL"]
    assert bench.channel.written[-1]["fix"]
    assert all(response.closed for response in bench.upstream.responses)


async def test_a_bad_frame_of_one_stream_ends_that_stream_alone(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        for stream_id in (1, 2):
            bench.start(stream_id)
            await bench.response(stream_id)
        bench.channel.send(type="STREAM_ACK", id=1, consumed=-1)
        error = await bench.channel.terminal(1)
        bench.upstream.responses[1].feed(b"still here", None)
        assert (await bench.channel.terminal(2))["type"] == "STREAM_END"
    assert error["code"] == "PROTOCOL"
    assert "consumed" in error["message"]


async def test_a_stream_runs_to_its_end_with_every_byte_and_how_the_end_is_known(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        response = await bench.response(1)
        response.feed(b"a" * 1000, b"b" * 20_000, None)
        end = await bench.channel.terminal(1)
    kinds = [message["type"] for message in bench.channel.of_stream(1)]
    body = b"".join(m["data"] for m in bench.channel.written if m["type"] == "STREAM_CHUNK")
    assert body == b"a" * 1000 + b"b" * 20_000
    assert (kinds[0], kinds.count("STREAM_HEADERS"), kinds[-1]) == ("STREAM_HEADERS", 1, "STREAM_END")
    assert (end["bytes"], end["completeness"]) == (21_000, "chunked")
    assert response.closed
    assert bench.live_streams == 0


async def test_a_page_that_reads_nothing_gets_its_floor_and_the_socket_is_left_alone(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        response = await bench.response(1)
        response.feed(bytes(1 << 20))
        await bench.channel.wait_for(lambda written: sent(bench, 1) == WINDOW_FLOOR_BYTES)
        bench.start(2)  # another stream's whole life passes, and nothing more is read for the first
        (await bench.response(2)).feed(None)
        await bench.channel.terminal(2)
        assert sent(bench, 1) == WINDOW_FLOOR_BYTES == sum(response.reads)
        bench.channel.send(type="STREAM_ACK", id=1, consumed=WINDOW_FLOOR_BYTES)
        await bench.channel.wait_for(lambda written: sent(bench, 1) == 3 * WINDOW_FLOOR_BYTES)


def sent(bench: Bench, stream_id: int) -> int:
    return sum(len(m["data"]) for m in bench.channel.of_stream(stream_id) if m["type"] == "STREAM_CHUNK")


async def test_abort_closes_the_socket_before_it_is_confirmed(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        response = await bench.response(1)
        bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        assert (await bench.channel.terminal(1))["type"] == "STREAM_ABORTED"
        assert response.closed
        assert bench.live_streams == 0


async def test_abort_while_the_upstream_is_still_being_opened(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        asked = anyio.Event()

        async def never(_: object) -> None:
            asked.set()
            await anyio.sleep_forever()

        bench.upstream.answer = never
        bench.start(1)
        await asked.wait()
        bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        assert (await bench.channel.terminal(1))["type"] == "STREAM_ABORTED"
        assert bench.upstream.cancelled == 1


async def test_an_abort_in_the_same_turn_as_the_response_is_an_abort_and_no_defect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        async with running_engine(tmp_path) as bench:
            answer: asyncio.Future[ScriptedResponse] = asyncio.get_running_loop().create_future()
            monkeypatch.setattr(bench.upstream, "answer", lambda _: answer)
            bench.start(1)
            while not bench.upstream.requests:
                await anyio.lowlevel.checkpoint()
            response = ScriptedResponse()
            bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
            answer.set_result(response)
            assert (await bench.channel.terminal(1))["type"] == "STREAM_ABORTED"
    assert response.closed
    assert "defect" not in [line["event"] for line in lines]


async def test_abort_of_a_finished_upload_side_that_waits_for_a_slow_reader(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        (await bench.response(1)).feed(bytes(WINDOW_FLOOR_BYTES + 5))
        await bench.channel.wait_for(lambda written: sent(bench, 1) == WINDOW_FLOOR_BYTES)
        bench.channel.send(type="STREAM_ABORT", id=1, reason="cancel")
        bench.channel.send(type="STREAM_ABORT", id=1, reason="cancel")
        await bench.channel.terminal(1)
    assert [m["type"] for m in bench.channel.of_stream(1)].count("STREAM_ABORTED") == 1


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"url": "http://elsewhere.test/"}, "POLICY_DENIED", "elsewhere.test"),
        ({"method": "DELETE"}, "POLICY_DENIED", "DELETE"),
        ({"method": "TRACE"}, "PROTOCOL", "TRACE"),
        ({"url": "ftp://upstream.test/"}, "PROTOCOL", "http"),
        ({"url": "/relative"}, "PROTOCOL", ""),
        ({"headers": [["Host", "evil"]]}, "PROTOCOL", "Host"),
        ({"headers": [["x", "a\r\nb"]]}, "PROTOCOL", "x"),
        ({"body": {"kind": "inline", "data": "!"}, "method": "POST"}, "PROTOCOL", "data"),
        ({"body": {"kind": "inline", "data": "eA=="}}, "PROTOCOL", "GET"),
    ],
)
async def test_a_request_that_may_not_be_is_refused_before_any_socket(
    tmp_path: Path, changes: dict[str, Any], code: str, word: str
) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1, **changes)
        error = await bench.channel.terminal(1)
    assert (error["code"], error["phase"]) == (code, "policy")
    assert word in error["message"]
    assert bench.upstream.requests == []


async def test_bodies_that_wait_for_their_answers_are_bounded_for_each_tab(tmp_path: Path) -> None:
    data = base64.b64encode(bytes(INLINE_BODY_BYTES)).decode()
    last = INLINE_POOL_BYTES // 2 // len(data)
    answered = anyio.Event()
    async with running_engine(tmp_path) as bench:

        async def silent_at_first(request: Any) -> Any:
            await answered.wait()
            return await bench.upstream._respond(request)

        bench.upstream.answer = silent_at_first
        for stream_id in range(1, last + 2):
            bench.start(stream_id, method="POST", body={"kind": "inline", "data": data})
        refused = await bench.channel.terminal(last + 1)
        assert (refused["code"], refused["phase"]) == ("LIMIT_EXCEEDED", "policy")
        answered.set()
        bench.start(last + 2, method="POST", page=page_facts(tab=2), body={"kind": "inline", "data": data})
        for stream_id in (last, last + 2):
            await bench.channel.message("STREAM_HEADERS", stream_id)
        # All of them live, and none holds its body any more.
        bench.start(last + 3, method="POST", body={"kind": "inline", "data": data})
        await bench.channel.message("STREAM_HEADERS", last + 3)
        assert bench.live_streams == last + 2


async def test_a_streamed_request_body_reaches_the_upstream_within_its_credit(tmp_path: Path) -> None:
    got: list[bytes] = []
    async with running_engine(tmp_path) as bench:

        async def read_body(request: Any) -> Any:
            got.extend([piece async for piece in request.body.pieces])
            return await bench.upstream._respond(request)

        bench.upstream.answer = read_body
        bench.start(1, method="POST", body={"kind": "stream"})
        ack = await bench.channel.message("STREAM_BODY_ACK", 1)
        assert (ack["consumed"], ack["window"] > 0) == (0, True)
        bench.channel.send(type="STREAM_BODY", id=1, offset=0, data="YWJj")
        bench.channel.send(type="STREAM_BODY", id=1, offset=3, data="ZGVm")
        bench.channel.send(type="STREAM_BODY_END", id=1, bytes=6)
        (await bench.response(1)).feed(None)
        await bench.channel.terminal(1)
    assert b"".join(got) == b"abcdef"


async def test_an_upload_that_runs_on_after_its_stream_failed_gives_no_more_credit(tmp_path: Path) -> None:
    """A socket took a piece in the very turn in which the stream was ended: the cancellation comes a turn later."""
    ended, ran_on = anyio.Event(), anyio.Event()

    async def take_two(request: Any) -> None:
        pieces = request.body.pieces
        with anyio.CancelScope(shield=True):
            await anext(pieces)
            await ended.wait()
            await anext(pieces)
        ran_on.set()
        await pieces.aclose()
        await anyio.sleep_forever()

    async with running_engine(tmp_path) as bench:
        bench.upstream.answer = take_two
        bench.start(1, method="POST", body={"kind": "stream"})
        await bench.channel.message("STREAM_BODY_ACK", 1)
        data = base64.b64encode(bytes(UPLOAD_CHUNK_BYTES)).decode()
        for piece in range(2):
            bench.channel.send(type="STREAM_BODY", id=1, offset=piece * UPLOAD_CHUNK_BYTES, data=data)
        bench.channel.send(type="STREAM_BODY", id=1, offset=0, data=data)
        assert (await bench.channel.terminal(1))["code"] == "PROTOCOL"
        ended.set()
        await ran_on.wait()
        bench.channel.send(type="STATUS_REQUEST", request=1, page=page_facts())
        await bench.channel.message("STATUS")
        assert [message["type"] for message in bench.channel.of_stream(1)][-1] == "STREAM_ERROR"


async def test_a_body_that_the_page_still_has_is_asked_for_again(tmp_path: Path) -> None:
    got: list[bytes] = []
    async with running_engine(tmp_path) as bench:

        async def redirected_at_once(request: Any) -> Any:
            got.append(await anext(request.body.pieces))
            await request.body.pieces.aclose()
            got.extend([piece async for piece in request.body.again()])
            return await bench.upstream._respond(request)

        bench.upstream.answer = redirected_at_once
        bench.start(1, method="POST", body={"kind": "stream", "size": 6, "repeatable": True})
        await bench.channel.message("STREAM_BODY_ACK", 1)
        bench.channel.send(type="STREAM_BODY", id=1, offset=0, data="YWJj")
        assert (await bench.channel.message("STREAM_BODY_AGAIN", 1))["again"] == 1
        # On its way when the host asked.
        bench.channel.send(type="STREAM_BODY", id=1, offset=3, data="ZGVm")
        bench.channel.send(type="STREAM_BODY_END", id=1, bytes=6)
        for offset, data in ((0, "YWJj"), (3, "ZGVm")):
            bench.channel.send(type="STREAM_BODY", id=1, offset=offset, data=data, again=1)
        bench.channel.send(type="STREAM_BODY_END", id=1, bytes=6, again=1)
        (await bench.response(1)).feed(None)
        await bench.channel.terminal(1)
        kinds = [message["type"] for message in bench.channel.of_stream(1)]
        assert kinds[:3] == ["STREAM_BODY_ACK", "STREAM_BODY_AGAIN", "STREAM_BODY_ACK"]
    assert (got[0], b"".join(got[1:])) == (b"abc", b"abcdef")


async def test_a_body_that_the_page_has_no_more_is_not_asked_for_again(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1, method="POST", body={"kind": "stream", "size": 6})
        (await bench.response(1)).feed(None)
        body = bench.upstream.requests[0].body
        assert isinstance(body, StreamedBody) and body.again is None
        await bench.channel.terminal(1)


async def test_a_defect_in_one_stream_is_typed_and_leaves_the_others_alone(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        (await bench.response(1)).feed(RuntimeError("sk-secret"))
        error = await bench.channel.terminal(1)
        bench.start(2)
        (await bench.response(2)).feed(None)
        await bench.channel.terminal(2)
    assert error["code"] == "HOST_LOST"
    assert "sk-secret" not in str(bench.channel.written)


async def test_status_tells_a_page_its_own_destinations_only(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.channel.send(type="STATUS_REQUEST", request=1, page=page_facts())
        bench.channel.send(type="STATUS_REQUEST", request=2, page=page_facts(origin="https://other.example"))
        mine = await bench.channel.wait_for(answer_to(1))
        others = await bench.channel.wait_for(answer_to(2))
    assert mine["state"] == "ready"
    assert any("upstream.test" in destination for destination in mine["destinations"])
    assert others["destinations"] == []


def answer_to(request: int) -> Callable[[list[dict[str, Any]]], Any]:
    return lambda written: next((m for m in written if m.get("request") == request), None)


async def test_a_policy_change_is_announced_and_decides_the_next_stream(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.policy_file.write_text(POLICY.replace("methods", "method"))
        announced = await bench.channel.message("POLICY")
        bench.start(1)
        error = await bench.channel.terminal(1)
        bench.channel.send(type="STATUS_REQUEST", request=1, page=page_facts())
        status = await bench.channel.message("STATUS")
    assert announced["policy"]["state"] == "invalid"
    assert (error["code"], status["state"]) == ("POLICY_INVALID", "policy-invalid")
    assert "line 7" in error["message"]
    assert 'did you mean "methods"' in error["message"]


async def test_a_policy_change_is_announced_before_the_first_answer_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "TICK_S", 3600)  # only the question itself can notice the change
    async with running_engine(tmp_path) as bench:
        bench.policy_file.write_text(POLICY.replace("methods", "method"))
        bench.channel.send(type="STATUS_REQUEST", request=1, page=page_facts())
        await bench.channel.message("STATUS")
        types = [message["type"] for message in bench.channel.written]
    assert types[-2:] == ["POLICY", "STATUS"]
