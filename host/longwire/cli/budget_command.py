"""`longwire policy budgets`: what was spent of the limits of providers, and how to forget it."""

import time
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import typer

from longwire.console.errors import CommandError
from longwire.console.output import complain, say, say_json, say_table
from longwire.policy import Policy, PolicyStore
from longwire.policy.budget_files import BudgetFiles, BudgetKey
from longwire.policy.budget_ledger import Amount, Ledger, Limit, from_units
from longwire.policy.budgets import amount_text, key_of, limit_text, limits_of
from longwire.policy.suspensions import UnusableState
from longwire.policy.units import duration_text


class _Row(NamedTuple):
    """One limit of the policy, what is spent of it, and in how many milliseconds there is room for a little more.

    Or, without a limit, what is still known of one that there is no more.
    """

    key: BudgetKey
    window_ms: int
    limit: Limit | None
    spent: Amount
    wait_ms: int


def budgets(
    reset: Annotated[
        str | None, typer.Option(metavar="PROVIDER", help="Forget what was spent of this one, for all pages.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List what is spent of providers' limits.

    Each entry of `pages` has its own. What a request that runs takes at most counts as spent, and so does all of one
    that was aborted. Exit code 1: what was spent cannot be known.
    """
    files = BudgetFiles()
    try:
        if reset is not None:
            _forget(files, reset, as_json=as_json)
            return
        ledgers, problems = files.all()
    except UnusableState as problem:
        raise CommandError(problem.what, problem.fix) from None
    rows = _rows(dict(ledgers), PolicyStore().current(), time.time_ns() // 1_000_000)
    if as_json:
        unreadable = [{"problem": each.what, "fix": each.fix} for each in problems]
        say_json({"budgets": [_to_json(row) for row in rows], "problems": unreadable})
    elif rows:
        say_table(("provider", "pages", "limit", "spent", "room"), [_cells(row) for row in rows])
    elif not problems:
        say("no provider of the policy has limits of requests, tokens or cost, and nothing is spent")
    for each in problems if not as_json else ():
        complain(f"problem    {each.what}\n  fix: {each.fix}")
    if problems:
        raise typer.Exit(1)


def _forget(files: BudgetFiles, provider: str, *, as_json: bool) -> None:
    forgotten = files.reset(provider)
    if not forgotten:
        raise CommandError(f'nothing of a provider "{provider}" is spent', "`longwire policy budgets` lists what is")
    if as_json:
        say_json({"forgotten": [key._asdict() for key in forgotten]})
        return
    for key in forgotten:
        say(f'forgotten  what was spent of the {key.source}\'s provider "{key.provider}" for {key.pages}')


def _rows(ledgers: dict[BudgetKey, Ledger], policy: Policy, now_ms: int) -> list[_Row]:
    """Every limit of the policy for every entry that may spend it, and after them what is known besides."""
    rows: list[_Row] = []
    limits = _limits(policy)
    for key, of_provider in limits.items():
        ledger = ledgers.get(key, Ledger())
        for limit, spent, wait_ms in ledger.room(of_provider, now_ms):
            rows.append(_Row(key, limit.window_ms, limit, _amount(limit, spent), wait_ms))
    for key, ledger in ledgers.items():
        ledger.advance(now_ms)
        known = {limit.window_ms for limit in limits.get(key, ())}
        rows += [
            _Row(key, track.window_ms, None, track.spent(), 0)
            for track in sorted(ledger.tracks, key=lambda track: track.window_ms)
            if track.slices and track.window_ms not in known
        ]
    return rows


def _limits(policy: Policy) -> dict[BudgetKey, Sequence[Limit]]:
    return {
        key_of(provider, str(page), grant.principal): limits
        for grant in policy.grants
        for provider in grant.generate
        if (limits := limits_of(provider))
        for page in grant.pages
    }


def _amount(limit: Limit, spent: int) -> Amount:
    if limit.kind == "cost":
        return Amount(costs={limit.currency or "": spent})
    return Amount(requests=spent) if limit.kind == "requests" else Amount(tokens=spent)


def _cells(row: _Row) -> tuple[str, ...]:
    if row.limit is None:
        spent = [_counted(row.spent.requests, "request"), _counted(row.spent.tokens, "token")]
        spent += [f"{cost} {currency}" for currency, cost in _costs(row.spent).items()]
        return (row.key.provider, row.key.pages, "none", f"{', '.join(spent)} in {duration_text(row.window_ms)}", "-")
    # Whole seconds, never too few.
    room = f"in {duration_text(-(-row.wait_ms // 1000) * 1000)}" if row.wait_ms else "now"
    spent_of_it = amount_text(row.limit, row.spent.of(row.limit))
    return (row.key.provider, row.key.pages, limit_text(row.limit), spent_of_it, room)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _to_json(row: _Row) -> dict[str, Any]:
    told: dict[str, Any] = {**row.key._asdict(), "window_ms": row.window_ms}
    if row.limit is None:
        spent = {"requests": row.spent.requests, "tokens": row.spent.tokens, "costs": _costs(row.spent)}
        return told | {"limit": None, "spent": spent, "room_in_ms": None}
    spent_of_it = row.spent.of(row.limit)
    cost = row.limit.kind == "cost"
    return told | {
        "limit": {
            "kind": row.limit.kind,
            "amount": str(row.limit.amount) if cost else row.limit.amount,
            "currency": row.limit.currency,
        },
        "spent": f"{from_units(spent_of_it):f}" if cost else spent_of_it,
        "room_in_ms": row.wait_ms,
    }


def _costs(spent: Amount) -> dict[str, str]:
    return {currency: f"{from_units(cost):f}" for currency, cost in sorted(spent.costs.items())}
