"""A request body is taken in order, within the credit, and up to its announced size."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.protocol.limits import UPLOAD_CHUNK_BYTES, UPLOAD_WINDOW_BYTES, UPLOAD_WINDOW_MAX_BYTES
from longwire.streams.upload import BadUpload, Upload


def opened(size: int | None = None) -> Upload:
    upload = Upload(size)
    upload.open()
    return upload


def test_credit_is_closed_until_the_policy_accepted_the_stream() -> None:
    with pytest.raises(BadUpload, match="beyond the upload credit"):
        Upload(None).receive(0, b"x")


def test_opening_grants_the_window() -> None:
    assert Upload(None).open() == (0, UPLOAD_WINDOW_BYTES)


def test_the_last_byte_of_the_credit_is_accepted_and_one_more_is_not() -> None:
    upload = opened()
    upload.receive(0, bytes(UPLOAD_WINDOW_BYTES))
    with pytest.raises(BadUpload, match="beyond the upload credit"):
        upload.receive(UPLOAD_WINDOW_BYTES, b"x")


@pytest.mark.parametrize("offset", [0, 2, 4])
def test_bytes_out_of_order_are_refused(offset: int) -> None:
    upload = opened()
    upload.receive(0, b"abc")
    with pytest.raises(BadUpload, match="the next byte is 3"):
        upload.receive(offset, b"d")


def test_more_than_the_announced_size_is_refused() -> None:
    upload = opened(3)
    upload.receive(0, b"abc")
    with pytest.raises(BadUpload, match="announced size of 3"):
        upload.receive(3, b"d")


@pytest.mark.parametrize(("announced", "total"), [(None, 2), (None, 4), (4, 3), (4, 4)])
def test_an_end_that_does_not_match_what_came_is_refused(announced: int | None, total: int) -> None:
    upload = opened(announced)
    upload.receive(0, b"abc")
    with pytest.raises(BadUpload, match="STREAM_BODY_END"):
        upload.finish(total)


def test_what_was_on_its_way_when_the_body_was_wanted_again_has_no_effect() -> None:
    upload = opened(3)
    upload.receive(0, b"ab")
    assert upload.again() == 1
    upload.receive(2, b"c")
    upload.finish(3)
    assert (upload.take(), upload.complete) == (None, False)
    with pytest.raises(BadUpload, match="beyond the upload credit"):
        upload.receive(0, b"abc", again=1)
    assert upload.open() == (0, UPLOAD_WINDOW_BYTES)
    upload.receive(0, b"xyz", again=1)
    upload.finish(3, again=1)
    assert (upload.take(), upload.complete) == (b"xyz", True)


def test_a_body_that_nobody_asked_for_again_is_refused() -> None:
    upload = opened(3)
    with pytest.raises(BadUpload, match="nobody asked for"):
        upload.receive(0, b"a", again=1)
    upload.again()
    with pytest.raises(BadUpload, match="nobody asked for"):
        upload.finish(3, again=2)


def test_nothing_follows_the_end() -> None:
    upload = opened()
    upload.finish(0)
    with pytest.raises(BadUpload, match="after STREAM_BODY_END"):
        upload.receive(0, b"x")
    with pytest.raises(BadUpload, match="second"):
        upload.finish(0)


def test_a_body_in_tiny_pieces_takes_no_more_memory_than_the_credit_says() -> None:
    upload = opened()
    tracemalloc.start()
    try:
        for offset in range(0, UPLOAD_WINDOW_BYTES, 2):
            upload.receive(offset, offset.to_bytes(4, "little")[1:3])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1.5 * UPLOAD_WINDOW_BYTES
    pieces = list(iter(upload.take, None))
    assert b"".join(pieces) == b"".join(
        offset.to_bytes(4, "little")[1:3] for offset in range(0, UPLOAD_WINDOW_BYTES, 2)
    )
    assert max(map(len, pieces)) <= UPLOAD_CHUNK_BYTES


@given(st.lists(st.binary(max_size=UPLOAD_CHUNK_BYTES), max_size=40), st.integers(1, 5))
def test_bytes_come_out_as_they_went_in_and_credit_always_returns(pieces: list[bytes], every: int) -> None:
    upload = Upload(None)
    consumed, window = upload.open()
    sent, taken = 0, b""

    def take_all() -> None:
        nonlocal taken, consumed, window
        while (piece := upload.take()) is not None:
            taken += piece
            consumed, window = upload.acknowledge() or (consumed, window)

    for index, piece in enumerate(pieces):
        if sent + len(piece) > consumed + window or index % every == 0:
            take_all()
        assert sent + len(piece) <= consumed + window, "the page would wait for ever"
        upload.receive(sent, piece)
        sent += len(piece)
    upload.finish(sent)
    take_all()
    assert taken == b"".join(pieces)
    assert upload.complete and upload.take() is None


# --- a window that grows ----------------------------------------------------------------------------------------------


def sent_through(upload: Upload, size: int, *, starving: bool) -> list[int]:
    """The windows that the page is told while it sends `size` bytes and more, and all of them are taken."""
    windows: list[int] = []
    sent = 0
    while sent < size:
        upload.receive(sent, bytes(UPLOAD_CHUNK_BYTES))
        sent += UPLOAD_CHUNK_BYTES
        assert upload.take() is not None
        windows += [window for _, window in filter(None, [upload.acknowledge()])]
        if starving:
            windows += [window for _, window in filter(None, [upload.starve()])]
    return windows


def test_a_window_grows_while_its_server_takes_all_that_comes_and_no_further_than_the_most() -> None:
    upload = Upload(None, borrow=lambda wanted: wanted)
    upload.open()
    windows = sent_through(upload, 4 * UPLOAD_WINDOW_MAX_BYTES, starving=True)
    assert sorted(set(windows)) == [UPLOAD_WINDOW_BYTES << doubled for doubled in range(4)]
    assert windows == sorted(windows) and upload.window == UPLOAD_WINDOW_MAX_BYTES


def test_a_window_does_not_grow_for_a_server_that_is_never_out_of_bytes() -> None:
    upload = Upload(None, borrow=lambda wanted: wanted)
    upload.open()
    assert set(sent_through(upload, 4 * UPLOAD_WINDOW_MAX_BYTES, starving=False)) == {UPLOAD_WINDOW_BYTES}


def test_a_window_grows_once_for_each_window_that_was_taken() -> None:
    upload = Upload(None, borrow=lambda wanted: wanted)
    upload.open()
    assert upload.starve() is None, "nothing was taken yet"
    sent_through(upload, UPLOAD_WINDOW_BYTES, starving=False)
    assert upload.starve() == (UPLOAD_WINDOW_BYTES, 2 * UPLOAD_WINDOW_BYTES)
    assert upload.starve() is None


def test_a_window_is_no_larger_than_what_is_lent() -> None:
    asked: list[int] = []

    def lend(wanted: int) -> int:
        asked.append(wanted)
        return 1000 if len(asked) == 1 else 0

    upload = Upload(None, borrow=lend)
    upload.open()
    windows = sent_through(upload, 3 * UPLOAD_WINDOW_BYTES, starving=True)
    assert set(windows) == {UPLOAD_WINDOW_BYTES, UPLOAD_WINDOW_BYTES + 1000} and asked[0] == UPLOAD_WINDOW_BYTES
    with pytest.raises(BadUpload, match="beyond the upload credit"):
        upload.receive(upload.received, bytes(UPLOAD_WINDOW_BYTES + 1001))


def test_a_window_does_not_grow_beyond_what_is_left_of_the_body() -> None:
    size = 2 * UPLOAD_WINDOW_BYTES + 5
    upload = Upload(size, borrow=lambda wanted: wanted)
    upload.open()
    sent_through(upload, UPLOAD_WINDOW_BYTES, starving=False)
    assert upload.starve() == (UPLOAD_WINDOW_BYTES, UPLOAD_WINDOW_BYTES + 5)


def test_a_body_that_is_wanted_again_keeps_the_window_that_it_had() -> None:
    upload = Upload(None, borrow=lambda wanted: wanted)
    upload.open()
    sent_through(upload, UPLOAD_WINDOW_BYTES, starving=True)
    upload.again()
    assert upload.open() == (0, 2 * UPLOAD_WINDOW_BYTES)
