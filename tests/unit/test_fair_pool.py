"""Promises of the pool: never more is lent than there is, and nobody has more than it leaves for the others."""

from hypothesis import given
from hypothesis import strategies as st

from longwire.fair_pool import FairPool

SIZE = 1000

# Who, and how much: what is negative is given back, as far as it is held.
steps = st.lists(st.tuples(st.integers(0, 4), st.integers(-SIZE, 2 * SIZE), st.booleans()), max_size=100)


@given(steps, st.none() | st.integers(0, SIZE))
def test_whatever_is_borrowed_and_repaid_the_rule_holds(history: list[tuple[int, int, bool]], each: int | None) -> None:
    pool = FairPool(SIZE, each)
    loans = dict.fromkeys(range(5), 0)
    for who, amount, whole in history:
        free = SIZE - pool.lent
        if amount < 0:
            back = min(-amount, loans[who])
            pool.repay(who, back)
            loans[who] -= back
        elif whole:
            loans[who] += amount if pool.borrow_all(who, amount) else 0
        else:
            lent = pool.borrow(who, amount)
            assert 0 <= lent <= amount
            loans[who] += lent
        assert pool.lent == sum(loans.values()) <= SIZE
        assert all(pool.lent_to(key) == loan for key, loan in loans.items())
        if SIZE - pool.lent < free:  # something was lent
            assert loans[who] <= SIZE - pool.lent
            assert each is None or loans[who] <= each


@given(steps)
def test_what_all_gave_back_leaves_nothing_behind(history: list[tuple[int, int, bool]]) -> None:
    pool = FairPool(SIZE)
    for who, amount, _ in history:
        pool.borrow(who, abs(amount))
    for who in range(5):
        pool.repay(who, pool.lent_to(who))
    assert (pool.lent, pool._loans) == (0, {})


def test_each_that_takes_all_it_may_finds_half_of_what_the_others_left() -> None:
    pool = FairPool(64)
    assert [pool.borrow(who, 64) for who in range(6)] == [32, 16, 8, 4, 2, 1]
    assert pool.borrow("late", 64) == 0


def test_one_by_one_comes_to_the_same_as_all_at_once() -> None:
    pool = FairPool(64)
    for who, share in enumerate([32, 16, 8, 4, 2, 1]):
        assert sum(pool.borrow(who, 1) for _ in range(64)) == share


def test_what_one_may_have_at_most_is_a_bound_beside_the_rule() -> None:
    pool = FairPool(64, each=5)
    assert [pool.borrow("one", 3), pool.borrow("one", 3), pool.borrow("one", 3)] == [3, 2, 0]


def test_all_or_nothing() -> None:
    pool = FairPool(64)
    assert not pool.borrow_all("one", 33)
    assert pool.lent == 0
    assert pool.borrow_all("one", 32)
    assert pool.borrow_all("one", 0)
