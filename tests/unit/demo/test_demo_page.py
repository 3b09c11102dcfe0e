"""What the demo's page is served with, and what is made of what it reports."""

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from longwire.assets import client_library
from longwire.demo.page import DemoPage
from longwire.demo.pages import examples, highlighted
from longwire.demo.server import LoopbackServer
from longwire.demo.upstream import Upstream
from tests.unit.demo.demo_http import exchange, get, post

KEY = "lw-demo-0123456789abcdefghij"


class Heard:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.received: list[tuple[int, float]] = []

    def text(self, words: str) -> None:
        self.texts.append(words)

    def download(self, received: int, seconds: float) -> None:
        self.received.append((received, seconds))


@asynccontextmanager
async def demo_page() -> AsyncIterator[tuple[DemoPage, Heard, int]]:
    heard = Heard()
    page = DemoPage(Upstream(KEY, size=1000), "http://127.0.0.1:1", KEY, heard)
    async with LoopbackServer(page.handle) as server:
        yield page, heard, server.port


def answered(answer: bytes) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return content


async def test_the_page_is_served_with_the_upstream_in_it_and_a_tight_policy() -> None:
    async with demo_page() as (page, _, port):
        answer = await exchange(port, get("/"))

    assert b'data-chat="http://127.0.0.1:1/v1/chat/completions"' in answer
    assert b'data-size="1000"' in answer
    assert b"{{" not in answer
    assert b"script-src 'self'; style-src 'self'" in answer
    assert b"connect-src 'self' http://127.0.0.1:1;" in answer
    assert page.loaded


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/main.js", b"text/javascript"),
        ("/style.css", b"text/css"),
        ("/examples", b"text/html"),
        ("/examples/chat.js", b"text/javascript"),
        ("/longwire.min.js", b"text/javascript"),
    ],
)
async def test_its_files_are_served_by_type(path: str, kind: bytes) -> None:
    async with demo_page() as (_, _, port):
        answer = await exchange(port, get(path))

    assert answer.split()[1] == b"200"
    assert b"Content-Type: " + kind in answer


async def test_the_examples_go_to_the_upstream_with_the_built_library() -> None:
    async with demo_page() as (_, _, port):
        page = await exchange(port, get("/examples"))
        code = (await exchange(port, get("/examples/feed.js?run=2"))).partition(b"\r\n\r\n")[2].decode()
        library = (await exchange(port, get("/longwire.min.js"))).partition(b"\r\n\r\n")[2]

    assert code == examples()["feed"].replace("https://api.example.com", "http://127.0.0.1:1")
    assert highlighted(code.strip()).encode() in page
    assert b"{{" not in page
    assert library == client_library().read_bytes()


async def test_of_inline_scripts_the_import_map_alone_may_be_one() -> None:
    async with demo_page() as (_, _, port):
        first, page = [await exchange(port, get(path)) for path in ("/", "/examples")]
    inline = re.findall(rb"<script(?![^>]*src=)[^>]*>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inline[0]).digest())

    assert len(inline) == 1
    assert b"script-src 'self' 'sha256-" + digest + b"'; style-src" in page
    assert b"script-src 'self'; style-src" in first


@pytest.mark.parametrize("path", ["/page.html", "/../page.py", "/site/main.js", "/favicon.ico", "/examples/"])
async def test_nothing_else_is(path: str) -> None:
    async with demo_page() as (_, _, port):
        assert (await exchange(port, get(path))).split()[1] == b"404"


async def test_what_the_page_reports_is_heard_in_order_and_once() -> None:
    async with demo_page() as (page, heard, port):
        await exchange(port, post("/events", b'["a", "b"]'))
        await exchange(port, post("/progress", b'{"received": 7, "seconds": 0.5}'))
        await exchange(port, post("/events", b'["c"]'))
        await exchange(port, post("/failed", b'{"code": "FIRST", "message": "m"}'))
        await exchange(port, post("/failed", b'{"code": "LATE", "message": "m"}'))
        await exchange(port, post("/shown", b"{}"))

        assert (heard.texts, heard.received, page.events) == (["ab", "c"], [(7, 0.5)], 3)
        assert (page.verdict.result().reason or "").startswith("FIRST")
        assert page.first_text_at is not None
        assert page.shown.is_set()


async def test_a_page_without_the_extension_gives_up_in_the_end() -> None:
    async with demo_page() as (page, _, port):
        for _ in range(20):
            await exchange(port, post("/without-longwire", b"{}"))
        assert not page.verdict.done()
        await exchange(port, post("/without-longwire", b"{}"))

        assert "no window.longwire" in (page.verdict.result().reason or "")
        assert "make build" in (page.verdict.result().fix or "")


@pytest.mark.parametrize("path", ["/done", "/failed", "/stopped"])
async def test_a_report_that_makes_no_sense_fails_the_demo(path: str) -> None:
    async with demo_page() as (page, _, port):
        answer = answered(await exchange(port, post(path, b'{"digest": 5}')))

        assert not answer["ok"]
        assert "makes no sense" in (page.verdict.result().reason or "")


async def test_a_stop_is_no_success_and_says_when_the_upstream_noticed() -> None:
    async with demo_page() as (page, _, port):
        answer = answered(await exchange(port, post("/stopped", b'{"events": 3}')))

        assert (answer["ok"], answer["closedMs"]) == (False, None)
        assert "you stopped it after 3" in (page.verdict.result().reason or "")
