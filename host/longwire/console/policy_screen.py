"""`longwire policy show` for people: what is in force, with every setting of every grant and the file it stands in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from longwire.console.output import say, say_marked
from longwire.console.provider_screen import provider_settings
from longwire.console.words import duration, listed, truth
from longwire.policy import Grant, Policy, PolicyStore, Provider, Suspensions
from longwire.policy.grants import DurableLimits, WriterPages
from longwire.protocol.limits import SOCKET_MESSAGE_BYTES
from longwire.protocol.records import PolicyState

_NAME_CHARS: Final = len("limits.requests_per_minute")
_PRINCIPALS: Final = {"page": "page: its own scripts", "writer": "writer: the extension's own, and no script of a page"}
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
        undo = "; `longwire policy on` undoes that" if policy.switched_off == store.locations.user else ""
        say_marked("off", f"{policy.switched_off} says enabled = false for all grants: nothing is open{undo}", "yellow")
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
        _say_entry(policy, "grant", grant, _settings(grant), "" if grant.enabled else "  (off)")
    for provider in policy.providers:
        _say_entry(policy, "provider", provider, provider_settings(provider, policy))
    for writer in policy.writer:
        _say_writer(policy, writer)


def _say_entry(
    policy: Policy, word: str, entry: Grant | Provider, settings: Iterator[tuple[str, str]], state: str = ""
) -> None:
    say()
    say_marked(word, f'"{entry.name}", {file_of(policy, entry)} line {entry.line}{state}', "bold")
    for name, value in settings:
        say(f"  {name:<{_NAME_CHARS}}  {value}")


def _say_writer(policy: Policy, writer: WriterPages) -> None:
    say()
    say_marked("writer", f"{file_of(policy, writer)} line {writer.line}", "bold")
    for name, value in listed("pages", map(str, writer.pages)):
        say(f"  {name:<{_NAME_CHARS}}  {value}")


def file_of(policy: Policy, entry: Grant | Provider | WriterPages) -> Path:
    """Where a grant, a provider or the writer's pages are written."""
    if len(policy.files) == 1 or entry.source == "administrator":
        return policy.files[0]
    return policy.files[1]


def _settings(grant: Grant) -> Iterator[tuple[str, str]]:
    """All of them, in the order of the table in docs/policy.md; several values below each other, under one name."""
    yield "principal", _PRINCIPALS[grant.principal]
    yield from listed("pages", map(str, grant.pages))
    yield from listed("generate", (_offer(provider) for provider in grant.generate), "with no provider")
    yield from listed("destinations", map(str, grant.destinations), "none")
    yield "methods", " ".join(grant.methods) or "none"
    yield "network", grant.network
    yield from listed("inject", (_injected(name, template.secrets) for name, template in grant.inject), "nothing")
    yield from listed("secrets", (source.describe() for source in grant.secrets), "none")
    yield "enabled", truth(value=grant.enabled)
    yield "private_windows", truth(value=grant.private_windows)
    yield "request_headers", _passing(grant.request_headers)
    yield "response_headers", _passing(grant.response_headers)
    yield "reflection_guard", truth(value=grant.reflection_guard)
    yield "ranges", truth(value=grant.ranges)
    yield "proxy", str(grant.proxy) if grant.proxy else "none"
    yield "ca_file", grant.ca_file or "the system's authorities"
    yield "durable", "none" if grant.durable is None else _durable(grant.durable)
    yield "features", "all" if grant.features is None else " ".join(grant.features)
    limits, own = grant.limits, "the host's own"
    yield "limits.streams", own if limits.streams is None else f"{limits.streams} for each page"
    yield "limits.sockets", own if limits.sockets is None else f"{limits.sockets} for each page"
    yield (
        "limits.requests_per_minute",
        own if limits.requests_per_minute is None else f"{limits.requests_per_minute} for each page",
    )
    yield (
        "limits.message_bytes",
        f"{limits.message_bytes or SOCKET_MESSAGE_BYTES:,} for each message of a socket",
    )
    yield "limits.bytes", "no limit" if limits.bytes is None else f"{limits.bytes:,} for each response"
    yield "limits.header_timeout", own if limits.header_timeout_ms is None else duration(limits.header_timeout_ms)
    yield "limits.total_timeout", "no limit" if limits.total_timeout_ms is None else duration(limits.total_timeout_ms)


def _durable(durable: DurableLimits) -> str:
    keep, detached = duration(durable.keep_ms), duration(durable.detached_ms)
    return f"{durable.max_bytes:,} bytes for each entry of pages, kept for {keep}, {detached} without a page"


def _offer(provider: Provider) -> str:
    return f"{provider.name}, with {', '.join(provider.models)}"


def _injected(name: str, secrets: tuple[str, ...]) -> str:
    return f"{name}, with {' and '.join(f'{{secret:{each}}}' for each in secrets)}" if secrets else name


def _passing(names: tuple[str, ...] | None) -> str:
    return "all that may pass" if names is None else " ".join(names)
