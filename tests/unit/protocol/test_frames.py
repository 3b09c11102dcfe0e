"""Frames: any split gives the same payloads; whatever is wrong is one defined error that names the place."""

import json
import random
import struct
from itertools import pairwise
from typing import Any

import pybase64
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.protocol.errors import ErrorCode, FrameError
from longwire.protocol.frames import BadMessage, FrameDecoder, encode, encode_chunk, frame, parse_to_host
from longwire.protocol.limits import (
    MAX_CHUNK_BYTES,
    MAX_FRAME_TO_BROWSER,
    MAX_FRAME_TO_HOST,
    MAX_ID,
    MAX_MESSAGE_CHARS,
)
from longwire.protocol.messages import FROM_HOST, TO_HOST, StreamChunk
from longwire.protocol.messages import Policy as PolicyMessage
from longwire.protocol.records import PolicyState, PolicySummary
from tests.unit.protocol.samples import CANARY, FROM_HOST_NAMES, TO_HOST_NAMES, broken, sample

ACK: dict[str, Any] = {"type": "STREAM_ACK", "id": 5, "consumed": 9}

ids = st.integers(min_value=1, max_value=MAX_ID)
offsets = st.integers(min_value=0, max_value=MAX_ID)
seeds = st.integers(min_value=0, max_value=2**32)


def framed(payload: bytes) -> bytes:
    return struct.pack("=I", len(payload)) + payload


def bad(message: object) -> BadMessage:
    payload = message if isinstance(message, bytes) else json.dumps(message).encode()
    with pytest.raises(BadMessage) as caught:
        parse_to_host(payload)
    return caught.value


# --- decoder ----------------------------------------------------------------------------------------------------


@given(payloads=st.lists(st.binary(min_size=1, max_size=300), max_size=8), data=st.data())
def test_any_split_gives_the_same_payloads(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(framed(payload) for payload in payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    decoder = FrameDecoder()
    seen: list[bytes] = []
    for start, end in pairwise([0, *cuts, len(stream)]):
        seen += decoder.feed(stream[start:end])
    assert seen == payloads
    assert not decoder.mid_frame


@given(payloads=st.lists(st.binary(min_size=1, max_size=40), max_size=4), kept=st.integers(1, 43))
def test_a_cut_inside_a_frame_is_seen(payloads: list[bytes], kept: int) -> None:
    last = framed(bytes(40))
    decoder = FrameDecoder()
    seen = list(decoder.feed(b"".join(map(framed, payloads)) + last[:kept]))
    assert seen == payloads
    assert decoder.mid_frame


def test_bytes_are_taken_even_if_nobody_asks_for_the_payloads() -> None:
    decoder = FrameDecoder()
    decoder.feed(framed(b"one"))
    assert list(decoder.feed(framed(b"two"))) == [b"one", b"two"]


def test_a_payload_is_given_once_even_if_the_reader_stops_there() -> None:
    decoder = FrameDecoder()
    assert next(decoder.feed(framed(b"one") + framed(b"two"))) == b"one"
    assert list(decoder.feed(b"")) == [b"two"]


@pytest.mark.parametrize("length", [0, MAX_FRAME_TO_HOST + 1, 2**32 - 1])
def test_a_bad_length_comes_after_the_good_frames_and_for_ever(length: int) -> None:
    decoder = FrameDecoder()
    payloads = decoder.feed(framed(b"good") + struct.pack("=I", length) + framed(b"lost"))
    assert next(payloads) == b"good"
    with pytest.raises(FrameError) as caught:
        next(payloads)
    assert caught.value.code is ErrorCode.PROTOCOL
    with pytest.raises(FrameError, match="a frame of"):
        list(decoder.feed(framed(b"more")))


def test_a_frame_at_the_limit_passes() -> None:
    payload = b"x" * MAX_FRAME_TO_HOST
    assert list(FrameDecoder().feed(framed(payload))) == [payload]


def test_a_broken_decoder_holds_nothing_more() -> None:
    decoder = FrameDecoder()
    with pytest.raises(FrameError):
        list(decoder.feed(bytes(4)))
    held = len(decoder._buffer)
    for _ in range(3):
        decoder.feed(bytes(1_000))
    assert len(decoder._buffer) == held


# --- messages to the host ---------------------------------------------------------------------------------------


@given(seed=seeds, name=st.sampled_from(TO_HOST_NAMES))
def test_what_the_schema_allows_is_a_message(seed: int, name: str) -> None:
    message = sample(random.Random(seed), name)
    parsed = parse_to_host(json.dumps(message, ensure_ascii=False).encode())
    assert type(parsed).__name__ == name


@given(seed=seeds, name=st.sampled_from(TO_HOST_NAMES))
def test_one_wrong_field_is_a_bad_message_that_repeats_no_value(seed: int, name: str) -> None:
    error = bad(broken(random.Random(seed), name).message)
    assert error.code is ErrorCode.PROTOCOL
    assert CANARY not in error.text
    assert error.text.isprintable()
    assert len(error.text) <= MAX_MESSAGE_CHARS


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b" ",
        b"\xff",
        b'{"type":"STREAM_ACK","id":5,"consumed":"\xc0\x80"}',
        b'{"type":"STREAM_ACK","id":5,"consumed":NaN}',
        b'{"type":"STREAM_ACK","id":5,"consumed":-Infinity}',
        b'{"type":"STREAM_ACK","id":5,"consumed":9',
        b'{"type":"STREAM_ACK","id":5,"consumed":9}{}',
        b"\xef\xbb\xbf{}",
        b"[" * 500_000,
        b'{"a":' * 150_000,
    ],
    ids=lambda payload: repr(payload[:48]),
)
def test_what_is_not_json_says_so_and_names_no_stream(payload: bytes) -> None:
    error = bad(payload)
    assert "not valid UTF-8 JSON" in error.text
    assert error.stream_id is None


@pytest.mark.parametrize("value", [None, True, 7, "HELLO", [], [ACK]])
def test_what_is_not_an_object_says_so(value: object) -> None:
    assert bad(value).text == "a frame that is not a JSON object"


@pytest.mark.parametrize("kind", ["SESAME", "", "stream_ack", "STREAM_CHUNK", "__class__", None, 1, ["STREAM_ACK"]])
def test_an_unknown_type_is_not_repeated_and_names_no_stream(kind: object) -> None:
    error = bad({**ACK, "type": kind})
    assert error.text == "a frame whose type is missing or unknown to this host"
    assert (error.stream_id, error.message_type) == (None, None)


def test_nesting_deeper_than_the_parser_goes_still_names_the_stream() -> None:
    error = bad(b'{"type":"STREAM_ACK","id":5,"consumed":' + b"[" * 300 + b"]" * 300 + b"}")
    assert (error.text, error.stream_id) == ("STREAM_ACK: nests too deep", 5)


START: dict[str, Any] = {
    "type": "STREAM_START",
    "id": 3,
    "method": "GET",
    "url": "https://api.example.com/",
    "headers": [["a", "b"]],
    "body": {"kind": "none"},
    "redirect": "follow",
    "timeouts": {},
    "page": {"origin": "https://app.example.com", "tab": 1, "frame": 0, "document": "D", "private": False},
}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"consumed": None}, "field 'consumed' has the wrong type or form"),
        ({"consumed": "9"}, "field 'consumed' has the wrong type or form"),
        ({"consumed": -1}, "field 'consumed' is below 0"),
        ({"consumed": MAX_ID + 1}, "field 'consumed' is above 9007199254740991"),
        ({"extra": "Sesame"}, "field 'extra' is unknown to this host"),
        ({"\x1b[2J": "Sesame"}, r"field '\x1b[2J' is unknown to this host"),
        ({"\u0435xtra": 1}, r"field '\u0435xtra' is unknown to this host"),
        ({"x" * 4000: 1}, f"field '{'x' * 100}'... is unknown to this host"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], fault: str) -> None:
    error = bad({**ACK, **change})
    assert error.text == f"STREAM_ACK: {fault}"
    assert (error.stream_id, error.message_type) == (5, "STREAM_ACK")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"body": {"kind": "Sesame"}}, "field 'body' is of an unknown kind"),
        ({"body": {}}, "field 'body' is of no kind"),
        (
            {"body": {"kind": "inline", "data": "A" * 349_532}},
            "field 'body.inline.data' is longer than 349528 characters",
        ),
        ({"body": {"kind": "inline", "data": "A" * 349_528}}, "field 'body.inline.data' is longer than 262144 bytes"),
        ({"body": {"kind": "inline", "data": "AAA"}}, "field 'body.inline.data' has the wrong type or form"),
        ({"headers": [["a"]]}, "field 'headers.0.1' is missing"),
        ({"headers": [["a", "b", "c"]]}, "field 'headers.0' has more than 2 items"),
        ({"headers": [["a", "b"]] * 257}, "field 'headers' has more than 256 items"),
        ({"redirect": "Sesame"}, "field 'redirect' is none of 'follow', 'error' or 'manual'"),
        ({"method": ""}, "field 'method' is shorter than 1 characters"),
        ({"timeouts": {"idle_ms": 0}}, "field 'timeouts.idle_ms' is below 1"),
    ],
)
def test_a_wrong_field_inside_is_named_by_its_path(change: dict[str, Any], fault: str) -> None:
    error = bad({**START, **change})
    assert (error.text, error.stream_id) == (f"STREAM_START: {fault}", 3)


@pytest.mark.parametrize("stream_id", [0, -1, MAX_ID + 1, 2**80, True, "5", 5.0, None, [5]])
def test_an_id_that_is_none_blames_no_stream(stream_id: object) -> None:
    assert bad({**ACK, "id": stream_id}).stream_id is None


def test_an_id_in_a_message_without_one_blames_no_stream() -> None:
    assert bad({"type": "STREAM_PONG", "seq": 1, "id": 5}).stream_id is None


def test_null_in_an_optional_field_is_as_good_as_absent() -> None:
    with_null = parse_to_host(json.dumps({**START, "timeouts": {"idle_ms": None}}).encode())
    assert with_null == parse_to_host(json.dumps(START).encode())


# --- messages of the host ---------------------------------------------------------------------------------------


@given(seed=seeds, name=st.sampled_from(FROM_HOST_NAMES))
def test_what_the_host_encodes_reads_back_the_same(seed: int, name: str) -> None:
    message = FROM_HOST.validate_json(json.dumps(sample(random.Random(seed), name)))
    [payload] = FrameDecoder().feed(encode(message))
    assert FROM_HOST.validate_json(payload) == message
    assert b"null" not in payload


@given(
    stream_id=ids,
    offset=offsets,
    data=st.binary(max_size=2_000),
    window=st.none() | offsets,
    form=st.sampled_from([bytes, bytearray, memoryview]),
)
def test_the_fast_encoder_writes_what_the_model_writes(
    stream_id: int, offset: int, data: bytes, window: int | None, form: type
) -> None:
    text = pybase64.b64encode(data).decode()
    message = StreamChunk(type="STREAM_CHUNK", id=stream_id, offset=offset, data=text, window=window)
    assert encode_chunk(stream_id, offset, form(data), window) == encode(message)
    packed = message.model_copy(update={"encoding": "deflate", "size": 9})
    assert encode_chunk(stream_id, offset, form(data), window, plain_bytes=9) == encode(packed)


def test_the_largest_chunk_fits_a_frame_and_one_byte_more_is_refused() -> None:
    [payload] = FrameDecoder().feed(encode_chunk(MAX_ID, MAX_ID, bytes(MAX_CHUNK_BYTES), MAX_ID))
    assert isinstance(FROM_HOST.validate_json(payload), StreamChunk)
    with pytest.raises(FrameError, match="262145 bytes; the limit is 262144"):
        encode_chunk(1, 0, bytes(MAX_CHUNK_BYTES + 1))


def test_no_frame_over_the_cap_is_written() -> None:
    assert len(frame(bytes(MAX_FRAME_TO_BROWSER))) == 4 + MAX_FRAME_TO_BROWSER
    with pytest.raises(FrameError, match="the limit is 1000000"):
        frame(bytes(MAX_FRAME_TO_BROWSER + 1))
    pages = ["https://app.example.com/".ljust(1_000, "x")] * 1_000
    policy = PolicySummary(state=PolicyState.OK, digest="d", pages=pages)
    with pytest.raises(FrameError, match="to the browser"):
        encode(PolicyMessage(type="POLICY", policy=policy))


def test_every_message_to_the_host_reads_back_from_the_model() -> None:
    for name in TO_HOST_NAMES:
        message = parse_to_host(json.dumps(sample(random.Random(name), name)).encode())
        assert TO_HOST.validate_json(message.model_dump_json(exclude_none=True)) == message
