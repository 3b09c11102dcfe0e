"""Budgets of providers: what a request takes at most is reserved before it is sent, and written down first.

One request waits for one small file. What comes while a file is written is written together, so that many at once wait
for a few. Nothing holds up the streams: all of it is done in a thread.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from threading import Lock
from typing import Final, NamedTuple

import structlog

from longwire.policy.budget_files import BudgetFiles, BudgetKey, BusyFiles
from longwire.policy.budget_ledger import Bound, Hold, Ledger, Limit, NoPrice, NoRoom, from_units
from longwire.policy.providers import Provider, window_text
from longwire.policy.suspensions import UnusableState
from longwire.policy.units import duration_text
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.records import Principal

__all__ = ["BudgetFiles", "BudgetKey", "Budgets", "Limit", "Reservation", "amount_text", "key_of", "limits_of"]

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.budget")

BUDGETS_COMMAND: Final = "longwire policy budgets"


class _Request(NamedTuple):
    """One thing to do to a ledger. `result` has what it gave, or what it raised."""

    key: BudgetKey
    act: Callable[[Ledger, Iterator[str]], Hold | None]
    result: "Future[Hold | None]"


class Budgets:
    """Reserves and settles. One per engine: its thread writes for all of it. Other hosts of the user count along."""

    def __init__(self, files: BudgetFiles | None = None, clock_ms: Callable[[], int] | None = None) -> None:
        """`clock_ms` is a wall clock: it is compared with what other processes wrote, some of them before a restart."""
        self._files = files or BudgetFiles()
        self._clock_ms = clock_ms or _wall_clock_ms
        self._thread = ThreadPoolExecutor(1, "longwire-budgets")
        self._mutex = Lock()
        self._waiting: list[_Request] = []
        self._failing = False  # and the log says so

    async def reserve(
        self,
        key: BudgetKey,
        limits: Sequence[Limit],
        *,
        tokens: int,
        cost: Decimal | None = None,
        currency: str | None = None,
    ) -> "Reservation":
        """Spend one request, so many tokens and so much money. It is on the disk when this returns.

        Without limits nothing is counted. `cost` is None where there are no prices. Whoever is cancelled meanwhile
        never had it: tokens and cost are given back.

        Raises:
            StreamError: LIMIT_EXCEEDED, phase `policy`. With `retry_after_ms` where there is room again after that;
                not retryable where there never is, or where nothing can be counted.
        """
        if not limits:
            return Reservation(self, key, None)
        bound = Bound(tokens, cost, currency)
        asked = self._submit(key, lambda ledger, ids: ledger.reserve(limits, bound, self._clock_ms(), ids))
        try:
            return Reservation(self, key, await asyncio.wrap_future(asked))
        except asyncio.CancelledError:
            asked.add_done_callback(lambda _: self._return(key, asked))
            raise
        except NoRoom as refused:
            raise _no_room(key, refused) from None
        except NoPrice as refused:
            raise _no_price(key, refused.limit) from None
        except UnusableState as problem:
            raise _not_counted(key, problem) from None

    async def change(self, key: BudgetKey, act: Callable[[Ledger, int], None]) -> None:
        """Do `act` to a ledger, at a time of the clock; it is done, however this ends. Raises nothing.

        Where it cannot be written down, all that was reserved stays spent.
        """

        def done(ledger: Ledger, _: Iterator[str]) -> None:
            act(ledger, self._clock_ms())

        asked = self._submit(key, done)
        problem = None
        try:
            await asyncio.shield(asyncio.wrap_future(asked))
        except UnusableState as unusable:
            problem = unusable.what
        if problem is not None and not self._failing:
            log.error("budget not settled", provider=key.provider, reason=problem)
        self._failing = problem is not None

    def _return(self, key: BudgetKey, asked: "Future[Hold | None]") -> None:
        if asked.cancelled() or asked.exception() is not None or (hold := asked.result()) is None:
            return

        def done(ledger: Ledger, _: Iterator[str]) -> None:
            ledger.give_back(hold, self._clock_ms())

        self._submit(key, done)

    def _submit(self, key: BudgetKey, act: Callable[[Ledger, Iterator[str]], Hold | None]) -> "Future[Hold | None]":
        request = _Request(key, act, Future())
        with self._mutex:
            self._waiting.append(request)
        self._thread.submit(self._write_waiting)
        return request.result

    def _write_waiting(self) -> None:
        """In the thread: all that is waiting, with one file for each ledger."""
        with self._mutex:
            waiting, self._waiting = self._waiting, []
        by_key: dict[BudgetKey, list[_Request]] = {}
        for request in waiting:
            if request.result.set_running_or_notify_cancel():
                by_key.setdefault(request.key, []).append(request)
        for key, requests in by_key.items():
            self._write(key, requests)

    def _write(self, key: BudgetKey, requests: Sequence[_Request]) -> None:
        answers: list[Hold | NoRoom | NoPrice | None] = []

        def act_of(request: _Request) -> Callable[[Ledger, Iterator[str]], None]:
            def act(ledger: Ledger, ids: Iterator[str]) -> None:
                try:
                    answers.append(request.act(ledger, ids))
                except (NoRoom, NoPrice) as refused:
                    answers.append(refused)

            return act

        try:
            self._files.change(key, [act_of(request) for request in requests])
        except BaseException as failure:  # noqa: BLE001  (somebody waits for each, and must hear of whatever it was)
            for request in requests:
                request.result.set_exception(failure)
            return
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Exception):
                request.result.set_exception(answer)
            else:
                request.result.set_result(answer)


class Reservation:
    """What one request holds. It is settled or given back once; anything later has no effect. Neither raises.

    Left alone, it stays spent.
    """

    def __init__(self, budgets: Budgets, key: BudgetKey, hold: Hold | None) -> None:
        self._budgets = budgets
        self._key = key
        self._hold = hold

    async def settle(self, tokens: int, cost: Decimal | None = None) -> None:
        """Put what the provider counted in the place of the bound. Without `cost` the reserved one stays."""
        hold, self._hold = self._hold, None
        if hold is not None:
            await self._budgets.change(self._key, lambda ledger, now: ledger.settle(hold, tokens, cost, now))

    async def give_back(self) -> None:
        """For a request of which no byte left the host: tokens and cost come back, the request still counts."""
        hold, self._hold = self._hold, None
        if hold is not None:
            await self._budgets.change(self._key, lambda ledger, now: ledger.give_back(hold, now))


def key_of(provider: Provider, entry: str, principal: Principal) -> BudgetKey:
    """Whose budget it is that a page of this entry of `pages` spends, in private windows too.

    The writer has one of its own on the same pages: a page could else use it up, and learn from its own what the writer
    spends.
    """
    return BudgetKey(provider.source, provider.name, f"{entry} (writer)" if principal == "writer" else entry)


def limits_of(provider: Provider) -> list[Limit]:
    """Those that the policy gives it."""
    given = provider.limits
    limits: list[Limit] = []
    if given.requests is not None:
        limits.append(Limit("requests", given.requests.amount, None, given.requests.window_ms))
    if given.tokens is not None:
        limits.append(Limit("tokens", given.tokens.amount, None, given.tokens.window_ms))
    if given.cost is not None:
        limits.append(Limit("cost", given.cost.amount, given.cost.currency, given.cost.window_ms))
    return limits


def amount_text(limit: Limit, amount: int) -> str:
    """An amount as a ledger counts it, with its unit: `3 requests`, `1200 tokens`, `0.25 USD`."""
    if limit.kind == "cost":
        return f"{from_units(amount):f} {limit.currency or ''}".rstrip()
    return f"{amount} {limit.kind if amount != 1 else limit.kind[:-1]}"


def limit_text(limit: Limit) -> str:
    """`200000 tokens per day`."""
    return f"{amount_text(limit, limit.whole)} per {window_text(limit.window_ms)}"


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def _exceeded(
    message: str, *, reason: str | None = None, retryable: bool, wait_ms: int | None = None, command: str | None = None
) -> StreamError:
    return StreamError(
        ErrorCode.LIMIT_EXCEEDED,
        message,
        Phase.POLICY,
        reason,
        retryable=retryable,
        retry_after_ms=wait_ms,
        command=command,
    )


def _no_room(key: BudgetKey, refused: NoRoom) -> StreamError:
    limit, wait_ms = refused.limit, refused.wait_ms
    allows = f'the provider "{key.provider}" allows this page {limit_text(limit)}'
    takes = f"this request may take {amount_text(limit, refused.wanted)}"
    if wait_ms is None:
        fix = (
            "the policy would need a larger limit"
            if limit.kind == "requests"
            else "ask for less with maxTokens, or with a shorter prompt"
        )
        return _exceeded(f"{allows}, and {takes}: {fix}", retryable=False)
    # Whole seconds, never too few: this is for people.
    there = duration_text(-(-wait_ms // 1000) * 1000)
    takes = "" if limit.kind == "requests" else f", and {takes}"
    reason = f"{allows}{takes}; there is room again in {there}"
    return _exceeded(reason, reason=f"{reason} ({key.pages})", retryable=True, wait_ms=wait_ms)


def _no_price(key: BudgetKey, limit: Limit) -> StreamError:
    message = (
        f'the provider "{key.provider}" has a limit of cost in {limit.currency}, and no prices in {limit.currency} for '
        "this model: its [[provider]] in the policy needs them in `prices`, or ask for another model"
    )
    return _exceeded(message, retryable=False)


def _not_counted(key: BudgetKey, problem: UnusableState) -> StreamError:
    message = (
        f'what is spent of the limits of the provider "{key.provider}" cannot be written down, so nothing is; '
        f"`{BUDGETS_COMMAND}` says what to mend"
    )
    reason = f'the limits of the provider "{key.provider}" cannot be held: {problem.what}; {problem.fix}'
    return _exceeded(message, reason=reason, retryable=isinstance(problem, BusyFiles), command=BUDGETS_COMMAND)
