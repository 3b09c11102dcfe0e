"""The audit trail: one line per decision, one line per end of a stream, and nothing in them that may not be there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import structlog
from structlog.testing import capture_logs

from longwire.audit.vocabulary import PRIVATE
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import MAX_STREAMS_PER_TAB_FRAME, WINDOW_FLOOR_BYTES
from longwire.turns import Turns
from longwire.upstream.model import Redirect, UpstreamRequest, UpstreamResponse
from tests.patience import PATIENCE_S
from tests.unit.engine.harness import PAGE, POLICY, Bench, ScriptedResponse, page_facts, running_engine

END_FIELDS = {"page", "destination", "method", "grant", "outcome", "code", "bytes", "ms", "stream"}
ENDS = ("end", "error", "abort")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    structlog.reset_defaults()
    with capture_logs() as captured:
        yield captured


def of(lines: list[Any], *events: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] in events]


async def finished(bench: Bench, stream_id: int, **changes: Any) -> dict[str, Any]:
    bench.start(stream_id, **changes)
    return await bench.channel.terminal(stream_id)


async def test_a_completed_stream_is_one_decision_and_one_end(lines: list[Any], tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        (await bench.response(1)).feed(b"12345", None)
        await bench.channel.terminal(1)

    (decision,) = of(lines, "start", "redirect")
    assert (decision["outcome"], decision["grant"], decision["page"]) == ("allowed", "test", PAGE)
    (end,) = of(lines, *ENDS)
    assert end.keys() >= END_FIELDS
    assert (end["event"], end["outcome"], end["code"], end["bytes"]) == ("end", "completed", None, 5)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": "http://elsewhere.test/"}, ErrorCode.POLICY_DENIED),
        ({"method": "PUT"}, ErrorCode.POLICY_DENIED),
        ({"url": "http://UPSTREAM.test/"}, ErrorCode.PROTOCOL),
    ],
)
async def test_a_refusal_is_one_line_that_is_decision_and_end(
    lines: list[Any], tmp_path: Path, changes: dict[str, str], code: ErrorCode
) -> None:
    async with running_engine(tmp_path) as bench:
        await finished(bench, 1, **changes)

    assert of(lines, "start", "redirect") == []
    (end,) = of(lines, *ENDS)
    assert end.keys() >= END_FIELDS
    assert (end["code"], end["grant"], end["bytes"]) == (code, None, 0)
    assert end["outcome"] == ("denied" if code is ErrorCode.POLICY_DENIED else "failed")


async def test_a_stream_over_the_cap_is_one_line_of_the_same_shape(lines: list[Any], tmp_path: Path) -> None:
    over = MAX_STREAMS_PER_TAB_FRAME + 1
    async with running_engine(tmp_path) as bench:
        for stream_id in range(1, over):
            bench.start(stream_id)
        await finished(bench, over, url="http://upstream.test/next", method="POST")
        await finished(bench, over + 1, page=page_facts(private=True))

    assert of(lines, "refused") == []
    refused, private = of(lines, "error")
    assert refused.keys() >= END_FIELDS
    assert (refused["stream"], refused["page"], refused["method"]) == (over, PAGE, "POST")
    assert (refused["destination"], refused["grant"], refused["bytes"]) == ("http://upstream.test/next", None, 0)
    assert (refused["outcome"], refused["code"], refused["phase"]) == ("denied", ErrorCode.LIMIT_EXCEEDED, "policy")
    assert "limit for one frame of a page" in refused["reason"]
    assert private.keys() == refused.keys()
    assert (private["page"], private["destination"], private["reason"]) == (PRIVATE, PRIVATE, None)


async def test_a_start_that_cannot_be_read_is_one_line_too(lines: list[Any], tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        await finished(bench, 1, method=5)

    (refused,) = of(lines, *ENDS)
    assert refused.keys() >= END_FIELDS
    assert (refused["stream"], refused["page"], refused["destination"], refused["grant"]) == (1, None, None, None)
    assert (refused["outcome"], refused["code"]) == ("failed", ErrorCode.PROTOCOL)
    assert "'method'" in refused["reason"]


async def test_an_upstream_failure_an_abort_and_a_lost_channel_are_each_one_end(
    lines: list[Any], tmp_path: Path
) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        (await bench.response(1)).feed(b"123", StreamError(ErrorCode.UPSTREAM_RESET, "broke", Phase.BODY))
        await bench.channel.terminal(1)
        bench.start(2)
        await bench.response(2)
        bench.channel.send(type="STREAM_ABORT", id=2, reason="signal")
        await bench.channel.terminal(2)
        bench.start(3)
        await bench.response(3)

    ends = {line["stream"]: line for line in of(lines, *ENDS)}
    assert len(of(lines, *ENDS)) == 3
    assert [(ends[number]["event"], ends[number]["outcome"]) for number in (1, 2, 3)] == [
        ("error", "failed"),
        ("abort", "aborted"),
        ("abort", "aborted"),
    ]
    assert ends[1]["bytes"] == 3
    assert ends[3]["reason"] == "the channel to the browser is gone"


async def test_a_start_aborted_in_the_same_batch_is_one_abort_and_costs_its_grant_nothing(
    lines: list[Any], tmp_path: Path
) -> None:
    async with running_engine(tmp_path, policy=POLICY + "limits = { requests_per_minute = 1 }\n") as bench:
        bench.service._turns = Turns(lambda: 0.0)  # so that it is one batch however slow the machine is
        bench.start(1)
        bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        await bench.channel.terminal(1)
        bench.start(2)
        (await bench.response(2)).feed(None)
        await bench.channel.terminal(2)

    assert [line["event"] for line in lines if line.get("stream") == 1] == ["abort"]


async def test_a_policy_that_changes_ends_the_stream_at_once_and_says_why(lines: list[Any], tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        response = await bench.response(1)
        bench.policy_file.write_text(POLICY.replace("version = 1", "version = 1\nenabled = false"))
        # Another request is what looks at the file; the tick does so once a second.
        await finished(bench, 2)
        terminal = await bench.channel.terminal(1)

        assert (terminal["type"], terminal["code"]) == ("STREAM_ERROR", "POLICY_DENIED")
        assert "switched off" in terminal["message"]
        await bench.channel.wait_for(lambda _: response.closed or None)
    assert [line["outcome"] for line in of(lines, *ENDS)] == ["denied", "denied"]


async def redirected_to(url: str, request: UpstreamRequest) -> UpstreamResponse:
    hop = await request.next_hop(
        Redirect(method="GET", url=url, crossed_origin=True, body_dropped=False, replays_body=False)
    )
    response = ScriptedResponse(url=hop.href, redirected=True)
    response.feed(None)
    return response


@pytest.mark.parametrize(
    ("url", "outcome", "code"),
    [
        ("http://upstream.test/next?token=query-secret", "allowed", None),
        ("http://elsewhere.test/next?token=query-secret", "denied", ErrorCode.REDIRECT_DENIED),
    ],
)
async def test_every_hop_is_a_decision_of_its_own(
    lines: list[Any], tmp_path: Path, url: str, outcome: str, code: ErrorCode | None
) -> None:
    async with running_engine(tmp_path) as bench:
        bench.upstream.answer = lambda request: redirected_to(url, request)
        await finished(bench, 1)

    (hop,) = of(lines, "redirect")
    assert (hop["hop"], hop["outcome"], hop["code"], hop["destination"]) == (2, outcome, code, url)
    assert len(of(lines, *ENDS)) == 1


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_private_window_leaves_no_page_and_no_url(lines: list[Any], tmp_path: Path, allowed: bool) -> None:
    page = {"origin": PAGE, "tab": 1, "frame": 0, "document": "d", "private": True}
    policy = POLICY + ("private_windows = true\n" if allowed else "")
    async with running_engine(tmp_path, policy=policy) as bench:
        bench.upstream.answer = lambda request: redirected_to("http://upstream.test/b", request)
        terminal = await finished(bench, 1, page=page)

    assert terminal["type"] == ("STREAM_END" if allowed else "STREAM_ERROR")
    assert of(lines, *ENDS)[0]["destination"] == PRIVATE
    written = str(lines)
    assert "upstream.test" not in written
    assert PAGE not in written


async def test_the_end_of_a_stream_says_how_its_body_was_carried(lines: list[Any], tmp_path: Path) -> None:
    body = b"x" * (WINDOW_FLOOR_BYTES + 1)
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        (await bench.response(1)).feed(body, None)
        await bench.channel.wait_for(lambda written: carried(written) == WINDOW_FLOOR_BYTES)
        assert of(lines, *ENDS) == []  # a byte is still to leave, when the page has read
        bench.channel.send(type="STREAM_ACK", id=1, consumed=WINDOW_FLOOR_BYTES)
        await bench.channel.terminal(1)

    (end,) = of(lines, *ENDS)
    chunks = sum(message["type"] == "STREAM_CHUNK" for message in bench.channel.written)
    assert (end["event"], end["bytes"], end["carried_bytes"]) == ("end", len(body), len(body))
    assert (end["chunks"], end["packed_chunks"]) == (chunks, 0)
    assert end["pieces"] >= 2 and end["most_queued_bytes"] <= WINDOW_FLOOR_BYTES
    assert end["credit_wait_ms"] >= 0 and end["first_byte_ms"] >= end["headers_ms"] >= 0
    # What was neither the upstream's nor the page's.
    assert 0 <= end["host_ms"] <= end["ms"] - end["credit_wait_ms"]


async def test_a_body_that_was_whole_when_the_channel_went_is_one_end_all_the_same(
    lines: list[Any], tmp_path: Path
) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        response = await bench.response(1)
        bench.channel.gate = anyio.Event()  # a browser that does not read: the first piece fills the pipe
        response.feed(b"12345", b"678", None)
        with anyio.fail_after(PATIENCE_S):
            while not response.closed:
                await anyio.lowlevel.checkpoint()
        assert of(lines, *ENDS) == []

    (end,) = of(lines, *ENDS)
    assert (end["event"], end["outcome"], end["bytes"]) == ("end", "completed", 8)
    assert (end["pieces"], end["carried_bytes"], end["most_queued_bytes"]) == (2, 5, 5)


async def test_an_abort_says_what_had_been_carried(lines: list[Any], tmp_path: Path) -> None:
    async with running_engine(tmp_path) as bench:
        bench.start(1)
        (await bench.response(1)).feed(b"12345")
        await bench.channel.message("STREAM_CHUNK", 1)
        bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
        await bench.channel.terminal(1)

    (end,) = of(lines, *ENDS)
    assert (end["event"], end["carried_bytes"], end["chunks"]) == ("abort", 5, 1)


def carried(written: list[dict[str, Any]]) -> int:
    """Bytes of body in all chunks."""
    return sum(len(message["data"]) for message in written if message["type"] == "STREAM_CHUNK")
