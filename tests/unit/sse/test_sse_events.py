"""Events as bytes, and back by the parser that pages have: no text forges an event, none is lost."""

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.sse import MAX_EVENT_BYTES, BadEventError, Event, TextEvent
from tests.unit.sse.reading import ClientLibrary

# What would forge an event where it came through: often, so that they meet.
_PIECES = st.sampled_from(
    ["\r", "\n", "\r\n", "\0", ":", " ", "data: x", "event: e", "id: 9", "retry: 1", "\ufeff", "\u2028"]
)
_TEXT = st.lists(_PIECES | st.text(st.characters(exclude_categories=["Cs"]), max_size=5), max_size=8).map("".join)
_NAME = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
# Another event behind it shows that the first ended where it should.
_AFTER = Event("after")


@pytest.fixture(scope="module")
def page() -> Iterator[ClientLibrary]:
    with ClientLibrary(json=True) as library:
        yield library


@pytest.fixture(scope="module")
def text_page() -> Iterator[ClientLibrary]:
    with ClientLibrary(json=False) as library:
        yield library


@pytest.mark.parametrize(
    ("event", "encoded"),
    [
        (Event("text", "Hel"), 'data: {"type":"text","data":"Hel"}\n\n'),
        (Event("done"), 'data: {"type":"done"}\n\n'),
        (Event("text", "", event_id=""), 'id: \ndata: {"type":"text","data":""}\n\n'),
        (
            Event("status", {"n": 0}, event_id="7", retry_ms=0),
            'id: 7\nretry: 0\ndata: {"type":"status","data":{"n":0}}\n\n',
        ),
        (Event("text", "naïve\n\u2028"), 'data: {"type":"text","data":"naïve\\n\u2028"}\n\n'),
        (Event("text", "half \ud83d"), 'data: {"type":"text","data":"half \\ud83d"}\n\n'),
        (TextEvent("[DONE]"), "data: [DONE]\n\n"),
        (TextEvent(""), "data: \n\n"),
        (TextEvent(" a", name="tick", event_id="1 "), "event: tick\nid: 1 \ndata:  a\n\n"),
        (TextEvent("a\nb\rc\r\nd\n\n"), "data: a\ndata: b\ndata: c\ndata: d\ndata: \ndata: \n\n"),
    ],
    ids=[str(number) for number in range(10)],
)
def test_what_goes_over_the_wire(event: Event | TextEvent, encoded: str) -> None:
    assert event.encoded == encoded.encode()


@given(event_type=_TEXT, data=_JSON, event_id=_NAME)
def test_the_client_library_reads_any_data_back(
    page: ClientLibrary, event_type: str, data: object, event_id: str
) -> None:
    first, after = page.read(Event(event_type, data, event_id=event_id).encoded + _AFTER.encoded)
    sent = {"type": event_type} if data is None else {"type": event_type, "data": data}
    assert json.loads(first["raw"]) == sent
    assert (first["name"], first["id"]) == ("message", event_id)
    assert (after["type"], after["id"]) == ("after", event_id)


@given(text=_TEXT, name=_NAME | st.none(), event_id=_NAME | st.none())
def test_the_client_library_reads_any_text_back(
    text_page: ClientLibrary, text: str, name: str | None, event_id: str | None
) -> None:
    sent = TextEvent(text, name=name, event_id=event_id).encoded + _AFTER.encoded
    first, after = text_page.read(TextEvent("before").encoded + sent)[1:]
    assert first["raw"] == re.sub("\r\n|\r", "\n", text)
    assert (first["name"], first["id"]) == (name or "message", event_id or "")
    assert (after["raw"], after["name"]) == ('{"type":"after"}', "message")


@pytest.mark.parametrize("end", ["\r", "\n", "\0", "\r\n"], ids=["cr", "lf", "nul", "crlf"])
@pytest.mark.parametrize("field", ["name", "event_id"])
def test_a_name_that_would_end_its_line_is_refused_with_what_to_do(field: str, end: str) -> None:
    arguments: dict[str, Any] = {field: f"secret{end}data: forged"}
    with pytest.raises(BadEventError, match="take them out") as caught:
        TextEvent("a", **arguments)
    assert "secret" not in str(caught.value)


def test_an_id_of_a_typed_event_is_held_to_the_same() -> None:
    with pytest.raises(BadEventError, match="take them out"):
        Event("text", "a", event_id="1\n")


@pytest.mark.parametrize("name", ["x" * 1025, "\u00e9" * 513, "\ud800"], ids=["long", "long in utf-8", "no unicode"])
def test_a_name_is_bounded_and_unicode(name: str) -> None:
    with pytest.raises(BadEventError, match="short"):
        TextEvent("a", event_id=name)
    TextEvent("a", event_id="x" * 1024)


@pytest.mark.parametrize("retry", [-1, 1.5, True, "1\ndata: forged"], ids=str)
def test_a_retry_is_a_whole_number(retry: Any) -> None:
    with pytest.raises(BadEventError, match="retry_ms"):
        Event("text", "a", retry_ms=retry)


def _circle() -> list[object]:
    circle: list[object] = []
    circle.append(circle)
    return circle


@pytest.mark.parametrize(
    "data",
    [float("nan"), float("inf"), datetime.date(2026, 1, 1), {("a", "b"): 1}, b"bytes", _circle()],
    ids=["nan", "inf", "date", "tuple as key", "bytes", "circle"],
)
def test_what_is_no_json_is_refused_with_what_to_do(data: object) -> None:
    with pytest.raises(BadEventError, match="model_dump"):
        Event("text", data)


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(BadEventError, match="errors='replace'"):
        TextEvent("half \ud83d")


def test_an_event_is_bounded_at_what_the_client_library_reads(text_page: ClientLibrary) -> None:
    frame = len(TextEvent("").encoded)
    largest = TextEvent("x" * (MAX_EVENT_BYTES - frame))
    assert [len(event["raw"]) for event in text_page.read(largest.encoded)] == [MAX_EVENT_BYTES - frame]
    for text in ("x" * (MAX_EVENT_BYTES - frame + 1), "\n" * (MAX_EVENT_BYTES // 6)):
        with pytest.raises(BadEventError, match="in several"):
            TextEvent(text)
    with pytest.raises(BadEventError, match="in several"):
        Event("text", "\u00e9" * (MAX_EVENT_BYTES // 2))
