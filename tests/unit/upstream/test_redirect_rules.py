"""The redirect rules of the fetch standard, pure: no server, no client."""

from collections.abc import AsyncIterator

import pytest

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import MAX_REDIRECTS
from longwire.protocol.records import RedirectMode
from longwire.upstream import RequestBody, StreamedBody, carried_headers
from longwire.upstream.redirects import Chain, as_redirect, follow, location_of

HERE = "https://a.test/dir/page?q=1#part"


async def _pieces() -> AsyncIterator[bytes]:
    yield b""


def go(
    location: str,
    *,
    status: int = 302,
    method: str = "GET",
    body: RequestBody = None,
    url: str = HERE,
    mode: RedirectMode = RedirectMode.FOLLOW,
) -> Chain:
    return follow(Chain(method, url, body), status, location, mode)


def denied(location: str, **parts: object) -> ErrorCode:
    with pytest.raises(StreamError) as caught:
        go(location, **parts)  # type: ignore[arg-type]  # passed on as given
    assert caught.value.phase is Phase.HEADERS
    return caught.value.code


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
def test_method_and_body(status: int, method: str) -> None:
    body = None if method in ("GET", "HEAD") else b"body"
    chain = go("/next", status=status, method=method, body=body)
    if (status in (301, 302) and method == "POST") or (status == 303 and method not in ("GET", "HEAD")):
        assert (chain.method, chain.body, chain.body_dropped) == ("GET", None, True)
    else:
        assert (chain.method, chain.body, chain.body_dropped) == (method, body, False)
    assert as_redirect(chain).replays_body == (chain.body is not None)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/x", "https://a.test/x#part"),
        ("x", "https://a.test/dir/x#part"),
        ("?y", "https://a.test/dir/page?y#part"),
        ("#other", "https://a.test/dir/page?q=1#other"),
        ("/x#other", "https://a.test/x#other"),
        ("//b.test/x", "https://b.test/x#part"),
        ("https://b.test:443/x", "https://b.test/x#part"),
        ("HTTPS://B.test/%7e", "https://b.test/%7e#part"),
        ("/a/../b", "https://a.test/b#part"),
        ("\\\\b.test\\x", "https://b.test/x#part"),
        ("/caf\u00c3\u00a9?\u00e9", "https://a.test/caf%C3%A9?%E9#part"),
        ("https://127.1/", "https://127.0.0.1/#part"),
    ],
)
def test_the_location_is_read_as_a_browser_reads_it(location: str, expected: str) -> None:
    assert go(location).url == expected


def test_without_a_fragment_there_is_none_to_inherit() -> None:
    assert go("/x", url="https://a.test/").url == "https://a.test/x"


@pytest.mark.parametrize(
    "location",
    [
        "http://a.test/",
        "ftp://a.test/",
        "data:text/plain,x",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://user@a.test/",
        "https://user:password@a.test/",
    ],
)
def test_where_no_redirect_may_lead(location: str) -> None:
    assert denied(location) is ErrorCode.REDIRECT_DENIED


@pytest.mark.parametrize("location", ["https://", "https://a b/", "https://[::1", "/" + "x" * 70_000])
def test_what_is_not_a_url(location: str) -> None:
    assert denied(location) is ErrorCode.UPSTREAM_PROTOCOL


def test_http_may_lead_to_https_and_to_http() -> None:
    assert go("https://a.test/", url="http://a.test/").crossed_origin
    assert not go("/x", url="http://a.test/").crossed_origin


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_streamed_body_cannot_be_sent_twice(status: int) -> None:
    assert denied("/x", status=status, method="POST", body=StreamedBody(None, _pieces())) is ErrorCode.REDIRECT_DENIED


@pytest.mark.parametrize("status", [307, 308])
def test_a_streamed_body_that_begins_anew_is_sent_again(status: int) -> None:
    first, second = _pieces(), _pieces()
    chain = go("/x", status=status, method="POST", body=StreamedBody(7, first, lambda: second))
    assert isinstance(chain.body, StreamedBody)
    assert (chain.method, chain.body.size, chain.body.pieces) == ("POST", 7, second)
    assert as_redirect(chain).replays_body


@pytest.mark.parametrize("status", [301, 302])
def test_a_streamed_body_that_begins_anew_may_be_left_behind(status: int) -> None:
    chain = go("/x", status=status, method="POST", body=StreamedBody(None, _pieces(), _pieces))
    assert (chain.method, chain.body) == ("GET", None)


def test_after_303_a_streamed_body_is_not_needed() -> None:
    chain = go("/x", status=303, method="POST", body=StreamedBody(None, _pieces()))
    assert (chain.method, chain.body) == ("GET", None)


def test_mode_error() -> None:
    assert denied("/x", mode=RedirectMode.ERROR) is ErrorCode.REDIRECT_DENIED


def test_ten_redirects_and_not_eleven() -> None:
    chain = Chain("GET", HERE, None)
    for _ in range(MAX_REDIRECTS):
        chain = follow(chain, 302, "/again", RedirectMode.FOLLOW)
    with pytest.raises(StreamError) as caught:
        follow(chain, 302, "/again", RedirectMode.FOLLOW)
    assert caught.value.code is ErrorCode.TOO_MANY_REDIRECTS


def test_what_was_taken_off_does_not_come_back() -> None:
    chain = go("https://b.test/", status=303, method="POST", body=b"x")
    chain = follow(chain, 302, HERE, RedirectMode.FOLLOW)
    assert chain.crossed_origin and chain.body_dropped
    page = [
        ("Authorization", "mine"),
        ("X-API-Key", "k"),
        ("Proxy_Authorization", "p"),
        ("Content-Type", "text/plain"),
        ("Content_Type", "text/plain"),
        ("Accept", "a"),
        ("accept", "b"),
    ]
    assert carried_headers(page, as_redirect(chain)) == [("Accept", "a"), ("accept", "b")]


def test_same_origin_redirects_carry_everything_that_fits_the_method() -> None:
    page = [("Authorization", "mine"), ("Content-Type", "text/plain")]
    assert carried_headers(page, as_redirect(go("/x", status=307, method="POST", body=b"x"))) == page
    assert carried_headers(page, as_redirect(go("/x", method="POST", body=b"x"))) == page[:1]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (302, [("location", "/x")], "/x"),
        (302, [("location", "/x"), ("location", "/x")], "/x"),
        (302, [], None),
        (302, [("location", "")], None),
        (200, [("location", "/x")], None),
        (201, [("location", "/x")], None),
        (300, [("location", "/x")], None),
        (304, [("location", "/x")], None),
        (305, [("location", "/x")], None),
    ],
)
def test_which_responses_are_redirects(status: int, headers: list[tuple[str, str]], expected: str | None) -> None:
    assert location_of(status, headers) == expected


def test_locations_that_differ_are_an_error() -> None:
    with pytest.raises(StreamError) as caught:
        location_of(302, [("location", "/x"), ("location", "/y")])
    assert caught.value.code is ErrorCode.UPSTREAM_PROTOCOL
