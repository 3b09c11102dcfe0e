"""A body of no announced length, whose TLS connection ends without TLS's own end: Chromium takes it for whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from longwire.protocol.errors import ErrorCode, Phase
from tests.e2e.browser import Browser, running_browser
from tests.e2e.typed import assert_failed
from tests.upstreams.connection import Request
from tests.upstreams.server import Handler, Server
from tests.upstreams.threaded import ThreadedServer
from tests.upstreams.tls import Authority

ANSWER = b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\nperhaps not all"


@pytest.fixture(scope="module")
def browser_of_module(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium that takes the test's certificates."""
    home = tmp_path_factory.mktemp("home")
    with running_browser(playwright, home, arguments=["--ignore-certificate-errors"]) as browser:
        yield browser


async def cut_off(request: Request) -> None:
    """Answer, and close the socket under TLS."""
    await request.connection.send(ANSWER)
    request.connection.abort()


async def goodbye(request: Request) -> None:
    """Answer, and end TLS before the socket."""
    await request.connection.send(ANSWER)
    request.connection.close()


@pytest.mark.parametrize("answering", [cut_off, goodbye])
def test_a_body_that_only_the_end_of_its_connection_ends(
    browser: Browser, site: ThreadedServer, tmp_path: Path, answering: Handler
) -> None:
    authority = Authority()
    trusted = f"ca_file = '{authority.write_ca(tmp_path)}'"
    with ThreadedServer(lambda: Server(answering, context=authority.server_context())) as server:
        browser.grant(server.url("/"), more=trusted)
        page = browser.open(site.url("/"))
        url = server.url("/")
        assert page.evaluate("(url) => fetch(url).then((response) => response.text())", url) == "perhaps not all"
        came = page.evaluate(
            """(url) => longwire.fetch(url).then(async ({ body }) => {
                const { value } = await body.getReader().read()
                return new TextDecoder().decode(value)
            })""",
            url,
        )
        assert came == "perhaps not all"
        result = page.evaluate("(url) => fetchText(url)", url)
        if answering is goodbye:
            assert result == {"where": "done", "status": 200, "text": "perhaps not all"}
        else:
            assert_failed(result, "body", ErrorCode.UPSTREAM_TRUNCATED, Phase.BODY, "after 15 bytes the server ended")
