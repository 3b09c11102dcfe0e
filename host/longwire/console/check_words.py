"""What every answer of `longwire policy check` says beside its verdict."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from longwire.console.output import say, say_marked
from longwire.policy import CanonicalUrl, Grant, Policy
from longwire.policy.doubts import in_the_open
from longwire.policy.secrets import SecretUnavailable
from longwire.protocol.errors import StreamError


def notes(policy: Policy, grant: Grant, url: CanonicalUrl) -> list[str]:
    """What the command cannot know of a request by this grant, and what works but should not be."""
    found = [
        f"{source.describe()} is this shell's here: the browser must be started with it too"
        for source in grant.secrets
        if source.kind == "env" and source.where in os.environ
    ]
    if in_the_open(url.scheme, url.host, grant.network, secret=bool(grant.secrets)):
        found.append("the secret goes over http, where everybody on the way can read it")
    return found + silenced(policy)


def silenced(policy: Policy) -> list[str]:
    """That a file does not count, where one does not."""
    if policy.silenced is None:
        return []
    return [f"{policy.silenced} does not count: {policy.administrator} alone decides, without user_grants = true"]


def secret_fix(error: StreamError) -> str | None:
    """What to do about a secret; the other texts say it themselves."""
    if not isinstance(error, SecretUnavailable):
        return None
    source = error.source
    if source.kind == "env":
        return f"set {source.where} where the browser is started, and in this shell to see it here"
    if source.kind == "command":
        return f"run {source.place} by hand, as the policy has it, and mend what it says"
    return f"`longwire secret set {source.name}` asks for it and stores it there"


def say_notes(found: Iterable[str]) -> None:
    """Print them."""
    for note in found:
        say(f"note       {note}")


def say_denied(denial: Mapping[str, Any], verdict: str, more: str = "") -> None:
    """Print a denial: its `verdict`, the grant that came nearest, notes, and the lines that would allow it.

    `more` stands before lines of a grant that there is not yet.
    """
    nearest, suggestion = denial["nearest"], denial["suggestion"]
    say_marked("denied", verdict, "bold red")
    if nearest:
        say(f'nearest    grant "{nearest["grant"]}", {nearest["file"]} line {nearest["line"]}')
        for difference in nearest["differences"]:
            say(f"           {difference}")
    say_notes(denial["notes"])
    if nearest and nearest["changes"]:
        say("\nThis in that grant would allow it:\n")
        for line in nearest["changes"]:
            say(line)
        return
    if more:
        say(f"           {more}")
    if suggestion:
        say(f"\nThis would allow it, in {denial['put_into']}:\n")
        say(suggestion)
