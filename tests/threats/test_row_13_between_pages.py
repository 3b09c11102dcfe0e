"""Row 13: one page learns from what another does: cookies, connections, limits."""

from longwire.protocol.errors import ErrorCode
from tests.threats.conftest import MakeGranted
from tests.upstreams import bodies
from tests.upstreams.connection import Request

PAGES = ("https://chat.example.com", "https://other.example.com")


async def tracking(request: Request) -> None:
    """A server that would know its visitors again."""
    headers = [("Set-Cookie", "visitor=1; Path=/"), ("ETag", '"visitor"'), ("Cache-Control", "max-age=3600")]
    await bodies.respond(request.connection, b"ok", headers=headers)


async def test_two_pages_share_neither_connections_nor_cookies_nor_a_cache(granted: MakeGranted) -> None:
    site = await granted(tracking)
    for page in (*PAGES, *PAGES):
        assert (await site.host.ask(site.url, page=page)).status == 200
    first, second = site.server.connections
    assert [len(connection.requests) for connection in (first, second)] == [2, 2]
    for request in site.server.requests:
        names = {name.lower() for name, _ in request.headers}
        assert not names & {"cookie", "if-none-match", "origin", "referer"}


async def test_one_pages_requests_do_not_use_up_what_the_other_may_ask(granted: MakeGranted) -> None:
    site = await granted(tracking, more="limits = { requests_per_minute = 2 }")
    answers = [await site.host.ask(site.url, page=page) for page in (*[PAGES[0]] * 3, PAGES[1])]
    assert [answer.code for answer in answers] == [None, None, ErrorCode.LIMIT_EXCEEDED, None]
