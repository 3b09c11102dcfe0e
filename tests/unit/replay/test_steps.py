"""What is sent of a recorded stream, when, and what goes wrong where it is asked to."""

from typing import Any

import pytest

from longwire.replay.faults import BadPoint, Faults, Point
from longwire.replay.steps import SPLIT_GAP_MS, Act, steps_of
from tests.unit.replay.recorded import end, message, piece, request, response, stream

EVENTS = (request(), response(10), piece(20, "data: 1\n\nda"), piece(30, "ta: 22\n\n"), end(40))
SOCKET = (
    request(kind="websocket", url="wss://api.example/feed"),
    response(10, status=101),
    message(20, "one", more=True),
    message(25, "-a"),
    message(30, "two"),
    message(40, "\u0003\u00e8", 8),
    end(50),
)


def told(lines: tuple[dict[str, Any], ...], **faults: Any) -> list[tuple[float, str, bytes]]:
    return [(step.t, step.act.name, step.data) for step in steps_of(stream(*lines), Faults(**faults))]


def test_a_stream_is_sent_as_it_came() -> None:
    assert told(EVENTS) == [
        (10, "HEAD", b""),
        (20, "DATA", b"data: 1\n\nda"),
        (30, "DATA", b"ta: 22\n\n"),
        (40, "FINISH", b""),
    ]


@pytest.mark.parametrize(
    ("last", "act", "t"),
    [
        ([end(40, how="error", code="UPSTREAM_RESET", message="m", phase="body")], "BREAK", 40),
        ([end(40, how="stopped", reason="signal")], "BREAK", 40),
        ([end(40, how="full")], "BREAK", 40),
        ([], "BREAK", 30),
    ],
)
def test_what_did_not_end_well_breaks_off(last: list[dict[str, Any]], act: str, t: float) -> None:
    assert told((*EVENTS[:-1], *last))[-1] == (t, act, b"")


def test_a_stream_without_an_answer_breaks_off_at_its_time() -> None:
    assert told((request(), end(70, how="error", code="UPSTREAM_CONNECT", message="m", phase="connect"))) == [
        (70, "BREAK", b"")
    ]


@pytest.mark.parametrize("changes", [{"status": 204}, {"status": 304}])
def test_an_answer_without_a_body_has_none(changes: dict[str, Any]) -> None:
    assert [act for _, act, _ in told((request(), response(**changes), end(40)))] == ["HEAD", "FINISH"]


@pytest.mark.parametrize(
    ("fault", "point", "data", "act"),
    [
        ("stall", "12", b"data: 1\n\ndat", "STALL"),
        ("cut", "0", b"", "BREAK"),
        ("cut", "11", b"data: 1\n\nda", "BREAK"),
        ("stall", "event:1", b"data: 1\n\n", "STALL"),
        ("cut", "event:2", b"data: 1\n\ndata: 22\n\n", "BREAK"),
        ("cut", "event:0", b"", "BREAK"),
        ("cut", "event:3", b"data: 1\n\ndata: 22\n\n", "FINISH"),
        ("stall", "1KiB", b"data: 1\n\ndata: 22\n\n", "FINISH"),
    ],
)
def test_a_fault_comes_at_its_point(fault: str, point: str, data: bytes, act: str) -> None:
    steps = told(EVENTS, **{fault: Point.parse(point)})
    assert b"".join(each for _, _, each in steps) == data
    assert steps[-1][1] == act
    assert b"" not in [each for _, name, each in steps if name == "DATA"]


def test_of_two_faults_the_first_comes() -> None:
    assert told(EVENTS, stall=Point(12), cut=Point(4))[-1][1] == "BREAK"


def test_what_is_split_comes_in_two_pieces_with_a_gap_and_nothing_overtakes() -> None:
    steps = told(EVENTS, splits=(Point(3), Point.parse("event:2")))
    assert steps[1:] == [
        (20, "DATA", b"dat"),
        (20 + SPLIT_GAP_MS, "DATA", b"a: 1\n\nda"),
        (20 + SPLIT_GAP_MS, "DATA", b"ta:"),
        (20 + 2 * SPLIT_GAP_MS, "DATA", b" 22\n\n"),
        (20 + 2 * SPLIT_GAP_MS, "FINISH", b""),
    ]


def test_events_of_other_line_ends_and_of_lines_are_counted() -> None:
    other = (request(), response(), piece(20, "data: 1\r\n\r\ndata: 2\r\rdata: 3\n\n"), end(40))
    assert told(other, cut=Point.parse("event:2"))[1][2] == b"data: 1\r\n\r\ndata: 2\r\r"
    lines = (request(), response(headers=[["content-type", "application/x-ndjson"]]), piece(20, "1\n2\n3\n"), end(40))
    assert told(lines, cut=Point.parse("event:2"))[1][2] == b"1\n2\n"


def test_a_socket_has_its_messages_and_its_close() -> None:
    steps = steps_of(stream(*SOCKET), Faults())
    assert [(step.act.name, step.data, step.opcode, step.last) for step in steps[1:]] == [
        ("DATA", b"one", 1, False),
        ("DATA", b"-a", 1, True),
        ("DATA", b"two", 1, True),
        ("DATA", "\u0003\u00e8".encode(), 8, True),
        ("FINISH", b"", None, True),
    ]


def test_a_socket_that_ended_without_a_close_breaks_off() -> None:
    assert steps_of(stream(*SOCKET[:5], end(50)), Faults())[-1].act is Act.BREAK


def test_a_fault_of_a_socket_counts_its_messages() -> None:
    assert [data for _, _, data in told(SOCKET, cut=Point.parse("event:1"))] == [b"", b"one", b"-a", b""]
    assert [data for _, _, data in told(SOCKET, stall=Point(3))] == [b"", b"one", b""]
    assert [data for _, _, data in told(SOCKET, splits=(Point.parse("event:2"),))][3:5] == [b"t", b"wo"]


@pytest.mark.parametrize("text", ["", "x", "-1", "12 parsecs", "event:", "event:-1", "1.5"])
def test_what_is_no_point_is_said(text: str) -> None:
    with pytest.raises(BadPoint):
        Point.parse(text)
