"""The order of frames: control waits behind one chunk's bytes at most, nobody longer than a round of the others."""

from hypothesis import given
from hypothesis import strategies as st

from longwire.fair_pool import FairPool
from longwire.protocol.frames import encode
from longwire.protocol.limits import (
    CHUNK_ALONE_BYTES,
    CHUNK_SHARED_BYTES,
    HOST_POOL_BYTES,
    READ_AHEAD_BYTES,
    WINDOW_FLOOR_BYTES,
)
from longwire.protocol.messages import StreamHeaders, StreamPing
from longwire.protocol.records import Completeness, Timings
from longwire.streams.memory import DecoderLoan, DecoderPools
from longwire.streams.scheduler import Scheduler
from longwire.streams.stream import Stream
from tests.unit.streams.frames import read_frames


def body_stream(stream_id: int) -> Stream:
    stream = Stream(stream_id, stream_id, FairPool(HOST_POOL_BYTES), DecoderLoan(DecoderPools(), 1, stream_id))
    stream.headers(
        StreamHeaders(
            type="STREAM_HEADERS",
            id=stream_id,
            url="http://u/",
            redirected=False,
            status=200,
            reason="",
            headers=[],
        )
    )
    return stream


def ping(seq: int) -> bytes:
    return encode(StreamPing(type="STREAM_PING", seq=seq))


def step(scheduler: Scheduler) -> list[tuple[str, int, int]]:
    """The next write as (type, id or seq, body bytes)."""
    frames, _ = scheduler.next_step()
    return [
        (message["type"], int(message.get("id") or message["seq"]), len(message.get("data", b"")))
        for message in read_frames(b"".join(frames))
    ]


def test_nothing_to_send_is_an_empty_step() -> None:
    assert Scheduler().next_step() == ([], [])


def test_control_goes_before_data_that_was_there_first() -> None:
    scheduler, stream = Scheduler(), body_stream(1)
    stream.push(b"data")
    scheduler.offer(stream)
    scheduler.add_control(ping(9))
    assert [kind for kind, _, _ in step(scheduler)] == ["STREAM_PING", "STREAM_CHUNK"]


def test_a_terminal_frame_overtakes_other_streams_data() -> None:
    scheduler, busy, done = Scheduler(), body_stream(1), body_stream(2)
    busy.push(bytes(30_000))
    scheduler.offer(busy)
    done.finish(Completeness.NONE, Timings(total_ms=0))
    scheduler.offer(done)
    assert [kind for kind, _, _ in step(scheduler)] == ["STREAM_END", "STREAM_CHUNK"]


def test_a_lone_stream_sends_larger_chunks_than_one_among_others() -> None:
    sizes = []
    for live in (1, 2):
        scheduler, stream = Scheduler(), body_stream(1)
        scheduler.live_streams = live
        for _ in range(8):  # grow the window beyond the largest chunk
            stream.window.on_sent(stream.window.credit)
            stream.window.on_consumed(stream.window.sent)
        stream.push(bytes(2 * CHUNK_ALONE_BYTES))
        scheduler.offer(stream)
        sizes.append(step(scheduler)[0][2])
    assert sizes == [CHUNK_ALONE_BYTES, CHUNK_SHARED_BYTES]


def test_small_pieces_merge_while_the_pipe_is_busy_and_leave_at_once_when_it_is_idle() -> None:
    scheduler, stream = Scheduler(), body_stream(1)
    stream.push(b"a")
    scheduler.offer(stream)
    assert step(scheduler) == [("STREAM_CHUNK", 1, 1)]
    for _ in range(5):
        stream.push(b"b")
        scheduler.offer(stream)
    assert step(scheduler) == [("STREAM_CHUNK", 1, 5)]
    assert scheduler.idle


def test_small_chunks_of_several_streams_leave_together_as_far_as_one_chunk_goes() -> None:
    scheduler = Scheduler()
    streams = [body_stream(number) for number in range(1, 6)]
    scheduler.live_streams = len(streams)
    for stream in streams:
        stream.push(bytes(CHUNK_SHARED_BYTES // 4))
        scheduler.offer(stream)
    assert step(scheduler) == [("STREAM_CHUNK", number, CHUNK_SHARED_BYTES // 4) for number in range(1, 5)]
    assert step(scheduler) == [("STREAM_CHUNK", 5, CHUNK_SHARED_BYTES // 4)]
    assert scheduler.idle


def test_who_may_read_on_is_told_for_each_chunk_that_left() -> None:
    scheduler = Scheduler()
    streams = [body_stream(number) for number in range(1, 4)]
    for stream in streams:
        stream.push(b"x")
        scheduler.offer(stream)
    _, taken = scheduler.next_step()
    assert taken == streams


def test_an_aborted_stream_leaves_the_round_without_a_frame() -> None:
    scheduler, gone, other = Scheduler(), body_stream(1), body_stream(2)
    for stream in (gone, other):
        stream.push(b"x")
        scheduler.offer(stream)
    gone.abort()
    assert step(scheduler) == [("STREAM_CHUNK", 2, 1)]


arrivals = st.lists(
    st.one_of(
        st.tuples(st.just("data"), st.integers(1, 12), st.integers(1, 300_000)),
        st.tuples(st.just("control"), st.just(0), st.just(0)),
        st.tuples(st.just("write"), st.just(0), st.just(0)),
    ),
    max_size=300,
)


@given(arrivals)
def test_control_never_waits_behind_more_than_one_chunks_bytes_and_no_stream_longer_than_one_round(
    history: list[tuple[str, int, int]],
) -> None:
    scheduler = Scheduler()
    streams = {stream_id: body_stream(stream_id) for stream_id in range(1, 13)}
    scheduler.live_streams = len(streams)
    pings = 0
    waiting_control: list[int] = []
    # For each stream with something to send: who has sent since it began to wait.
    overtaken_by: dict[int, list[int]] = {}

    def write() -> None:
        messages = step(scheduler)
        data = [stream_id for kind, stream_id, _ in messages if kind == "STREAM_CHUNK"]
        # Everything that waited is in this very write, ahead of its data.
        assert [seq for kind, seq, _ in messages if kind == "STREAM_PING"] == waiting_control
        kinds = [kind for kind, _, _ in messages]
        assert kinds == sorted(kinds, key="STREAM_CHUNK".__eq__)
        assert len(data) == len(set(data)), "a stream has one chunk in a write"
        assert sum(size for kind, _, size in messages if kind == "STREAM_CHUNK") <= CHUNK_SHARED_BYTES
        waiting_control.clear()
        for sender in data:
            overtaken_by.pop(sender, None)
            for others in overtaken_by.values():
                others.append(sender)
            if streams[sender].sendable:
                overtaken_by[sender] = []
        for stream_id, others in overtaken_by.items():
            assert len(others) == len(set(others)), f"{stream_id} waited while another sent twice"

    for kind, stream_id, size in history:
        if kind == "data":
            stream = streams[stream_id]
            stream.push(bytes(size))
            stream.window.on_consumed(stream.window.sent)
            scheduler.offer(stream)
            if stream.sendable:
                overtaken_by.setdefault(stream_id, [])
        elif kind == "control":
            pings += 1
            waiting_control.append(pings)
            scheduler.add_control(ping(pings))
        else:
            write()
    while not scheduler.idle:
        write()
    assert all(not stream.sendable for stream in streams.values())


def test_only_streams_that_could_hold_something_ready_share_what_may_be_read_ahead() -> None:
    scheduler = Scheduler()
    streams = [body_stream(number) for number in range(1, 1001)]
    scheduler.live_streams = len(streams) + 1
    assert scheduler.read_ahead == READ_AHEAD_BYTES // 1001
    for stream in streams:
        stream.push(bytes(WINDOW_FLOOR_BYTES))
        scheduler.offer(stream)
    while not scheduler.idle:
        scheduler.next_step()
    # None of them may read before its page does: who is left has a chunk to itself.
    assert scheduler.read_ahead == CHUNK_SHARED_BYTES
    for stream in streams:
        stream.window.on_consumed(WINDOW_FLOOR_BYTES)
        scheduler.offer(stream)
    assert scheduler.read_ahead == READ_AHEAD_BYTES // 1001
    # One that ends with its window spent is counted no longer, neither way.
    streams[0].push(bytes(streams[0].window.credit))
    scheduler.offer(streams[0])
    while not scheduler.idle:
        scheduler.next_step()
    scheduler.forget(streams[0])
    scheduler.live_streams -= 1
    assert scheduler.read_ahead == READ_AHEAD_BYTES // 1000
