"""What a stream counts of itself on its way, and when that is told."""

import os

from longwire.fair_pool import FairPool
from longwire.protocol.limits import HOST_POOL_BYTES, WINDOW_FLOOR_BYTES
from longwire.protocol.messages import StreamHeaders
from longwire.protocol.records import Completeness, Timings
from longwire.streams.counters import Counters
from longwire.streams.memory import DecoderLoan, DecoderPools
from longwire.streams.packing import MIN_PACKED_BYTES, Packer
from longwire.streams.stream import Stream


def body_stream(packer: Packer | None = None) -> Stream:
    stream = Stream(7, "frame", FairPool(HOST_POOL_BYTES), DecoderLoan(DecoderPools(), "tab", "frame"), packer)
    head = StreamHeaders(
        type="STREAM_HEADERS", id=7, url="http://u/", redirected=False, status=200, reason="OK", headers=[]
    )
    stream.headers(head)
    return stream


def test_pieces_that_leave_together_are_one_chunk() -> None:
    stream = body_stream()
    for piece in (b"one", b"two", b"three"):
        stream.push(piece)
    stream.take()
    stream.push(b"four")
    stream.take()
    counted = stream.counters.fields()
    assert (counted["pieces"], counted["chunks"], counted["packed_chunks"]) == (4, 2, 0)
    assert (counted["carried_bytes"], counted["most_queued_bytes"]) == (15, 11)


def test_a_chunk_that_went_compressed_counts_as_what_it_carried() -> None:
    stream = body_stream(Packer())
    stream.push(b"a" * MIN_PACKED_BYTES)
    stream.take()
    packed = stream.counters.carried_bytes
    assert (stream.counters.packed_chunks, packed < MIN_PACKED_BYTES // 10) == (1, True)
    stream.push(os.urandom(MIN_PACKED_BYTES))
    stream.take()
    assert (stream.counters.packed_chunks, stream.counters.chunks) == (1, 2)
    assert stream.counters.carried_bytes == packed + MIN_PACKED_BYTES


def test_a_stream_without_a_body_has_nothing_to_tell() -> None:
    assert body_stream().counters.fields() == {}
    assert Counters(pieces=1, credit_wait_s=0.0126).fields()["credit_wait_ms"] == 13


def test_it_is_told_that_the_stream_is_over_once_and_when_the_last_message_is_taken() -> None:
    told: list[int] = []
    stream = body_stream()
    stream.when_over = lambda: told.append(stream.counters.chunks)
    stream.push(b"x" * (WINDOW_FLOOR_BYTES + 1))
    stream.finish(Completeness.LENGTH, Timings(total_ms=1))
    stream.take()
    assert told == []  # one byte waits for credit
    stream.window.on_consumed(WINDOW_FLOOR_BYTES)
    stream.take()
    assert told == []
    stream.take()
    assert told == [2]
    stream.drop()
    assert told == [2]


def test_what_never_leaves_is_over_too() -> None:
    told: list[str] = []
    for end in (lambda stream: stream.drop(), lambda stream: (stream.abort(), stream.aborted())):
        stream = body_stream()
        stream.when_over = lambda: told.append("over")
        stream.push(b"x")
        end(stream)
    assert told == ["over", "over"]
