"""What the guard finds, in every form and every cut, and what passes."""

import base64
import html
import json
import quopri
import random
import re
import string
import time
from collections.abc import Callable, Iterable
from itertools import accumulate, pairwise
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.policy.needles import MAX_NEEDLE_CHARS, NEEDLE_BITS, needles
from longwire.policy.own_part import PUBLIC_PREFIXES, own_bits
from longwire.policy.reflection import ReflectionScanner, secret_in_headers
from longwire.policy.secrets import Secret

BASE62 = string.ascii_letters + string.digits
# Own parts, and how many of their characters are a needle.
KEY = ("aB3dE5gH7jK9mN1pQr2S", 8)
HEX = ("51f0c2d94e7a83b6015fc92d", 12)
DIGITS = ("83017462950384716295", 15)
PASSWORD = ("k9/L+4&w<Z\"2'q%T=8m", 8)


def given_to_the_page(pieces: Iterable[bytes], *values: str) -> bytes:
    """What passes before the guard ends the stream."""
    scanner = ReflectionScanner([Secret(f"s{number}", value) for number, value in enumerate(values)])
    passed = b""
    for piece in pieces:
        if scanner.feed(piece) is not None:
            break
        passed += piece
    return passed


def is_found(data: bytes, *values: str) -> bool:
    return given_to_the_page([data], *values) != data


ENCODERS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 after one": lambda text: base64.b64encode(f"x{text}".encode()).decode(),
    "base64url after two": lambda text: base64.urlsafe_b64encode(f"xx{text}y".encode()).decode(),
    "base64 in lines": lambda text: base64.encodebytes(f"{'x' * 48}{text}".encode()).decode(),
    "base64 in lines in JSON": lambda text: json.dumps(base64.encodebytes(f"{'x' * 48}{text}".encode()).decode()),
    "base64 in DOS lines in JSON": lambda text: (
        ENCODERS["base64 in lines in JSON"](text).replace("\\n", "\\r\\n").replace("/", "\\/")
    ),
    "base64 of JSON of PHP": lambda text: base64.b64encode(ENCODERS["JSON of PHP"](text).encode()).decode(),
    "base64 of a form": lambda text: base64.b64encode(quote_plus(text).encode()).decode(),
    "quoted-printable": lambda text: quopri.encodestring(f"{'x' * 58} {text}".encode()).decode(),
    "UTF-16": lambda text: text.encode("utf-16-le").decode(),
    "UTF-32 of base64": lambda text: base64.b64encode(text.encode()).decode().encode("utf-32-be").decode(),
    "URL": lambda text: quote(text, safe=""),
    "URL in small letters": lambda text: re.sub("%..", lambda match: match[0].lower(), quote(text, safe="")),
    "path": quote,
    "encodeURIComponent": lambda text: quote(text, safe="!*'()"),
    "encodeURI": lambda text: quote(text, safe="!*'();/?:@&=+$,#"),
    "form": quote_plus,
    "URL in URL": lambda text: quote(quote(text, safe="")),
    "JSON": json.dumps,
    "JSON of PHP": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON of Go": lambda text: re.sub("[&<>]", lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text)),
    "JSON of .NET": lambda text: re.sub("[&<>'+]", lambda match: f"\\u{ord(match[0]):04X}", json.dumps(text)),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "JSON in HTML": lambda text: html.escape(json.dumps(text), quote=False),
    "HTML": html.escape,
    "HTML of Go": lambda text: (
        html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;").replace("+", "&#43;")
    ),
    "HTML of PHP": lambda text: html.escape(text).replace("&#x27;", "&#039;"),
    "HTML of browsers": lambda text: html.escape(text, quote=False),
    "HTML of mustache": lambda text: re.sub("[/=`]", lambda match: f"&#x{ord(match[0]):X};", html.escape(text)),
    "base64 in URL": lambda text: quote(base64.b64encode(text.encode()), safe=""),
}


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize(("own", "size"), [KEY, HEX, DIGITS, PASSWORD])
def test_every_form_is_found_however_it_is_cut(own: str, size: int, encoder: str) -> None:
    data = ENCODERS[encoder](f"Bearer {own} and more").encode()
    shared = ReflectionScanner([Secret("s0", own)])  # lives, so that its machine is made once and not for each cut
    assert shared.active and is_found(data, own)
    for cut in range(len(data)):
        assert given_to_the_page([data[:cut], data[cut:]], own) != data
    bytewise = given_to_the_page([data[at : at + 1] for at in range(len(data))], own)
    # What passed before the first needle was whole is less than all of what holds one more character than it.
    assert len(bytewise) < len(ENCODERS[encoder](f"Bearer {own[: size + 1]}"))


@given(
    before=st.binary(max_size=40),
    after=st.binary(max_size=40),
    cuts=st.lists(st.integers(0, 200), max_size=8),
    encoder=st.sampled_from(sorted(ENCODERS)),
    own=st.text(BASE62, min_size=10, max_size=60),
)
def test_any_split_of_any_text_lets_less_than_a_needle_through(
    before: bytes, after: bytes, cuts: list[int], encoder: str, own: str
) -> None:
    told = list(accumulate(each or 0 for each in own_bits(own)))
    enough = min(told[-1], NEEDLE_BITS) - 0.1
    size = next(number for number, bits in enumerate(told, 1) if bits >= enough) if needles(own) else 0
    body = before + ENCODERS[encoder](own).encode() + after
    edges = sorted({0, len(body), *(cut for cut in cuts if cut <= len(body))})
    passed = given_to_the_page([body[start:end] for start, end in pairwise(edges)], own)
    if size:
        assert passed != body
        known = [own[:length] for length in range(size, len(own) + 1)]
        assert not any(part.encode() in passed.removeprefix(before) for part in known)


@pytest.mark.parametrize(("own", "size"), [KEY, HEX, DIGITS])
def test_every_part_of_that_size_is_found_and_a_smaller_one_passes(own: str, size: int) -> None:
    for start in range(len(own) - size + 1):
        assert is_found(own[start : start + size].encode(), own)
        assert not is_found(own[start : start + size - 1].encode(), own)


@pytest.mark.parametrize("alphabet", [BASE62, "0123456789abcdef", "0123456789"])
def test_of_long_secrets_no_16_characters_pass_in_any_form(alphabet: str) -> None:
    own = "".join(random.Random("long").choices(alphabet, k=400))
    scanner = ReflectionScanner([Secret("s", own)])
    for start in range(0, len(own) - MAX_NEEDLE_CHARS, 7):
        part = own[start : start + MAX_NEEDLE_CHARS + 1]
        for encoder in ("raw", "base64", "base64 after one", "base64url after two"):
            assert scanner.feed(b" " + ENCODERS[encoder](part).encode() + b" ")


@pytest.mark.parametrize("prefix", ["", *PUBLIC_PREFIXES])
def test_what_is_public_of_a_key_counts_nothing(prefix: str) -> None:
    value = prefix + KEY[0]
    assert not is_found(f"keys begin with {prefix}, as in {prefix}{KEY[0][:7]}…".encode(), value)
    assert is_found(value.encode(), value)


def test_what_stands_inside_every_key_counts_nothing() -> None:
    value = f"sk-{KEY[0]}T3BlbkFJ{KEY[0][::-1]}"
    assert not is_found(f"T3BlbkFJ {KEY[0][-7:]}T3BlbkFJ".encode(), value)
    assert is_found(f"{KEY[0][-5:]}T3BlbkFJ{KEY[0][::-1][:5]}".encode(), value)


def test_the_header_of_a_token_counts_nothing() -> None:
    header, other = (
        base64.urlsafe_b64encode(text).decode().rstrip("=") for text in (b'{"alg":"RS256"}', b"not JSON at")
    )
    payload = "eyJzdWIiOiJhbGljZSJ9"
    assert not is_found(f"{header}.".encode(), f"{header}.{payload}.{KEY[0]}")
    assert is_found(payload.encode(), f"{header}.{payload}.{KEY[0]}")
    assert is_found(other.encode(), f"{other}.{KEY[0]}")


def test_a_short_secret_is_found_whole_and_one_that_tells_nothing_not_at_all() -> None:
    assert is_found(b"it is aB3dE5g.", "aB3dE5g")  # 7 characters, 41.7 bits
    assert not is_found(b"it is aB3dE5.", "aB3dE5g")
    for nothing in ("hunter2", "secret", "12345678", "sk-ant-api03-aB3dE5", "------------"):
        assert not ReflectionScanner([Secret("s", nothing)]).active
        assert not is_found(nothing.encode(), nothing)


def test_words_are_found_in_longer_parts() -> None:
    value = "correct-horse-battery-staple"
    assert not is_found(b"correct horse; correct-horse; battery-staple", value)
    assert is_found(b"correct-horse-b", value)


def test_the_account_before_a_key_is_no_part_of_it() -> None:
    assert not is_found(b'{"id":1234567890}', f"1234567890:{KEY[0]}")


def test_the_password_of_basic_credentials_is_found_decoded() -> None:
    for user, password in (("somebody@example.com", KEY[0]), (KEY[0], "")):
        credentials = base64.b64encode(f"{user}:{password}".encode()).decode()
        assert is_found(json.dumps({"password": KEY[0]}).encode(), credentials)
        assert is_found(credentials.encode(), credentials)
        assert not is_found(b"somebody@example.com", credentials)


@pytest.mark.parametrize("value", ["pässwört-für-Zoë-9", "pässwört-für-Zoë-9".encode().decode("latin-1")])
def test_other_letters_are_found_in_either_encoding(value: str) -> None:
    text = "pässwört-für-Zoë-9"
    forms = [json.dumps(text), html.escape(text).encode("ascii", "xmlcharrefreplace").decode(), text, quote(text)]
    for form in forms:
        assert is_found(form.encode(), value)
    assert is_found(value.encode("latin-1"), value)
    assert is_found(quote(value, encoding="latin-1").encode(), value)


def test_several_secrets_are_told_apart() -> None:
    values = {"first": "first-secret-value-9", "second": "second-secret-value-9"}
    for name, value in values.items():
        scanner = ReflectionScanner([Secret(each, values[each]) for each in values])
        assert scanner.feed(value.encode()) == name


@pytest.mark.parametrize(
    "pairs",
    [
        [("x-echo", f"you said {KEY[0]}")],
        [(f"x-{KEY[0]}".lower(), "1")],
        [("x-echo-1", KEY[0][:5]), ("x-echo-2", KEY[0][5:])],
        [("location", f"https://{KEY[0].lower()}.example.com/")],
        [("location", "/" + "".join(f"%{ord(each):02x}" for each in KEY[0]))],
        [("x-folded", f"{KEY[0][:7]} {KEY[0][7:14]} {KEY[0][14:]}")],
        [("reason", base64.b64encode(KEY[0].encode()).decode())],
    ],
)
def test_what_heads_hold_is_found_in_names_values_and_over_several(pairs: list[tuple[str, str]]) -> None:
    assert secret_in_headers(pairs, [Secret("s", KEY[0])]) == "s"
    assert secret_in_headers(pairs, [Secret("s", KEY[0][::-1])]) is None


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_other_bytes_pass(pieces: list[bytes]) -> None:
    assert given_to_the_page(pieces, KEY[0]) == b"".join(pieces)


def test_memory_is_bounded_whatever_is_fed() -> None:
    scanner = ReflectionScanner([Secret("s", PASSWORD[0])])
    longest = max(map(len, needles(PASSWORD[0])))
    assert longest < 10 * MAX_NEEDLE_CHARS
    for size in (1, 3, longest, 100_000, 1):
        scanner.feed(b"z" * size)
        assert len(scanner._tail) < longest
    assert len(needles("a9" * 8000)) < 20_000


@pytest.mark.parametrize("encoder", ["quoted-printable", *(name for name in ENCODERS if "in lines" in name)])
@pytest.mark.parametrize("own", [HEX[0], DIGITS[0], "correct-horse-battery-staple"])
def test_a_line_that_ends_inside_a_secret_gives_a_page_no_more_of_it(own: str, encoder: str) -> None:
    """The page chooses what stands before, and so where the line ends."""
    encode = ENCODERS[encoder]
    for before in range(60):
        whole = encode("y" * before + own).encode()
        passed = given_to_the_page([whole[at : at + 1] for at in range(len(whole))], own)
        others = (own[:at] + ("A" if each != "-" else each) + own[at + 1 :] for at, each in enumerate(own))
        known = [other for other in others if not encode("y" * before + other).encode().startswith(passed)]
        assert len(known) <= MAX_NEEDLE_CHARS, (before, passed)


def test_what_a_backslash_and_a_letter_say_in_a_secret_is_no_line_break() -> None:
    own = "aB3\\nE5g\\rJ7\\nK9"
    for encoder in ("raw", "JSON", "base64"):
        assert is_found(ENCODERS[encoder](own).encode(), own)


def test_a_secret_of_any_characters_is_made_ready_in_bounded_time_and_memory() -> None:
    for alphabet in (string.punctuation, "".join(map(chr, range(0xA1, 0x100)))):
        own = "".join(random.Random("odd").choices(alphabet, k=16_000))
        assert sum(map(len, needles(own))) < 256 * 1024
        for encoder in ("raw", "URL", "JSON", "base64"):
            body = ENCODERS[encoder](own) if alphabet.isascii() else own
            assert is_found(body.encode("latin-1"), own)


def test_a_body_made_to_waste_time_does_not() -> None:
    for value, piece in (("%25" * 2000, b"%2" * 500_000), ("&" * 60 + "x", b"&amp;amp;" * 100_000)):
        scanner = ReflectionScanner([Secret("s", value)])
        scanner.feed(b"")
        began = time.process_time()
        scanner.feed(piece)
        assert time.process_time() - began < 1
