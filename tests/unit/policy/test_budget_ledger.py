"""No window ever holds more than its limit, whatever is done in which order and whatever the clock says."""

import itertools
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longwire.policy.budget_ledger import (
    MAX_TRACKS,
    SLICES,
    Bound,
    Hold,
    Ledger,
    Limit,
    NoPrice,
    NoRoom,
    from_units,
    to_units,
)
from tests.slices import times

START = 1_700_000_000_000
MINUTE = 60_000
DAY = 86_400_000
FREE = Bound(0)


def requests(count: int, window_ms: int) -> Limit:
    return Limit("requests", count, None, window_ms)


def tokens(count: int, window_ms: int) -> Limit:
    return Limit("tokens", count, None, window_ms)


def usd(amount: str, window_ms: int) -> Limit:
    return Limit("cost", Decimal(amount), "USD", window_ms)


def ids() -> Iterator[str]:
    return map(str, itertools.count())


def refusal(ledger: Ledger, limits: list[Limit], bound: Bound, now: int, names: Iterator[str]) -> NoRoom | None:
    """None if there is room; then it is spent."""
    try:
        ledger.reserve(limits, bound, now, names)
    except NoRoom as refused:
        return refused
    return None


def wait_of(refused: NoRoom) -> int:
    assert refused.wait_ms is not None
    return refused.wait_ms


@dataclass
class Kept:
    """A ledger with a clock that a test sets."""

    ledger: Ledger = field(default_factory=Ledger)
    now: int = START
    ids: Iterator[str] = field(default_factory=ids)

    def reserve(self, limits: list[Limit], bound: Bound = FREE) -> Hold:
        return self.ledger.reserve(limits, bound, self.now, self.ids)

    def refused(self, limits: list[Limit], bound: Bound = FREE) -> NoRoom:
        refused = refusal(self.ledger, limits, bound, self.now, self.ids)
        assert refused is not None
        return refused


# --- the property ------------------------------------------------------------------------------------------------

# Both have the longest window: what was spent in the others is known from that one.
POLICIES = (
    [requests(5, 1_000), tokens(900, 7_000), usd("0.9", 7_000)],
    [tokens(500, 7_000), requests(3, 730), usd("0.2", 59)],
)


@dataclass
class Spent:
    """What a request really spent, and when by the true time."""

    at: int
    tokens: int
    cost: Decimal

    def of(self, limit: Limit) -> Decimal:
        return {"requests": Decimal(1), "tokens": Decimal(self.tokens), "cost": self.cost}[limit.kind]


def used(known: list[Spent], limit: Limit, now: int) -> Decimal:
    """In the window that ends now, both ends of it included."""
    return sum((each.of(limit) for each in known if each.at >= now - limit.window_ms), Decimal(0))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(0, 400), st.integers(0, 400)),
        st.tuples(st.just("settle"), st.integers(0, 50), st.integers(0, 100)),
        st.tuples(st.just("give back"), st.integers(0, 50), st.just(0)),
        st.tuples(st.just("wait"), st.integers(0, 2_000), st.just(0)),
        st.tuples(st.just("set the clock back"), st.integers(1, 20_000), st.just(0)),
        st.tuples(st.just("change the policy"), st.just(0), st.just(0)),
        st.tuples(st.just("reset of a copy"), st.just(0), st.just(0)),
    ),
    max_size=120,
)


@settings(max_examples=times(400, 150), deadline=None)
@given(STEPS)
def test_no_window_ever_holds_more_than_its_limit(steps: list[tuple[str, int, int]]) -> None:
    ledger, names = Ledger(), ids()
    true, behind, policy = START, 0, 0
    known: list[Spent] = []
    open_holds: list[tuple[Hold, Spent]] = []
    for step, first, second in steps:
        if step == "reserve":
            cost = Decimal(second) / 1000
            try:
                hold = ledger.reserve(POLICIES[policy], Bound(first, cost, "USD"), true - behind, names)
            except NoRoom:
                continue
            spent = Spent(true, first, cost)
            known.append(spent)
            open_holds.append((hold, spent))
            for limit in POLICIES[policy]:
                assert used(known, limit, true) <= limit.amount
        elif step == "wait":
            true += first
        elif step == "set the clock back":
            behind += first
        elif step == "change the policy":
            policy = 1 - policy
        elif step == "reset of a copy":
            ledger = deepcopy(ledger)
        elif open_holds:
            # What is never drawn here belongs to a request that was aborted, or whose host was killed.
            hold, spent = open_holds.pop(first % len(open_holds))
            if step == "give back":
                ledger.give_back(hold, true - behind)
                spent.tokens, spent.cost = 0, Decimal(0)
            else:
                spent.tokens, spent.cost = spent.tokens * second // 100, spent.cost * second / 100
                ledger.settle(hold, spent.tokens, spent.cost, true - behind)


@settings(max_examples=times(200, 80), deadline=None)
@given(
    st.lists(st.tuples(st.integers(-(10**14), 10**14), st.integers(0, 300)), max_size=40),
    st.integers(0, 3_000),
)
def test_whatever_a_clock_did_all_of_a_limit_is_free_after_two_quiet_windows(
    jumps: list[tuple[int, int]], wanted: int
) -> None:
    limits = [tokens(3_000, 7_000)]
    most = 7_000 + 7_000 // SLICES + 1
    ledger, names, now = Ledger(), ids(), START
    for jump, spent in jumps:
        now = max(0, now + jump)
        refused = refusal(ledger, limits, Bound(spent), now, names)
        assert refused is None or wait_of(refused) <= most
    # A clock that was set back may have been put right meanwhile: then less passed than it says.
    refused = refusal(ledger, limits, Bound(wanted), now + most, names)
    if refused is not None:
        assert wait_of(refused) <= most
        ledger.reserve(limits, Bound(wanted), now + most + wait_of(refused), names)


@settings(max_examples=times(200, 80), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 400), st.integers(1, 200)), min_size=1, max_size=60))
def test_there_is_room_when_a_refusal_says_so_and_not_a_millisecond_sooner(
    spending: list[tuple[int, int, int]],
) -> None:
    limits = [tokens(1_000, 5_000), requests(20, 1_000), usd("2", 61)]
    kept = Kept()
    for wait, some, cost in spending:
        kept.now += wait
        bound = Bound(some, Decimal(cost) / 100, "USD")
        refused = refusal(kept.ledger, limits, bound, kept.now, kept.ids)
        if refused is not None:
            then = kept.now + wait_of(refused)
            assert refusal(deepcopy(kept.ledger), limits, bound, then - 1, kept.ids) is not None
            assert refusal(deepcopy(kept.ledger), limits, bound, then, kept.ids) is None


# --- by hand -----------------------------------------------------------------------------------------------------


def test_a_refusal_names_the_limit_that_has_room_last() -> None:
    kept = Kept()
    limits = [requests(1, MINUTE), tokens(100, DAY)]
    kept.reserve(limits, Bound(60))
    refused = kept.refused(limits, Bound(60))
    assert refused.limit == limits[1]
    assert refused.wait_ms is not None
    assert DAY <= refused.wait_ms <= DAY + DAY / SLICES
    assert kept.refused(limits, Bound(10)).limit == limits[0]
    assert kept.refused(limits, Bound(101)).wait_ms is None


def test_only_what_the_provider_counted_lowers_what_was_reserved() -> None:
    kept = Kept()
    limits = [tokens(1_000, DAY), usd("1", DAY)]
    hold = kept.reserve(limits, Bound(900, Decimal("0.9"), "USD"))
    kept.refused(limits, Bound(101, Decimal(0), "USD"))
    kept.ledger.settle(hold, 300, Decimal("0.3"), kept.now)
    kept.reserve(limits, Bound(700, Decimal("0.7"), "USD"))
    assert kept.refused(limits, Bound(1, Decimal(0), "USD")).limit.kind == "tokens"


def test_a_provider_that_counted_more_than_the_bound_is_believed() -> None:
    kept = Kept()
    hold = kept.reserve([tokens(100, MINUTE)], Bound(10))
    kept.now += MINUTE // 2
    kept.ledger.settle(hold, 110, None, kept.now)
    assert kept.refused([tokens(100, MINUTE)], Bound(1)).wait_ms is not None
    # What it is more counts from when it was known.
    kept.now += MINUTE // 2 + MINUTE // SLICES
    kept.reserve([tokens(100, MINUTE)], Bound(0))
    kept.refused([tokens(100, MINUTE)], Bound(1))


def test_a_settlement_after_its_window_takes_nothing_from_others() -> None:
    kept = Kept()
    hold = kept.reserve([tokens(100, MINUTE)], Bound(100))
    kept.now += 2 * MINUTE
    kept.reserve([tokens(100, MINUTE)], Bound(100))
    kept.ledger.settle(hold, 0, None, kept.now)
    kept.refused([tokens(100, MINUTE)], Bound(1))


def test_a_request_that_was_never_sent_still_counts_as_one() -> None:
    kept = Kept()
    limits = [requests(1, MINUTE), tokens(100, DAY)]
    kept.ledger.give_back(kept.reserve(limits, Bound(100)), kept.now)
    assert kept.refused(limits, Bound(100)).limit.kind == "requests"
    kept.now += MINUTE + MINUTE // SLICES
    kept.reserve(limits, Bound(100))


def test_without_a_price_in_its_currency_a_limit_of_cost_lets_nothing_through() -> None:
    kept = Kept()
    for bound in (Bound(1), Bound(1, Decimal(0), "EUR"), Bound(1, Decimal(0), None)):
        with pytest.raises(NoPrice):
            kept.reserve([usd("5", DAY)], bound)
    kept.reserve([requests(1, DAY)], FREE)  # nothing of it was counted


def test_money_is_counted_to_the_millionth_of_a_millionth_and_never_down() -> None:
    kept = Kept()
    for _ in range(10):
        kept.reserve([usd("0.000000000010", DAY)], Bound(0, Decimal("1E-20"), "USD"))
    kept.refused([usd("0.000000000010", DAY)], Bound(0, Decimal("1E-30"), "USD"))
    assert from_units(to_units(Decimal("12345678901234567890.123456789012"))) == Decimal(
        "12345678901234567890.123456789012"
    )


# --- when the policy changes -------------------------------------------------------------------------------------


def test_another_amount_in_the_same_window_knows_what_was_spent() -> None:
    kept = Kept()
    kept.reserve([tokens(100, DAY)], Bound(100))
    kept.refused([tokens(150, DAY)], Bound(51))
    kept.reserve([tokens(150, DAY)], Bound(50))


@pytest.mark.parametrize("other", [MINUTE, 3 * DAY])
def test_another_window_knows_what_was_spent_too(other: int) -> None:
    kept = Kept()
    kept.reserve([tokens(100, DAY)], Bound(100))
    kept.refused([tokens(100, other)], Bound(1))
    # And back again, with what was spent meanwhile.
    kept.now += DAY // 2
    kept.reserve([tokens(200, other)], Bound(40))
    kept.refused([tokens(150, DAY)], Bound(11))


def test_another_window_knows_what_the_longest_one_knew() -> None:
    kept = Kept()
    kept.reserve([tokens(100, MINUTE), tokens(100, 3 * DAY)], Bound(100))
    kept.now += DAY
    kept.reserve([tokens(100, MINUTE)], Bound(1))
    kept.refused([tokens(101, 2 * DAY)], Bound(1))


def test_a_limit_of_another_kind_in_a_window_that_was_kept_knows_what_was_spent() -> None:
    kept = Kept()
    kept.reserve([requests(9, DAY)], Bound(100, Decimal("0.5"), "USD"))
    kept.refused([usd("0.6", DAY)], Bound(0, Decimal("0.2"), "USD"))
    kept.refused([tokens(100, DAY)], Bound(1))


def test_what_was_settled_before_a_window_was_new_is_taken_out_of_no_other_place() -> None:
    kept = Kept()
    hold = kept.reserve([tokens(100, DAY)], Bound(60))
    kept.reserve([tokens(100, DAY), tokens(100, MINUTE)], Bound(40))
    kept.ledger.settle(hold, 0, None, kept.now)
    # The younger track cannot tell which of its slices it was.
    kept.refused([tokens(100, MINUTE)], Bound(1))
    kept.reserve([tokens(100, DAY)], Bound(60))


def test_windows_that_no_limit_has_any_more_are_dropped() -> None:
    kept = Kept()
    for window_ms in range(1_000, 1_000 + 3 * MAX_TRACKS):
        kept.reserve([requests(10**6, window_ms)])
    assert len(kept.ledger.tracks) == MAX_TRACKS
    kept.now += 10_000
    kept.reserve([requests(10**6, 5)])
    assert [track.window_ms for track in kept.ledger.tracks] == [5]


# --- clocks ------------------------------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_forgets_nothing_and_goes_on() -> None:
    kept = Kept()
    limits = [tokens(100, MINUTE)]
    kept.reserve(limits, Bound(100))
    kept.now -= 365 * DAY
    assert kept.refused(limits, Bound(1)).wait_ms is not None
    kept.now += MINUTE - 1
    kept.refused(limits, Bound(1))
    kept.now += 1 + MINUTE // SLICES
    kept.reserve(limits, Bound(100))


def test_a_clock_that_is_set_back_and_right_again_has_forgotten_nothing() -> None:
    kept = Kept()
    limits = [tokens(100, MINUTE)]
    kept.reserve(limits, Bound(100))
    for _ in range(100):
        for step in (MINUTE // 2, 1):
            kept.now -= step
            kept.refused(limits, Bound(1))
            kept.now += step
            kept.refused(limits, Bound(1))


def test_a_clock_that_was_years_ahead_and_is_put_right_blocks_nothing_for_longer_than_a_window() -> None:
    kept = Kept(now=START + 3650 * DAY)
    limits = [tokens(100, MINUTE)]
    kept.reserve(limits, Bound(100))
    kept.now = START
    assert kept.refused(limits, Bound(1)).wait_ms is not None
    kept.now += MINUTE + MINUTE // SLICES
    kept.reserve(limits, Bound(100))


# --- size --------------------------------------------------------------------------------------------------------


def test_a_ledger_does_not_grow_with_requests() -> None:
    kept = Kept()
    limits = [requests(10**9, 15 * MINUTE), tokens(10**9, DAY), usd("1000000", 31 * DAY)]
    most = 0
    for _ in range(10_000):
        kept.now += 270_000  # a month, and more of all windows than there are slices
        kept.reserve(limits, Bound(1, Decimal("0.000001"), "USD"))
        most = max(most, *(len(track.slices) for track in kept.ledger.tracks))
    assert len(kept.ledger.tracks) == 3
    assert most <= SLICES + 2


def test_what_is_spent_and_when_there_is_room_is_told_without_spending() -> None:
    kept = Kept()
    limits = [requests(2, MINUTE), tokens(100, DAY), usd("5", 2 * DAY)]
    kept.reserve(limits, Bound(60, Decimal("0.5"), "USD"))
    kept.reserve(limits, Bound(40, Decimal("0.5"), "USD"))
    told = kept.ledger.room([*limits, requests(1, 77)], kept.now + 1)
    assert [(limit.kind, spent) for limit, spent, _ in told] == [
        ("requests", 2),
        ("tokens", 100),
        ("cost", to_units(1)),
        ("requests", 2),
    ]
    waits = [wait for _, _, wait in told]
    assert waits[2] == 0
    assert 0 < waits[3] <= 79
    for (limit, _, wait), bound in zip(told[:2], (Bound(0, Decimal(0), "USD"), Bound(1)), strict=True):
        later = deepcopy(kept.ledger)
        with pytest.raises(NoRoom):
            later.reserve([limit], bound, kept.now + wait, kept.ids)
        later.reserve([limit], bound, kept.now + 1 + wait, kept.ids)
