"""What was spent of the limits of one provider by one `pages` entry, without I/O.

A window rolls, and what was spent in it is kept by slices of a sixtieth. A slice counts until it lies wholly outside
the window, so that no window ever holds more than its limit; what it holds is forgotten up to a sixtieth late.

    reserve ──► what it takes at most is spent ──┬─► settle: what the provider counted
                                                 ├─► give back: the request was never sent
                                                 └─► nothing: it stays spent

Time is the ledger's own: it never goes back, whatever a clock does, and goes on with a clock that was set back.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final, Literal, NamedTuple

LimitKind = Literal["requests", "tokens", "cost"]

SLICES: Final = 60
# A file that is edited often has as many windows; the one that was not asked for the longest is dropped.
MAX_TRACKS: Final = 16
# Sums of money are kept as whole numbers: a millionth of a millionth of a currency's unit is one.
_COST_DIGITS: Final = 12
_SPENT: Final = Context(prec=60, rounding=ROUND_CEILING)
_ALLOWED: Final = Context(prec=60, rounding=ROUND_FLOOR)


class Limit(NamedTuple):
    """At most `amount` of a kind in any `window_ms`. A `cost` has a `currency`: three letters, as in the prices."""

    kind: LimitKind
    amount: Decimal | int
    currency: str | None
    window_ms: int

    @property
    def whole(self) -> int:
        """`amount` as `Amount` counts."""
        return to_units(self.amount, _ALLOWED) if self.kind == "cost" else int(self.amount)


class Bound(NamedTuple):
    """What one request takes at most, of tokens and of money. Without prices `cost` and `currency` are None."""

    tokens: int
    cost: Decimal | None = None
    currency: str | None = None


class Hold(NamedTuple):
    """What a reservation took: `places` are the slices of each track, by the track's id."""

    tokens: int
    cost: int | None
    currency: str | None
    places: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class Amount:
    """What was spent. `costs` by currency, in units of `to_units`."""

    requests: int = 0
    tokens: int = 0
    costs: dict[str, int] = field(default_factory=dict)

    def of(self, limit: Limit) -> int:
        """What of it counts against a limit."""
        if limit.kind == "cost":
            return self.costs.get(limit.currency or "", 0)
        return self.requests if limit.kind == "requests" else self.tokens

    def add(self, other: "Amount") -> None:
        """Count another one too. No part of the sum is ever less than nothing."""
        self.requests = max(0, self.requests + other.requests)
        self.tokens = max(0, self.tokens + other.tokens)
        for currency, cost in other.costs.items():
            self.costs[currency] = max(0, self.costs.get(currency, 0) + cost)


@dataclass(slots=True)
class Track:
    """All that was spent, for windows of one length. `id` is another for each one that was ever made.

    `wanted_ms` is when a limit last had this window, by the ledger's time.
    """

    id: str
    window_ms: int
    wanted_ms: int
    # In the order of time, which never goes back.
    slices: dict[int, Amount] = field(default_factory=dict)
    # The sum of them, until one is dropped or changed.
    _spent: Amount | None = field(default=None, repr=False, compare=False)

    @property
    def slice_ms(self) -> int:
        """How long a slice is: short windows have fewer of them."""
        return -(-self.window_ms // SLICES)

    def slice_at(self, time_ms: int) -> int:
        """The number of the slice that holds a moment."""
        return time_ms // self.slice_ms

    def gone_at(self, number: int) -> int:
        """When a slice counts no more."""
        return (number + 1) * self.slice_ms + self.window_ms

    def forget(self, time_ms: int) -> None:
        """Drop what lies outside the window."""
        while self.slices and self.gone_at(oldest := next(iter(self.slices))) <= time_ms:
            del self.slices[oldest]
            self._spent = None

    def spend(self, time_ms: int, amount: Amount) -> int:
        """Add to the slice of this moment; returns its number."""
        number = self.slice_at(time_ms)
        self.slices.setdefault(number, Amount()).add(amount)
        if self._spent is not None:
            self._spent.add(amount)
        return number

    def take_out(self, number: int, amount: Amount) -> None:
        """Add less than nothing to a slice, if it is still there."""
        if number in self.slices:
            self.slices[number].add(amount)
            self._spent = None

    def spent(self) -> Amount:
        """In the window that ends now, after `forget`."""
        if self._spent is None:
            self._spent = Amount()
            for each in self.slices.values():
                self._spent.add(each)
        return self._spent

    def room_at(self, limit: Limit, wanted: int) -> int:
        """When so much more fits into the limit, if nothing else is spent. The whole limit holds it."""
        over = self.spent().of(limit) + wanted - limit.whole
        at = 0
        for number, spent in self.slices.items():
            if over <= 0:
                break
            over -= spent.of(limit)
            at = self.gone_at(number)
        return at


class NoRoom(Exception):
    """A limit does not hold the bound of a request.

    Of all limits that do not, it is the one that has room last: after `wait_ms`. None: it never has.
    """

    def __init__(self, limit: Limit, wanted: int, wait_ms: int | None) -> None:
        super().__init__(f"{limit.kind}: no room")
        self.limit = limit
        self.wanted = wanted
        self.wait_ms = wait_ms


class NoPrice(Exception):
    """A cost limit, and a bound that says nothing in its currency."""

    def __init__(self, limit: Limit) -> None:
        super().__init__("cost: no price")
        self.limit = limit


@dataclass(slots=True)
class Ledger:
    """Of one provider and one `pages` entry. Times in milliseconds; `clock_ms` of each call is a wall clock's.

    `time_ms` is the ledger's time at the last call, `ahead_ms` how far that is ahead of a clock that was set back.
    """

    time_ms: int = 0
    ahead_ms: int = 0
    tracks: list[Track] = field(default_factory=list)

    def advance(self, clock_ms: int) -> int:
        """Go on to what a clock says; returns the ledger's time.

        A clock that was set back goes on from where it was. One that has made up for it is followed again: what it says
        is then less than what would have been counted, and never less than what was.
        """
        if clock_ms >= self.time_ms:
            self.time_ms, self.ahead_ms = clock_ms, 0
        elif clock_ms + self.ahead_ms >= self.time_ms:
            self.time_ms = clock_ms + self.ahead_ms
        else:
            self.ahead_ms = self.time_ms - clock_ms
        for track in self.tracks:
            track.forget(self.time_ms)
        return self.time_ms

    def reserve(self, limits: Sequence[Limit], bound: Bound, clock_ms: int, ids: Iterator[str]) -> Hold:
        """Spend a request and its bound, if every limit has room for it; else spend nothing.

        `ids` are for tracks that are new.

        Raises:
            NoRoom: a limit has none.
            NoPrice: a cost limit, and the bound has no cost in its currency.
        """
        now = self.advance(clock_ms)
        self._want({limit.window_ms for limit in limits}, ids)
        cost = None if bound.cost is None else to_units(bound.cost, _SPENT)
        currency = None if cost is None else bound.currency
        amount = Amount(1, bound.tokens, {} if cost is None or currency is None else {currency: cost})
        if refused := list(self._refusals(limits, amount, now)):
            raise max(refused, key=lambda each: float("inf") if each.wait_ms is None else each.wait_ms)
        places = tuple((track.id, track.spend(now, amount)) for track in self.tracks)
        return Hold(bound.tokens, cost, currency, places)

    def settle(self, hold: Hold, tokens: int, cost: Decimal | None, clock_ms: int) -> None:
        """Put what was used in the place of what was held. Without `cost`, that stays as it is.

        What is more than was held counts from now on; what is less is taken out where it was put in, if that is still
        there.
        """
        used = hold.cost if cost is None or hold.cost is None else to_units(cost, _SPENT)
        costs = {} if hold.currency is None else {hold.currency: (used or 0) - (hold.cost or 0)}
        self._change(hold, Amount(0, tokens - hold.tokens, costs), clock_ms)

    def give_back(self, hold: Hold, clock_ms: int) -> None:
        """Take out tokens and cost of a request that was never sent. That it was made stays."""
        costs = {} if hold.currency is None else {hold.currency: -(hold.cost or 0)}
        self._change(hold, Amount(0, -hold.tokens, costs), clock_ms)

    def room(self, limits: Sequence[Limit], clock_ms: int) -> list[tuple[Limit, int, int]]:
        """Of each limit: what is spent of it, and when it has room for one more, of a request, a token or a unit.

        That is in milliseconds from now. Spends nothing. For a ledger that is not written down afterwards.
        """
        now = self.advance(clock_ms)
        self._want({limit.window_ms for limit in limits}, map(str, itertools.count()))
        tracks = {track.window_ms: track for track in self.tracks}
        found = ((limit, tracks[limit.window_ms]) for limit in limits)
        return [(limit, track.spent().of(limit), max(0, track.room_at(limit, 1) - now)) for limit, track in found]

    @property
    def clock_ms(self) -> int:
        """What the clock said at the last call, or later: one that was set back just then."""
        return self.time_ms - self.ahead_ms

    @property
    def empty(self) -> bool:
        """Whether nothing counts any more, as of the last call."""
        return not any(track.slices for track in self.tracks)

    def _refusals(self, limits: Iterable[Limit], amount: Amount, now: int) -> Iterator[NoRoom]:
        tracks = {track.window_ms: track for track in self.tracks}
        for limit in limits:
            if limit.kind == "cost" and (limit.currency or "") not in amount.costs:
                raise NoPrice(limit)
            wanted = amount.of(limit)
            if wanted > limit.whole:
                yield NoRoom(limit, wanted, None)
                continue
            wait_ms = tracks[limit.window_ms].room_at(limit, wanted) - now
            if wait_ms > 0:
                yield NoRoom(limit, wanted, wait_ms)

    def _change(self, hold: Hold, change: Amount, clock_ms: int) -> None:
        now = self.advance(clock_ms)
        less = Amount(0, min(0, change.tokens), {each: min(0, cost) for each, cost in change.costs.items()})
        more = Amount(0, max(0, change.tokens), {each: max(0, cost) for each, cost in change.costs.items()})
        places = dict(hold.places)
        for track in self.tracks:
            # Not in a track that is younger than the hold: it may hold this under another slice, beside others.
            if track.id in places:
                track.take_out(places[track.id], less)
            if more.tokens or any(more.costs.values()):
                track.spend(now, more)

    def _want(self, windows: set[int], ids: Iterator[str]) -> None:
        """Have a track for each window. A new one begins with what the others know."""
        known = {track.window_ms for track in self.tracks}
        longest = max(self.tracks, key=lambda track: track.window_ms, default=None)
        for window_ms in sorted(windows - known):
            track = Track(next(ids), window_ms, self.time_ms)
            if longest is not None:
                for number, spent in longest.slices.items():
                    # When in its slice it was spent, nobody knows any more: as late as can be.
                    track.spend(min((number + 1) * longest.slice_ms - 1, self.time_ms), spent)
            track.forget(self.time_ms)
            self.tracks.append(track)
        for track in self.tracks:
            if track.window_ms in windows:
                track.wanted_ms = self.time_ms
        # Those that no limit asks for go on for a while: another host may have another policy for a moment.
        kept = [track for track in self.tracks if track.wanted_ms + track.window_ms > self.time_ms]
        self.tracks = sorted(kept, key=lambda track: track.wanted_ms)[-max(MAX_TRACKS, len(windows)) :]


def to_units(amount: Decimal | int, context: Context = _SPENT) -> int:
    """An amount of money as a whole number. Rounds what is spent up, and with `_ALLOWED` what is allowed down."""
    scaled = Decimal(amount).scaleb(_COST_DIGITS, context)
    return int(scaled.to_integral_value(rounding=context.rounding))


def from_units(units: int) -> Decimal:
    """The other way round, exactly."""
    return Decimal(units).scaleb(-_COST_DIGITS, _SPENT).normalize(_SPENT)
