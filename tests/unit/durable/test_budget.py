"""What the pages of an entry hold together."""

import pytest

from longwire.durable.budget import MAX_SEGMENT_BYTES, MIN_SEGMENT_BYTES, Budget, segment_bytes
from longwire.durable.record import Entry
from longwire.protocol.errors import ErrorCode, StreamError
from longwire.protocol.limits import MAX_DURABLE_KEYS, MIB

HERE = Entry("chat", "https://chat.example.com")
THERE = Entry("chat", "https://other.example.com")


def test_bytes_are_a_sum_over_the_requests_of_an_entry_and_of_no_other() -> None:
    budget = Budget()
    one, two, other = budget.join(HERE, "1"), budget.join(HERE, "2", 100), budget.join(THERE, "3")
    one.take(50)
    other.take(7)
    assert (budget.held(HERE), budget.held(THERE)) == (150, 7)
    assert (one.room(200), two.room(200), other.room(200)) == (50, 50, 193)
    assert one.room(100) == 0  # a policy that allows less than what is held
    two.give(100)
    assert (one.held, two.held, budget.held(HERE)) == (50, 0, 50)
    one.leave()
    one.leave()
    one.take(5)
    assert (budget.held(HERE), budget.keys(HERE), one.held) == (0, 1, 0)


def test_one_request_more_than_an_entry_may_have_is_refused_until_one_leaves() -> None:
    budget = Budget()
    shares = [budget.join(HERE, str(number)) for number in range(MAX_DURABLE_KEYS)]
    with pytest.raises(StreamError, match=r"longwire\.durable\.forget") as refused:
        budget.join(HERE, "one more")
    assert refused.value.code == ErrorCode.LIMIT_EXCEEDED and str(MAX_DURABLE_KEYS) in refused.value.text
    budget.join(THERE, "one more")
    shares[0].leave()
    budget.join(HERE, "one more")
    budget.join(HERE, "found on the disk", 10, anyway=True)
    assert budget.keys(HERE) == MAX_DURABLE_KEYS + 1


def test_a_request_that_joins_again_counts_once() -> None:
    budget = Budget()
    budget.join(HERE, "1", 10)
    again = budget.join(HERE, "1", 20)
    assert (budget.held(HERE), budget.keys(HERE)) == (20, 1)
    again.leave()
    assert (budget.held(HERE), budget.keys(HERE)) == (0, 0)


def test_entries_that_hold_nothing_are_forgotten() -> None:
    budget = Budget()
    for number in range(100):
        budget.join(Entry("chat", str(number)), "1").leave()
    assert len(budget._sums) == 1


@pytest.mark.parametrize(
    ("max_bytes", "size"),
    [(1, MIN_SEGMENT_BYTES), (MIB, 64 * 1024), (64 * MIB, 4 * MIB), (2**40, MAX_SEGMENT_BYTES)],
)
def test_a_segment_is_a_small_part_of_what_may_be_held(max_bytes: int, size: int) -> None:
    assert segment_bytes(max_bytes) == size
