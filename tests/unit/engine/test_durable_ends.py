"""What ends a durable request, and what is left of it then: clocks, a person, the policy, the disk, a death."""

import errno
import os
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from longwire.durable.open_files import OpenFiles
from longwire.durable.record import Key
from longwire.durable.spool import Spool
from longwire.engine.durable_producer import STANDS_STILL_MS
from tests.patience import PATIENCE_S
from tests.unit.engine.durable_bench import (
    DURABLE,
    PROFILE,
    Clock,
    Daemon,
    Feeds,
    eventually,
    policy,
    running_daemon,
)
from tests.unit.engine.harness import PAGE

HOUR_MS = 3_600_000
HALF_HOUR_MS = 1_800_000


def left(folder: Path) -> list[str]:
    """What lies in the folder of durable requests, but for locks."""
    return sorted(each.name for each in (folder / "durable").iterdir() if each.suffix != ".lock")


async def ended(daemon: Daemon, feeds: Feeds, answer: bytes = b"answer") -> None:
    """A request that has ended, and is written down."""
    async with daemon.tab() as tab:
        reading = tab.ask()
        (await feeds.feed()).send(answer).end()
        assert (await reading.terminal())["type"] == "STREAM_END"


# --- the upstream's own failure -------------------------------------------------------------------------------------


async def test_a_failure_is_kept_with_the_bytes_before_it(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon:
        async with daemon.tab() as tab:
            first = tab.ask()
            (await feeds.feed()).send(b"half").break_off()
            failed = await first.terminal()
            assert failed["code"] == "UPSTREAM_TRUNCATED"
        async with daemon.tab() as tab:
            again = tab.ask()
            assert await again.terminal() == failed
            assert again.body == b"half"
            [told] = await tab.list()
            assert (told["state"], told["error"]["code"], told["bytes"]) == ("failed", "UPSTREAM_TRUNCATED", 4)
    assert len(feeds.requests) == 1


async def test_a_server_that_is_not_there_was_sent_nothing_so_the_key_is_free(tmp_path: Path, feeds: Feeds) -> None:
    here, away = feeds.url("/"), "http://127.0.0.1:9/"
    text = policy(feeds).replace(f'"{here}"', f'"{here}", "{away}"')
    async with running_daemon(tmp_path, feeds, text=text) as daemon, daemon.tab() as tab:
        failed = await tab.ask(url=away).terminal()
        assert (failed["code"], failed["retryable"]) == ("UPSTREAM_CONNECT", True)
        await eventually(lambda: daemon.requests.idle)
        # Another URL under that key would else be a conflict.
        reading = tab.ask(url=here)
        (await feeds.feed()).send(b"answer").end()
        assert (await reading.terminal())["bytes"] == 6


async def test_behind_a_redirect_a_server_that_is_not_there_is_a_failure_that_stays(
    tmp_path: Path, feeds: Feeds
) -> None:
    here, away = feeds.url("/"), "http://127.0.0.1:9/"
    text = policy(feeds).replace(f'"{here}"', f'"{here}", "{away}"')
    async with running_daemon(tmp_path, feeds, text=text) as daemon, daemon.tab() as tab:
        reading = tab.ask(url=here)
        head = f"HTTP/1.1 307 Away\r\nLocation: {away}\r\nContent-Length: 0\r\n\r\n"
        (await feeds.feed()).answer(head.encode())
        failed = await reading.terminal()
        assert failed["code"] == "UPSTREAM_CONNECT"
        again = await tab.ask(url=here).terminal()
        assert {**again, "id": 0} == {**failed, "id": 0}
    assert len(feeds.requests) == 1


# --- clocks ---------------------------------------------------------------------------------------------------------


async def test_what_nobody_reads_for_longer_than_detached_ends_with_its_bytes(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon:
        async with daemon.tab() as tab:
            reading = tab.ask()
            feed = (await feeds.feed()).send(b"some")
            await reading.until(4)
            await daemon.turn(2 * HALF_HOUR_MS)  # with a reader the clock does not run
        await daemon.turn(HALF_HOUR_MS - 1)
        assert daemon.requests.running == 1
        async with daemon.tab() as tab:  # and begins anew
            await tab.ask().until(4)
        await daemon.turn(HALF_HOUR_MS - 1)
        assert daemon.requests.running == 1
        await daemon.turn(1)
        assert daemon.requests.running == 0
        await feed.request.connection.wait_gone()
        async with daemon.tab() as tab:
            reading = tab.ask()
            failed = await reading.terminal()
            assert (failed["code"], reading.body) == ("DETACHED_TOO_LONG", b"some")
            assert "1800 s" in failed["message"]
            again = await tab.ask().terminal()
            assert {**again, "id": 0} == {**failed, "id": 0}
    assert len(feeds.requests) == 1


async def test_what_has_ended_is_kept_for_keep_and_then_its_key_is_free(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon:
        await ended(daemon, feeds)
        await eventually(lambda: '"ended"' in next((tmp_path / "durable").glob("*.json")).read_text())
        await daemon.turn(HOUR_MS - 1)
        assert daemon.requests.kept == 1
        assert not daemon.requests.idle
        await daemon.turn(1)
        await eventually(lambda: daemon.requests.idle)
        assert left(tmp_path) == []
        async with daemon.tab() as tab:
            assert await tab.list() == []
            tab.ask()
            await feeds.feed(1)
    assert len(feeds.requests) == 2


async def test_keep_goes_on_while_no_daemon_runs(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon:
        await ended(daemon, feeds)
        clock = daemon.clock
    clock.now_ms += HOUR_MS // 2
    async with running_daemon(tmp_path, feeds, owner="two", clock=clock) as daemon:
        async with daemon.tab() as tab:
            reading = tab.ask()
            await reading.terminal()
            assert reading.body == b"answer"
        await daemon.turn(HOUR_MS // 2)
        await eventually(lambda: daemon.requests.idle)
    assert len(feeds.requests) == 1


async def test_what_is_kept_no_longer_is_not_the_next_request_with_its_key(tmp_path: Path, feeds: Feeds) -> None:
    """A disk may take longer to delete than a clock to look again; and a page may ask meanwhile."""
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        await ended(daemon, feeds)
        await eventually(lambda: bool(daemon.store.expired(2**52)))
        key = Key(PROFILE, PAGE, "answer")
        lock = daemon.requests.lock_of(key)
        await lock.acquire()
        await daemon.turn(HOUR_MS)
        await eventually(lambda: lock.statistics().tasks_waiting == 1)
        again = tab.ask()
        await eventually(lambda: lock.statistics().tasks_waiting == 2)
        await daemon.requests.tick()
        await eventually(lambda: lock.statistics().tasks_waiting == 3)
        lock.release()
        (await feeds.feed(1)).send(b"another answer").end()
        assert (await again.terminal())["type"] == "STREAM_END"
        assert again.body == b"another answer"
        async with lock:  # whoever waited for it has been
            assert daemon.requests.kept == 1
            assert daemon.store.find(key) is not None
            assert left(tmp_path) == [key.id, f"{key.id}.json"]


async def test_what_lost_its_bytes_is_deleted_when_its_time_is_over(tmp_path: Path, feeds: Feeds) -> None:
    clock = Clock()
    async with running_daemon(tmp_path, feeds, clock=clock) as daemon:
        await ended(daemon, feeds)
    clock.now_ms += HALF_HOUR_MS
    async with running_daemon(tmp_path, feeds, owner="two", clock=clock) as daemon:
        lost = Key(PROFILE, PAGE, "answer")
        await eventually(lambda: daemon.requests.kept == 1)
        request = daemon.requests.get(lost)
        assert request is not None
        daemon.requests.release(request)  # as where its files could not be opened
        await daemon.turn(HALF_HOUR_MS)
        await eventually(lambda: left(tmp_path) == [])


async def test_a_clock_that_is_set_back_keeps_nothing_for_longer(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon:
        await ended(daemon, feeds)
        await eventually(lambda: bool(daemon.store.expired(2**52)))
        await daemon.turn(-1000 * HOUR_MS)
        deadline_ms = daemon.clock.now_ms + HOUR_MS
        await eventually(lambda: bool(daemon.store.expired(deadline_ms)))
        await daemon.turn(HOUR_MS - 1)
        assert daemon.requests.kept == 1
        await daemon.turn(1)
        await eventually(lambda: daemon.requests.idle)


# --- forget ---------------------------------------------------------------------------------------------------------


async def test_forgetting_ends_the_request_tells_its_readers_and_frees_its_key(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab, daemon.tab(tab=2) as other:
        reading = other.ask("a key/with ünusual ?signs")
        feed = (await feeds.feed()).send(b"some")
        await reading.until(4)
        deleted = tab.desk("longwire:durable/a%20key%2Fwith%20%C3%BCnusual%20%3Fsigns", "DELETE")
        assert (await deleted.head())["status"] == 204
        assert (await deleted.terminal())["type"] == "STREAM_END"
        gone = await reading.terminal()
        assert (gone["code"], "was forgotten" in gone["message"]) == ("STOPPED_BY_USER", True)
        await feed.request.connection.wait_gone()
        assert left(tmp_path) == []
        assert daemon.requests.idle
        again = tab.ask("a key/with ünusual ?signs")
        (await feeds.feed(1)).send(b"anew").end()
        assert (await again.terminal())["bytes"] == 4
    assert len(feeds.requests) == 2


async def test_a_person_who_stops_it_stops_the_request_and_not_the_reader_alone(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        feed = (await feeds.feed()).send(b"some")
        await reading.until(4)
        other = tab.ask()
        await other.until(4)
        await reading.detach("user")
        stopped = await other.terminal()
        assert stopped["code"] == "STOPPED_BY_USER"
        await feed.over.wait()  # the server's own connection
        later = tab.ask()
        assert {**await later.terminal(), "id": 0} == {**stopped, "id": 0}
        assert later.body == b"some"
    assert len(feeds.requests) == 1


async def test_what_is_forgotten_while_it_is_written_down_is_no_failure_of_the_disk(
    tmp_path: Path, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync, begun, go_on = Spool.sync, Event(), Event()

    def slow(spool: Spool) -> None:
        begun.set()
        assert go_on.wait(PATIENCE_S)
        sync(spool)

    monkeypatch.setattr(Spool, "sync", slow)
    structlog.reset_defaults()
    with capture_logs() as lines:
        async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
            await ended(daemon, feeds)
            await eventually(begun.is_set)
            await tab.desk("longwire:durable/answer", "DELETE").terminal()
            assert left(tmp_path) == []
            go_on.set()
        assert left(tmp_path) == []
    assert "durable request not written down" not in [line["event"] for line in lines]


async def test_what_the_disk_kept_from_being_forgotten_can_be_forgotten_later(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        feed = (await feeds.feed()).send(b"some")
        await reading.until(4)
        (tmp_path / "durable").chmod(0o755)  # others may read it
        assert (await tab.desk("longwire:durable/answer", "DELETE").terminal())["code"] == "SPOOL_FULL"
        await feed.request.connection.wait_gone()
        (tmp_path / "durable").chmod(0o700)
        assert (await tab.ask().terminal())["code"] == "DURABLE_UNKNOWN"
        assert (await tab.desk("longwire:durable/answer", "DELETE").head())["status"] == 204
        assert (left(tmp_path), await tab.list(), daemon.requests.idle) == ([], [], True)
        tab.ask()
        await feeds.feed(1)


async def test_forgetting_what_is_not_there_is_answered_like_all_forgetting(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        deleted = tab.desk("longwire:durable/nothing", "DELETE")
        assert (await deleted.head())["status"] == 204
        await deleted.terminal()


@pytest.mark.parametrize(
    ("address", "method"),
    [
        ("longwire:durable", "POST"),
        ("longwire:durable", "DELETE"),
        ("longwire:durable/%FF", "DELETE"),
        ("longwire:other", "GET"),
    ],
)
async def test_what_a_desk_does_not_know_is_refused(tmp_path: Path, feeds: Feeds, address: str, method: str) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        assert (await tab.desk(address, method).terminal())["code"] == "PROTOCOL"


# --- the policy -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changed", ["no durable", "other pages", "other destination"])
async def test_a_valid_policy_that_allows_it_no_longer_ends_and_deletes_it(
    tmp_path: Path, feeds: Feeds, changed: str
) -> None:
    texts = {
        "no durable": policy(feeds, ""),
        "other pages": policy(feeds, pages='"https://elsewhere.example"'),
        "other destination": policy(feeds).replace(feeds.url("/"), feeds.url("/other/")),
    }
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        ended_before = tab.ask("ended")
        (await feeds.feed()).send(b"kept").end()
        await ended_before.terminal()
        running = tab.ask("running")
        feed = (await feeds.feed(1)).send(b"some")
        await running.until(4)
        await daemon.change_policy(texts[changed])
        assert (await running.terminal())["code"] == "POLICY_DENIED"
        await feed.request.connection.wait_gone()
        await eventually(lambda: daemon.requests.idle)
        assert left(tmp_path) == []
        await daemon.change_policy(policy(feeds) + "# as before\n")
        assert await tab.list() == []


async def test_a_policy_that_cannot_be_used_deletes_nothing(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        await ended(daemon, feeds)
        await daemon.change_policy("version = 1\n[[grant]]\n")
        refused = await tab.ask().terminal()
        assert refused["code"] == "POLICY_INVALID"
        assert daemon.requests.kept == 1
        await daemon.change_policy(policy(feeds) + "# mended\n")
        assert (await tab.ask().terminal())["bytes"] == 6
    assert len(feeds.requests) == 1


BROKEN = "version = 1\n[[grant]]\n"


async def test_what_runs_while_the_policy_is_broken_stands_still_and_goes_on(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        feed = (await feeds.feed()).send(b"some")
        await reading.until(4)
        await daemon.change_policy(BROKEN)
        end = await reading.terminal()
        assert (end["code"], end["retryable"]) == ("POLICY_INVALID", True)
        feed.send(b"-", *[b"x" * 1024] * 2048)  # more than one read takes
        await daemon.turn(STANDS_STILL_MS - 1)
        assert (await tab.ask().terminal())["code"] == "POLICY_INVALID"
        request = daemon.requests.get(Key(PROFILE, PAGE, "answer"))
        assert request is not None and request.running
        assert request.room() == 0, "so nothing but what was being read then"
        assert request.end < 4 + 2**19
        await daemon.change_policy(policy(feeds) + "# mended\n")
        feed.end()
        again = tab.ask()
        assert (await again.terminal())["type"] == "STREAM_END"
        assert again.body == b"some-" + b"x" * 2048 * 1024
    assert len(feeds.requests) == 1


async def test_what_stands_still_for_too_long_fails_and_leaves_what_came(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        feed = (await feeds.feed()).send(b"some")
        await reading.until(4)
        await daemon.change_policy(BROKEN)
        await reading.terminal()
        await daemon.turn(STANDS_STILL_MS)
        await feed.request.connection.wait_gone()
        await daemon.change_policy(policy(feeds) + "# mended\n")
        again = tab.ask()
        assert (await again.terminal())["code"] == "POLICY_INVALID"
        assert again.body == b"some"


@pytest.mark.parametrize("then", ["denied", "carried otherwise"])
async def test_what_stood_still_ends_by_a_policy_that_does_not_allow_it_so(
    tmp_path: Path, feeds: Feeds, then: str
) -> None:
    texts = {"denied": policy(feeds, ""), "carried otherwise": policy(feeds, more='inject = { x-a = "b" }')}
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        feed = (await feeds.feed()).send(b"some")
        await reading.until(4)
        await daemon.change_policy(BROKEN)
        await reading.terminal()
        await daemon.change_policy(texts[then])
        await feed.request.connection.wait_gone()
        assert (await tab.ask().terminal())["code"] == "POLICY_DENIED"


async def test_what_has_no_answer_yet_ends_with_a_policy_that_is_broken(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        feed = await feeds.feed()
        await daemon.change_policy(BROKEN)
        assert (await reading.terminal())["code"] == "POLICY_INVALID"
        await feed.request.connection.wait_gone()


async def test_a_policy_that_was_changed_while_no_daemon_ran_decides_when_one_does(
    tmp_path: Path, feeds: Feeds
) -> None:
    async with running_daemon(tmp_path, feeds) as daemon:
        await ended(daemon, feeds)
    async with running_daemon(tmp_path, feeds, text=policy(feeds, ""), owner="two") as daemon:
        await eventually(lambda: left(tmp_path) == [])
        await eventually(lambda: daemon.requests.idle)


async def test_todays_grant_filters_the_head_that_is_kept(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        await ended(daemon, feeds)
        await daemon.change_policy(policy(feeds, more='response_headers = ["content-type"]'))
        reading = tab.ask()
        assert [name for name, _ in (await reading.head())["headers"]] == ["content-type"]
        assert (await reading.terminal())["bytes"] == 6
    assert len(feeds.requests) == 1


async def test_shorter_clocks_of_a_changed_policy_count_for_what_is_there(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon:
        await ended(daemon, feeds)
        await daemon.change_policy(policy(feeds, DURABLE.replace("1h", "1m")))
        await eventually(lambda: [record.keep_ms for record in daemon.store.records()] == [60_000])
        await daemon.turn(60_000)
        await eventually(lambda: daemon.requests.idle)


# --- the disk -------------------------------------------------------------------------------------------------------


async def test_a_full_disk_ends_the_request_and_leaves_what_came_before(
    tmp_path: Path, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = False
    write = OpenFiles.write

    def or_full(files: OpenFiles, *arguments: Any) -> int:
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(files, *arguments)

    monkeypatch.setattr(OpenFiles, "write", or_full)
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        feed = (await feeds.feed()).send(b"before")
        await reading.until(6)
        full = True
        feed.send(b"behind")
        failed = await reading.terminal()
        assert (failed["code"], reading.body) == ("SPOOL_FULL", b"before")
        await feed.request.connection.wait_gone()
        full = False
        again = tab.ask()
        assert (await again.terminal())["code"] == "SPOOL_FULL"
        assert again.body == b"before"
    assert len(feeds.requests) == 1


async def test_a_claim_that_cannot_be_written_sends_nothing(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        await tab.list()
        (tmp_path / "durable").chmod(0o755)  # others may read it
        refused = await tab.ask().terminal()
        assert (refused["code"], "longwire doctor" in refused["message"]) == ("SPOOL_FULL", True)
        assert str(tmp_path) not in refused["message"]
        (tmp_path / "durable").chmod(0o700)
        tab.ask()
        await feeds.feed()
    assert len(feeds.requests) == 1


# --- a death --------------------------------------------------------------------------------------------------------


async def test_what_ran_when_its_daemon_died_is_unknown_until_it_is_forgotten(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        await_body = tab.ask()
        (await feeds.feed()).send(b"secret bytes")
        await await_body.until(12)
    async with running_daemon(tmp_path, feeds, owner="two") as daemon, daemon.tab() as tab:
        assert len(left(tmp_path)) == 1  # the record, and no bytes
        for asked in (tab.ask(), tab.ask(offset=3), tab.ask(body=b"another")):
            unknown = await asked.terminal()
            assert (unknown["code"], unknown["retryable"]) == ("DURABLE_UNKNOWN", False)
        [told] = await tab.list()
        assert (told["key"], told["state"], told["bytes"]) == ("answer", "unknown", 0)
        assert daemon.requests.idle
        assert len(feeds.requests) == 1
        await tab.desk("longwire:durable/answer", "DELETE").terminal()
        assert await tab.list() == []
        tab.ask()
        await feeds.feed(1)


async def test_what_had_ended_is_there_for_the_next_daemon(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon:
        await ended(daemon, feeds, b"x" * 100_000)
    async with running_daemon(tmp_path, feeds, owner="two") as daemon, daemon.tab() as tab:
        reading = tab.ask(offset=40_000)
        assert (await reading.terminal())["bytes"] == 60_000
        [told] = await tab.list()
        assert (told["state"], told["bytes"], told["first"]) == ("ended", 100_000, 0)
        [entry] = daemon.requests.entries()
        assert (entry.profile, entry.origin, entry.key, entry.elsewhere) == (PROFILE, PAGE, "answer", False)
        assert await daemon.requests.forget(entry.id)
        assert not await daemon.requests.forget(entry.id)
    assert len(feeds.requests) == 1


# --- redirects ------------------------------------------------------------------------------------------------------


async def test_where_a_redirect_led_has_to_be_allowed_still(tmp_path: Path, feeds: Feeds) -> None:
    """The grant of its end filters the head; without it the response is nothing that the page may have."""
    first = policy(feeds).replace(feeds.url("/"), feeds.url("/a/"))
    second = f"""
[[grant]]
name = "second"
pages = ["{PAGE}"]
destinations = ["{feeds.url("/b/")}"]
methods = ["GET"]
network = "loopback"
response_headers = ["x-shown"]
"""
    async with running_daemon(tmp_path, feeds, text=first + second) as daemon, daemon.tab() as tab:
        reading = tab.ask(body=b"question", url=feeds.url("/a/"))
        (await feeds.feed()).answer(b"HTTP/1.1 303 See Other\r\nLocation: /b/x\r\nContent-Length: 0\r\n\r\n")
        (await feeds.feed(1)).send(b"answer").end()
        head = await reading.head()
        assert (head["redirected"], head["url"], head["headers"]) == (True, feeds.url("/b/x"), [["x-shown", "yes"]])
        await reading.terminal()
        again = tab.ask(body=b"question", url=feeds.url("/a/"))
        assert {**await again.head(), "id": 0} == {**head, "id": 0}
        assert (await again.terminal())["bytes"] == 6
        await daemon.change_policy(first)
        await eventually(lambda: daemon.requests.idle)
        assert left(tmp_path) == []
    assert [request[:2] for request in feeds.requests] == [("POST", "/a/"), ("GET", "/b/x")]
