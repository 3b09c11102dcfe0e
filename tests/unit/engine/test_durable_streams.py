"""What the desk answers to GET and HEAD of a key: the read side of Durable Streams, byte for byte."""

from pathlib import Path
from typing import Any

import orjson
import pybase64
import pytest

from longwire.engine import durable_streams
from longwire.engine.durable_streams import PART_BYTES
from tests.unit.engine.durable_bench import Daemon, Feed, Feeds, Reading, Tab, eventually, running_daemon

KEY = "longwire:durable/answer"


def offset(count: int) -> str:
    return f"{count:016d}"


async def begun(tab: Tab, feeds: Feeds, *pieces: bytes) -> Feed:
    """A request that runs, of which so much is here."""
    reading = tab.ask()
    feed = (await feeds.feed()).send(*pieces)
    await reading.until(len(b"".join(pieces)))
    await reading.detach()
    return feed


async def told(reading: Reading) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer that is whole."""
    head = await reading.head()
    end = await reading.terminal()
    assert end["type"] == "STREAM_END", end
    return head["status"], dict(head["headers"]), reading.body


def events(body: bytes) -> list[tuple[str, Any]]:
    """Of a body of events: the data decoded."""
    found: list[tuple[str, Any]] = []
    for event in body.decode().split("\n\n")[:-1]:
        name, data = (line.partition(":")[2].strip() for line in event.split("\n"))
        found.append((name, pybase64.b64decode(data) if name == "data" else orjson.loads(data)))
    return found


async def test_a_client_catches_up_part_by_part_to_the_end(tmp_path: Path, feeds: Feeds) -> None:
    body = bytes(range(128)) * (4 * PART_BYTES // 128) + b"the end"
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        feed = await begun(tab, feeds, body)
        got, at, answers = b"", "-1", []
        for _ in range(5):
            status, headers, part = await told(tab.desk(f"{KEY}?offset={at}"))
            got += part
            at = headers["stream-next-offset"]
            answers.append((status, headers.get("stream-up-to-date"), headers.get("stream-closed")))
        assert (got, at) == (body, offset(len(body)))
        assert answers == [(200, None, None)] * 4 + [(200, "true", None)]
        feed.end()
        await tab.ask(offset=len(body)).terminal()
        status, headers, part = await told(tab.desk(f"{KEY}?offset={at}"))
        assert (status, part, headers["stream-closed"], headers["stream-up-to-date"]) == (200, b"", "true", "true")
        assert (await told(tab.desk(KEY)))[2] == body[:PART_BYTES]
    assert len(feeds.requests) == 1


async def test_now_is_the_end_of_what_there_is(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        feed = await begun(tab, feeds, b"past")
        status, headers, body = await told(tab.desk(f"{KEY}?offset=now"))
        assert (status, body, headers["stream-next-offset"]) == (200, b"", offset(4))
        assert "etag" not in headers
        waiting = tab.desk(f"{KEY}?offset=now&live=long-poll")
        await joined(daemon, 1)
        feed.send(b"future")
        status, headers, body = await told(waiting)
        assert (status, body, headers["stream-next-offset"]) == (200, b"future", offset(10))


async def joined(daemon: Daemon, readers: int) -> None:
    """So many read."""
    await eventually(lambda: sum(entry.readers for entry in daemon.requests.entries()) == readers)


async def test_a_long_poll_waits_for_more_for_the_end_or_for_its_time(
    tmp_path: Path, feeds: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        feed = await begun(tab, feeds, b"past")
        status, headers, body = await told(tab.desk(f"{KEY}?offset=0&live=long-poll"))
        assert (status, body, headers["stream-up-to-date"]) == (200, b"past", "true")
        cursor = headers["stream-cursor"]
        with monkeypatch.context() as patched:
            patched.setattr(durable_streams, "LONG_POLL_S", 0.01)
            status, headers, body = await told(tab.desk(f"{KEY}?offset={offset(4)}&live=long-poll&cursor={cursor}"))
        assert (status, body, headers["stream-next-offset"], headers["stream-up-to-date"]) == (
            204,
            b"",
            offset(4),
            "true",
        )
        assert int(headers["stream-cursor"]) > int(cursor)
        waiting = tab.desk(f"{KEY}?offset={offset(4)}&live=long-poll")
        await joined(daemon, 1)
        feed.end()
        status, headers, body = await told(waiting)
        assert (status, body, headers["stream-closed"]) == (204, b"", "true")


async def test_events_tell_what_there_is_and_what_comes_until_it_is_closed(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        feed = await begun(tab, feeds, b"one\r\n")
        live = tab.desk(f"{KEY}?offset=-1&live=sse")
        head = dict((await live.head())["headers"])
        assert (head["content-type"], head["stream-sse-data-encoding"]) == ("text/event-stream", "base64")
        await live.until(1)
        feed.send(b"two\xff\x00").end()
        await live.terminal()
        said = events(live.body)
        assert b"".join(data for name, data in said if name == "data") == b"one\r\ntwo\xff\x00"
        assert [name for name, _ in said][:4] == ["data", "control", "data", "control"]
        first, last = said[1][1], said[-1][1]
        assert (first["streamNextOffset"], first["upToDate"]) == (offset(5), True)
        assert first["streamCursor"].isdecimal()
        assert last == {"streamNextOffset": offset(10), "streamClosed": True, "upToDate": True}


async def test_events_of_what_has_nothing_yet_begin_with_where_it_is(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        await begun(tab, feeds, b"past")
        live = tab.desk(f"{KEY}?offset=now&live=sse")
        await live.until(1)
        [(name, control)] = events(live.body)
        assert (name, control["streamNextOffset"], control["upToDate"]) == ("control", offset(4), True)
        await live.detach()


async def test_a_text_is_cut_between_its_characters(tmp_path: Path, feeds: Feeds) -> None:
    text = "ü€😀x".encode() * (PART_BYTES // 8)
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        (await begun(tab, feeds, text)).end()
        await tab.ask(offset=len(text)).terminal()
        at, got = "-1", b""
        while len(got) < len(text):
            _, headers, part = await told(tab.desk(f"{KEY}?offset={at}"))
            part.decode()
            got, at = got + part, headers["stream-next-offset"]
        assert got == text


async def test_half_a_character_has_not_come_yet(tmp_path: Path, feeds: Feeds) -> None:
    emoji = "😀".encode()
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        feed = await begun(tab, feeds, b"a", emoji[:3])
        _, headers, body = await told(tab.desk(f"{KEY}?offset=-1"))
        assert (body, headers["stream-next-offset"], headers["stream-up-to-date"]) == (b"a", offset(1), "true")
        live = tab.desk(f"{KEY}?offset={offset(1)}&live=sse")
        waiting = tab.desk(f"{KEY}?offset={offset(1)}&live=long-poll")
        await joined(daemon, 2)
        feed.send(emoji[3:])
        _, _, body = await told(waiting)
        assert body == emoji
        feed.end()
        await live.terminal()
        assert [data for name, data in events(live.body) if name == "data"] == [emoji]


async def test_head_says_how_far_it_is(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        feed = await begun(tab, feeds, b"past")
        status, headers, _ = await told(tab.desk(KEY, "HEAD"))
        assert (status, headers["stream-next-offset"], headers["content-type"]) == (200, offset(4), "text/plain")
        assert (headers["cache-control"], "stream-closed" in headers) == ("no-store", False)
        feed.end()
        await tab.ask(offset=4).terminal()
        assert (await told(tab.desk(KEY, "HEAD")))[1]["stream-closed"] == "true"


async def test_what_has_not_changed_is_not_sent_again(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        feed = await begun(tab, feeds, b"past")
        _, headers, _ = await told(tab.desk(KEY))
        known = [["if-none-match", headers["etag"]]]
        assert (await told(tab.desk(KEY, headers=known)))[0] == 304
        feed.end()
        await tab.ask(offset=4).terminal()
        assert (await told(tab.desk(KEY, headers=known)))[0] == 200


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("offset=", 400),
        ("offset=1,2", 400),
        ("offset=a%20b", 400),
        ("offset=0&offset=1", 400),
        ("offset=99", 400),
        ("live=long-poll", 400),
        ("live=sse", 400),
        ("offset=0&live=yes", 400),
        ("offset=-2", 400),
        ("offset=0&other=1", 200),
    ],
)
async def test_what_cannot_be_asked_is_a_bad_request(tmp_path: Path, feeds: Feeds, query: str, status: int) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        await begun(tab, feeds, b"past")
        assert (await told(tab.desk(f"{KEY}?{query}")))[0] == status


async def test_a_key_that_is_not_there_is_not_found(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        for query in ("", "?offset=now", "?offset=0&live=sse", "?offset=0&live=long-poll"):
            assert (await told(tab.desk(KEY + query)))[0] == 404


async def test_a_failure_is_no_end(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        feed = await begun(tab, feeds, b"half")
        live = tab.desk(f"{KEY}?offset=0&live=sse")
        await live.until(1)
        feed.break_off()
        assert (await live.terminal())["code"] == "UPSTREAM_TRUNCATED"
        status, headers, body = await told(tab.desk(f"{KEY}?offset=0"))
        assert (status, body, "stream-closed" in headers) == (200, b"half", False)
        for query in ("offset=4", "offset=4&live=long-poll"):
            status, _, body = await told(tab.desk(f"{KEY}?{query}"))
            assert (status, orjson.loads(body)["code"]) == (424, "UPSTREAM_TRUNCATED")


async def test_json_is_told_as_text_for_it_is_no_list_of_messages(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        (await feeds.feed()).answer(
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'
        )
        await reading.terminal()
        _, headers, body = await told(tab.desk(KEY))
        assert (headers["content-type"], body) == ("text/plain; charset=utf-8", b'{"a":1}')
