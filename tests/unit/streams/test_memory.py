"""Decoder memory: all or nothing, above a floor, and never more than a tab leaves for the others."""

from hypothesis import given
from hypothesis import strategies as st

from longwire.protocol.limits import (
    DECODER_FLOOR_BYTES,
    DECODER_FRAME_POOL_BYTES,
    DECODER_HOST_POOL_BYTES,
    MAX_STREAMS_PER_HOST,
    MIB,
)
from longwire.streams.memory import DecoderLoan, DecoderPools

WINDOW = 4 * MIB


def holding(pools: DecoderPools, tab: str, frame: str) -> int:
    """How many streams of a frame may hold a window."""
    return next(number for number in range(1000) if not DecoderLoan(pools, tab, frame).hold(WINDOW))


def test_a_frame_gets_its_share_and_leaves_more_than_it_has() -> None:
    pools = DecoderPools()
    assert holding(pools, "loud", "frame") == DECODER_FRAME_POOL_BYTES // WINDOW
    # However many frames the tab makes, half is left for the others, and so on.
    assert holding(pools, "loud", "another") == (DECODER_HOST_POOL_BYTES // 2 - DECODER_FRAME_POOL_BYTES) // WINDOW
    assert holding(pools, "loud", "third") == 0
    assert holding(pools, "next", "its own") == DECODER_HOST_POOL_BYTES // 4 // WINDOW


def test_the_floor_is_there_whoever_holds_what() -> None:
    pools = DecoderPools(frame_bytes=0, host_bytes=0)
    for number in range(MAX_STREAMS_PER_HOST):
        assert DecoderLoan(pools, "tab", str(number)).hold(DECODER_FLOOR_BYTES)
    assert not DecoderLoan(pools, "tab", "frame").hold(DECODER_FLOOR_BYTES + 1)
    assert pools.lent_bytes == 0


def test_what_cannot_be_had_leaves_what_was_held() -> None:
    pools = DecoderPools(frame_bytes=MIB, host_bytes=8 * MIB)
    loan = DecoderLoan(pools, "tab", "frame")
    assert loan.hold(MIB)
    assert not loan.hold(MIB + 1)
    assert pools.lent_bytes == MIB
    assert loan.hold(MIB // 2)
    assert pools.lent_bytes == MIB // 2
    loan.close()
    assert pools.lent_bytes == 0
    loan.close()
    assert pools.lent_bytes == 0


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 24 * MIB)), max_size=60))
def test_no_order_of_holding_lends_more_than_there_is(steps: list[tuple[int, int]]) -> None:
    pools = DecoderPools()
    loans = [DecoderLoan(pools, number % 2, number % 4) for number in range(12)]
    held = [0] * 12
    for number, size in steps:
        if loans[number].hold(size):
            held[number] = size if size > DECODER_FLOOR_BYTES else 0
        assert pools.lent_bytes == sum(held) <= DECODER_HOST_POOL_BYTES
        for frame in range(4):
            assert sum(held[frame::4]) <= DECODER_FRAME_POOL_BYTES
    for loan in loans:
        loan.close()
    assert pools.lent_bytes == 0
