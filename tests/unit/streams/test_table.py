"""Who may open a stream, and what ids mean."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.limits import (
    MAX_STREAMS_PER_HOST,
    MAX_STREAMS_PER_TAB_FRAME,
    UPLOAD_WINDOW_BYTES,
    UPLOAD_WINDOW_MAX_BYTES,
    WINDOW_FLOOR_BYTES,
)
from longwire.streams.table import UPLOAD_POOL_BYTES, WIDE_UPLOAD_POOL_BYTES, StreamTable


def test_a_frame_may_open_its_share_and_not_one_more() -> None:
    table = StreamTable()
    for number in range(1, MAX_STREAMS_PER_TAB_FRAME + 1):
        table.open(number, "frame", "tab")
    with pytest.raises(StreamError) as refused:
        table.open(MAX_STREAMS_PER_TAB_FRAME + 1, "frame", "tab")
    assert refused.value.code is ErrorCode.LIMIT_EXCEEDED
    assert table.open(MAX_STREAMS_PER_TAB_FRAME + 2, "another frame", "tab").live


def filled(table: StreamTable, tab: str, first_id: int) -> int:
    """Open streams in `tab`, in as many frames as it needs, until one is refused; returns how many there were."""
    before = len(table)
    with pytest.raises(StreamError) as refused:
        [table.open(first_id + n, (tab, n // MAX_STREAMS_PER_TAB_FRAME), tab) for n in range(MAX_STREAMS_PER_HOST + 1)]
    assert refused.value.code is ErrorCode.LIMIT_EXCEEDED
    return len(table) - before


def test_all_tabs_together_may_open_the_hosts_share_and_not_one_more() -> None:
    table = StreamTable()
    opened = 0
    for tab in "abcdefg":
        opened += filled(table, tab, 2000 * (ord(tab) - 96))
    assert opened == len(table) == MAX_STREAMS_PER_HOST


def test_the_frames_of_one_tab_leave_slots_for_the_others() -> None:
    table = StreamTable()
    shares = [filled(table, tab, first_id) for tab, first_id in (("loud", 1), ("next", 2000), ("third", 4000))]
    assert shares == [1000, 12, 6]


def test_request_bodies_of_a_thousand_streams_have_smaller_windows_and_leave_another_tab_its_own() -> None:
    table = StreamTable()
    streams = [table.open(number, number // 200, "tab") for number in range(1, 1001)]
    windows = [table.upload_window(stream, None) for stream in streams]
    assert windows[0] == UPLOAD_WINDOW_BYTES and min(windows) >= WINDOW_FLOOR_BYTES
    assert sum(windows) <= 1000 * WINDOW_FLOOR_BYTES + UPLOAD_POOL_BYTES // 2
    other = table.open(1001, "frame", "another tab")
    assert table.upload_window(other, None) == UPLOAD_WINDOW_BYTES
    for stream in (*streams, other):
        table.remove(stream)
    again = [table.open(number, 0, "tab") for number in range(1002, 1010)]
    assert [table.upload_window(stream, None) for stream in again] == [UPLOAD_WINDOW_BYTES] * 8


def test_wide_windows_of_one_tab_leave_another_its_own_and_are_free_again_when_their_streams_are_over() -> None:
    table = StreamTable()
    streams = [table.open(number, 0, "tab") for number in range(1, 51)]
    for stream in streams:
        table.upload_window(stream, None)
    lent = [table.widen_upload(stream, UPLOAD_WINDOW_MAX_BYTES) for stream in streams]
    assert lent[0] == UPLOAD_WINDOW_MAX_BYTES and sum(lent) <= WIDE_UPLOAD_POOL_BYTES // 2
    other = table.open(51, "frame", "another tab")
    assert table.upload_window(other, None) == UPLOAD_WINDOW_BYTES
    assert table.widen_upload(other, UPLOAD_WINDOW_MAX_BYTES) == UPLOAD_WINDOW_MAX_BYTES
    for stream in (*streams, other):
        table.remove(stream)
        assert table.widen_upload(stream, 1) == 0, "it is over"
    again = table.open(52, 0, "tab")
    table.upload_window(again, None)
    assert table.widen_upload(again, WIDE_UPLOAD_POOL_BYTES // 2) == WIDE_UPLOAD_POOL_BYTES // 2


@pytest.mark.parametrize(("size", "window"), [(0, WINDOW_FLOOR_BYTES), (100_000, 100_000)])
def test_a_request_body_has_no_larger_window_than_it_needs(size: int, window: int) -> None:
    table = StreamTable()
    assert table.upload_window(table.open(1, "frame", "tab"), size) == window


def test_a_removed_stream_frees_its_slot() -> None:
    table = StreamTable(per_frame=1)
    table.remove(table.open(1, "frame", "tab"))
    assert table.open(2, "frame", "tab").live


def test_an_id_is_never_used_twice() -> None:
    table = StreamTable()
    table.remove(table.open(5, "frame", "tab"))
    for reused in (5, 4):
        with pytest.raises(StreamError) as refused:
            table.open(reused, "frame", "tab")
        assert refused.value.code is ErrorCode.PROTOCOL


def test_a_refused_id_stays_refused() -> None:
    table = StreamTable(per_host=1)
    table.open(1, "frame", "tab")
    for code in (ErrorCode.LIMIT_EXCEEDED, ErrorCode.PROTOCOL):
        with pytest.raises(StreamError) as refused:
            table.open(2, "frame", "tab")
        assert refused.value.code is code


@given(st.lists(st.tuples(st.sampled_from(["open", "remove"]), st.integers(0, 3)), max_size=200))
def test_counts_are_right_after_any_history(history: list[tuple[str, int]]) -> None:
    table = StreamTable(per_frame=3, per_host=8, reserved=0)
    live: dict[int, list[int]] = {frame: [] for frame in range(4)}
    for number, (act, frame) in enumerate(history, start=1):
        if act == "open":
            full = len(live[frame]) >= 3 or sum(map(len, live.values())) >= 8
            if full:
                with pytest.raises(StreamError):
                    table.open(number, frame, frame)
            else:
                table.open(number, frame, frame)
                live[frame].append(number)
        elif live[frame]:
            stream = table.get(live[frame].pop(0))
            assert stream is not None
            table.remove(stream)
        assert sorted(stream.id for stream in table) == sorted(chain.from_iterable(live.values()))
