"""`longwire policy release`: what the reflection guard suspended, and its release."""

from typing import Annotated, Any

import typer

from longwire.console.errors import CommandError
from longwire.console.output import say, say_json, say_table
from longwire.policy import Policy, PolicyStore, Suspension, SuspensionFile, Suspensions, UnusableState


def release(
    name: Annotated[str | None, typer.Argument(metavar="GRANT", help="The grant's name. Without it: list.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Give suspended secrets back to pages, or list them.

    A secret is suspended for the pages to which the grant's server sent it back. Release it once the server no longer
    does: running hosts hear of it at once.
    """
    if name is None:
        _list(as_json=as_json)
        return
    try:
        released = SuspensionFile().release(name)
    except UnusableState as problem:
        raise CommandError(problem.what, problem.fix) from None
    if not released:
        raise CommandError(
            f'nothing of a grant "{name}" is suspended', "`longwire policy release` without a name lists what is"
        )
    if as_json:
        say_json({"released": [to_json(each) for each in released]})
        return
    for each in released:
        say(f'released   the secret "{each.secret}" of the grant "{each.grant}" for {each.page or "all its pages"}')


def known_suspensions() -> Suspensions:
    """As the file has them. Its `problem` says why it could not be read."""
    return Suspensions(SuspensionFile())


def to_json(suspension: Suspension) -> dict[str, Any]:
    """For machines. `page` is null for all pages of the grant."""
    return {
        "grant": suspension.grant,
        "secret": suspension.secret,
        "page": suspension.page,
        "since": suspension.since,
        "release": suspension.release_command,
    }


def _list(*, as_json: bool) -> None:
    suspensions, policy = known_suspensions(), PolicyStore().current()
    if suspensions.problem is not None:
        raise CommandError(suspensions.problem.what, suspensions.problem.fix)
    in_force = {each.key for each, _ in suspensions.in_force(policy)}
    if as_json:
        listed = [{**to_json(each), "in_force": each.key in in_force} for each in suspensions.all]
        say_json({"suspended": listed})
    elif not suspensions.all:
        say("nothing is suspended")
    else:
        say_table(
            ("grant", "secret", "pages", "since", ""),
            (
                (each.grant, each.secret, each.page or "all", each.since, _note(each, policy, in_force))
                for each in suspensions.all
            ),
        )


def _note(suspension: Suspension, policy: Policy, in_force: set[tuple[str, ...]]) -> str:
    if suspension.key in in_force:
        return suspension.release_command
    there = any(grant.name == suspension.grant for grant in policy.grants)
    return "not in force: the grant " + ("was changed since" if there else "is gone")
