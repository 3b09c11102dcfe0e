"""How much durable requests keep: what goes first, what waits, and what a page is told that comes too late."""

import hashlib
from pathlib import Path

from longwire.engine.durable_producer import OVER_BYTES, DurableRequest
from longwire.protocol.errors import StreamError
from longwire.protocol.limits import KIB, MAX_DURABLE_KEYS, MIB
from tests.unit.engine.durable_bench import (
    DURABLE,
    OTHER_PAGE,
    PROFILE,
    Daemon,
    Feeds,
    eventually,
    policy,
    running_daemon,
)
from tests.unit.engine.harness import PAGE

SMALL = DURABLE.replace("64MiB", "256KiB")
BODY = hashlib.shake_128(b"body").digest(4 * MIB)
PIECES = [BODY[at : at + 50_000] for at in range(0, len(BODY), 50_000)]


async def only(daemon: Daemon) -> DurableRequest:
    """The one that there is."""
    await eventually(lambda: len(list(daemon.requests.of_page(PROFILE, PAGE))) == 1)
    [request] = daemon.requests.of_page(PROFILE, PAGE)
    return request


async def test_with_a_reader_much_more_passes_than_is_kept(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=policy(feeds, SMALL)) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        (await feeds.feed()).send(*PIECES).end()
        assert (await reading.terminal())["bytes"] == len(BODY)
        assert reading.body == BODY
        [told] = await tab.list()
        assert told["bytes"] - told["first"] <= 256 * KIB + OVER_BYTES
        assert told["first"] > 0
        gap = await tab.ask(offset=told["first"] - 1).terminal()
        assert (gap["code"], gap["first"], gap["retryable"]) == ("GAP", told["first"], False)
        rest = tab.ask(offset=gap["first"])
        await rest.terminal()
        assert rest.body == BODY[gap["first"] :]
    assert len(feeds.requests) == 1


async def test_without_a_reader_nothing_goes_and_the_upstream_waits(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=policy(feeds, SMALL)) as daemon:
        async with daemon.tab() as tab:
            reading = tab.ask(limit=0)
            feed = (await feeds.feed()).send(*PIECES)
            feed.end()
            await reading.head()
        request = await only(daemon)
        await eventually(lambda: request.held_back)
        assert (request.spool.first, request.end) == (0, 256 * KIB)
        async with daemon.tab() as tab:
            whole = tab.ask()
            assert (await whole.terminal())["bytes"] == len(BODY)
            assert whole.body == BODY
    assert len(feeds.requests) == 1


async def test_the_slowest_reader_holds_the_upstream_back_and_loses_nothing(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=policy(feeds, SMALL)) as daemon, daemon.tab() as tab:
        slow, fast = tab.ask(limit=100), tab.ask()
        (await feeds.feed()).send(*PIECES).end()
        request = await only(daemon)
        await eventually(lambda: request.held_back and len(fast.body) == request.end)
        # What the fast one owes is no reason to read on: the slow one has not had everything.
        assert request.end == 256 * KIB
        slow.read_on()
        assert (await slow.terminal())["bytes"] == (await fast.terminal())["bytes"] == len(BODY)
        assert slow.body == fast.body == BODY
    assert len(feeds.requests) == 1


async def test_a_slow_reader_that_leaves_holds_nobody_back(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=policy(feeds, SMALL)) as daemon, daemon.tab() as tab:
        slow, fast = tab.ask(limit=100), tab.ask()
        (await feeds.feed()).send(*PIECES).end()
        request = await only(daemon)
        await eventually(lambda: request.held_back)
        await slow.detach()
        assert (await fast.terminal())["bytes"] == len(BODY)


class LateReader:
    """A page that has had everything, and has acknowledged nothing yet."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.taken = 0

    def feed(self, data: bytes, offset: int) -> None:
        """Not asked here."""

    def wake(self) -> None:
        """Not asked here."""

    def revoke(self, error: StreamError) -> None:
        """Not asked here."""


async def test_a_page_that_acknowledges_late_is_given_enough_to_do_so(tmp_path: Path, feeds: Feeds) -> None:
    """What it owes an acknowledgement of may be all that is kept: it has consumed it, and waits for more to say so."""
    text = policy(feeds, SMALL.replace("256", "64"))
    async with running_daemon(tmp_path, feeds, text=text) as daemon:
        async with daemon.tab() as tab:
            reading = tab.ask(limit=0)
            (await feeds.feed()).send(*PIECES)
            await reading.until(32 * KIB)
        request = await only(daemon)
        await eventually(lambda: request.held_back and not request.readers)
        assert (daemon.requests.held(request), request.room()) == (64 * KIB, 0)
        late, behind = LateReader(request.end), LateReader(request.end - 1)
        request.join(late)
        assert request.room() == OVER_BYTES
        request.join(behind)
        assert request.room() == 0
        for reader in (late, behind):
            request.leave(reader)


async def test_what_one_request_frees_lets_another_of_the_entry_go_on(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=policy(feeds, SMALL)) as daemon, daemon.tab() as tab:
        one = tab.ask("one", limit=0)
        (await feeds.feed()).send(BODY[: 200 * KIB])
        first = await only(daemon)
        await eventually(lambda: first.end == 200 * KIB)
        two = tab.ask("two", limit=0)
        (await feeds.feed(1)).send(*PIECES).end()
        await eventually(lambda: any(request.held_back for request in daemon.requests.of_page(PROFILE, PAGE)))
        assert daemon.requests.held(first) == 256 * KIB
        assert len(one.body) > 0
        await tab.desk("longwire:durable/one", "DELETE").terminal()
        two.read_on()
        assert (await two.terminal())["bytes"] == len(BODY)


async def test_an_entry_that_is_full_takes_no_new_request(tmp_path: Path, feeds: Feeds) -> None:
    text = policy(feeds, SMALL, pages='"http://localhost:*"')
    async with running_daemon(tmp_path, feeds, text=text) as daemon, daemon.tab() as tab:
        first = tab.ask("first", limit=0)
        (await feeds.feed()).send(*PIECES)
        await first.head()
        request = await only(daemon)
        await eventually(lambda: request.held_back)
        async with daemon.tab(origin=OTHER_PAGE) as other:  # of the same entry
            for each in (tab.ask("second"), other.ask("second")):
                full = await each.terminal()
                assert (full["code"], "max_bytes" in full["message"]) == ("LIMIT_EXCEEDED", True)
        await tab.desk("longwire:durable/first", "DELETE").terminal()
        tab.ask("second")
        await feeds.feed(1)
    assert len(feeds.requests) == 2


async def test_another_entry_of_pages_has_room_of_its_own(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=policy(feeds, SMALL)) as daemon, daemon.tab() as tab:
        first = tab.ask("first")
        (await feeds.feed()).send(BODY[: 256 * KIB]).end()
        await first.terminal()
        async with daemon.tab(origin=OTHER_PAGE) as other:
            second = other.ask("second")
            (await feeds.feed(1)).send(b"answer").end()
            assert (await second.terminal())["bytes"] == 6


async def test_an_entry_has_so_many_keys_and_not_one_more(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        readings = [tab.ask(f"key {number}", url=feeds.url(f"/{number}")) for number in range(MAX_DURABLE_KEYS)]
        for number in range(MAX_DURABLE_KEYS):
            (await feeds.feed(number)).send(b"x").end()
        for reading in readings:
            assert (await reading.terminal())["type"] == "STREAM_END"
        refused = await tab.ask("one more").terminal()
        assert (refused["code"], "256 durable requests" in refused["message"]) == ("LIMIT_EXCEEDED", True)
        await tab.desk("longwire:durable/key%207", "DELETE").terminal()
        tab.ask("one more")
        await feeds.feed(MAX_DURABLE_KEYS)
    assert len(feeds.requests) == MAX_DURABLE_KEYS + 1
