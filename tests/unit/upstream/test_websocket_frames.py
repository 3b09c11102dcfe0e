"""Frames as they come from a server, in any split; what is no frame says so with the code that the server is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.protocol.errors import ErrorCode
from longwire.upstream.model import NO_CLOSE_CODE, FrameViolation, SocketClosed, SocketEvent, SocketFragment
from longwire.upstream.websocket_frames import WebSocketFrames
from tests.upstreams.sockets import frame, unmasked


def taken(frames: WebSocketFrames) -> list[SocketEvent]:
    events = frames.take(64)
    while frames.more:
        events += frames.take(64)
    return events


def messages(events: list[SocketEvent]) -> list[tuple[bool, bytes]]:
    found, current = [], b""
    for event in events:
        assert isinstance(event, SocketFragment)
        current += event.data
        if event.last:
            found.append((event.text, current))
            current = b""
    return found


@given(
    sent=st.lists(st.one_of(st.text(max_size=200), st.binary(max_size=200)), max_size=8),
    cut=st.integers(1, 40),
    pieces=st.integers(1, 5),
)
def test_any_split_and_any_fragmentation_gives_the_same_messages(
    sent: list[str | bytes], cut: int, pieces: int
) -> None:
    data = b""
    for message in sent:
        payload = message.encode() if isinstance(message, str) else message
        size = max(1, len(payload) // pieces)
        parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
        for number, each in enumerate(parts):
            opcode = 0 if number else (1 if isinstance(message, str) else 2)
            data += frame(opcode, each, last=number == len(parts) - 1) + frame(9, b"?")
    frames, events = WebSocketFrames(), []
    for at in range(0, len(data), cut):
        frames.feed(data[at : at + cut])
        events += taken(frames)
    assert messages(events) == [(isinstance(m, str), m.encode() if isinstance(m, str) else m) for m in sent]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x81\0\0\0\0a", 1002),
        (frame(1, b"a", reserved=0x40), 1002),
        (frame(1, b"a", reserved=0x10), 1002),
        (frame(3), 1002),
        (frame(11), 1002),
        (frame(9, b"x" * 126), 1002),
        (frame(9, last=False), 1002),
        (frame(0, b"x"), 1002),
        (frame(1, b"x", last=False) + frame(1, b"y"), 1002),
        (b"\x82\x7e\x00\x05hello", 1002),
        (b"\x82\x7f" + b"\xff" * 8, 1002),
        (frame(8, b"\x03"), 1002),
        (frame(8, b"\x03\xed"), 1002),
        (frame(8, b"\x03\xee"), 1002),
        (frame(8, b"\x03\xf7"), 1002),
        (frame(1, b"\xff"), 1007),
        (frame(1, b"\xe2\x82"), 1007),
        (frame(1, b"\xe2", last=False) + frame(0, b"x"), 1007),
        (frame(1, b"\xed\xa0\x80"), 1007),
        (frame(8, b"\x03\xe8\xff"), 1007),
    ],
    ids=[
        "masked", "first reserved bit", "third reserved bit", "opcode 3", "opcode 11", "ping of 126 bytes",
        "ping in fragments", "continuation of nothing", "message inside a message", "length in too many bytes",
        "length over 2**63", "close of one byte", "close 1005", "close 1006", "close 1015", "no UTF-8", "UTF-8 cut off",
        "UTF-8 broken in a continuation", "a surrogate", "close reason no UTF-8",
    ],
)  # fmt: skip
def test_a_violation_has_its_code_and_what_came_before_it_is_given(data: bytes, code: int) -> None:
    frames = WebSocketFrames()
    frames.feed(frame(2, b"good") + data)
    events = frames.take(64)
    assert isinstance(events[0], SocketFragment) and events[0].data == b"good"
    with pytest.raises(FrameViolation) as violation:
        taken(frames)
    assert (violation.value.close_code, violation.value.code) == (code, ErrorCode.UPSTREAM_PROTOCOL)


@pytest.mark.parametrize("code", [1000, 1004, 1011, 1014, 1016, 2999, 3000, 4999, 5000, 999, 0, 65535])
def test_any_other_code_is_a_close_as_browsers_take_it(code: int) -> None:
    frames = WebSocketFrames()
    frames.feed(frame(8, code.to_bytes(2, "big") + "für".encode()) + b"\xff what follows is nothing")
    assert taken(frames) == [SocketClosed(code, "für")]


def test_a_close_without_a_code() -> None:
    frames = WebSocketFrames()
    frames.feed(frame(8))
    assert taken(frames) == [SocketClosed(NO_CLOSE_CODE, "")]


def test_a_large_frame_is_given_as_it_comes() -> None:
    frames = WebSocketFrames()
    frames.feed(frame(2, b"x" * 1_000_000)[:5000])
    (piece,) = taken(frames)
    assert isinstance(piece, SocketFragment) and not piece.last
    assert len(piece.data) == 5000 - 10


def test_of_the_pings_that_wait_the_newest_is_answered_once() -> None:
    frames = WebSocketFrames()
    frames.feed(frame(9, b"first") + frame(9, b"second") + frame(10, b"nobody asked"))
    assert taken(frames) == []
    found = unmasked(frames.pong())
    assert found is not None and found[:2] == (0x8A, b"second")
    assert frames.pong() == b""


def test_a_text_in_fragments_may_be_cut_inside_a_character() -> None:
    frames = WebSocketFrames()
    euro = "€".encode()
    first = unmasked(frames.message(SocketFragment(text=True, data=euro[:1], last=False)))
    second = unmasked(frames.message(SocketFragment(text=True, data=euro[1:], last=True)))
    assert first is not None and second is not None
    assert (first[0], second[0], first[1] + second[1]) == (0x01, 0x80, euro)
    with pytest.raises(UnicodeDecodeError):
        frames.message(SocketFragment(text=True, data=b"\xff", last=True))
