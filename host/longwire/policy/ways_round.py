"""Grants by which a page that may generate with a provider can ask the same server itself, past models and limits."""

from collections.abc import Iterator, Mapping
from typing import Final

from longwire.policy.matching import DestinationPattern
from longwire.policy.model import GrantEntry, PolicyFile, base_url_of
from longwire.policy.problems import Problem, problem_at, shown_name
from longwire.policy.toml_lines import Location
from longwire.policy.urls import CanonicalUrl

# Comparisons of two patterns, about a microsecond each: a quarter of a second at most, in the thread that loads.
MAX_STEPS: Final = 250_000
# Methods by which nothing is asked of a model, and nothing spent (RFC 9110 section 9.2.1).
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def ways_round(file: PolicyFile, lines: Mapping[Location, int]) -> Iterator[Problem]:
    """A warning for each destination that is one. In a file of very many entries the search ends, and says where."""
    asking = [
        (index, grant)
        for index, grant in enumerate(file.grant)
        if grant.enabled and not _SAFE.issuperset(grant.methods)
    ]
    generating: dict[str, list[GrantEntry]] = {}
    for grant in file.grant:
        for name in dict.fromkeys(grant.generate or ()) if grant.enabled else ():
            generating.setdefault(name, []).append(grant)
    left = MAX_STEPS
    for number, provider in enumerate(file.provider):
        url = base_url_of(provider)
        there = generating.get(provider.name, []) if asking else []
        for index, grant in asking if there else ():
            left -= len(grant.destinations)
            leading = [at for at, destination in enumerate(grant.destinations) if _leads_to(destination, url)]
            if leading:
                left -= len(grant.pages) * sum(len(each.pages) for each in there)
            if left < 0:
                text = "from here on there are too many entries to look for grants that lead past a provider"
                yield problem_at(("provider", number), text, lines)
                return
            if leading and any(_share(grant, each) for each in there):
                text = (
                    f"reaches the provider {shown_name(provider.name)} directly: pages that may generate there can ask "
                    "it past its models and limits"
                )
                for at in leading:
                    yield problem_at(("grant", index, "destinations", at), text, lines)


def _share(one: GrantEntry, other: GrantEntry) -> bool:
    """Whether some page is named by both, for the same principal."""
    return one.principal == other.principal and any(
        mine.origin.overlaps(theirs.origin) for mine in one.pages for theirs in other.pages
    )


def _leads_to(destination: DestinationPattern, url: CanonicalUrl) -> bool:
    """Whether it holds a URL at `url` or below."""
    return destination.origin.matches(url) and (
        destination.holds_path(url.path) or destination.path.startswith(url.path.removesuffix("/") + "/")
    )
