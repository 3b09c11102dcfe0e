"""When two requests are the same."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.durable.digest import request_digest

URL = "https://api.example.com/v1"


def form(boundary: str, *parts: bytes, end: bytes = b"\r\n") -> tuple[str, bytes]:
    """As Chromium and Firefox write it."""
    delimiter = b"--" + boundary.encode()
    body = b"".join(delimiter + b"\r\n" + part + b"\r\n" for part in parts) + delimiter + b"--" + end
    return f"multipart/form-data; boundary={boundary}", body


def field(name: str, value: bytes) -> bytes:
    return b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (name.encode(), value)


def digest_of(asked: tuple[str, bytes]) -> str:
    return request_digest("POST", URL, *asked)


def test_method_url_and_body_count_and_nothing_else() -> None:
    one = request_digest("POST", URL, "text/plain", b"body")
    assert one == request_digest("POST", URL, "application/json", b"body") == request_digest("POST", URL, None, b"body")
    others = [
        request_digest("PUT", URL, "text/plain", b"body"),
        request_digest("POST", URL + "2", "text/plain", b"body"),
        request_digest("POST", URL, "text/plain", b"body2"),
        request_digest("POST", URL, "text/plain", b""),
        request_digest("POST" + URL[:1], URL[1:], "text/plain", b"body"),
    ]
    assert len({one, *others}) == 6
    assert len(one) == 64 and one != hashlib.sha256(b"body").hexdigest()


def test_the_same_entries_are_the_same_whatever_the_boundary() -> None:
    entries = [field("a", b"1"), field("file", b"\x00\r\n--almost\r\n" * 3), field("empty", b"")]
    one = digest_of(form("----WebKitFormBoundaryABCDEFGHIJKLMNOP", *entries))
    assert one == digest_of(form("----geckoformboundary0123456789abcdef", *entries))
    kind, body = form("x y", *entries)
    assert one == request_digest("POST", URL, 'Multipart/Form-Data;charset=utf-8 ; boundary="x y"; a=b', body) != kind
    assert one == digest_of(form("B", *entries, end=b""))
    assert digest_of(form("B")) == digest_of(form("C"))


@pytest.mark.parametrize(
    "entries",
    [
        [field("a", b"1")],
        [field("b", b"2"), field("a", b"1")],
        [field("a", b"1"), field("b", b"2"), field("b", b"2")],
        [field("a", b"12"), field("b", b"")],
        [field("a", b"1\r\n" + field("b", b"2"))],
        [],
    ],
)
def test_other_entries_or_another_order_are_another_request(entries: list[bytes]) -> None:
    assert digest_of(form("B", *entries)) != digest_of(form("B", field("a", b"1"), field("b", b"2")))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data; boundary=B", b"--B\r\nx"),
        ("multipart/form-data; boundary=B", b"preamble--B\r\nx\r\n--B--\r\n"),
        ("multipart/form-data; boundary=B", b"--B\r\nx\r\n--B--\r\nepilogue"),
        ("multipart/form-data", b"--B\r\nx\r\n--B--\r\n"),
        ("multipart/mixed; boundary=B", b"--B\r\nx\r\n--B--\r\n"),
    ],
)
def test_what_is_no_form_as_browsers_write_it_counts_as_it_is(content_type: str, body: bytes) -> None:
    plain = request_digest("POST", URL, None, body)
    assert request_digest("POST", URL, content_type, body) == plain
    assert plain != request_digest("POST", URL, content_type, body.replace(b"x", b"y"))


@given(
    st.lists(st.binary(max_size=30), max_size=4),
    st.lists(st.binary(max_size=30), max_size=4),
    st.text("abcdefAB-", min_size=20, max_size=40),
    st.text("ghijklGH-", min_size=20, max_size=40),
)
def test_two_forms_are_the_same_exactly_if_their_parts_are(
    first: list[bytes], second: list[bytes], one: str, other: str
) -> None:
    assert (digest_of(form(one, *first)) == digest_of(form(other, *second))) == (first == second)
