"""A recording that was written is read as what happened; anything else is refused in words."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from longwire.protocol.limits import MAX_RECORDED_PIECE_BYTES, MAX_RECORDING_BYTES, MIB, RECORDING_LINE_BYTES
from longwire.recording.model import RecordingLine
from longwire.recording.reader import BadRecording, Recording, parse_recording, read_recording
from longwire.recording.writer import RecordingWriter
from tests.unit.recording.hostile import HOSTILE, line_of

HEAD = {"longwire_recording": 1, "made_by": "test", "made_at": "2026-12-01T00:00:00Z"}
REQUEST: dict[str, Any] = {
    "type": "request",
    "stream": 1,
    "t": 0,
    "at": "2026-12-01T00:00:00.000001Z",
    "kind": "http",
    "page": "http://localhost:1",
    "method": "GET",
    "url": "http://127.0.0.1:2/a",
    "headers": [],
}
RESPONSE: dict[str, Any] = {
    "type": "response",
    "stream": 1,
    "t": 1.5,
    "url": "http://127.0.0.1:2/a",
    "redirected": False,
    "status": 200,
    "reason": "OK",
    "headers": [["content-type", "text/plain"]],
}
EMPTY_PIECE = line_of("piece").replace(b'"a"', b'""')
PIECE = {"type": "piece", "stream": 1, "t": 2, "way": "down", "text": "a"}
END = {"type": "end", "stream": 1, "t": 3, "how": "whole", "bytes": 1, "completeness": "length"}


def parse(*lines: dict[str, Any] | str) -> Recording:
    return parse_recording((line if isinstance(line, str) else json.dumps(line)).encode() for line in lines)


def written(data: list[tuple[float, bytes]], limit: int = MIB, **end: Any) -> bytes:
    out = io.BytesIO()
    stream = RecordingWriter(out, "longwire test", limit).stream()
    stream.request(
        "longwire:terminal", "POST", "http://127.0.0.1:2/a?key=planted-key", [("x-api-key", "planted-key")], b"up"
    )
    stream.response(1.23456, "http://127.0.0.1:2/a", 200, "OK", [("content-type", "text/plain")], redirected=False)
    for t, piece in data:
        stream.piece(t, "down", piece)
    stream.end(9, **(end or {"how": "whole", "bytes": 5, "completeness": "chunked"}))
    return out.getvalue()


def test_what_was_written_is_what_happened() -> None:
    text = written([(2.0, b"one"), (2.5004, b"\xff\x00"), (3, b"planted-key!")])
    recording = parse_recording(text.splitlines())
    (stream,) = recording.streams
    assert stream.request.url == "http://127.0.0.1:2/a?key=(secret:key)"
    assert [each.data for each in stream.up] == [b"up"]
    assert [(each.t, each.data) for each in stream.down] == [(2.0, b"one"), (2.5, b"\xff\x00"), (3.0, b"***********!")]
    assert stream.response is not None
    assert stream.response.t == 1.235
    assert stream.end is not None
    assert (stream.end.how, stream.end.bytes) == ("whole", 5)
    assert stream.masked
    assert b"planted" not in text


def test_a_large_piece_is_several_lines_of_one_time() -> None:
    text = written([(2.0, bytes(MAX_RECORDED_PIECE_BYTES + 1))], limit=4 * MIB)
    (stream,) = parse_recording(text.splitlines()).streams
    assert [(each.t, len(each.data)) for each in stream.down] == [(2.0, MAX_RECORDED_PIECE_BYTES), (2.0, 1)]


def test_a_full_recording_says_so_and_keeps_what_it_has() -> None:
    text = written([(2.0, b"a" * 3000), (3.0, b"b" * 9000), (4.0, b"c")], limit=8000)
    (stream,) = parse_recording(text.splitlines()).streams
    assert b"".join(each.data for each in stream.down) == b"a" * 3000
    assert stream.end is not None
    assert stream.end.how == "full"


def test_a_request_that_is_sent_again_has_the_second_body() -> None:
    up = {**PIECE, "way": "up", "text": "first"}
    again = {"type": "again", "stream": 1, "t": 2}
    (stream,) = parse(HEAD, REQUEST, up, again, {**up, "t": 3, "text": "second"}).streams
    assert [each.data for each in stream.up] == [b"second"]


def test_messages_of_a_socket_may_come_in_parts() -> None:
    message = {**PIECE, "type": "message", "opcode": 1}
    socket = {**REQUEST, "kind": "websocket"}
    (stream,) = parse(HEAD, socket, RESPONSE, {**message, "more": True}, {**message, "way": "up"}, message).streams
    assert [(each.opcode, each.last) for each in stream.down] == [(1, False), (1, True)]
    assert len(stream.up) == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "first line does not say so"),
        (["{}"], "first line does not say so"),
        ([{**HEAD, "longwire_recording": 2}], "does not know this form"),
        ([HEAD], "no stream"),
        ([HEAD, "nonsense"], "line 2"),
        ([HEAD, {**REQUEST, "kind": "ftp"}], "line 2 .* kind"),
        ([HEAD, {**REQUEST, "colour": "red"}], "line 2 .* colour"),
        ([HEAD, {**REQUEST, "at": "today"}], "line 2 .* at"),
        ([HEAD, PIECE], "line 2 .* has not begun"),
        ([HEAD, REQUEST, REQUEST], "line 3 .* begins twice"),
        ([HEAD, REQUEST, PIECE], "line 3 .* no response yet"),
        ([HEAD, REQUEST, RESPONSE, RESPONSE], "line 4 .* a response already"),
        ([HEAD, REQUEST, RESPONSE, {**PIECE, "t": 1}], "line 4 .* earlier time"),
        ([HEAD, REQUEST, RESPONSE, PIECE, {**END, "t": 1.9}], "line 5 .* earlier time"),
        ([HEAD, REQUEST, RESPONSE, {**PIECE, "t": "NaN"}], "line 4 .* t"),
        ([HEAD, REQUEST, RESPONSE, {**PIECE, "base64": "YQ=="}], "line 4 .* either"),
        ([HEAD, REQUEST, RESPONSE, {"type": "piece", "stream": 1, "t": 2, "way": "down", "base64": "!"}], "line 4"),
        ([HEAD, REQUEST, RESPONSE, {**PIECE, "type": "message", "opcode": 1}], "line 4 .* messages are of sockets"),
        ([HEAD, REQUEST, END, PIECE], "line 4 .* ended before"),
        ([HEAD, REQUEST, RESPONSE, {**PIECE, "text": "\ud800"}], "line 4"),
    ],
)
def test_what_is_no_recording_is_refused_by_its_line(lines: list[Any], said: str) -> None:
    with pytest.raises(BadRecording, match=said) as refused:
        parse(*lines)
    assert refused.value.fix


def test_a_recording_over_the_limit_is_refused() -> None:
    piece = {**PIECE, "text": "a" * MAX_RECORDED_PIECE_BYTES}
    with pytest.raises(BadRecording, match="larger than 64 MiB"):
        parse(HEAD, REQUEST, RESPONSE, *[piece] * 256)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused(name: str) -> None:
    with pytest.raises(BadRecording) as refused:
        parse_recording(HOSTILE[name])
    assert refused.value.fix


@pytest.mark.parametrize("endless", [b"", pytest.param(EMPTY_PIECE, marks=pytest.mark.long)])
def test_lines_without_end_are_not_read_on_where_a_recording_is_full(endless: bytes) -> None:
    read = 0

    def lines() -> Iterator[bytes]:
        nonlocal read
        yield from (line_of(part) for part in ("head", "request", "response"))
        while True:
            read += 1
            yield endless

    with pytest.raises(BadRecording, match="larger than 64 MiB"):
        parse_recording(lines())
    assert read <= MAX_RECORDING_BYTES // RECORDING_LINE_BYTES


def test_a_response_may_have_as_many_headers_as_the_host_passes_on() -> None:
    many = {**RESPONSE, "headers": [["x-a", "b"]] * 1024}
    (stream,) = parse(HEAD, REQUEST, many).streams
    assert stream.response is not None and len(stream.response.headers) == 1024


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="No such file"):
        read_recording(tmp_path / "none.jsonl")
    with pytest.raises(BadRecording, match="directory"):
        read_recording(tmp_path)


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    path.write_bytes(json.dumps(HEAD).encode() + b"\n" + b"x" * (3 * MIB))
    with pytest.raises(BadRecording, match="line 2 is longer than"):
        read_recording(path)


def test_the_lines_are_what_the_document_shows() -> None:
    document = (Path(__file__).parents[3] / "docs" / "recordings.md").read_text("utf-8")
    example = document.split("```jsonl\n")[1].split("```")[0]
    recording = parse_recording(example.encode().splitlines())
    kinds = {type(TypeAdapter(RecordingLine).validate_json(line)).__name__ for line in example.splitlines()[1:]}
    assert kinds == {"RecordedRequest", "RecordedResponse", "RecordedPiece", "RecordedMessage", "RecordedEnd"}
    assert [stream.request.kind for stream in recording.streams] == ["http", "websocket"]


def test_of_a_large_file_it_is_told_how_far_reading_has_come(tmp_path: Path) -> None:
    file, told = tmp_path / "a.jsonl", [(0, 0)]
    pieces = [PIECE | {"text": "a" * MAX_RECORDED_PIECE_BYTES}] * 10
    file.write_text("".join(f"{json.dumps(line)}\n" for line in (HEAD, REQUEST, RESPONSE, *pieces)))
    read_recording(file, lambda done, whole: told.append((done, whole)))
    assert [done // MIB for done, _ in told] == [0, 1, 2]
    assert {whole for _, whole in told[1:]} == {file.stat().st_size}
