"""What a browser's administrator switched off holds for that browser's connection and its profile, and for no other."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from longwire.durable.record import Key, Record
from longwire.engine.switches import refusing
from longwire.protocol.messages import Switches
from tests.patience import PATIENCE_S
from tests.unit.engine.durable_bench import OTHER_PAGE, PROFILE, Feeds, Reading, Tab, eventually, running_daemon
from tests.unit.engine.harness import PAGE
from tests.unit.engine.test_durable_elsewhere import upgraded

KEY = Key(PROFILE, PAGE, "answer")
OFF = {"enabled": False}
OTHERS = {"enabled": True, "pages": [OTHER_PAGE]}


def switches(*pages: str, enabled: bool = True) -> Switches:
    return Switches(type="SWITCHES", enabled=enabled, pages=list(pages))


async def denied(reading: Reading) -> str:
    """Why it was."""
    end = await reading.terminal()
    assert (end["type"], end["code"], end["retryable"]) == ("STREAM_ERROR", "POLICY_DENIED", False), end
    return str(end["message"])


async def asked_and_running(tab: Tab, feeds: Feeds, number: int = 0, **how: Any) -> Reading:
    reading = tab.ask(**how)
    (await feeds.feed(number)).send(b"first")
    assert await reading.until(5) == b"first"
    return reading


# --- who is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "served", "refused"),
    [
        ("https://chat.example.com:443", "https://chat.example.com", "https://chat.example.com:8443"),
        ("https://*.example.com", "https://a.b.example.com", "https://example.com"),
        ("http://127.0.0.1:*", "http://127.0.0.1:5173", "https://127.0.0.1:5173"),
        ("http://[::1]:*", "http://[::1]:5173", "http://127.0.0.1:5173"),
        ("https://*.co.uk:443", "https://shop.co.uk", "https://shop.com"),
    ],
)
def test_the_pages_that_are_named_are_served_and_no_others(pattern: str, served: str, refused: str) -> None:
    refuses = refusing(switches(pattern))
    assert refuses(served) is None
    error = refuses(refused)
    assert error is not None and "other pages only" in error.text


@pytest.mark.parametrize(
    "pattern", ["*", "https://*", "chat.example.com", "https://", "https://a.example/x", "wss://a.example"]
)
def test_what_is_no_pattern_names_no_page(pattern: str) -> None:
    assert refusing(switches(pattern))("https://a.example") is not None


def test_nothing_is_served_where_all_is_off_or_no_page_is_named() -> None:
    for said in (switches(PAGE, enabled=False), switches()):
        assert refusing(said)(PAGE) is not None
    assert refusing(Switches(type="SWITCHES", enabled=True))(PAGE) is None


# --- two browsers at one daemon ------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [OFF, OTHERS], ids=["off", "other pages"])
async def test_it_holds_for_the_connection_that_said_it_and_for_no_other(
    tmp_path: Path, feeds: Feeds, said: dict[str, Any]
) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as one, daemon.tab(profile="profile-2") as two:
        mine, plain = await asked_and_running(one, feeds), await asked_and_running(one, feeds, 1, key=None)
        theirs = await asked_and_running(two, feeds, 2)
        one.channel.send(type="SWITCHES", profile=PROFILE, **said)
        for ended in (mine, plain, one.ask(), one.ask(None), one.desk(), one.desk("longwire:durable/answer")):
            assert "administrator of this browser" in await denied(ended)
        with anyio.fail_after(PATIENCE_S):
            await feeds.feeds[0].over.wait()
            await feeds.feeds[1].over.wait()
        await eventually(lambda: daemon.store.find(KEY) is None)
        assert not feeds.feeds[2].over.is_set(), "another browser's goes on"
        feeds.feeds[2].end()
        assert (await theirs.terminal())["type"] == "STREAM_END"
        assert len(feeds.requests) == 3
        if "pages" in said:
            open_still = one.ask("other", page={"origin": OTHER_PAGE})
            (await feeds.feed(3)).send(b"open").end()
            assert (await open_still.terminal())["type"] == "STREAM_END"


async def test_it_ends_what_the_profile_began_by_a_connection_that_is_gone(tmp_path: Path, feeds: Feeds) -> None:
    """A browser that comes back with less than it had."""
    async with running_daemon(tmp_path, feeds) as daemon:
        async with daemon.tab() as tab:
            await asked_and_running(tab, feeds)
        async with daemon.tab() as tab:
            tab.channel.send(type="SWITCHES", profile="profile-2", **OFF)
            tab.channel.send(type="SWITCHES", profile=PROFILE, **OTHERS)
            await feeds.feeds[0].request.connection.wait_gone()
            await eventually(lambda: daemon.store.find(KEY) is None and daemon.requests.idle)


async def test_what_is_switched_on_again_is_served_and_the_key_is_free(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        first = await asked_and_running(tab, feeds)
        tab.channel.send(type="SWITCHES", profile=PROFILE, **OFF)
        await denied(first)
        await eventually(lambda: daemon.store.find(KEY) is None)
        tab.channel.send(type="SWITCHES", enabled=True, profile=PROFILE)
        again = tab.ask()
        (await feeds.feed(1)).send(b"again").end()
        assert (await again.terminal())["type"] == "STREAM_END"
        assert again.body == b"again"


async def test_what_is_being_written_down_when_it_is_switched_off_ends_too(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        lock = daemon.requests.lock_of(KEY)
        await lock.acquire()
        asking = tab.ask()
        await eventually(lambda: lock.statistics().tasks_waiting == 1)
        keep = daemon.requests.keeping
        claim, claimed = keep.claim, anyio.Event()

        async def slow_claim(record: Any) -> None:
            await claim(record)
            # The page that asked is gone with what was switched off, and what it asked is written down by now.
            tab.channel.send(type="SWITCHES", profile=PROFILE, **OFF)
            claimed.set()
            with anyio.CancelScope(shield=True):
                await asking.terminal()

        keep.claim = slow_claim  # type: ignore[method-assign]
        lock.release()
        await denied(asking)
        await claimed.wait()
        await eventually(lambda: daemon.store.find(KEY) is None and daemon.requests.idle)
        assert feeds.requests == []


async def test_what_an_old_daemon_carries_out_ends_too(tmp_path: Path, feeds: Feeds) -> None:
    async with upgraded(tmp_path, feeds) as (old, new, _), new.tab() as tab:
        reading = tab.ask(body=b"question")
        await reading.until(100_000)
        tab.channel.send(type="SWITCHES", profile=PROFILE, **OFF)
        await denied(reading)
        await feeds.feeds[0].request.connection.wait_gone()
        await eventually(lambda: old.requests.idle and new.requests.idle)


async def test_what_is_switched_off_before_it_is_known_what_there_is_ends_then(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        (await feeds.feed()).send(b"kept").end()
        await reading.terminal()
    async with running_daemon(tmp_path, feeds, owner="two") as daemon:
        keep, said = daemon.requests.keeping, anyio.Event()
        records = keep.records

        async def late_records() -> list[Record]:
            await said.wait()
            return await records()

        keep.records = late_records  # type: ignore[method-assign]
        async with daemon.tab() as tab:
            tab.channel.send(type="SWITCHES", profile=PROFILE, **OFF)
            await denied(tab.ask())  # so that has been read
            said.set()
            await eventually(lambda: daemon.store.find(KEY) is None and daemon.requests.idle)
