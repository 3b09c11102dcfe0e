"""What the host's end of the protocol promises: bytes in, events out, bytes to send. No loop, no clock, no sleep."""

from typing import Any

import orjson
import pytest

from longwire import __version__
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.frames import frame
from longwire.protocol.limits import (
    MAX_FRAME_TO_HOST,
    MAX_STREAMS_PER_TAB_FRAME,
    PEER_SILENCE_MS,
    PING_INTERVAL_MS,
    PROTOCOL_VERSION,
    WINDOW_FLOOR_BYTES,
)
from longwire.protocol.messages import StatusRequest
from longwire.protocol.records import Completeness, Timings
from longwire.streams.connection import SLEPT_S
from longwire.streams.events import Aborted, Noted, Over, Progressed, Refused, Started, StatusAsked, Violated
from tests.unit.streams.pair import PAGE, SUMMARY, Pair, head

MALFORMED: dict[str, bytes] = {
    "length zero": b"\0\0\0\0",
    "oversize": (MAX_FRAME_TO_HOST + 1).to_bytes(4, "little"),
    "not UTF-8": frame(b"\xff\xfe"),
    "not JSON": frame(b"{"),
    "not an object": frame(b"[1]"),
    "too deep": frame(b"[" * 10_000 + b"]" * 10_000),
    "NaN": frame(b'{"type":"STREAM_ACK","id":NaN,"consumed":0}'),
    "unknown type": frame(b'{"type":"STREAM_SING"}'),
    "type that is no more": frame(b'{"type":"STREAM_PAUSE","id":1}'),
    "no type": frame(b'{"id":1}'),
    "no usable id": frame(b'{"type":"STREAM_ACK","id":"1","consumed":0}'),
    "a second HELLO": frame(b'{"type":"HELLO","protocol":%d,"extension":"1"}' % PROTOCOL_VERSION),
}
RESET = StreamError(ErrorCode.UPSTREAM_RESET, "reset", Phase.BODY)


# --- the handshake ---------------------------------------------------------------------------------------------


def test_hello_is_answered_with_version_limits_and_policy() -> None:
    pair = Pair()
    (welcome,) = pair.got
    assert (welcome["type"], welcome["protocol"], welcome["host"]) == ("WELCOME", PROTOCOL_VERSION, __version__)
    assert welcome["limits"]["streams_per_frame"] == MAX_STREAMS_PER_TAB_FRAME
    assert welcome["policy"]["state"] == SUMMARY.state


@pytest.mark.parametrize(("theirs", "update"), [(0, "the extension"), (99, "the native host")])
def test_another_version_is_fatal_and_says_which_side_to_update(theirs: int, update: str) -> None:
    pair = Pair(greeted=False)
    (over,) = pair.send(type="HELLO", protocol=theirs, extension="9")
    assert isinstance(over, Over) and over.fatal == ErrorCode.VERSION_MISMATCH
    (fatal,) = pair.read()
    assert (fatal["type"], fatal["code"]) == ("FATAL", "VERSION_MISMATCH")
    assert update in fatal["fix"]


def test_anything_before_hello_is_fatal() -> None:
    pair = Pair(greeted=False)
    pair.send(**pair.start_message(1))
    assert [message["type"] for message in pair.read()] == ["FATAL"]
    assert pair.connection.streams == 0


def test_frames_may_be_cut_anywhere() -> None:
    pair = Pair()
    whole = frame(b'{"type":"STATUS_REQUEST","request":7,"page":%s}' % _json(PAGE)) * 3
    events = [event for byte in whole for event in pair.feed(bytes([byte]))]
    assert [type(event) for event in events] == [StatusAsked] * 3
    assert all(isinstance(event.message, StatusRequest) for event in events if isinstance(event, StatusAsked))


def _json(value: object) -> bytes:
    return orjson.dumps(value)


# --- violations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_frame_that_names_no_stream_ends_everything_and_fatal_is_last(kind: str) -> None:
    pair = Pair()
    stream = pair.body(1)
    violated, over = pair.feed(MALFORMED[kind])
    assert isinstance(violated, Violated) and violated.stream is stream
    assert isinstance(over, Over) and over.fatal == ErrorCode.PROTOCOL
    pair.connection.push(stream, b"late")
    pair.connection.closed(stream)
    pair.connection.welcome(SUMMARY)
    assert [message["type"] for message in pair.read()] == ["STREAM_ERROR", "FATAL"]
    assert pair.feed(frame(b"{}")) == [] and pair.connection.streams == 0


def test_a_bad_frame_of_one_stream_ends_that_stream_alone() -> None:
    pair = Pair()
    first, second = pair.body(1), pair.body(2)
    (violated,) = pair.send(type="STREAM_ACK", id=1, consumed=-1)
    assert isinstance(violated, Violated) and violated.stream is first
    pair.connection.push(second, b"still here")
    pair.finish(second)
    pair.read()
    assert pair.kinds(1)[-1] == "STREAM_ERROR" and pair.kinds(2)[-2:] == ["STREAM_CHUNK", "STREAM_END"]
    assert "consumed" in pair.got[-3]["message"]


def test_a_start_that_cannot_be_read_is_refused_by_field() -> None:
    pair = Pair()
    (refused,) = pair.send(**pair.start_message(1, redirect="sideways"))
    assert isinstance(refused, Refused) and refused.start is None
    (error,) = pair.read()
    assert (error["type"], error["code"], error["phase"]) == ("STREAM_ERROR", "PROTOCOL", "policy")
    assert "redirect" in error["message"]


def test_a_second_start_with_one_id_ends_the_first() -> None:
    pair = Pair()
    stream = pair.start(5)
    (violated,) = pair.send(**pair.start_message(5))
    assert isinstance(violated, Violated) and violated.stream is stream
    pair.connection.closed(stream)
    (refused,) = pair.send(**pair.start_message(5))
    assert isinstance(refused, Refused) and "not above 5" in refused.error.text
    assert pair.connection.streams == 0


@pytest.mark.parametrize("consumed", [2, 11])
def test_an_ack_that_decreases_or_runs_ahead_ends_its_stream(consumed: int) -> None:
    pair = Pair()
    stream = pair.body(1, b"0123456789")
    assert pair.send(type="STREAM_ACK", id=1, consumed=5) == [Progressed(stream)]
    (violated,) = pair.send(type="STREAM_ACK", id=1, consumed=consumed)
    assert isinstance(violated, Violated) and str(consumed) in violated.error.text
    assert pair.read()[-1]["code"] == "PROTOCOL"


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "STREAM_BODY", "offset": 1, "data": "YQ=="},
        {"type": "STREAM_BODY", "offset": 0, "data": "?"},
        {"type": "STREAM_BODY_END", "bytes": 3},
        {"type": "STREAM_BODY", "offset": 0, "data": "YQ==", "again": 1},
    ],
)
def test_a_request_body_out_of_order_ends_its_stream(bad: dict[str, Any]) -> None:
    pair = Pair()
    stream = pair.start(1, method="POST", body={"kind": "stream"})
    assert stream.upload is not None
    pair.connection.acknowledge_body(stream, *stream.upload.open())
    (violated,) = pair.send(id=1, **bad)
    assert isinstance(violated, Violated) and violated.error.code is ErrorCode.PROTOCOL


def test_a_body_for_a_stream_that_announced_none_ends_it() -> None:
    pair = Pair()
    pair.start(1)
    (violated,) = pair.send(type="STREAM_BODY", id=1, offset=0, data="")
    assert isinstance(violated, Violated)


# --- late messages and ends --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "late",
    [
        {"type": "STREAM_ACK", "consumed": 3},
        {"type": "STREAM_ABORT", "reason": "signal"},
        {"type": "STREAM_BODY", "offset": 0, "data": ""},
        {"type": "STREAM_BODY_END", "bytes": 0},
    ],
)
@pytest.mark.parametrize("stream_id", [1, 77])
def test_a_late_message_or_one_for_an_id_that_never_was_has_no_effect(late: dict[str, Any], stream_id: int) -> None:
    pair = Pair()
    stream = pair.body(1, b"abc")
    pair.finish(stream)
    pair.read()
    assert pair.send(id=stream_id, **late) == []
    pair.connection.closed(stream)
    assert pair.send(id=stream_id, **late) == []
    assert pair.read() == [] and pair.connection.streams == 0


def test_a_bad_message_for_a_past_stream_is_noted_and_no_more() -> None:
    pair = Pair()
    (noted,) = pair.send(type="STREAM_ACK", id=9, consumed="x")
    assert isinstance(noted, Noted) and pair.read() == []


@pytest.mark.parametrize("closed_first", [True, False])
@pytest.mark.parametrize("end", ["finish", "fail", "fail now", "abort"])
def test_a_slot_is_free_after_the_terminal_message_and_closed_in_either_order(end: str, closed_first: bool) -> None:
    pair = Pair()
    stream = pair.body(1, b"body")
    pair.connection.push(stream, bytes(2 * WINDOW_FLOOR_BYTES))  # more than the page gives credit for
    if end == "finish":
        pair.finish(stream)
    elif end == "fail":
        pair.connection.fail(stream, RESET)

    def terminal() -> None:
        if end == "fail now":
            assert pair.connection.fail_now(stream, RESET)
        elif end == "abort":
            assert pair.send(type="STREAM_ABORT", id=1, reason="signal") == [Aborted(stream, "signal")]
        else:
            while not pair.read()[-1]["type"].startswith(("STREAM_END", "STREAM_ERROR")):
                pair.send(type="STREAM_ACK", id=1, consumed=stream.window.sent)

    pair.read()
    pair.send(type="STREAM_ACK", id=1, consumed=stream.window.sent)
    if closed_first:
        pair.connection.closed(stream)
        assert pair.connection.streams == 1
        terminal()
    else:
        terminal()
        assert pair.connection.streams == 1
        pair.connection.closed(stream)
    pair.read()
    assert pair.connection.streams == 0
    terminals = [kind for kind in pair.kinds(1) if kind in ("STREAM_END", "STREAM_ERROR", "STREAM_ABORTED")]
    assert len(terminals) == 1 and pair.kinds(1)[-1] == terminals[0]


def test_aborted_is_said_when_the_socket_is_closed_and_not_before() -> None:
    pair = Pair()
    stream = pair.body(1, b"x")
    pair.send(type="STREAM_ABORT", id=1, reason="signal")
    assert pair.send(type="STREAM_ABORT", id=1, reason="signal") == [] and pair.read() == []
    pair.connection.closed(stream)
    pair.connection.closed(stream)
    assert [message["type"] for message in pair.read()] == ["STREAM_ABORTED"]


def test_nothing_of_a_stream_is_sent_after_its_end() -> None:
    pair = Pair()
    stream = pair.body(1, b"x", method="POST", body={"kind": "stream"})
    pair.connection.fail_now(stream, RESET)
    pair.connection.push(stream, b"late")
    pair.connection.acknowledge_body(stream, 1, 2)
    pair.connection.headers(stream, head(1))
    pair.finish(stream)
    pair.connection.fail(stream, RESET)
    assert not pair.connection.fail_now(stream, RESET)
    assert [message["type"] for message in pair.read()] == ["STREAM_ERROR"]


def test_closed_means_the_stream_and_not_whoever_has_its_id_by_now() -> None:
    """A stream of a connection that was lost may end when another one has begun with the same id."""
    past, pair = Pair(), Pair()
    old, new = past.body(1), pair.body(1)
    pair.connection.closed(old)
    pair.connection.body_gone(old)
    assert pair.connection.streams == 1
    pair.connection.push(new, b"mine")
    assert [message["data"] for message in pair.read()] == [b"mine"]


def test_a_lost_connection_does_nothing_more() -> None:
    pair = Pair()
    stream = pair.body(1)
    assert pair.connection.lose("gone") == Over("gone")
    assert pair.connection.lose("again") is None
    pair.connection.push(stream, b"late")
    pair.finish(stream)
    pair.connection.fail(stream, RESET)
    assert not pair.connection.fail_now(stream, RESET)
    assert pair.read() == [] and pair.send(type="STREAM_ACK", id=1, consumed=0) == []
    pair.now += 1000
    assert pair.connection.tick(pair.now) == []


def test_what_came_with_the_frame_in_which_a_connection_was_lost_is_not_handled() -> None:
    pair = Pair()
    data = b"".join(frame(_json(pair.start_message(number))) for number in (1, 2, 3))
    events = pair.connection.receive(data, pair.now)
    assert isinstance(next(events), Started)
    pair.connection.lose("gone")
    assert list(events) == [] and pair.connection.streams == 1


@pytest.mark.parametrize(("greeted", "words"), [(True, "closed the input"), (False, "before HELLO")])
def test_the_end_of_input_is_the_end_of_the_connection(greeted: bool, words: str) -> None:
    pair = Pair(greeted=greeted)
    (over,) = pair.feed(b"")
    assert isinstance(over, Over) and words in over.reason and over.fatal is None


def test_an_end_inside_a_frame_is_noted() -> None:
    pair = Pair()
    pair.feed(b"\x10\0\0\0half")
    assert [type(event) for event in pair.feed(b"")] == [Noted, Over]


# --- credit and caps ---------------------------------------------------------------------------------------------


def test_a_page_that_reads_nothing_gets_its_floor() -> None:
    pair = Pair()
    stream = pair.body(1)
    pair.connection.push(stream, bytes(1 << 20))
    assert sum(len(message["data"]) for message in pair.read()) == WINDOW_FLOOR_BYTES
    pair.send(type="STREAM_ACK", id=1, consumed=WINDOW_FLOOR_BYTES)
    assert sum(len(message["data"]) for message in pair.read()) == 2 * WINDOW_FLOOR_BYTES  # and its window grew


def test_one_stream_too_many_is_refused_and_the_others_live() -> None:
    pair = Pair()
    streams = [pair.start(number) for number in range(1, MAX_STREAMS_PER_TAB_FRAME + 1)]
    (refused,) = pair.send(**pair.start_message(MAX_STREAMS_PER_TAB_FRAME + 1))
    assert isinstance(refused, Refused) and refused.error.code is ErrorCode.LIMIT_EXCEEDED and refused.error.retryable
    assert refused.start is not None and pair.read()[-1]["code"] == "LIMIT_EXCEEDED"
    pair.connection.fail_now(streams[0], RESET)
    pair.connection.closed(streams[0])
    assert pair.start(MAX_STREAMS_PER_TAB_FRAME + 2).live


def test_a_large_end_to_end_body_is_whole_and_its_count_right() -> None:
    pair = Pair()
    stream = pair.body(1)
    body = bytes(range(256)) * 1000
    pair.connection.push(stream, body)
    pair.connection.finish(stream, Completeness.LENGTH, Timings(total_ms=1))
    got = b""
    while (messages := pair.read()) and messages[-1]["type"] != "STREAM_END":
        got += b"".join(message["data"] for message in messages)
        pair.send(type="STREAM_ACK", id=1, consumed=len(got))
    got += b"".join(message["data"] for message in messages[:-1])
    assert got == body and messages[-1]["bytes"] == len(body)


# --- liveness ----------------------------------------------------------------------------------------------------


def tick_for(pair: Pair, seconds: float, *, answering: bool) -> list[Over]:
    """A tick each second; pings are answered, or not."""
    ended: list[Over] = []
    for _ in range(int(seconds)):
        pair.now += 1
        ended += [event for event in pair.connection.tick(pair.now) if isinstance(event, Over)]
        for message in pair.read():
            if answering and message["type"] == "STREAM_PING":
                pair.send(type="STREAM_PONG", seq=message["seq"])
    return ended


def test_an_extension_that_answers_lives_and_one_that_does_not_is_given_up() -> None:
    pair = Pair()
    pair.body(1)
    long = 5 * PEER_SILENCE_MS / 1000
    assert tick_for(pair, long, answering=True) == []
    pings = [message["seq"] for message in pair.got if message["type"] == "STREAM_PING"]
    assert pings == list(range(1, len(pings) + 1)) and len(pings) >= long * 1000 / PING_INTERVAL_MS - 1
    # Its last word may be as old as the last ping.
    assert tick_for(pair, (PEER_SILENCE_MS - PING_INTERVAL_MS) / 1000 - 1, answering=False) == []
    (over,) = tick_for(pair, PING_INTERVAL_MS / 1000 + 2, answering=False)
    assert "no frame from the extension" in over.reason and over.fatal is None


def test_without_streams_nobody_is_pinged_or_given_up() -> None:
    pair = Pair()
    assert tick_for(pair, 10 * PEER_SILENCE_MS / 1000, answering=False) == []
    assert [message["type"] for message in pair.got] == ["WELCOME"]


def test_the_machines_sleep_is_not_the_extensions_silence() -> None:
    pair = Pair()
    pair.body(1)
    pair.now += SLEPT_S + 10 * PEER_SILENCE_MS / 1000
    assert pair.connection.tick(pair.now) == []
    assert [message["type"] for message in pair.read()] == ["STREAM_PING"]
    assert len(tick_for(pair, PEER_SILENCE_MS / 1000 + 2, answering=False)) == 1
