"""An upgrade in the middle: what the old daemon carries out is read by way of the new one."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from longwire.engine import durable_elsewhere
from longwire.engine.channel import Channel
from longwire.engine.engine import Service
from longwire.protocol.limits import INLINE_BODY_BYTES, MIB
from tests.unit.engine.durable_bench import (
    Clock,
    Daemon,
    Feeds,
    JoinedChannel,
    Reading,
    Tab,
    eventually,
    policy,
    running_daemon,
)

BODY = hashlib.shake_128(b"body").digest(6 * MIB)
PIECES = [BODY[at : at + 50_000] for at in range(0, len(BODY), 50_000)]


class Ways:
    """How the new daemon finds the old one."""

    def __init__(self) -> None:
        self.old: Daemon | None = None
        self.asked: list[str] = []
        self.channels: list[JoinedChannel] = []
        self._tasks: anyio.abc.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    async def elsewhere(self, owner: str) -> Channel | None:
        self.asked.append(owner)
        if self.old is None or self._tasks is None:
            return None
        ours, theirs = JoinedChannel.pair()
        self.channels.append(ours)
        self._tasks.start_soon(Service(self.old.engine, theirs).run)
        return ours


class HalfTaken(JoinedChannel):
    """Takes half of one message, as a socket does whose buffer is full, and nothing more."""

    def __init__(self) -> None:
        super().__init__()
        self.after: list[bytes] = []
        self.full = anyio.Event()

    async def write(self, data: bytes) -> None:
        if b"STREAM_START" in data:
            super().write_at_once(data[: len(data) // 2])
            self.full.set()
            await anyio.sleep_forever()
        await super().write(data)

    def write_at_once(self, data: bytes) -> int:
        if self.full.is_set():
            self.after.append(bytes(data))
        return super().write_at_once(data)


@asynccontextmanager
async def upgraded(folder: Path, feeds: Feeds) -> AsyncIterator[tuple[Daemon, Daemon, Ways]]:
    """An old daemon with a request "answer" of which something came, and a new one beside it."""
    ways = Ways()
    async with running_daemon(folder, feeds, owner="old") as old, ways.open():
        async with old.tab() as tab:
            reading = tab.ask(body=b"question")
            (await feeds.feed()).send(*PIECES[:2])
            await reading.until(100_000)
        await old.requests.retire()
        ways.old = old
        async with running_daemon(folder, feeds, owner="new", elsewhere=ways.elsewhere, clock=old.clock) as new:
            yield old, new, ways


async def test_a_page_reads_on_what_the_old_daemon_carries_out(tmp_path: Path, feeds: Feeds) -> None:
    async with upgraded(tmp_path, feeds) as (_, new, ways), new.tab() as tab:
        slow = tab.ask(body=b"question", limit=1000)
        part = tab.ask(body=b"question", offset=99_990)
        assert (await part.head())["status"] == 200
        (await feeds.feed()).send(*PIECES[2:]).end()
        assert (await part.terminal())["bytes"] == len(BODY) - 99_990
        assert part.body == BODY[99_990:]
        # The page's own credit, through both daemons.
        assert len(slow.body) < MIB
        slow.read_on()
        end = await slow.terminal()
        assert (end["bytes"], end["completeness"], slow.body == BODY) == (len(BODY), "chunked", True)
        assert set(ways.asked) == {"old"}
    assert len(feeds.requests) == 1


async def test_what_has_ended_is_the_new_ones_own(tmp_path: Path, feeds: Feeds) -> None:
    async with upgraded(tmp_path, feeds) as (old, new, ways), new.tab() as tab:
        [told] = await tab.list()
        assert (told["key"], told["state"]) == ("answer", "running")
        assert not new.requests.idle, "else nobody would be there to delete what the old one leaves"
        (await feeds.feed()).end()
        await eventually(lambda: old.requests.idle)
        await new.turn(1000)
        await eventually(lambda: new.requests.kept == 1)
        ways.old = None
        reading = tab.ask(body=b"question")
        assert (await reading.terminal())["bytes"] == 100_000
        assert reading.body == BODY[:100_000]
        [told] = await tab.list()
        assert (told["state"], told["bytes"]) == ("ended", 100_000)
    assert len(feeds.requests) == 1


async def test_refusals_and_failures_come_through_as_they_are(tmp_path: Path, feeds: Feeds) -> None:
    async with upgraded(tmp_path, feeds) as (_, new, _), new.tab() as tab:
        assert (await tab.ask(body=b"another").terminal())["code"] == "DURABLE_CONFLICT"
        beyond = await tab.ask(body=b"question", offset=100_001).terminal()
        assert (beyond["code"], "there are 100000 bytes" in beyond["message"]) == ("PROTOCOL", True)
        reading = tab.ask(body=b"question")
        await reading.until(100_000)
        (await feeds.feed()).break_off()
        failed = await reading.terminal()
        assert (failed["code"], failed["phase"]) == ("UPSTREAM_TRUNCATED", "body")
        assert reading.body == BODY[:100_000]


async def test_detaching_and_forgetting_reach_the_old_daemon(tmp_path: Path, feeds: Feeds) -> None:
    async with upgraded(tmp_path, feeds) as (old, new, _), new.tab() as tab:
        reading = tab.ask(body=b"question")
        await reading.until(100_000)
        await eventually(lambda: old.requests.entries()[0].readers == 1)
        await reading.detach()
        await eventually(lambda: old.requests.entries()[0].readers == 0)
        head = await tab.desk("longwire:durable/answer", "DELETE").head()
        assert head["status"] == 204
        await (await feeds.feed()).request.connection.wait_gone()
        await eventually(lambda: old.requests.idle)
        assert list((tmp_path / "durable").glob("*.json")) == []


async def test_an_old_daemon_that_stands_still_holds_no_key_for_ever(
    tmp_path: Path, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable_elsewhere, "PATIENCE_S", 0.05)

    async def elsewhere(owner: str) -> Channel:
        return JoinedChannel.pair()[0]  # nobody reads at its other end

    async with upgraded(tmp_path, feeds) as (_, new, ways), new.tab() as tab:
        new.requests.elsewhere = elsewhere
        refused = await tab.desk("longwire:durable/answer", "DELETE").terminal()
        assert refused["code"] == "HOST_LOST"
        new.requests.elsewhere = ways.elsewhere
        monkeypatch.undo()  # this one answers, when its machine lets it
        assert (await tab.desk("longwire:durable/answer", "DELETE").head())["status"] == 204


async def test_nothing_is_said_behind_half_a_message(tmp_path: Path, feeds: Feeds) -> None:
    channel = HalfTaken()

    async def elsewhere(owner: str) -> Channel:
        return channel

    async with upgraded(tmp_path, feeds) as (old, new, _):
        new.requests.elsewhere = elsewhere
        theirs = JoinedChannel()
        channel.other, theirs.other = theirs, channel
        async with new.tab() as tab, anyio.create_task_group() as tasks:
            tasks.start_soon(Service(old.engine, theirs).run)
            reading = tab.ask(body=b"question")
            await channel.full.wait()
            await reading.detach()
            tasks.cancel_scope.cancel()
    assert channel.after == []


async def test_a_desk_reads_what_the_old_daemon_has(tmp_path: Path, feeds: Feeds) -> None:
    async with upgraded(tmp_path, feeds) as (_, new, _), new.tab() as tab:
        part = tab.desk("longwire:durable/answer?offset=-1")
        await part.terminal()
        assert part.body == BODY[:100_000]
        assert dict((await part.head())["headers"])["stream-next-offset"] == f"{100_000:016d}"


async def test_a_long_body_is_told_the_old_daemon_as_well(tmp_path: Path, feeds: Feeds) -> None:
    body = BODY[: INLINE_BODY_BYTES + 100_000]
    ways = Ways()

    async def asked(tab: Tab) -> Reading:
        reading = tab.ask(method="POST", body_kind={"kind": "stream", "size": len(body)})
        await tab.upload(reading, body)
        tab.channel.send(type="STREAM_BODY_END", id=reading.id, bytes=len(body))
        return reading

    async with running_daemon(tmp_path, feeds, owner="old") as old, ways.open():
        ways.old = old
        async with old.tab() as tab:
            await asked(tab)
            feed = await feeds.feed()
        async with running_daemon(tmp_path, feeds, owner="new", elsewhere=ways.elsewhere) as new, new.tab() as tab:
            reading = await asked(tab)
            feed.send(b"thanks").end()
            await reading.terminal()
            assert reading.body == b"thanks"
    assert feeds.requests == [("POST", "/", body)]


async def test_an_old_daemon_that_goes_away_ends_its_readers_with_a_typed_error(tmp_path: Path, feeds: Feeds) -> None:
    async with upgraded(tmp_path, feeds) as (_, new, ways), new.tab() as tab:
        reading = tab.ask(body=b"question")
        await reading.until(100_000)
        ways.channels[0].close()
        lost = await reading.terminal()
        assert (lost["code"], lost["retryable"]) == ("HOST_LOST", True)
        ways.old = None
        assert (await tab.ask(body=b"question").terminal())["code"] == "HOST_LOST"


async def test_what_an_old_daemon_ran_when_it_died_is_unknown_here_too(tmp_path: Path, feeds: Feeds) -> None:
    clock = Clock()
    async with running_daemon(tmp_path, feeds, owner="new", clock=clock) as new, new.tab() as tab:
        async with running_daemon(tmp_path, feeds, owner="old", clock=clock) as old, old.tab() as before:
            before.ask(body=b"question")
            await feeds.feed()
        assert await tab.list() == []  # nobody looked
        assert (await tab.ask(body=b"question").terminal())["code"] == "DURABLE_UNKNOWN"
        [told] = await tab.list()
        assert (told["key"], told["state"]) == ("answer", "unknown")
        await tab.desk("longwire:durable/answer", "DELETE").terminal()
        assert await tab.list() == []
        tab.ask(body=b"question")
        await feeds.feed(1)


async def test_the_new_daemons_policy_counts_too(tmp_path: Path, feeds: Feeds) -> None:
    async with upgraded(tmp_path, feeds) as (_, new, _), new.tab() as tab:
        await new.change_policy(policy(feeds, more='response_headers = ["x-shown"]'))
        reading = tab.ask(body=b"question")
        assert [name for name, _ in (await reading.head())["headers"]] == ["x-shown"]
