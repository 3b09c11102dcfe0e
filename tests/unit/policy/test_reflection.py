import base64
import html
import json
import re
import time
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.policy.reflection import MIN_SECRET_BYTES, ReflectionScanner, secret_forms
from longwire.policy.secrets import Secret

VALUE = "sk/0123+456789=ABC"


def completing_piece(pieces: list[bytes], value: str = VALUE) -> int | None:
    scanner = ReflectionScanner([Secret("s", value)])
    return next((index for index, piece in enumerate(pieces) if scanner.feed(piece)), None)


FORMS = [
    VALUE.encode(),
    *[base64.b64encode(b"x" * before + VALUE.encode() + b"tail") for before in range(4)],
    *[base64.urlsafe_b64encode(b"x" * before + VALUE.encode()) for before in range(3)],
    base64.b64encode(VALUE.encode()),
    quote(VALUE, safe="").encode(),
    quote(VALUE, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d").encode(),
]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_in_the_piece_that_completes_it(form: bytes) -> None:
    assert completing_piece([b"before", b"{" + form + b"}", b"after"]) == 1


@pytest.mark.parametrize("form", FORMS)
def test_byte_by_byte_it_is_found_and_not_before_its_last_telling_byte(form: bytes) -> None:
    found = completing_piece([bytes([byte]) for byte in b"noise" + form + b"noise"])
    shortest = min(map(len, secret_forms(VALUE.encode())))

    assert found is not None
    assert shortest <= found + 1 - len(b"noise") <= len(form)


@given(
    st.binary(max_size=60), st.binary(max_size=60), st.lists(st.integers(0, 140), max_size=8), st.sampled_from(FORMS)
)
def test_any_split_finds_it(before: bytes, after: bytes, cuts: list[int], form: bytes) -> None:
    body = before + form + after
    edges = sorted({0, len(body), *(cut for cut in cuts if cut <= len(body))})

    assert completing_piece([body[start:end] for start, end in pairwise(edges)]) is not None


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_it_says_nothing_about_other_bytes(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    expected = any(form in body for form in secret_forms(VALUE.encode()))

    assert (completing_piece(pieces) is not None) is expected


def test_a_part_of_the_secret_passes() -> None:
    assert completing_piece([VALUE[:-1].encode(), b" ", VALUE[1:].encode()]) is None


AWKWARD = "k\xe9y/01\"2\\3+45&6<7>'8 =!*()~"
JSON = json.dumps(AWKWARD)


@pytest.mark.parametrize(
    "form",
    [
        quote(AWKWARD, safe="", encoding="latin-1"),
        quote(AWKWARD, safe="/!*'()~+=&", encoding="latin-1").lower(),
        quote_plus(AWKWARD, encoding="latin-1"),
        quote(AWKWARD, safe="!*'()"),  # encodeURIComponent, of a field taken for text
        JSON,
        JSON.replace("/", "\\/"),
        re.sub(r"[&<>'+=]", lambda match: f"\\u{ord(match[0]):04X}", JSON),
        html.escape(AWKWARD).replace("\xe9", "&#233;"),
        html.escape(AWKWARD).replace("&#x27;", "&#039;").replace("\xe9", "&#xE9;"),
        AWKWARD,
    ],
)
def test_each_character_may_be_escaped_as_urls_json_and_html_do(form: str) -> None:
    for encoding in ("latin-1", "utf-8"):
        data = form.encode(encoding)
        assert completing_piece([b"before " + data + b" after"], AWKWARD) == 0
        assert completing_piece([bytes([byte]) for byte in data], AWKWARD) is not None


def test_a_body_made_to_waste_time_does_not() -> None:
    for value, piece in (("%25" * 2000, b"%25" * 20_000), ("&" * 60 + "x", b"&amp;amp;" * 20_000)):
        began = time.process_time()
        assert completing_piece([piece], value) == (0 if value[0] == "%" else None)
        assert time.process_time() - began < 1


def test_short_secrets_are_not_looked_for() -> None:
    short, enough = "a" * (MIN_SECRET_BYTES - 1), "a" * MIN_SECRET_BYTES

    assert completing_piece([short.encode()], short) is None
    assert completing_piece([enough.encode()], enough) == 0
    assert not ReflectionScanner([Secret("s", short)]).active


def test_several_secrets_are_all_looked_for() -> None:
    values = {"first": "first-secret-value", "second": "second-secret-value"}
    for name, value in values.items():
        scanner = ReflectionScanner([Secret(each, values[each]) for each in values])
        assert scanner.feed(value.encode()) == name


def test_memory_stays_below_the_longest_form() -> None:
    scanner = ReflectionScanner([Secret("s", VALUE)])
    longest = scanner._keep + 1
    assert longest < 10 * len(VALUE)
    for size in (1, 3, longest, 100_000, 1):
        scanner.feed(b"z" * size)
        assert len(scanner._tail) < longest
