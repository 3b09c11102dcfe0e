"""Durable requests: carried out once, read by whoever comes, from wherever they are."""

import hashlib
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import structlog
from structlog.testing import capture_logs

from longwire.durable.record import Key
from longwire.protocol.limits import INLINE_BODY_BYTES, MIB
from tests.unit.engine.durable_bench import (
    DURABLE,
    Feeds,
    eventually,
    policy,
    running_daemon,
)


def event(number: int) -> bytes:
    return b"data: event %06d\n\n" % number


# --- once, and whole ------------------------------------------------------------------------------------------------


async def test_a_page_that_comes_back_reads_the_same_response_from_its_beginning(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon:
        async with daemon.tab() as tab:
            first = tab.ask(body=b"question")
            feed = (await feeds.feed()).send(b"one ", b"two ")
            assert await first.until(8) == b"one two "
        feed.send(b"three ")
        async with daemon.tab() as tab:
            again = tab.ask(body=b"question")
            head = await again.head()
            assert head["status"] == 200
            assert ["x-shown", "yes"] in head["headers"]
            assert await again.until(14) == b"one two three "
            feed.send(b"four")
            feed.end()
            end = await again.terminal()
            assert (end["type"], end["bytes"], end["completeness"]) == ("STREAM_END", 18, "chunked")
            late = tab.ask(body=b"question", offset=8)
            assert (await late.terminal())["bytes"] == 10
            assert late.body == b"three four"
    assert feeds.requests == [("POST", "/", b"question")]


async def test_two_thousand_events_through_ten_detaches_are_all_there_once(tmp_path: Path, feeds: Feeds) -> None:
    """From the offset that each tab had come to, as a library does that goes on after a reload."""
    sent = b"".join(event(number) for number in range(2000))
    got = bytearray()
    async with running_daemon(tmp_path, feeds) as daemon, anyio.create_task_group() as tasks:
        more = anyio.Event()

        async def paced() -> None:
            feed = await feeds.feed()
            for number in range(2000):
                feed.send(event(number))
                if number % 20 == 0:
                    await anyio.lowlevel.checkpoint()
                if number == 1900:
                    await more.wait()  # so that the last tab finds it live
            feed.end()

        tasks.start_soon(paced)
        for cycle in range(10):
            async with daemon.tab() as tab:
                reading = tab.ask("2000", body=b"count", offset=len(got))
                got += await reading.until(len(event(0)) * 100 + cycle)
                if cycle % 2:
                    await reading.detach()  # what came meanwhile belongs to nobody
        more.set()
        async with daemon.tab() as tab:
            reading = tab.ask("2000", body=b"count", offset=len(got))
            end = await reading.terminal()
            got += reading.body
            assert (end["type"], end["bytes"]) == ("STREAM_END", len(reading.body))
            whole = tab.ask("2000", body=b"count")
            await whole.terminal()
            assert hashlib.sha256(whole.body).digest() == hashlib.sha256(sent).digest()
    assert hashlib.sha256(got).digest() == hashlib.sha256(sent).digest()
    assert len(feeds.requests) == 1


async def test_a_request_whose_page_goes_away_at_once_is_carried_out_all_the_same(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon:
        async with daemon.tab() as tab:
            tab.ask(body=b"question")
            feed = await feeds.feed()
        feed.send(b"answer").end()
        await eventually(lambda: daemon.requests.kept == 1)
        async with daemon.tab() as tab:
            reading = tab.ask(body=b"question")
            await reading.terminal()
            assert reading.body == b"answer"
    assert len(feeds.requests) == 1


async def test_two_tabs_that_ask_in_one_breath_send_one_request(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as one, daemon.tab(tab=2) as two:
        readings = [tab.ask(body=b"q") for tab in (one, two, one, two)]
        (await feeds.feed()).send(b"answer").end()
        for reading in readings:
            await reading.terminal()
            assert reading.body == b"answer"
    assert len(feeds.requests) == 1


async def test_two_readers_at_different_speeds_each_get_everything(tmp_path: Path, feeds: Feeds) -> None:
    body = hashlib.shake_128(b"body").digest(3 * MIB)
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as fast, daemon.tab(tab=2) as slow:
        slowly = slow.ask(limit=1000)
        feed = (await feeds.feed()).send(*(body[at : at + 50_000] for at in range(0, len(body), 50_000)))
        quickly = fast.ask()
        feed.end()
        assert (await quickly.terminal())["bytes"] == len(body)
        assert len(slowly.body) < MIB
        slowly.read_on()
        assert (await slowly.terminal())["bytes"] == len(body)
        assert slowly.body == quickly.body == body
    assert len(feeds.requests) == 1


async def test_an_event_reaches_an_attached_page_in_the_breath_in_which_it_came(tmp_path: Path, feeds: Feeds) -> None:
    """No wake-up of a task lies between: what the producer pushes is in the page's stream when `push` returns."""
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        reading = tab.ask()
        feed = (await feeds.feed()).send(b"one")
        await reading.until(3)
        [request] = daemon.requests.of_page("profile-1", tab.facts["origin"])
        for _ in range(3):  # in one round of the loop a channel is written to once
            await anyio.lowlevel.checkpoint()
        request.push(b"two")
        assert reading.body == b"onetwo"
        feed.end()
        await reading.terminal()


async def test_the_body_of_a_large_request_is_whole_in_the_daemon_before_anything_is_sent(
    tmp_path: Path, feeds: Feeds
) -> None:
    body = hashlib.shake_128(b"upload").digest(INLINE_BODY_BYTES + 70_000)
    streamed = {"kind": "stream", "size": len(body), "repeatable": True}
    end = {"type": "STREAM_BODY_END", "bytes": len(body)}
    async with running_daemon(tmp_path, feeds) as daemon:
        async with daemon.tab() as tab:
            cut = tab.ask("cut", method="POST", body_kind=streamed)
            await tab.upload(cut, body)  # all but the word that this is all
            await cut.detach()
            assert await tab.list() == []
            whole = tab.ask("whole", method="POST", body_kind=streamed)
            await tab.upload(whole, body)
            tab.channel.send(**end, id=whole.id)
            await feeds.feed()
        async with daemon.tab() as tab:  # attaches by sending it once more: the digest tells
            again = tab.ask("whole", method="POST", body_kind=streamed)
            await tab.upload(again, body)
            tab.channel.send(**end, id=again.id)
            (await feeds.feed()).send(b"thanks").end()
            await again.terminal()
            assert again.body == b"thanks"
            other = tab.ask("whole", body=body[:1000])
            assert (await other.terminal())["code"] == "DURABLE_CONFLICT"
    assert feeds.requests == [("POST", "/", body)]


async def test_the_same_form_is_the_same_request_whatever_its_boundary(tmp_path: Path, feeds: Feeds) -> None:
    def form(boundary: str, value: str) -> dict[str, Any]:
        part = f'Content-Disposition: form-data; name="a"\r\n\r\n{value}\r\n'
        return {
            "body": f"--{boundary}\r\n{part}--{boundary}--\r\n".encode(),
            "headers": [["content-type", f"multipart/form-data; boundary={boundary}"]],
        }

    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        first = tab.ask(**form("----one", "x"))
        (await feeds.feed()).send(b"answer").end()
        await first.terminal()
        again = tab.ask(**form("----two", "x"))
        assert (await again.terminal())["bytes"] == 6
        other = tab.ask(**form("----two", "y"))
        assert (await other.terminal())["code"] == "DURABLE_CONFLICT"
    assert len(feeds.requests) == 1


# --- offsets --------------------------------------------------------------------------------------------------------


async def test_a_reader_may_begin_anywhere_up_to_the_end(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        whole = tab.ask()
        feed = (await feeds.feed()).send(b"0123456789")
        await whole.until(10)
        at_end = tab.ask(offset=10)
        await at_end.head()
        beyond = await tab.ask(offset=11).terminal()
        assert (beyond["code"], "there are 10 bytes so far" in beyond["message"]) == ("PROTOCOL", True)
        feed.send(b"ab")
        assert await at_end.until(2) == b"ab"
        feed.end()
        assert (await at_end.terminal())["bytes"] == 2
        assert (await tab.ask(offset=12).terminal())["type"] == "STREAM_END"
        assert (await tab.ask(offset=3).terminal())["bytes"] == 9
        beyond = await tab.ask(offset=13).terminal()
        assert (beyond["code"], "there are 12 bytes," in beyond["message"]) == ("PROTOCOL", True)
    assert len(feeds.requests) == 1


async def test_what_a_server_left_unanswered_is_not_sent_again_although_its_method_would_allow_it(
    tmp_path: Path, feeds: Feeds
) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        for number, key in ((0, None), (1, "another")):  # a connection is kept of each
            reading = tab.ask(key)
            (await feeds.feed(number)).send(b"answer").end()
            assert (await reading.terminal())["type"] == "STREAM_END"
        reading = tab.ask()
        (await feeds.feed(2)).break_off()
        failed = await reading.terminal()
        assert (failed["code"], failed["phase"]) == ("UPSTREAM_RESET", "headers")
    assert len(feeds.requests) == 3


async def test_an_offset_under_a_key_that_is_free_sends_nothing(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        refused = await tab.ask(offset=5).terminal()
        assert (refused["code"], "nothing at offset 5" in refused["message"]) == ("PROTOCOL", True)
        assert await tab.list() == []
    assert feeds.requests == []


async def test_a_reader_is_told_the_length_of_what_it_gets(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        whole = tab.ask()
        feed = await feeds.feed()
        feed.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789")
        assert ["content-length", "10"] in (await whole.head())["headers"]
        await whole.terminal()
        part = tab.ask(offset=4)
        assert ["content-length", "6"] in (await part.head())["headers"]
        assert (await part.terminal())["completeness"] == "length"


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"body": b"other"}, {"url_path": "/other"}, {"method": "HEAD"}])
async def test_another_request_under_a_live_key_is_a_conflict(
    tmp_path: Path, feeds: Feeds, changes: dict[str, Any]
) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        tab.ask()
        await feeds.feed()
        if path := changes.pop("url_path", None):
            changes["url"] = feeds.url(path)
        refused = await tab.ask(**changes).terminal()
        assert (refused["code"], refused["retryable"]) == ("DURABLE_CONFLICT", False)
        assert "longwire.durable.forget(key)" in refused["message"]
    assert len(feeds.requests) == 1


async def test_headers_are_no_part_of_what_a_request_is(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        tab.ask(headers=[["x-try", "1"]])
        (await feeds.feed()).send(b"answer").end()
        assert (await tab.ask(headers=[["x-try", "2"]]).terminal())["bytes"] == 6
    assert len(feeds.requests) == 1


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"method": "POST", "body_kind": {"kind": "stream"}}, "PROTOCOL", "has to have a size"),
        ({"method": "POST", "body_kind": {"kind": "stream", "size": 40 * MIB}}, "LIMIT_EXCEEDED", "at most"),
        ({"method": "GET", "body_kind": {"kind": "stream", "size": 4}}, "PROTOCOL", "the method GET"),
        ({"key": "a\nb"}, "PROTOCOL", "printable characters"),
        ({"url": "http://elsewhere.test/"}, "POLICY_DENIED", "no grant of the policy allows"),
    ],
)
async def test_what_cannot_be_durable_is_refused_before_anything_is_sent(
    tmp_path: Path, feeds: Feeds, changes: dict[str, Any], code: str, says: str
) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        refused = await tab.ask(**changes).terminal()
        assert (refused["code"], says in refused["message"]) == (code, True), refused
        assert await tab.list() == []
    assert feeds.requests == []


async def test_a_grant_without_durable_says_which_line_it_needs(tmp_path: Path, feeds: Feeds) -> None:
    async with running_daemon(tmp_path, feeds, text=policy(feeds, "")) as daemon, daemon.tab() as tab:
        for reading in (tab.ask(), tab.desk(), tab.desk("longwire:durable/answer", "DELETE")):
            refused = await reading.terminal()
            assert refused["code"] == "POLICY_DENIED"
            assert DURABLE in refused["message"]
        plain = tab.ask(None)
        (await feeds.feed()).send(b"as ever").end()
        assert (await plain.terminal())["bytes"] == 7


async def test_what_was_refused_before_anything_was_sent_leaves_its_key_free(tmp_path: Path, feeds: Feeds) -> None:
    text = policy(feeds, more="limits = { streams = 1 }")
    async with running_daemon(tmp_path, feeds, text=text) as daemon, daemon.tab() as tab:
        plain = tab.ask(None)
        feed = await feeds.feed()
        refused = await tab.ask().terminal()
        assert refused["code"] == "LIMIT_EXCEEDED"
        feed.end()
        await plain.terminal()
        reading = tab.ask()
        (await feeds.feed(1)).send(b"now").end()
        assert (await reading.terminal())["bytes"] == 3


# --- the log --------------------------------------------------------------------------------------------------------


async def test_the_log_has_one_audit_trail_of_the_request_and_lines_for_each_reader(
    tmp_path: Path, feeds: Feeds
) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
            first = tab.ask("a-key-of-the-page")
            feed = (await feeds.feed()).send(b"answer")
            await first.until(6)
            await first.detach()
            second = tab.ask("a-key-of-the-page", offset=2)
            feed.end()
            await second.terminal()
            [name] = [request.record.id[:12] for request in daemon.requests.of_page("profile-1", tab.facts["origin"])]
    said = [line for line in lines if line.get("durable") == name]
    assert sorted(line["event"] for line in said) == sorted(
        ["start", "headers", "first byte", "end", "attach", "detach", "attach", "detach"]
    )
    attached = [line for line in said if line["event"] == "attach"]
    assert [line["offset"] for line in attached] == [0, 2]
    detached = [(line["outcome"], line["bytes"]) for line in said if line["event"] == "detach"]
    assert detached == [("aborted", 6), ("completed", 4)]
    assert "a-key-of-the-page" not in str(lines)


async def test_the_log_says_of_what_is_asked_about_a_request_which_one_and_no_key(tmp_path: Path, feeds: Feeds) -> None:
    structlog.reset_defaults()
    with capture_logs() as lines:
        async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
            await tab.desk("longwire:durable/a-key-of-the-page?offset=-1").terminal()
            await tab.desk("longwire:durable/a-key-of-the-page", "DELETE").terminal()
            await tab.desk("longwire:durable/a-key-of-the-page", "PUT").terminal()
            await tab.ask(None, url="longwire:durable/../a-key-of-the-page").terminal()
            name = Key("profile-1", tab.facts["origin"], "a-key-of-the-page").id[:12]
    said = [line for line in lines if "method" in line]
    assert {line["destination"] for line in said} == {"longwire:durable"}
    ends = [line["method"] for line in said if line.get("durable") == name and line["event"] == "end"]
    assert ends == ["GET", "DELETE"]
    assert "a-key-of-the-page" not in str(lines)
