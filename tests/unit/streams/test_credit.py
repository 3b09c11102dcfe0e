"""Promises of the windows and their pool: sent never passes consumed plus window, and no frame can starve another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.fair_pool import FairPool
from longwire.protocol.limits import (
    ACK_WINDOW_DIVISOR,
    FRAME_POOL_BYTES,
    HOST_POOL_BYTES,
    MAX_STREAMS_PER_HOST,
    MIB,
    WINDOW_FLOOR_BYTES,
    WINDOW_MAX_BYTES,
)
from longwire.streams.credit import BadAck, Window


def the_hosts_pool() -> FairPool:
    """As a connection's streams share it."""
    return FairPool(HOST_POOL_BYTES, FRAME_POOL_BYTES)


def drain(window: Window, rounds: int) -> None:
    """A reader that takes everything, as often as asked."""
    for _ in range(rounds):
        window.on_sent(window.credit)
        window.on_consumed(window.sent)


def test_a_stream_starts_with_its_floor() -> None:
    assert Window(the_hosts_pool(), "frame").credit == WINDOW_FLOOR_BYTES


def test_a_draining_stream_doubles_up_to_the_ceiling() -> None:
    window = Window(the_hosts_pool(), "frame")
    sizes = []
    for _ in range(9):
        sizes.append(window.size)
        drain(window, 1)
    assert sizes == [min(WINDOW_FLOOR_BYTES << step, WINDOW_MAX_BYTES) for step in range(9)]


def test_a_token_stream_never_borrows() -> None:
    pool = the_hosts_pool()
    window = Window(pool, "frame")
    for _ in range(100_000):
        window.on_sent(100)
        window.on_consumed(window.sent)
    assert (window.size, pool.lent) == (WINDOW_FLOOR_BYTES, 0)


def test_one_byte_more_than_the_credit_is_a_defect() -> None:
    window = Window(the_hosts_pool(), "frame")
    window.on_sent(WINDOW_FLOOR_BYTES)
    with pytest.raises(ValueError, match="credit of 0"):
        window.on_sent(1)


@pytest.mark.parametrize("consumed", [9, 101])
def test_an_ack_that_decreases_or_runs_ahead_is_refused(consumed: int) -> None:
    window = Window(the_hosts_pool(), "frame")
    window.on_sent(100)
    window.on_consumed(10)
    with pytest.raises(BadAck, match=str(consumed)):
        window.on_consumed(consumed)
    assert window.consumed == 10


def test_a_loan_returns_when_the_stream_closes() -> None:
    pool = the_hosts_pool()
    window = Window(pool, "frame")
    drain(window, 5)
    assert pool.lent > 0
    window.close()
    assert (pool.lent, pool.lent_to("frame")) == (0, 0)


def test_an_idle_stream_returns_what_it_does_not_use_and_keeps_its_floor() -> None:
    pool = the_hosts_pool()
    window = Window(pool, "frame")
    drain(window, 9)
    window.on_sent(100_000)
    window.tick()  # it drained since the last tick
    assert window.size == WINDOW_MAX_BYTES
    window.tick()
    assert (window.credit, pool.lent) == (WINDOW_FLOOR_BYTES, 100_000)


def test_a_stalled_reader_keeps_only_what_it_really_holds() -> None:
    pool = the_hosts_pool()
    window = Window(pool, "frame")
    drain(window, 9)
    window.on_sent(window.credit)
    for _ in range(3):
        window.tick()
    assert (window.size, window.credit) == (WINDOW_MAX_BYTES, 0)


def test_frames_full_of_stalled_readers_leave_something_for_the_next_frame() -> None:
    pool = the_hosts_pool()
    lent = []
    for frame in range(6):
        while pool.borrow(frame, MIB):
            pass
        lent.append(pool.lent_to(frame))
    assert lent == [HOST_POOL_BYTES >> (step + 1) for step in range(6)]
    assert lent[0] == FRAME_POOL_BYTES


def test_the_worst_case_of_all_pages_together_is_48_mib() -> None:
    assert MAX_STREAMS_PER_HOST * WINDOW_FLOOR_BYTES + HOST_POOL_BYTES == 48 * MIB


class Page:
    """The page's half of flow control: acknowledges once a quarter of the window it last heard of was consumed."""

    def __init__(self) -> None:
        self.received = self.consumed = self.acknowledged = 0
        self.window = WINDOW_FLOOR_BYTES

    def receive(self, size: int, window: int) -> None:
        self.received += size
        self.window = window

    def read(self, size: int) -> int | None:
        self.consumed = min(self.received, self.consumed + size)
        if self.consumed - self.acknowledged >= self.window // ACK_WINDOW_DIVISOR:
            self.acknowledged = self.consumed
            return self.consumed
        return None


steps = st.one_of(
    st.tuples(st.just("send"), st.integers(1, 6 * MIB)),
    st.tuples(st.just("read"), st.integers(1, 6 * MIB)),
    st.tuples(st.just("tick"), st.just(0)),
)


@given(st.lists(steps, max_size=120))
def test_credit_holds_and_never_deadlocks_whatever_the_page_and_the_upstream_do(
    history: list[tuple[str, int]],
) -> None:
    window, page = Window(the_hosts_pool(), "frame"), Page()

    def send(wanted: int) -> int:
        size = min(wanted, window.credit)
        if size:
            announced = window.size
            window.on_sent(size)
            page.receive(size, announced)
        return size

    def read(size: int) -> None:
        consumed = page.read(size)
        if consumed is not None:
            window.on_consumed(consumed)

    for kind, size in history:
        if kind == "send":
            send(size)
        elif kind == "read":
            read(size)
        else:
            window.tick()
        assert window.sent <= window.consumed + window.size
        assert WINDOW_FLOOR_BYTES <= window.size <= WINDOW_MAX_BYTES
    # Liveness: a page that reads everything can always be sent more.
    for _ in range(3):
        read(page.received)
        assert send(1) == 1
