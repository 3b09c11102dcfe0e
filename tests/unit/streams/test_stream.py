"""One stream: frames in order, one terminal, nothing after it."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.fair_pool import FairPool
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import CHUNK_SHARED_BYTES, HOST_POOL_BYTES, WINDOW_FLOOR_BYTES
from longwire.protocol.messages import StreamHeaders
from longwire.protocol.records import Completeness, Timings
from longwire.streams.memory import DecoderLoan, DecoderPools
from longwire.streams.scheduler import Scheduler
from longwire.streams.state import TRANSITIONS, Event, IllegalTransition, State, advance
from longwire.streams.stream import Stream
from tests.unit.streams.frames import read_frame, read_frames

TIMINGS = Timings(total_ms=1)
TERMINALS = {"STREAM_END", "STREAM_ERROR", "STREAM_ABORTED"}


def new_stream() -> Stream:
    return Stream(7, "frame", FairPool(HOST_POOL_BYTES), DecoderLoan(DecoderPools(), "tab", "frame"))


def head() -> StreamHeaders:
    return StreamHeaders(
        type="STREAM_HEADERS", id=7, url="http://u/", redirected=False, status=200, reason="OK", headers=[]
    )


def with_headers() -> Stream:
    stream = new_stream()
    stream.headers(head())
    return stream


def test_every_edge_into_closed_is_a_terminal_frame_and_nothing_leaves_closed() -> None:
    into = {event for (_, event), state in TRANSITIONS.items() if state is State.CLOSED}
    assert into == {Event.END, Event.ERROR, Event.ABORTED}
    assert not [edge for edge in TRANSITIONS if edge[0] is State.CLOSED]


@pytest.mark.parametrize("event", list(Event))
def test_a_closed_stream_takes_no_event(event: Event) -> None:
    with pytest.raises(IllegalTransition, match=event.name):
        advance(State.CLOSED, event)


def test_end_follows_the_last_byte_and_counts_them() -> None:
    stream = with_headers()
    stream.push(b"hello")
    stream.finish(Completeness.CHUNKED, TIMINGS)
    assert not stream.terminal_next
    chunk, end = read_frame(stream.take()), read_frame(stream.take())
    assert (chunk["data"], chunk["offset"]) == (b"hello", 0)
    assert (end["type"], end["bytes"], end["completeness"]) == ("STREAM_END", 5, "chunked")
    assert not stream.live and not stream.sendable


def test_an_upstream_error_follows_the_bytes_that_came_before_it() -> None:
    stream = with_headers()
    stream.push(b"partial")
    stream.fail(StreamError(ErrorCode.UPSTREAM_RESET, "reset", Phase.BODY, retryable=True))
    assert read_frame(stream.take())["data"] == b"partial"
    assert read_frame(stream.take())["code"] == "UPSTREAM_RESET"


def test_a_protocol_error_overtakes_buffered_bytes() -> None:
    stream = with_headers()
    stream.push(b"never sent")
    assert (
        read_frame(stream.fail_now(StreamError(ErrorCode.PROTOCOL, "bad", Phase.BODY, retryable=False)))["code"]
        == "PROTOCOL"
    )
    assert not stream.sendable and stream.pushed == 0


def test_an_aborted_stream_sends_nothing_but_its_confirmation() -> None:
    stream = with_headers()
    stream.push(b"never sent")
    stream.finish(Completeness.LENGTH, TIMINGS)
    stream.abort()
    assert not stream.sendable and stream.wants(100) == 0
    assert read_frame(stream.aborted()) == {"type": "STREAM_ABORTED", "id": 7}


def test_a_stream_without_credit_waits_and_goes_on_after_an_ack() -> None:
    stream = with_headers()
    stream.push(bytes(WINDOW_FLOOR_BYTES + 1))
    assert len(read_frame(stream.take(1 << 20))["data"]) == WINDOW_FLOOR_BYTES
    assert not stream.sendable
    stream.window.on_consumed(WINDOW_FLOOR_BYTES)
    chunk = read_frame(stream.take())
    assert (chunk["offset"], len(chunk["data"])) == (WINDOW_FLOOR_BYTES, 1)


def test_an_end_without_body_needs_no_credit() -> None:
    stream = with_headers()
    stream.push(bytes(WINDOW_FLOOR_BYTES))
    stream.finish(Completeness.CLOSE, TIMINGS)
    stream.take(1 << 20)
    assert stream.window.credit == 0
    assert read_frame(stream.take())["type"] == "STREAM_END"


def test_nothing_is_read_before_the_headers_are_out() -> None:
    assert new_stream().wants(100) == 0


def test_the_window_is_announced_when_it_changed() -> None:
    stream = with_headers()
    announced = []
    for _ in range(4):
        stream.push(b"x")
        announced.append(read_frame(stream.take()).get("window"))
        if len(announced) == 2:
            stream.window.on_sent(stream.window.credit)
            stream.window.on_consumed(stream.window.sent)
    assert announced == [WINDOW_FLOOR_BYTES, None, 2 * WINDOW_FLOOR_BYTES, None]


@given(
    st.lists(st.binary(min_size=1, max_size=3 * CHUNK_SHARED_BYTES), max_size=12),
    st.lists(st.integers(1, 1 << 20), min_size=1, max_size=8),
    st.booleans(),
)
def test_offsets_are_contiguous_and_bytes_exact_for_any_arrival(
    pieces: list[bytes], limits: list[int], fails: bool
) -> None:
    stream = with_headers()
    got = bytearray()
    kinds: list[str] = []

    def take_all() -> None:
        while stream.sendable:
            message = read_frame(stream.take(limits[len(kinds) % len(limits)]))
            kinds.append(message["type"])
            if message["type"] == "STREAM_CHUNK":
                assert message["offset"] == len(got)
                got.extend(message["data"])
            elif message["type"] == "STREAM_END":
                assert message["bytes"] == len(got)

    for piece in pieces:
        stream.push(piece)
        take_all()
        stream.window.on_consumed(stream.window.sent)
    if fails:
        stream.fail(StreamError(ErrorCode.UPSTREAM_RESET, "reset", Phase.BODY, retryable=True))
    else:
        stream.finish(Completeness.LENGTH, TIMINGS)
    while stream.live:
        take_all()
        stream.window.on_consumed(stream.window.sent)
    assert bytes(got) == b"".join(pieces)
    assert [kind for kind in kinds if kind in TERMINALS] == kinds[-1:]


# All that an upstream, a page and the connection may do with a stream. What gives a frame at once is a control message.
ACTIONS: dict[str, Callable[[Stream], bytes | None]] = {
    "headers": lambda stream: stream.headers(head()),
    "body ack": lambda stream: stream.body_ack(1, 2),
    # A body is read only once its head is out; it may be read on when the stream is over.
    "push": lambda stream: None if stream.state is State.OPEN else stream.push(b"x"),
    "finish": lambda stream: None if stream.state is State.OPEN else stream.finish(Completeness.LENGTH, TIMINGS),
    "fail": lambda stream: stream.fail(StreamError(ErrorCode.UPSTREAM_RESET, "reset", Phase.BODY, retryable=True)),
    "fail now": lambda stream: stream.fail_now(StreamError(ErrorCode.PROTOCOL, "bad", Phase.BODY, retryable=False)),
    "abort": lambda stream: stream.abort(),
    "aborted": lambda stream: stream.aborted(),
    "write": lambda _: None,
}


@given(st.lists(st.sampled_from(sorted(ACTIONS)), max_size=40))
def test_no_frame_of_a_stream_follows_its_terminal_one_in_any_order_of_events(actions: list[str]) -> None:
    stream, scheduler = new_stream(), Scheduler()
    written: list[bytes] = []
    for action in [*actions, "write", "write"]:
        try:
            frame = ACTIONS[action](stream)
        except IllegalTransition:
            continue  # the host's own defect: loud, and without a frame
        if frame is not None:
            scheduler.add_control(frame)
        scheduler.offer(stream)
        if action == "write":
            written += scheduler.next_step()[0]
    kinds = [message["type"] for message in read_frames(b"".join(written))]
    assert [kind for kind in kinds if kind in TERMINALS] == [kind for kind in kinds[-1:] if kind in TERMINALS]
    assert kinds.count("STREAM_HEADERS") <= 1
    assert "STREAM_CHUNK" not in kinds or "STREAM_HEADERS" in kinds[: kinds.index("STREAM_CHUNK")]


@pytest.mark.parametrize("end", ["fail now", "abort"])
def test_a_stream_that_is_over_gives_no_upload_credit(end: str) -> None:
    stream = new_stream()
    assert read_frame(stream.body_ack(0, 10) or b"") == {
        "type": "STREAM_BODY_ACK",
        "id": 7,
        "consumed": 0,
        "window": 10,
    }
    ACTIONS[end](stream)
    assert stream.body_ack(5, 10) is None
