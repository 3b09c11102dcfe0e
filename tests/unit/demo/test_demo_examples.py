"""What the demo serves to its examples, and that the docs quote them word for word."""

import hashlib
import json
import re
import time
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from longwire.demo import feed, upload
from longwire.demo.feed import ENTRIES, Feed
from longwire.demo.pages import examples, highlighted
from longwire.demo.server import LoopbackServer
from longwire.demo.upstream import Upstream
from tests.unit.demo.demo_http import exchange, get, post, unchunk

KEY = "lw-demo-0123456789abcdefghij"
AUTHORIZED = f"Authorization: Bearer {KEY}"
DOCS = Path(__file__).parents[3] / "docs"
QUOTING = ("client.md", "generation.md", "websocket.md", "rpc.md")
DOCUMENT = "".join((DOCS / name).read_text("utf-8") for name in QUOTING)


def quick_feed() -> Feed:
    return Feed(interval_s=0, retry_ms=7)


async def ask(service: Upstream, request: bytes) -> bytes:
    async with LoopbackServer(service.handle) as server:
        return await exchange(server.port, request)


def put(body: bytes, *headers: str) -> bytes:
    return post(upload.PATH, body, *headers).replace(b"POST", b"PUT", 1)


def test_the_document_quotes_the_files_that_run() -> None:
    quoted = dict(re.findall(r"```js (\w+)\n(.*?)```", DOCUMENT, re.DOTALL))
    del quoted["page"]  # of docs/rpc.md, and no example here
    assert quoted == examples()


@pytest.mark.parametrize("name", examples())
def test_marking_the_code_changes_no_letter_of_it(name: str) -> None:
    code = examples()[name]
    marked = highlighted(code)

    assert unescape(re.sub(r"</?i[^>]*>", "", marked)) == code
    assert '<i class="word">' in marked


def test_what_stands_in_a_string_is_one_string_and_no_tag() -> None:
    assert highlighted("const a = '<b> // 5'") == (
        '<i class="word">const</i> a = <i class="string">\'&lt;b&gt; // 5\'</i>'
    )


async def test_a_feed_breaks_in_the_middle_of_an_entry() -> None:
    service = Upstream(KEY, size=1, entries=quick_feed())
    answer = await ask(service, get(feed.PATH, AUTHORIZED))

    assert b"text/event-stream" in answer
    assert b"retry: 7\n\n" in answer
    assert re.findall(rb"id: (\d+)\n", answer) == [b"1", b"2", b"3", b"4", b"5"]
    assert f"data: {ENTRIES[3]}\n\n".encode() in answer
    assert not answer.endswith(b"0\r\n\r\n"), "the response has no end"
    assert ENTRIES[4].encode() not in answer


@pytest.mark.parametrize(
    ("last", "numbers", "whole"),
    [
        ("4", [5, 6, 7, 8, 9], False),
        ("8", [9, 10, 11, 12], True),
        ("12", [], True),
        ("999999999", [], True),
        ("", [1, 2, 3, 4, 5], False),
        ("four", [1, 2, 3, 4, 5], False),
        ("-1", [1, 2, 3, 4, 5], False),
    ],
)
async def test_a_feed_goes_on_behind_the_last_event(last: str, numbers: list[int], whole: bool) -> None:
    service = Upstream(KEY, size=1, entries=quick_feed())
    answer = await ask(service, get(feed.PATH, AUTHORIZED, f"Last-Event-ID: {last}"))

    assert [int(number) for number in re.findall(rb"id: (\d+)\n", answer)] == numbers
    assert answer.endswith(b"0\r\n\r\n") is whole
    assert (not whole) or unchunk(answer).endswith(b"data: [DONE]\n\n")
    assert service.feed.asked == [last]


@pytest.mark.parametrize("size", [0, 1, 10 << 20])
async def test_an_upload_of_any_size_is_counted_and_digested(size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"?" * (size % 256)
    answer = await ask(Upstream(KEY, size=1, upload_bytes_per_s=1e12), put(body, AUTHORIZED))
    told: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])

    assert told == {"bytes": size, "sha256": hashlib.sha256(body).hexdigest()}


async def test_an_upload_is_read_no_faster_than_it_is_to_be() -> None:
    began = time.monotonic()
    await ask(Upstream(KEY, size=1, upload_bytes_per_s=1_000_000), put(bytes(300_000), AUTHORIZED))

    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (get(feed.PATH), b"401"),
        (put(bytes(1 << 20)), b"401"),
        (post(feed.PATH, b"", AUTHORIZED), b"405"),
        (post(upload.PATH, bytes(1 << 20), AUTHORIZED), b"405"),
    ],
)
async def test_whoever_has_no_key_or_another_method_is_told_so(request_bytes: bytes, status: bytes) -> None:
    """Also who sends a body, which is not answered by a connection that is reset."""
    service = Upstream(KEY, size=1)

    assert (await ask(service, request_bytes)).split()[1] == status
    assert service.feed.asked == []
