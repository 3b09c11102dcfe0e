"""Messages of a socket as parts of a body: whatever the split, each comes out once, whole or in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.limits import SOCKET_PART_HEAD_BYTES
from longwire.streams.socket_parts import Kind, PartReader, part

MESSAGES = st.lists(st.tuples(st.sampled_from([Kind.TEXT, Kind.BINARY]), st.binary(max_size=300)), max_size=12)


@given(messages=MESSAGES, cuts=st.lists(st.integers(1, 50), min_size=1), whole=st.integers(1, 200))
def test_any_split_gives_the_same_messages(messages: list[tuple[Kind, bytes]], cuts: list[int], whole: int) -> None:
    body = b"".join(part(kind, data, last=True) for kind, data in messages)
    reader, found, current, at, turn = PartReader(1000, whole), [], b"", 0, 0
    while at < len(body):
        size = cuts[turn % len(cuts)]
        for piece in reader.feed(body[at : at + size]):
            assert len(piece.data) <= whole
            current += piece.data
            if piece.last:
                found.append((piece.kind, current))
                current = b""
        assert reader.held < whole + SOCKET_PART_HEAD_BYTES
        at, turn = at + size, turn + 1
    assert found == messages
    assert reader.held == 0


def test_a_message_that_is_not_too_large_is_given_whole_and_a_larger_one_as_it_comes() -> None:
    reader = PartReader(1000, 10)
    small, large = part(Kind.TEXT, b"0123456789", last=True), part(Kind.BINARY, b"x" * 25, last=True)
    assert list(reader.feed(small[:-1])) == []
    assert reader.held == len(small) - 1
    assert [piece.data for piece in reader.feed(small[-1:])] == [b"0123456789"]
    assert [(len(p.data), p.last) for p in reader.feed(large)] == [(10, False), (10, False), (5, True)]


@pytest.mark.parametrize(
    ("first", "size", "code"),
    [
        (0x81, 1001, ErrorCode.BODY_TOO_LARGE),
        (0x01, 1, ErrorCode.PROTOCOL),
        (0x80, 1, ErrorCode.PROTOCOL),
        (0x89, 1, ErrorCode.PROTOCOL),
        (0x88, 1, ErrorCode.PROTOCOL),
        (0x88, 126, ErrorCode.PROTOCOL),
    ],
)
def test_what_no_page_may_send_is_refused_by_its_head(first: int, size: int, code: ErrorCode) -> None:
    with pytest.raises(StreamError) as refused:
        list(PartReader(1000).feed(bytes([first]) + size.to_bytes(4, "big")))
    assert refused.value.code is code


def test_nothing_may_follow_a_close() -> None:
    reader = PartReader(1000)
    assert [piece.kind for piece in reader.feed(part(Kind.CLOSE, b"", last=True))] == [Kind.CLOSE]
    with pytest.raises(StreamError):
        list(reader.feed(part(Kind.TEXT, b"", last=True)))
