import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.policy.urls import (
    comparable_path,
    parse_canonical,
    parse_lenient,
    parse_origin,
    scoped_path_hazard,
    shorten,
)
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.limits import MAX_URL_CHARS


def test_a_canonical_url_comes_apart() -> None:
    url = parse_canonical("https://[2001:db8::1]:8443/v1/x?q=%20#fragment")

    assert (url.scheme, url.host, url.port, url.target) == ("https", "2001:db8::1", 8443, "/v1/x?q=%20")
    assert (url.href, url.origin, url.path) == (
        "https://[2001:db8::1]:8443/v1/x?q=%20",
        "https://[2001:db8::1]:8443",
        "/v1/x",
    )
    assert url.is_ip


def test_the_default_port_is_filled_in_and_an_empty_query_kept() -> None:
    url = parse_canonical("http://example.com/?")

    assert (url.port, url.target, url.is_ip) == (80, "/?", False)


@pytest.mark.parametrize(
    "text",
    [
        "http://a.com\\@b.com/",
        "http://127.1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://127.0.0.1.",
        "http://example.com",
        "http://EXAMPLE.com/",
        "HTTP://example.com/",
        "http://example.com:80/",
        "http://ex%61mple.com/",
        "http://exam\tple.com/",
        " http://example.com/",
        "http://example.com/ ",
        "http:example.com/",
        "http:///example.com/",
        "http://@example.com/",
        "http://example.com/%2e%2e/admin",
        "http://example.com/a/../b",
        "http://example.com/a\\b",
        "http://example.com/a b",
        "http://example.com/ü",
        "http://faß.example/",
        "http://[::127.0.0.1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://example.com/?a b",
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(text: str) -> None:
    with pytest.raises(StreamError) as caught:
        parse_canonical(text)
    assert caught.value.code is ErrorCode.PROTOCOL


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "absolute"),
        ("/v1/chat", "absolute"),
        ("//example.com/", "absolute"),
        ("ftp://example.com/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("chrome-extension://abc/", "scheme"),
        ("wss+x://example.com/", "scheme"),
        ("wss://user@example.com/", "user name"),
        ("wss://example.com:443/", "canonical"),
        ("http://user@example.com/", "user name"),
        ("http://:secret@example.com/", "user name"),
        ("http://example.com./", "ends in a dot"),
        ("http://127.0.0.1./", "canonical"),
        ("http://a..com/", "DNS name"),
        ("http://a*b/", "DNS name"),
        (f"http://{'a' * 64}.com/", "DNS name"),
        ("http://[fe80::1%25eth0]/", "absolute"),
        ("http://example.com:0/", "port"),
        ("http://example.com:65536/", "absolute"),
        ("http://example.com/\ud800", "absolute"),
        ("http://example.com/" + "a" * MAX_URL_CHARS, "longer"),
    ],
)
def test_each_refusal_names_its_reason(text: str, reason: str) -> None:
    with pytest.raises(StreamError, match=reason) as caught:
        parse_canonical(text)
    assert caught.value.code is ErrorCode.PROTOCOL


def test_a_password_is_never_quoted() -> None:
    with pytest.raises(StreamError) as caught:
        parse_canonical("http://someone:hunter2@example.com/")
    assert "hunter2" not in caught.value.text


def test_what_a_person_types_is_made_canonical() -> None:
    assert parse_lenient("HTTP://Example.COM:80/a/../b c").href == "http://example.com/b%20c"


URL_TEXTS = st.one_of(
    st.text(max_size=40).map(lambda tail: "http://example.com/" + tail),
    st.text(max_size=20).map(lambda host: f"https://{host}/x"),
    st.text(alphabet="htps:/\\@.%?#[]:0123456789abcdefx \t\n;", max_size=40).map(lambda tail: "http:" + tail),
)


@given(URL_TEXTS)
def test_what_is_accepted_is_a_fixed_point_of_a_whatwg_parser(text: str) -> None:
    try:
        url = parse_canonical(text)
    except StreamError:
        return
    again = ada_url.URL(url.href)

    assert again.href == url.href
    assert url.href.isascii()
    assert url.href.isprintable()
    assert " " not in url.href
    host = f"[{url.host}]" if ":" in url.host else url.host
    port = f":{url.port}" if again.port else ""
    assert f"{url.scheme}://{host}{port}{url.target}" == url.href


@given(URL_TEXTS)
def test_making_canonical_is_idempotent(text: str) -> None:
    try:
        url = parse_lenient(text)
    except StreamError:
        return
    assert parse_canonical(url.href) == url


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "",
        "https://a.com/",
        "https://a.com/x",
        "https://A.com",
        "https://a.com:443",
        "file://",
        "blob:https://a.com",
    ],
)
def test_only_a_serialised_http_origin_is_a_page_origin(text: str) -> None:
    assert parse_origin(text) is None


def test_a_page_origin_keeps_its_port() -> None:
    origin = parse_origin("http://localhost:5173")

    assert origin is not None
    assert (origin.host, origin.port) == ("localhost", 5173)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/%2e%2e/admin",
        "/v1/..%2fadmin",
        "/v1/%2E%2E%2Fadmin",
        "/v1/..%5cadmin",
        "/v1/..%5Cadmin",
        "/v1/%252e%252e/admin",
        "/v1/%25252fadmin",
        "/v1/%%32%65%%32%65/admin",
        "/v1/..;/admin",
        "/v1/..;x=1/admin",
        "/v1/.;/admin",
        "/v1/%c0%ae%c0%ae/admin",
        "/v1/%e0%80%af",
        "/v1/%" + "25" * 20 + "41",
        "/v1/%EF%BC%8E%EF%BC%8E%EF%BC%8Fadmin",  # fullwidth ../
        "/v1/..%EF%BC%BCadmin",  # fullwidth backslash
        "/v1/%E2%80%A5/admin",  # two dot leader
        "/v1/%E2%80%A4%E2%80%A4/admin",  # one dot leaders
        "/v1/%25EF%25BC%258E%25EF%25BC%258E/admin",
        "/v1/%EF%BC%852e%EF%BC%852e/admin",  # fullwidth percent
        # What climbs in any order of decoding, from wherever in the path.
        "/v1/x%2F..%2F..%2Fadmin",
        "/v1/x%2f%2e%2e%2f%2e%2e%2fadmin",
        "/v1/%2f../admin",
        "/v1/x%5c..%5c..%5cadmin",
        "/v1/x%252F..%252F..%252Fadmin",
        "/v1/.%252e%2fadmin",
        "/v1/..%3b/admin",
        "/v1/..%3Fx",
        "/v1/..%23x",
        "/v1/..%2500",
        # A server that joins the decoded segment to a folder takes it for the root.
        "/v1/%2Fadmin",
        "/v1/%5Cadmin",
        "/v1/%2F%2Fadmin",
        "/v1/C%3A%5Cadmin",
        "/v1/%252Fadmin",
        # Dots and spaces only: some servers cut both off.
        "/v1/...",
        "/v1/....//",
        "/v1/..%20/admin",
        "/v1/%20../admin",
        "/v1/.%20./admin",
        "/v1/%20",
        "/v1/%C2%A0../admin",  # no-break space
        "/v1/%E3%80%80/",  # ideographic space
        "/v1/%E2%80%A6/",  # ellipsis
        "/v1/..%CD%8F/admin",  # a mark that joins what stands beside it, and is not seen
        # A decoder of forms makes a space of a plus.
        "/v1/..+",
        "/v1/+../admin",
        "/v1/.+./admin",
        "/v1/..%2B/admin",
        # A mark beside an escape that is decoded later: composed with its last digit, it would hide it.
        "/v1/..%252f%CC%87admin",
        "/v1/..%255c%CC%81admin",
        "/v1/%252e%CC%81%252e%CC%81",
        # No two hexadecimal digits.
        "/v1/100%",
        "/v1/%zz",
        "/v1/%2",
        "/v1/%u002e%u002e/admin",
        "/v1/%%32%65/",
        # Controls and what is not seen.
        "/v1/a%00.json",
        "/v1/a%0d%0aX:%201",
        "/v1/%09",
        "/v1/a%7Fb",
        "/v1/a%C2%85b",
        "/v1/.%E2%80%8B./admin",  # zero width space
        "/v1/a%E2%80%8Db",  # zero width joiner
        "/v1/a%E2%80%AEb",  # right-to-left override
        "/v1/a%E2%81%A6b",  # isolate
        "/v1/a%EF%BB%BFb",  # byte-order mark
        "/v1/a%C2%ADb",  # soft hyphen
        "/v1/a%E2%80%A8b",  # line separator
        "/v1/a%F3%A0%81%81b",  # tag
        # Look-alikes of slashes and backslashes.
        "/v1/a%EF%BC%8Fb",  # fullwidth
        "/v1/a%EF%BC%BCb",
        "/v1/a%EF%B9%A8b",  # small reverse solidus
        "/v1/a%E2%88%95b",  # division slash
        "/v1/a%E2%81%84b",  # fraction slash
        "/v1/a%E2%A7%B8b",  # big solidus
        "/v1/a%E2%95%B1b",  # box drawing diagonal
        "/v1/a%E2%88%96b",  # set minus
        "/v1/a%E2%A7%B5b",  # reverse solidus operator
        "/v1/a%E2%A7%B9b",  # big reverse solidus
        "/v1/%E2%84%80x",  # a/c in one character
        "/v1/a%25E2%2588%2595b",
    ],
)
def test_a_path_that_a_server_could_read_as_another_is_a_hazard(path: str) -> None:
    assert scoped_path_hazard(path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/",
        "/v1/a.b",
        "/v1/..a",
        "/v1//x",
        "/v1/a;b=1",
        "/v1/;b=1",
        # An escape that is data.
        "/v1/projects/group%2Fproject",
        "/v1/projects/group%2fsub%2Fproject/files/a%2Fb.txt",
        "/v1/report%2epdf",
        "/v1/a%2F%2Fb",
        "/v1/a%2F",
        "/v1/https%3A%2F%2Fexample.com%2Fx",
        "/v1/DOMAIN%5Cuser",
        "/v1/a%252Fb",
        "/v1/100%25",
        "/v1/%25zz",
        "/v1/a%20b%20",
        "/v1/..a%2F.b%2Fc..",
        "/v1/%F0%9F%98%80",
        "/v1/%C2%BD",  # one half, which normalisation writes with a fraction slash
        "/v1/e%CC%81",  # e and its accent
        "/v1/%C3%BC%20",
        "/v1/%3B",
        # Names that real servers use.
        "/v1/src/+/refs/heads/main",
        "/v1/C++",
        "/v1/C%2B%2B.h",
        "/v1/@scope%2fname/-/name-1.0.tgz",
        "/v1/%3Clogstash-%7Bnow%2Fd%7D%3E/_search",
        "/v1/What%3F",
        "/v1/%23room:example.org",
        "/v1/blobs/sha256:abc",
        "/v1/a..b",
        "/v1/feature%2F.github",
        "/v1/a%25b",
        "/v1/%EF%BC%A1%E2%91%A0",  # fullwidth A, circled 1
    ],
)
def test_an_ordinary_path_is_none(path: str) -> None:
    assert scoped_path_hazard(path) is None


@pytest.mark.parametrize(
    ("as_one_browser_writes_it", "as_another"),
    [("/v1/a|b", "/v1/a%7Cb"), ("/v1/a%7cb", "/v1/a%7Cb"), ("/v1/a%2fb", "/v1/a%2Fb"), ("/|", "/%7C")],
)
def test_paths_are_compared_in_one_form(as_one_browser_writes_it: str, as_another: str) -> None:
    assert comparable_path(as_one_browser_writes_it) == comparable_path(as_another) == as_another


@pytest.mark.parametrize("path", ["/v1/a%41", "/v1/%2e", "/a%2Fb", "/~{}", "/%25%37%43"])
def test_nothing_is_decoded_for_a_comparison(path: str) -> None:
    assert comparable_path(path) == path.replace("%2e", "%2E")


@given(st.text(), st.integers(min_value=2, max_value=300))
def test_text_for_messages_is_short_and_printable(text: str, limit: int) -> None:
    short = shorten(text, limit)

    assert len(short) <= limit
    assert short.isprintable()
