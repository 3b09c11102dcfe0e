"""`longwire policy show` for people: what is in force, with every setting of every grant and the file it stands in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from longwire.console.output import say, say_marked
from longwire.policy import Grant, Policy, PolicyStore, Suspensions
from longwire.protocol.records import PolicyState

_NAME_CHARS: Final = len("limits.requests_per_minute")
_UNITS: Final = (("h", 3_600_000), ("m", 60_000), ("s", 1000))
_STYLES: Final = {PolicyState.OK: "green", PolicyState.MISSING: "yellow", PolicyState.INVALID: "bold red"}


def say_policy(policy: Policy, store: PolicyStore, suspensions: Suspensions) -> None:
    """Print it. Values that the file injects are not among it: one may be a key that somebody wrote there."""
    say_marked("state", str(policy.state), _STYLES[policy.state])
    for path in policy.files:
        say(f"file       {path}")
    if policy.state is PolicyState.MISSING:
        say(f"           neither {store.locations.administrator} nor {store.locations.user} exists: nothing is open")
        say(f"           write {store.locations.user}; `longwire docs policy` has an example")
    if policy.switched_off:
        say_marked("off", f"{policy.switched_off} says enabled = false for all grants: nothing is open", "yellow")
    if policy.silenced:
        text = f"{policy.silenced}: {policy.administrator} alone decides, without user_grants = true"
        say_marked("silenced", text, "yellow")
    for problem in policy.problems:
        say_marked("problem", str(problem), "bold red")
    for warning in policy.warnings:
        say_marked("warning", str(warning), "yellow")
    if suspensions.problem:
        say_marked("problem", suspensions.problem.what, "bold red")
    for suspension, _ in suspensions.in_force(policy):
        text = f"{suspension.describe()} since {suspension.since}: `{suspension.release_command}` lifts that"
        say_marked("suspended", text, "yellow")
    if policy.grants:
        say(f"digest     {policy.digest}")
    for grant in policy.grants:
        say()
        off = "" if grant.enabled else "  (off)"
        say_marked("grant", f'"{grant.name}", {file_of(policy, grant)} line {grant.line}{off}', "bold")
        for name, value in _settings(grant):
            say(f"  {name:<{_NAME_CHARS}}  {value}")


def file_of(policy: Policy, grant: Grant) -> Path:
    """Where a grant is written."""
    if len(policy.files) == 1 or grant.source == "administrator":
        return policy.files[0]
    return policy.files[1]


def _settings(grant: Grant) -> Iterator[tuple[str, str]]:
    """All of them, in the order of the table in docs/policy.md; several values below each other, under one name."""
    yield from _list("pages", map(str, grant.pages))
    yield from _list("destinations", map(str, grant.destinations))
    yield "methods", " ".join(grant.methods)
    yield "network", grant.network
    yield from _list("inject", (_injected(name, template.secrets) for name, template in grant.inject), "nothing")
    yield from _list("secrets", (source.describe() for source in grant.secrets), "none")
    yield "enabled", _truth(value=grant.enabled)
    yield "private_windows", _truth(value=grant.private_windows)
    yield "request_headers", _passing(grant.request_headers)
    yield "response_headers", _passing(grant.response_headers)
    yield "reflection_guard", _truth(value=grant.reflection_guard)
    yield "ranges", _truth(value=grant.ranges)
    yield "proxy", str(grant.proxy) if grant.proxy else "none"
    yield "ca_file", grant.ca_file or "the system's authorities"
    limits, own = grant.limits, "the host's own"
    yield "limits.streams", own if limits.streams is None else f"{limits.streams} for each page"
    yield (
        "limits.requests_per_minute",
        own if limits.requests_per_minute is None else f"{limits.requests_per_minute} for each page",
    )
    yield "limits.bytes", "no limit" if limits.bytes is None else f"{limits.bytes:,} for each response"
    yield "limits.header_timeout", own if limits.header_timeout_ms is None else _duration(limits.header_timeout_ms)
    yield "limits.total_timeout", "no limit" if limits.total_timeout_ms is None else _duration(limits.total_timeout_ms)


def _list(name: str, values: Iterator[str], otherwise: str = "") -> Iterator[tuple[str, str]]:
    first = next(values, otherwise)
    yield name, first
    for value in values:
        yield "", value


def _injected(name: str, secrets: tuple[str, ...]) -> str:
    return f"{name}, with {' and '.join(f'{{secret:{each}}}' for each in secrets)}" if secrets else name


def _passing(names: tuple[str, ...] | None) -> str:
    return "all that may pass" if names is None else " ".join(names)


def _truth(*, value: bool) -> str:
    return "true" if value else "false"


def _duration(milliseconds: int) -> str:
    """As it is written in the file: the largest unit that leaves no rest."""
    return next(
        (f"{milliseconds // each}{unit}" for unit, each in _UNITS if not milliseconds % each), f"{milliseconds}ms"
    )
