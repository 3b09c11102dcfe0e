"""When what lies on disk is believed. Times are made up; contents are words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longwire.policy.settling import RESTLESS_S, RETRY_S, SETTLE_S, Settling, Verdict

OLD, NEW, HALF = "old", "new", "half"


@pytest.fixture
def settling() -> Settling:
    """Something that believes in OLD, which was at rest when it began."""
    subject = Settling()
    assert subject.look(0, OLD, OLD, quiet_s=60) is Verdict.BELIEVE
    return subject


def test_the_first_look_is_believed_where_the_place_was_at_rest() -> None:
    subject = Settling()

    assert not subject.settled
    assert subject.look(0, OLD, OLD, quiet_s=SETTLE_S) is Verdict.BELIEVE
    assert (subject.settled, subject.wait_s(0)) == (True, None)


@pytest.mark.parametrize("quiet_s", [0.0, SETTLE_S / 2, -60.0])
def test_a_place_that_changed_just_now_is_looked_at_twice_from_the_start(quiet_s: float) -> None:
    subject = Settling()

    assert subject.look(0, HALF, HALF, quiet_s=quiet_s) is Verdict.WAIT
    wait = subject.wait_s(0)
    assert wait is not None
    assert wait == pytest.approx(SETTLE_S - max(0.0, quiet_s))
    assert subject.look(wait, HALF, HALF, quiet_s=quiet_s + wait) is Verdict.BELIEVE


def test_a_change_counts_at_the_second_look_and_not_before(settling: Settling) -> None:
    assert settling.wants_content(10, NEW)
    assert settling.look(10, NEW, NEW) is Verdict.WAIT
    assert not settling.settled
    assert settling.wait_s(10.05) == pytest.approx(SETTLE_S - 0.05)
    assert settling.look(10.05, NEW, NEW) is Verdict.WAIT  # as good as none
    assert settling.look(10 + SETTLE_S, NEW, NEW) is Verdict.BELIEVE
    assert settling.settled


def test_however_old_a_later_change_says_it_is_it_is_looked_at_twice(settling: Settling) -> None:
    assert settling.look(10, NEW, NEW, quiet_s=3600) is Verdict.WAIT


def test_what_was_half_written_is_never_believed(settling: Settling) -> None:
    settling.look(10, 1, "")
    settling.look(10.2, 2, HALF)
    settling.look(10.4, 3, NEW)
    assert settling.look(10.6, 3, NEW) is Verdict.BELIEVE


def test_what_was_written_in_between_is_not_at_rest_although_it_looks_alike(settling: Settling) -> None:
    """A program that truncates and writes without end may be caught truncating twice in a row."""
    settling.look(10, 1, "")
    assert settling.look(10.2, 2, "") is Verdict.WAIT
    assert settling.look(10.4, 2, "") is Verdict.BELIEVE


def test_what_is_as_before_is_no_change(settling: Settling) -> None:
    settling.look(10, 1, HALF)
    assert settling.look(10.2, 2, OLD) is Verdict.SAME
    assert settling.settled
    # And what came back is a change of its own again.
    assert settling.look(10.4, 3, HALF) is Verdict.WAIT


def test_between_looks_nothing_is_read_again(settling: Settling) -> None:
    assert not settling.wants_content(10, OLD)
    settling.look(10, NEW, NEW)
    assert not settling.wants_content(10.1, NEW)
    assert not settling.wants_content(10.1, "yet another")
    # The second look reads the content, for a change within one tick of the file system's clock shows nowhere else.
    assert settling.wants_content(10 + SETTLE_S, NEW)


def test_a_failure_to_read_is_tried_again_at_a_bounded_pace(settling: Settling) -> None:
    settling.look(10, NEW, "no descriptor", failed=True)
    assert settling.look(10.2, NEW, "no descriptor", failed=True) is Verdict.BELIEVE
    assert settling.settled
    assert settling.wait_s(10.2) == pytest.approx(RETRY_S)
    assert not settling.wants_content(10.3, NEW)
    assert settling.wants_content(10.3, "touched meanwhile")
    assert settling.wants_content(10.2 + RETRY_S, NEW)
    assert settling.look(10.7, NEW, "no descriptor", failed=True) is Verdict.SAME
    assert settling.look(11.2, NEW, NEW) is Verdict.WAIT
    assert settling.look(11.4, NEW, NEW) is Verdict.BELIEVE
    assert settling.wait_s(11.4) is None


def test_what_never_rests_is_known_as_that_and_looked_at_less_often(settling: Settling) -> None:
    now, looks = 10.0, 0
    while now < 20:
        assert settling.look(now, now, str(now)) is Verdict.WAIT
        assert settling.restless(now) is (now - 10 >= RESTLESS_S)
        wait = settling.wait_s(now)
        assert wait is not None
        now, looks = now + wait, looks + 1
    assert looks <= RESTLESS_S / SETTLE_S + 10 / RETRY_S
    settling.look(now, "at last", NEW)
    assert settling.look(now + RETRY_S, "at last", NEW) is Verdict.BELIEVE
    assert not settling.restless(now + RETRY_S)


@given(st.lists(st.tuples(st.floats(0.001, 1), st.sampled_from("abc")), max_size=30))
def test_nothing_is_believed_that_was_not_there_at_two_looks_in_a_row(looks: list[tuple[float, str]]) -> None:
    subject = Settling()
    assert subject.look(0, "a", "a", quiet_s=60) is Verdict.BELIEVE
    now, before, since = 0.0, "a", 0.0
    for pause, content in looks:
        now += pause
        if content != before:
            before, since = content, now
        if subject.look(now, content, content) is Verdict.BELIEVE:
            assert now - since >= SETTLE_S - 1e-9  # the sum of pauses is rounded
