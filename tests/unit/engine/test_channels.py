"""An engine outlives its channel: what the next one finds as new, and what goes on."""

from pathlib import Path

import anyio
import anyio.lowlevel
import structlog
from structlog.testing import capture_logs

from tests.patience import PATIENCE_S
from tests.unit.engine.harness import POLICY, ScriptedResponse, running_engine

LIMITED = POLICY + "limits = { streams = 1, requests_per_minute = 2 }\n"
UNLIMITED = """
[[grant]]
name = "unlimited"
pages = ["http://localhost:5173"]
destinations = ["http://other.test/"]
methods = ["GET"]
network = "loopback"
"""
OTHER = "http://other.test/"


class SlowToClose(ScriptedResponse):
    """A socket whose closing takes until `let`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.closing, self.let = anyio.Event(), anyio.Event()

    async def aclose(self) -> None:
        self.closing.set()
        await self.let.wait()
        await super().aclose()


async def test_ids_and_slots_begin_anew_with_a_channel_and_counts_under_a_grant_go_on(tmp_path: Path) -> None:
    async with running_engine(tmp_path, policy=LIMITED) as first:
        first.start(1)
        lost = await first.response(1)
        first.channel.close()
        await first.over.wait()
        assert lost.closed
        async with first.another_channel() as second:
            assert second.live_streams == 0
            second.start(1)  # the grant has one place, which the lost channel gave back
            (await second.response(1)).feed(b"second", None)
            assert (await second.channel.terminal(1))["bytes"] == 6
            second.start(2)
            refused = await second.channel.terminal(2)
            assert (refused["code"], "2 requests per minute" in refused["message"]) == ("LIMIT_EXCEEDED", True)
            assert second.live_streams == 0
    assert [message["type"] for message in first.channel.of_stream(1)] == ["STREAM_HEADERS"]


async def test_what_a_lost_channel_leaves_open_keeps_its_place_and_touches_nothing_of_the_next(tmp_path: Path) -> None:
    async with running_engine(tmp_path, policy=LIMITED + UNLIMITED) as first:
        slow = SlowToClose()

        async def answer(_: object) -> ScriptedResponse:
            return slow

        usual, first.upstream.answer = first.upstream.answer, answer
        first.start(1)
        await first.channel.message("STREAM_HEADERS", 1)
        first.channel.close()
        await slow.closing.wait()
        first.upstream.answer = usual
        async with first.another_channel() as second:
            second.start(1, url=OTHER)
            response = await second.response(1)
            second.start(2)
            refused = await second.channel.wait_for(lambda _: second.channel.of_stream(2))
            slow.let.set()
            await first.over.wait()
            assert (
                refused[0].get("code") == "LIMIT_EXCEEDED"
            )  # the socket of the lost channel's stream was not closed yet
            assert second.live_streams == 1
            second.start(3)
            await second.response(3)
            assert second.live_streams == 2
            response.feed(b"untouched", None)
            assert (await second.channel.terminal(1))["bytes"] == 9
    assert [message["type"] for message in first.channel.of_stream(1)] == ["STREAM_HEADERS"]


async def test_a_channel_that_is_there_before_its_policy_changes_hears_of_it_as_the_first_did(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as first:
        first.channel.close()
        await first.over.wait()
        async with first.another_channel() as second:
            first.policy_file.write_text(POLICY.replace("methods", "method"))
            assert (await second.channel.message("POLICY"))["policy"]["state"] == "invalid"
    assert not any(message["type"] == "POLICY" for message in first.channel.written)


async def test_a_channel_beside_which_another_one_came_and_went_still_sees_what_is_revoked(tmp_path: Path) -> None:
    async with running_engine(tmp_path) as first:
        first.start(1)
        await first.response(1)
        async with first.another_channel():
            pass
        first.policy_file.write_text(POLICY.replace("upstream.test", "other.test"))
        assert (await first.channel.terminal(1))["code"] == "POLICY_DENIED"


async def test_a_stream_that_was_still_waiting_when_its_channel_was_lost_has_its_end_in_the_log(tmp_path: Path) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        async with running_engine(tmp_path) as bench:
            slow = SlowToClose()

            async def answer(_: object) -> ScriptedResponse:
                return slow

            bench.upstream.answer = answer
            bench.start(1)
            await bench.channel.message("STREAM_HEADERS", 1)
            bench.channel.send(type="STREAM_ABORT", id=1, reason="signal")
            await slow.closing.wait()
            bench.start(2)  # waits until the socket of the first is closed
            bench.channel.close()
            with anyio.move_on_after(PATIENCE_S):
                while not any(line.get("stream") == 2 for line in lines):
                    await anyio.lowlevel.checkpoint()
            slow.let.set()
            await bench.over.wait()
    ends = [line for line in lines if line.get("stream") == 2]
    assert [(line["event"], line["outcome"], line["bytes"]) for line in ends] == [("abort", "aborted", 0)]
