"""`longwire policy budgets`: what was spent of the limits of providers, and how to forget it."""

import time
from typing import Annotated, Any

import typer

from longwire.console.errors import CommandError
from longwire.console.output import complain, say, say_json, say_table
from longwire.policy.budget_files import BudgetFiles, BudgetKey
from longwire.policy.budget_ledger import Amount, Ledger, Track, from_units
from longwire.policy.suspensions import UnusableState
from longwire.policy.units import duration_text


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
    now = time.time_ns() // 1_000_000
    for _, ledger in ledgers:
        ledger.advance(now)
    if as_json:
        say_json(
            {
                "budgets": [_to_json(key, ledger) for key, ledger in ledgers],
                "problems": [{"problem": each.what, "fix": each.fix} for each in problems],
            }
        )
    elif rows := [row for key, ledger in ledgers for row in _rows(key, ledger)]:
        say_table(("provider", "pages", "in", "requests", "tokens", "cost"), rows)
    elif not problems:
        say("nothing is spent")
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
        say(f'forgotten  what was spent of the provider "{key.provider}" for {key.pages} ({_file(key)})')


def _rows(key: BudgetKey, ledger: Ledger) -> list[tuple[str, ...]]:
    return [
        (
            key.provider,
            key.pages,
            duration_text(track.window_ms),
            str(spent.requests),
            str(spent.tokens),
            ", ".join(f"{cost} {currency}" for currency, cost in _costs(spent).items()) or "-",
        )
        for track, spent in _counted(ledger)
    ]


def _to_json(key: BudgetKey, ledger: Ledger) -> dict[str, Any]:
    return {
        **key._asdict(),
        "spent": [
            {
                "window_ms": track.window_ms,
                "requests": spent.requests,
                "tokens": spent.tokens,
                "costs": _costs(spent),
            }
            for track, spent in _counted(ledger)
        ],
    }


def _counted(ledger: Ledger) -> list[tuple[Track, Amount]]:
    tracks = sorted(ledger.tracks, key=lambda track: track.window_ms)
    return [(track, track.spent()) for track in tracks if track.slices]


def _costs(spent: Amount) -> dict[str, str]:
    return {currency: f"{from_units(cost):f}" for currency, cost in sorted(spent.costs.items())}


def _file(key: BudgetKey) -> str:
    return f"the {key.source}'s file"
