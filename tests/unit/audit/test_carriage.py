"""How bodies were carried, as the log's ends say."""

from typing import Any

from longwire.audit.carriage import carriage_of
from longwire.audit.reader import Event

COUNTED = {"pieces": 10, "chunks": 4, "packed_chunks": 3, "carried_bytes": 250, "most_queued_bytes": 90}


def event(**fields: Any) -> Event:
    return Event("", 1, fields)


def test_ends_are_added_up_and_the_first_byte_is_the_median() -> None:
    ends = [
        event(event="end", bytes=1000, credit_wait_ms=7, first_byte_ms=first, **COUNTED | {"most_queued_bytes": queued})
        for first, queued in ((5, 90), (9, 30), (50, 40))
    ]
    carriage = carriage_of([event(event="start"), *ends])
    assert carriage is not None
    assert (carriage.streams, carriage.body_bytes, carriage.carried_bytes) == (3, 3000, 750)
    assert (carriage.pieces, carriage.chunks, carriage.packed_chunks) == (30, 12, 9)
    assert (carriage.most_queued_bytes, carriage.credit_wait_ms, carriage.first_byte_ms) == (90, 21, 9)
    assert "3000 bytes of body carried as 750 in 12 chunks (9 compressed) of 30 pieces" in carriage.describe()


def test_a_stream_that_failed_counts_with_what_it_carried_and_one_without_a_body_does_not() -> None:
    failed = event(event="error", bytes=500, **COUNTED)
    refused = event(event="error", bytes=0)
    carriage = carriage_of([failed, refused])
    assert carriage is not None
    assert (carriage.streams, carriage.first_byte_ms) == (1, None)
    assert "first byte" not in carriage.describe()
    assert carriage_of([refused, event(event="started")]) is None


def test_a_line_that_somebody_else_wrote_breaks_nothing() -> None:
    assert carriage_of([event(chunks="many", bytes=None)]) is None
    carriage = carriage_of([event(chunks=1, bytes=[], pieces="x")])
    assert carriage is not None
    assert (carriage.body_bytes, carriage.pieces) == (0, 0)
