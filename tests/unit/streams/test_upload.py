"""A request body is taken in order, within the credit, and up to its announced size."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.protocol.limits import UPLOAD_CHUNK_BYTES, UPLOAD_WINDOW_BYTES
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
