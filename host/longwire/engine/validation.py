"""What `policy validate` finds: in the file itself, beside the other file, and of what it refers to."""

from collections.abc import Iterator
from pathlib import Path

from longwire.engine.judging import Judge
from longwire.policy import Grant, Policy, PolicyStore, Suspensions
from longwire.policy.coverage import unreachable_grants
from longwire.policy.files import read_policy
from longwire.policy.loading import PolicyDocument
from longwire.policy.locations import Source
from longwire.policy.problems import Problem
from longwire.protocol.errors import ErrorCode
from longwire.protocol.records import PolicyState


def validated(file: Path, store: PolicyStore | None = None) -> PolicyDocument:
    """The file as the host would read it, with every problem and warning that it would have in its place.

    Its place is the administrator's if it lies there, else the user's. Asks no keyring, which may ask a person, and
    runs no command.
    """
    store = store or PolicyStore()
    places = store.locations
    source: Source = "administrator" if _same(file, places.administrator) else "user"
    document = read_policy(file, source)
    # Owner and mode count where the file lies that decides, and nowhere else.
    in_place = [each.finding for each in store.current().problems if _same(file, each.path)]
    problems = document.problems or tuple(in_place)
    if problems:
        return document._replace(problems=problems, grants=())
    other = places.user if source == "administrator" else places.administrator
    beside = _beside(document, source, read_policy(other, _other(source))) if other.is_file() else []
    problems = tuple(finding for finding in beside if not finding.blocks)
    warnings = (
        *document.warnings,
        *(problem for _, problem in unreachable_grants(document.grants)),
        *(finding for finding in beside if finding.blocks),
        *_not_yet(document),
    )
    return document._replace(problems=problems, warnings=warnings)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _other(source: Source) -> Source:
    return "user" if source == "administrator" else "administrator"


def _beside(document: PolicyDocument, source: Source, other: PolicyDocument) -> list[Problem]:
    """What the other file makes of this one: names that both use are problems, to be silenced is what `blocks`."""
    if source == "user" and not other.user_grants:
        text = f"{other.path} alone decides, without user_grants = true: what stands here does not count"
        return [Problem(text, blocks=True)]
    if source == "administrator" and not document.user_grants:
        return []
    lines = {grant.name: grant.line for grant in other.grants}
    return [
        Problem(
            f'{other.path} line {lines[grant.name]} has a grant "{grant.name}" too, and one name in both files closes '
            "everything: give one of them another",
            grant.line,
        )
        for grant in document.grants
        if grant.name in lines
    ]


def _not_yet(document: PolicyDocument) -> Iterator[Problem]:
    """What grants refer to and is not there. It may come later, so it is no problem of the file."""
    if not document.enabled:
        yield Problem("enabled = false switches all of it off", blocks=True)
    policy = Policy(PolicyState.OK, "", (document.path,), document.grants)
    judge = Judge(policy, Suspensions(), ask_keyrings=False)
    for grant in document.grants:
        if grant.enabled:
            yield from _of_grant(grant, judge)


def _of_grant(grant: Grant, judge: Judge) -> Iterator[Problem]:
    met = [judge.obstacle(grant, destination.origin, None) for destination in grant.open_destinations]
    met += [judge.provider_obstacle(grant, provider, None) for provider in grant.open_providers]
    # Addresses are told by the file's own warnings, with their line.
    reasons = dict.fromkeys(error.reason for error in met if error and error.code is not ErrorCode.POLICY_DENIED)
    for reason in reasons:
        yield Problem(f'the grant "{grant.name}" does not work yet: {reason}', grant.line, blocks=True)
