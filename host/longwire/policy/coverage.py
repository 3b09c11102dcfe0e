"""Grants that can never decide anything, because earlier ones always do."""

from collections.abc import Sequence
from itertools import product
from typing import Final

from longwire.policy.grants import Grant
from longwire.policy.matching import DestinationPattern, PagePattern
from longwire.policy.problems import Problem

# The check compares every pair of entries; a policy of thousands of entries is loaded without it, and told so.
_MAX_COMPARISONS: Final = 200_000


def unreachable_grants(grants: Sequence[Grant]) -> list[tuple[Grant, Problem]]:
    """A warning for each enabled grant of which every page, destination and method is decided by an earlier one.

    Sound, not complete: where only several earlier grants together cover a pattern, nothing is said.
    """
    found: list[tuple[Grant, Problem]] = []
    budget = _MAX_COMPARISONS
    for index, grant in enumerate(grants):
        if not grant.enabled:
            continue
        earlier = [other for other in grants[:index] if other.enabled and _as_private(other, grant)]
        budget -= len(earlier) * len(grant.pages) * len(grant.destinations) * len(grant.methods)
        if budget < 0:
            text = "from here on there are too many entries to look for grants that never match"
            return [*found, (grant, Problem(text, grant.line))]
        if earlier and all(
            any(_covers(other, page, destination, method) for other in earlier)
            for page, destination, method in product(grant.pages, grant.destinations, grant.methods)
        ):
            names = ", ".join(f'"{other.name}"' for other in earlier if _overlaps(other, grant))
            text = f'the grant "{grant.name}" can never match: {names} before it decides'
            found.append((grant, Problem(text, grant.line)))
    return found


def _as_private(earlier: Grant, grant: Grant) -> bool:
    # A grant for private windows is still reached from there if the earlier one is not for them.
    return earlier.private_windows or not grant.private_windows


def _covers(other: Grant, page: PagePattern, destination: DestinationPattern, method: str) -> bool:
    return (
        method in other.methods
        and any(pattern.covers(page) for pattern in other.pages)
        and any(pattern.covers(destination) for pattern in other.destinations)
    )


def _overlaps(other: Grant, grant: Grant) -> bool:
    return any(
        _covers(other, page, destination, method)
        for page, destination, method in product(grant.pages, grant.destinations, grant.methods)
    )
