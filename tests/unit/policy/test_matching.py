import posixpath
import re
from urllib.parse import unquote

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from longwire.policy.matching import DestinationPattern, PagePattern, is_public_suffix, parse_method
from longwire.policy.urls import parse_canonical, parse_lenient, parse_origin
from longwire.protocol.errors import StreamError


def page_matches(pattern: str, origin: str) -> bool:
    parsed = parse_origin(origin)
    assert parsed is not None
    return PagePattern.parse(pattern).matches(parsed)


def destination_matches(pattern: str, url: str) -> bool:
    return DestinationPattern.parse(pattern).matches(parse_canonical(url))


@pytest.mark.parametrize(
    ("pattern", "origin", "expected"),
    [
        ("https://chat.example.com", "https://chat.example.com", True),
        ("https://chat.example.com", "http://chat.example.com", False),
        ("https://chat.example.com", "https://chat.example.com:8443", False),
        ("https://chat.example.com", "https://evil-chat.example.com", False),
        ("https://chat.example.com", "https://chat.example.com.evil.org", False),
        ("http://localhost", "http://localhost:5173", False),
        ("http://127.0.0.1:*", "http://127.0.0.1:5173", True),
        ("http://127.0.0.1:*", "http://127.0.0.1", True),
        ("http://127.0.0.1:*", "https://127.0.0.1", False),
        ("http://[::1]:*", "http://[::1]:99", True),
        ("https://*.tools.example.com", "https://a.tools.example.com", True),
        ("https://*.tools.example.com", "https://a.b.tools.example.com", True),
        ("https://*.tools.example.com", "https://tools.example.com", False),
        ("https://*.tools.example.com", "https://atools.example.com", False),
        ("https://*.tools.example.com", "https://a.tools.example.com:444", False),
        ("HTTPS://Chat.Example.COM:443".lower(), "https://chat.example.com", True),
        ("https://bücher.example", "https://xn--bcher-kva.example", True),
    ],
)
def test_a_page_pattern_is_an_origin(pattern: str, origin: str, expected: bool) -> None:
    assert page_matches(pattern, origin) is expected


@pytest.mark.parametrize(
    ("pattern", "url", "expected"),
    [
        ("https://api.example.com", "https://api.example.com/anything?x", True),
        ("wss://api.example.com/v1/", "wss://api.example.com/v1/live?x", True),
        ("wss://*.example.com", "wss://a.example.com/", True),
        ("wss://api.example.com", "https://api.example.com/", False),
        ("https://api.example.com", "wss://api.example.com/", False),
        ("ws://localhost:8080", "ws://localhost:8080/", True),
        ("ws://api.example.com", "wss://api.example.com/", False),
        ("https://api.example.com/", "https://api.example.com/%2e%2f", True),  # not held to a prefix
        ("https://api.example.com/v1", "https://api.example.com/v1", True),
        ("https://api.example.com/v1", "https://api.example.com/v1?x=1", True),
        ("https://api.example.com/v1", "https://api.example.com/v1/", True),
        ("https://api.example.com/v1", "https://api.example.com/v1/chat", True),
        ("https://api.example.com/v1", "https://api.example.com/v1evil", False),
        ("https://api.example.com/v1", "https://api.example.com/v1;x", False),
        ("https://api.example.com/v1", "https://api.example.com//v1", False),
        ("https://api.example.com/v1", "https://api.example.com/V1", False),
        ("https://api.example.com/v1/", "https://api.example.com/v1", False),
        ("https://api.example.com/v1/", "https://api.example.com/v1/", True),
        ("https://api.example.com/v1/", "https://api.example.com/v1//x", True),
        ("https://api.example.com/v1/", "https://api.example.com/v1/a%2Fb", True),
        ("https://api.example.com/v1/", "https://api.example.com/v1/..;/admin", False),
        ("https://api.example.com/v1/", "https://api.example.com/?/v1/", False),
        ("https://api.example.com:8443/", "https://api.example.com/", False),
        ("https://api.example.com:8443/", "https://api.example.com:8443/", True),
        ("https://*.example.com/v1/", "https://api.example.com/v1/x", True),
        ("https://*.example.com/v1/", "https://example.com/v1/x", False),
        ("http://api.example.com/", "https://api.example.com/", False),
    ],
)
def test_a_destination_is_held_to_origin_and_path(pattern: str, url: str, expected: bool) -> None:
    assert destination_matches(pattern, url) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "scheme://host"),
        ("*", "scheme://host"),
        ("chat.example.com", "scheme://host"),
        ("https://", "scheme://host"),
        ("https://*", "scheme://host"),
        ("https://*.", "scheme://host"),
        ("https://a*.example.com", "scheme://host"),
        ("https://*.*.example.com", "scheme://host"),
        ("https://a.*.example.com", "scheme://host"),
        ("https://user@example.com", "scheme://host"),
        ("https://exam%70le.com", "scheme://host"),
        ("https://a.com\\b", "scheme://host"),
        ("https://a.com:*1", "scheme://host"),
        ("ftp://example.com", "http or https"),
        ("file:///x", "scheme://host"),
        ("https://example.com.", "not valid"),
        ("https://example.com:99999", "not valid"),
        ("https://127.1", '"127.0.0.1"'),
        ("http://2130706433", '"127.0.0.1"'),
        ("http://[0::1]", '"::1"'),
        ("https://*.com", "public suffix"),
        ("https://*.co.uk", "public suffix"),
        ("https://*.github.io", "public suffix"),
        ("https://*.internal", "public suffix"),
        ("https://*.10.0.0.1", "no subdomains"),
    ],
)
@pytest.mark.parametrize("kind", [PagePattern, DestinationPattern])
def test_a_bad_pattern_says_what_to_write(
    kind: type[PagePattern] | type[DestinationPattern], text: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason.replace(".", r"\.").replace("*", r"\*")):
        kind.parse(text)


def test_a_page_does_not_lie_at_a_socket() -> None:
    with pytest.raises(ValueError, match=r'write "https://\*\.a\.example:8443"'):
        PagePattern.parse("wss://*.a.example:8443")
    assert parse_origin("wss://a.example") is None


@pytest.mark.parametrize("text", ["https://a.com/", "https://a.com/x"])
def test_a_page_has_no_path(text: str) -> None:
    with pytest.raises(ValueError, match=r'write "https://a\.com"'):
        PagePattern.parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://a.com:*/", "port"),
        ("https://a.com/v1?x", "no query"),
        ("https://a.com/v1#x", "no query"),
        ("https://a.com/a/../b", 'write "/b"'),
        ("https://a.com/%2e%2e/b", 'write "/b"'),
        ("https://a.com/..%2fb/", "escaped"),
        ("https://a.com/100%/", "two hexadecimal digits"),
        ("https://a.com/ü", "canonical"),
    ],
)
def test_a_destinations_path_is_canonical_and_free_of_hazards(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        DestinationPattern.parse(text)


def test_patterns_read_back_as_they_are_written() -> None:
    assert str(PagePattern.parse("https://*.Example.com:443".lower())) == "https://*.example.com"
    assert str(PagePattern.parse("http://[::1]:*")) == "http://[::1]:*"
    assert str(DestinationPattern.parse("https://api.example.com:8443")) == "https://api.example.com:8443/"


def test_suffixes_are_judged_offline() -> None:
    assert is_public_suffix("co.uk")
    assert not is_public_suffix("tools.example.com")


LABEL = st.text(alphabet="abcdefghij", min_size=1, max_size=4)
SEGMENTS = st.lists(st.text(alphabet="ab.;%2ef5cC/\\ ?", max_size=8), max_size=4)


def readings(path: str) -> set[str]:
    """A path as servers may read it: decoded again and again, all of it or some characters, parameters cut or not."""
    found: set[str] = set()
    new = {path}
    while new and len(found) < 200:
        found |= new
        orders = ((".", "2e"), ("/", "2f"), ("\\", "5c"))
        new = {unquote(each) for each in new} | {
            re.sub(f"%{code}", lambda _, char=char: char, each, flags=re.IGNORECASE)  # type: ignore[misc]
            for each in new
            for char, code in orders
        }
        new -= found
    return found | {re.sub(r"[;?#][^/\\]*", "", each) for each in found}


def where_it_leads(path: str) -> str:
    """The folder that a file system would open."""
    names = [name.rstrip(" ") if name.strip(". ") else name.replace(" ", "") for name in re.split(r"[/\\]", path)]
    return posixpath.normpath("/" + "/".join(names).lstrip("/"))


@settings(deadline=None)  # a tail has up to 200 readings
@given(tail=SEGMENTS, joint=st.sampled_from(["/", "%2f", "//", "/%2f", "/x%2f"]))
def test_what_matches_a_prefix_lies_below_it_after_any_decoding(tail: list[str], joint: str) -> None:
    """A server may decode, cut and normalise in any order; even then the path may not have left the prefix."""
    pattern = DestinationPattern.parse("https://h.example/in/side/")
    try:
        url = parse_lenient(f"https://h.example/in/side{joint}{'/'.join(tail)}")
    except StreamError:
        reject()
    if pattern.matches(url):
        for reading in readings(url.path):
            assert (where_it_leads(reading) + "/").startswith("/in/side/"), reading


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        # An escaped slash is no boundary of segments, neither for the prefix nor below it.
        ("/api/v4/", "/api/v4/projects/group%2Fproject", True),
        ("/api/v4/", "/api%2Fv4/projects", False),
        ("/api/v4/", "/api/v4%2Fprojects", False),
        ("/api/v4", "/api/v4%2Fprojects", False),
        ("/api/v4/projects/group%2Fproject/", "/api/v4/projects/group%2fproject/issues", True),
        ("/api/v4/projects/group%2Fproject/", "/api/v4/projects/group/project/issues", False),
        ("/api/v4/projects/group/", "/api/v4/projects/group%2Fproject", False),
        # What one browser escapes and another leaves.
        ("/a|b/", "/a%7Cb/x", True),
        ("/a|b/", "/a|b/x", True),
        ("/a%7Cb/", "/a|b/x", True),
        ("/a%7cb", "/a%7Cb", True),
        ("/a|b/", "/a%257Cb/x", False),
    ],
)
def test_paths_are_compared_by_segments_as_they_are_written(pattern: str, path: str, matches: bool) -> None:
    url = parse_lenient("https://h.example" + path)

    assert DestinationPattern.parse("https://h.example" + pattern).matches(url) is matches
    assert url.target == path  # what goes out is what the browser wrote


@given(labels=st.lists(LABEL, min_size=1, max_size=3), glued=LABEL)
def test_a_wildcard_takes_whole_labels(labels: list[str], glued: str) -> None:
    host = ".".join(labels)

    assert page_matches("https://*.tools.example.com", f"https://{host}.tools.example.com")
    assert not page_matches("https://*.tools.example.com", f"https://{host}{glued}tools.example.com")


@pytest.mark.parametrize("method", ["GET", "POST", "PROPFIND", "custom"])
def test_methods_that_may_be_granted(method: str) -> None:
    assert parse_method(method) == method


@pytest.mark.parametrize("method", ["*", "", "GE T", "get", "Post", "CONNECT", "trace", "TRACK", "A" * 33])
def test_methods_that_may_not(method: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_method(method)
