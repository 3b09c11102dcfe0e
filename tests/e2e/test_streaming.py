"""The main job: bytes come out of a page's ReadableStream while they arrive, every one of them, in order."""

import hashlib
import random

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import Upstream
from tests.e2e.scripts import script
from tests.upstreams import bodies

MIB = 1 << 20


def test_events_of_a_post_reach_the_page_one_by_one_while_the_server_is_still_sending(
    page: Page, upstream: Upstream
) -> None:
    events = upstream.app.streams.channel()
    page.evaluate(
        script("read_by_events.js"),
        upstream.url("/sse"),
    )
    for number in range(20):
        events.event(f"token {number}")
        # The next event is not sent before this one was seen in the page.
        page.wait_for_function("(n) => seen.join('').includes(`data: token ${n}\\n\\n`)", arg=number)
        assert len(events.sent_at) == number + 1
    events.end()
    assert page.evaluate("reading") == "end"
    assert page.evaluate("type") == "text/event-stream"
    assert page.evaluate("seen.join('')") == "".join(f"data: token {number}\n\n" for number in range(20))
    (request,) = upstream.server.requests
    assert request.method == "POST"


# Several times the largest window and the host's buffers: past those nothing on the way knows how much came before.
SIZES_MIB = [24, *(pytest.param(size, marks=pytest.mark.long) for size in (64, 256))]


@pytest.mark.parametrize("size_mib", SIZES_MIB)
def test_many_mib_of_random_bytes_arrive_with_their_digest(page: Page, upstream: Upstream, size_mib: int) -> None:
    size = size_mib * MIB
    result = page.evaluate(
        """async (url) => {
            const response = await longwire.fetch(url)
            const body = await response.arrayBuffer()
            return { size: body.byteLength, digest: hex(await crypto.subtle.digest('SHA-256', body)) }
        }""",
        upstream.url(f"/bytes?size={size}&seed=big"),
    )
    assert result == {"size": size, "digest": bodies.digest("big", size)}


def test_a_body_that_is_carried_compressed_here_and_plain_there_is_exact(page: Page, upstream: Upstream) -> None:
    chance = random.Random("mixed")
    text = b'data: {"delta": "the same words again"}\n\n' * 40_000
    parts: list[bytes] = []
    for _ in range(60):
        size = chance.choice([1, 8191, 8192, 65536, 300_000])
        parts.append(chance.randbytes(size) if chance.random() < 0.5 else text[:size])
    body = b"".join(parts) + text + chance.randbytes(7)
    upstream.app.site.put("/mixed.bin", body)
    result = page.evaluate(
        """async (url) => {
            const body = await (await longwire.fetch(url)).arrayBuffer()
            return { size: body.byteLength, digest: hex(await crypto.subtle.digest('SHA-256', body)) }
        }""",
        upstream.url("/mixed.bin"),
    )
    assert result == {"size": len(body), "digest": hashlib.sha256(body).hexdigest()}


def test_digests_are_computed_as_hashlib_does() -> None:
    assert bodies.digest("x", 3) == hashlib.sha256(b"".join(bodies.seeded("x", 3))).hexdigest()
