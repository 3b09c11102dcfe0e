"""The event-stream parser is the standard's, whatever the bytes are cut into, and keeps no more than it may."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.generation.event_stream import EventStream, ServerEvent, TooLarge
from longwire.generation.json_lines import JsonLines, WholeJson

# The examples of the HTML standard, section 9.2.6, and the corners of section 9.2.5.
STREAMS = {
    "two-lines": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("", "YHOO\n+2\n10")]),
    "comment-and-ids": (b": test stream\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
                        [("", "first"), ("", "second"), ("", " third")]),
    "empty-data": (b"data\n\ndata\ndata\n\ndata:", [("", ""), ("", "\n")]),
    "one-space": (b"data:test\n\ndata: test\n\n", [("", "test"), ("", "test")]),
    "types": (b"event: add\ndata: 1\n\nevent: no\ndata: 2\n\ndata: 3\n\n", [("add", "1"), ("no", "2"), ("", "3")]),
    "type-without-data": (b"event: add\n\ndata: 1\n\n", [("", "1")]),
    "last-type-counts": (b"event: a\nevent: b\ndata: 1\n\n", [("b", "1")]),
    "cr": (b"data: 1\r\rdata: 2\r\r", [("", "1"), ("", "2")]),
    "crlf": (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [("", "1"), ("", "2")]),
    "crlf-is-one-end": (b"data: 1\r\ndata: 2\r\n\r\n", [("", "1\n2")]),
    "mixed-ends": (b"data: 1\r\n\ndata: 2\n\rdata: 3\r\r\n", [("", "1"), ("", "2"), ("", "3")]),
    "mark": (b"\xef\xbb\xbfdata: 1\n\n", [("", "1")]),
    "second-mark-is-no-mark": (b"\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\n", []),
    "mark-inside": (b"data: \xef\xbb\xbf1\n\n", [("", "\ufeff1")]),
    "half-a-mark": (b"\xef\xbbdata: 1\n\n", []),
    "unknown-fields": (b"foo: 1\nDATA: 2\n data: 3\ndata : 4\nretry: x\n\n", []),
    "invalid-utf-8": (b"data: \xff\xe4\n\n", [("", "\ufffd\ufffd")]),
    "other-line-ends-are-none": ("data: a\u2028b\x0bc\x0cd\x85e\n\n".encode(), [("", "a\u2028b\x0bc\x0cd\x85e")]),
    "nul": (b"data: \x00\n\n", [("", "\x00")]),
    "unended": (b"data: 1\n", []),
    "nothing": (b"", []),
}  # fmt: skip


def _events(pieces: list[bytes]) -> list[tuple[str, str]]:
    stream = EventStream()
    events = [event for piece in pieces for event in stream.receive(piece)]
    return [(event.name, event.data) for event in events + stream.end()]


@pytest.mark.parametrize(("body", "events"), STREAMS.values(), ids=STREAMS)
def test_a_stream_means_what_the_standard_says_in_any_split(body: bytes, events: list[tuple[str, str]]) -> None:
    assert _events([body]) == events
    assert _events([bytes([byte]) for byte in body]) == events
    for end in range(len(body)):
        assert _events([body[:end], b"", body[end:]]) == events


# Random bytes, most of them what the parser looks at.
_USUAL = b"\r\n\r\n\r\ndata: {event:\xef\xbb\xbf"
_NEARLY = bytes(_USUAL[byte % len(_USUAL)] if byte < 200 else byte for byte in range(256))


@given(body=st.binary(max_size=200).map(lambda data: data.translate(_NEARLY)), cuts=st.lists(st.integers(0, 200)))
def test_any_bytes_mean_the_same_in_any_split(body: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    assert _events([body[start:end] for start, end in pairwise(places)]) == _events([body])


def test_a_line_that_begins_with_a_brace_is_given_as_bare() -> None:
    assert EventStream().receive(b'data: 1\n{"error": 1}\n\n') == [
        ServerEvent("", '{"error": 1}', bare=True),
        ServerEvent("", "1"),
    ]


@pytest.mark.parametrize("framing", [EventStream, JsonLines])
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_line_at_the_limit_passes_and_one_byte_more_does_not(
    framing: type[EventStream | JsonLines], piece: int
) -> None:
    def feed(size: int) -> list[ServerEvent]:
        body = b"data: " + b"x" * (size - 6) + b"\n\n"
        stream = framing(limit=100)
        return [event for at in range(0, len(body), piece) for event in stream.receive(body[at : at + piece])]

    assert len(feed(100)) == 1
    with pytest.raises(TooLarge):
        feed(101)


def test_the_data_of_an_event_at_the_limit_pass_and_one_byte_more_does_not() -> None:
    assert EventStream(limit=20).receive(b"data: 123456789\ndata: 1234567890\n\n")[0].data == "123456789\n1234567890"
    with pytest.raises(TooLarge):
        EventStream(limit=20).receive(b"data: 1234567890\ndata: 1234567890\n\n")
    # Lines without anything are line ends of the data.
    with pytest.raises(TooLarge):
        EventStream(limit=20).receive(b"data\n" * 22 + b"\n")


def test_what_was_whole_before_something_too_large_is_not_lost() -> None:
    with pytest.raises(TooLarge) as error:
        EventStream(limit=20).receive(b"data: 1\n\ndata: " + b"x" * 50)
    assert error.value.args[0] == [ServerEvent("", "1")]
    with pytest.raises(TooLarge) as error:
        JsonLines(limit=20).receive(b"1\n" + b"x" * 50)
    assert error.value.args[0] == [ServerEvent("", "1")]


def test_a_comment_of_any_length_is_bounded_as_a_line_is() -> None:
    with pytest.raises(TooLarge):
        EventStream(limit=20).receive(b": " + b"x" * 50)


def test_a_body_in_one_piece_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    body = WholeJson(limit=4)
    assert [*body.receive(b"12"), *body.receive(b"34")] == []
    assert body.end() == [ServerEvent("", "1234")]
    body = WholeJson(limit=4)
    body.receive(b"12")
    with pytest.raises(TooLarge):
        body.receive(b"345")


def test_lines_of_json_are_stripped_and_blank_ones_are_none() -> None:
    lines = JsonLines()
    assert [event.data for event in lines.receive(b'{"a":1}\r\n\n \t\r\n{"b"')] == ['{"a":1}']
    assert [event.data for event in lines.receive(b':2}\n{"c":3}')] == ['{"b":2}']
    # Not ended, so not all of it.
    assert lines.end() == []
