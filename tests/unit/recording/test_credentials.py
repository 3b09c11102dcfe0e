"""No credential goes into a recording: by the vectors that the extension reads too."""

import json
from pathlib import Path
from typing import Any

import pytest

from longwire.recording.credentials import Redaction
from longwire.recording.masking import RESPONSE_HOLD_BYTES, Masking, Timed

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "recordings" / "redaction.json").read_text("utf-8")
)


@pytest.mark.parametrize(("name", "value", "expected"), VECTORS["headers"])
def test_a_header(name: str, value: str, expected: str) -> None:
    assert Redaction().headers([(name, value)]) == [(name, expected)]


@pytest.mark.parametrize("heads", VECTORS["heads"], ids=lambda heads: heads["name"])
def test_a_head_after_another(heads: dict[str, Any]) -> None:
    redaction = Redaction()
    redaction.headers([(name, value) for name, value in heads["first"]])
    then = redaction.headers([(name, value) for name, value in heads["then"]])
    assert then == [(name, value) for name, value in heads["expected"]]


@pytest.mark.parametrize(("url", "expected"), VECTORS["urls"])
def test_a_url(url: str, expected: str) -> None:
    assert Redaction().url(url) == expected


@pytest.mark.parametrize(("name", "expected"), VECTORS["protocols"])
def test_a_subprotocol(name: str, expected: str) -> None:
    assert Redaction().protocols([name]) == [expected]


@pytest.mark.parametrize("body", VECTORS["bodies"], ids=lambda body: body["name"])
def test_a_body(body: dict[str, Any]) -> None:
    masking = Masking(body["way"], set(body["needles"]), body["type"])
    given = [piece for n, text in enumerate(body["pieces"]) for piece in masking.push(text.encode(), n)]
    given += masking.end()
    assert [piece.data.decode() for piece in given] == body["masked"]
    assert [piece.t for piece in given] == list(range(len(body["pieces"])))
    changed = [text != masked for text, masked in zip(body["pieces"], body["masked"], strict=True)]
    assert [piece.masked for piece in given] == changed


def test_a_password_of_the_basic_scheme_is_looked_for_by_itself() -> None:
    redaction = Redaction()
    redaction.headers([("authorization", "Basic dXNlcjpodW50ZXItaHVudGVy")])
    assert redaction.needles == {"dXNlcjpodW50ZXItaHVudGVy", "hunter-hunter"}


@pytest.mark.parametrize("size", [1, 7, 1000, 5000])
def test_a_needle_in_a_long_body_is_found_wherever_the_pieces_end(size: int) -> None:
    needle = b"planted-needle"
    body = b"".join(b"%06d %s " % (n, needle) for n in range(3 * RESPONSE_HOLD_BYTES // 22))
    masking = Masking("down", {needle.decode()}, "text/plain")
    given: list[Timed] = []
    for start in range(0, len(body), size):
        given += masking.push(body[start : start + size], start)
        assert len(given) * size >= start - 2 * RESPONSE_HOLD_BYTES
    given += masking.end()
    assert b"".join(piece.data for piece in given) == body.replace(needle, b"*" * len(needle))
    assert [len(piece.data) for piece in given[:-1]] == [size] * (len(given) - 1)
