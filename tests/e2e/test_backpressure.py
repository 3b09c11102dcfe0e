"""A reader that stops: what is under way stays bounded in every process, and nothing is lost when it reads on."""

import hashlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Playwright

from longwire.protocol.limits import MIB, WINDOW_MAX_BYTES
from tests.e2e.browser import Browser, running_browser
from tests.e2e.conftest import Upstream
from tests.e2e.flow import KernelQueues, collect_garbage, when_still
from tests.e2e.scripts import script
from tests.printed import say
from tests.upstreams import bodies

# Before it stops, the reader has read four times the largest window; and what is to come is more than either bound, so
# that whoever holds it breaks one. The long one shows that what is under way does not grow with what is to come.
BODIES_MIB = [
    pytest.param(64, 112, id="112 MiB"),
    pytest.param(200, 1024, id="1 GiB", marks=pytest.mark.long),
]
MAX_BEYOND_BYTES = 8 * MIB
MAX_GROWTH_BYTES = 32 * MIB


@pytest.fixture(scope="module")
def browser_of_module(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium whose garbage collection the test can ask for."""
    home = tmp_path_factory.mktemp("home")
    with running_browser(playwright, home, arguments=["--js-flags=--expose-gc"]) as browser:
        yield browser


def block_digest(seed: str, size: int) -> str:
    """`BlockDigest` of page.js: constant memory needs a digest of digests."""
    digests = b"".join(hashlib.sha256(block).digest() for block in bodies.seeded(seed, size))
    return hashlib.sha256(digests).hexdigest()


@pytest.mark.measures
@pytest.mark.parametrize(("read_mib", "body_mib"), BODIES_MIB)
def test_a_reader_that_stops_holds_little_and_reads_on_where_it_was(
    browser: Browser, page: Page, upstream: Upstream, read_mib: int, body_mib: int
) -> None:
    body_bytes = body_mib * MIB
    assert read_mib * MIB >= 4 * WINDOW_MAX_BYTES
    assert body_bytes - read_mib * MIB > max(MAX_BEYOND_BYTES, MAX_GROWTH_BYTES)
    page.evaluate(
        script("read_some.js"),
        {"url": upstream.url(f"/bytes?size={body_bytes}&seed=long"), "count": read_mib * MIB},
    )
    (body,) = upstream.server.connections
    collect_garbage(browser, page)
    at_stop = browser.resident_bytes()
    consumed = page.evaluate("digest.total")

    def beyond() -> int:
        """What left the server and the page did not consume."""
        count: int = body.sent - consumed
        assert count < MAX_BEYOND_BYTES
        return count

    waiting = when_still(page, upstream.url("/bytes?size=1"), beyond)
    in_kernel = KernelQueues.of(upstream.server.port).to_client
    collect_garbage(browser, page)
    growth = browser.resident_bytes() - at_stop
    say(
        f"a reader that stops after {consumed / MIB:.0f} of {body_mib} MiB: {waiting / MIB:.2f} MiB left "
        f"the server beyond that, {in_kernel / MIB:.2f} of them in the kernel; all processes grew by "
        f"{growth / MIB:.1f} MiB"
    )
    assert growth < MAX_GROWTH_BYTES
    assert page.evaluate("digest.total") == consumed, "nobody read meanwhile"

    assert page.evaluate("readInto(digest, reader)") is True
    assert page.evaluate("digest.total") == body_bytes
    assert page.evaluate("digest.finish()") == block_digest("long", body_bytes)
