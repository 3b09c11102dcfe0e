"""Grants that can never decide anything, because earlier ones always do.

A table has every pattern of the earlier grants, and for each the grants that use it, as bits of a number. A few
look-ups then give the grants that cover a pattern, and the conjunction of three numbers (page, method, destination)
those that cover a request; of two (page, provider), a generation.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from longwire.policy.grants import Grant
from longwire.policy.matching import HostPattern
from longwire.policy.problems import Problem

# Look-ups and conjunctions, below a microsecond each: a quarter of a second at most, in the thread that loads.
MAX_STEPS: Final = 250_000
_NAMED: Final = 3

_HostKey = tuple[str, str, bool, int | None]


class _TooMany(Exception):
    """The steps are used up."""


class _Steps:
    def __init__(self) -> None:
        self._left = MAX_STEPS

    def take(self, count: int = 1) -> None:
        self._left -= count
        if self._left < 0:
            raise _TooMany


class _Earlier:
    """The grants so far, by what they match. Bit n of a number is grant n."""

    def __init__(self, steps: _Steps) -> None:
        self._steps = steps
        self._pages: dict[_HostKey, int] = {}
        self._paths: dict[_HostKey, dict[str, int]] = {}
        self._methods: dict[str, int] = {}
        self._providers: dict[str, int] = {}
        self._all = self._private = 0

    def add(self, index: int, grant: Grant) -> None:
        bit = 1 << index
        self._all |= bit
        self._private |= bit if grant.private_windows else 0
        for page in grant.pages:
            key = _key(page.origin)
            self._pages[key] = self._pages.get(key, 0) | bit
        for destination in grant.open_destinations:
            paths = self._paths.setdefault(_key(destination.origin), {})
            paths[destination.path] = paths.get(destination.path, 0) | bit
        for method in grant.methods:
            self._methods[method] = self._methods.get(method, 0) | bit
        for provider in grant.open_providers:
            self._providers[provider.name] = self._providers.get(provider.name, 0) | bit

    def covering(self, grant: Grant) -> int:
        """The grants that decide what `grant` would, as bits; 0 if something is left for it."""
        # A grant for private windows is still reached from there if the earlier one is not for them.
        candidates = self._private if grant.private_windows else self._all
        methods = {self._methods.get(method, 0) & candidates for method in grant.methods}
        providers = {self._providers.get(each.name, 0) & candidates for each in grant.open_providers}
        if 0 in methods | providers:
            return 0
        pages = self._distinct(self._for_page(page.origin) for page in grant.pages)
        if 0 in pages:
            return 0
        destinations = self._distinct(self._for_path(entry.origin, entry.path) for entry in grant.open_destinations)
        covering = 0
        for page in pages:
            for method in methods:
                self._steps.take(len(destinations))
                for destination in destinations:
                    if not (deciding := page & method & destination):
                        return 0
                    covering |= deciding
            self._steps.take(len(providers))
            for provider in providers:
                if not (deciding := page & provider):
                    return 0
                covering |= deciding
        return covering

    def _distinct(self, found: Iterable[int]) -> set[int]:
        distinct = set()
        for grants in found:
            distinct.add(grants)
            if not grants:
                break
        return distinct

    def _for_page(self, origin: HostPattern) -> int:
        grants = 0
        for key in _wider(origin):
            self._steps.take()
            grants |= self._pages.get(key, 0)
        return grants

    def _for_path(self, origin: HostPattern, path: str) -> int:
        grants = 0
        for key in _wider(origin):
            self._steps.take()
            if (paths := self._paths.get(key)) is not None:
                for prefix in _prefixes(path):
                    self._steps.take()
                    grants |= paths.get(prefix, 0)
        return grants


def unreachable_grants(grants: Sequence[Grant]) -> list[tuple[Grant, Problem]]:
    """A warning for each enabled grant of which every page, destination, method and provider has an earlier one.

    Sound, not complete: a pattern that only several earlier entries together cover is not found, and in a policy of
    very many entries the search ends at the grant that the last warning names.
    """
    found: list[tuple[Grant, Problem]] = []
    steps = _Steps()
    # No grant decides for another principal; and what the writer has of a file is held to the [writer] of that file.
    all_earlier: dict[tuple[str, ...], _Earlier] = {}
    for index, grant in enumerate(grants):
        if not grant.enabled:
            continue
        whose = (grant.principal, grant.source) if grant.principal == "writer" else (grant.principal,)
        earlier = all_earlier.setdefault(whose, _Earlier(steps))
        try:
            covering = earlier.covering(grant)
        except _TooMany:
            text = "from here on there are too many entries to look for grants that never match"
            return [*found, (grant, Problem(text, grant.line))]
        if covering:
            names = [f'"{other.name}"' for number, other in enumerate(grants[:index]) if covering >> number & 1]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            text = f'the grant "{grant.name}" can never match: {", ".join(names[:_NAMED])}{more} before it decides'
            found.append((grant, Problem(text, grant.line)))
        earlier.add(index, grant)
    return found


def _key(origin: HostPattern) -> _HostKey:
    return (origin.scheme, origin.host, origin.wildcard, origin.port)


def _wider(origin: HostPattern) -> Iterator[_HostKey]:
    """The keys of all patterns that match whatever this one does: `*.b.c` has the wildcards of b.c and of c."""
    ports = (None,) if origin.port is None else (None, origin.port)
    host = origin.host
    for port in ports:
        yield (origin.scheme, host, origin.wildcard, port)
    while host := host.partition(".")[2]:
        for port in ports:
            yield (origin.scheme, host, True, port)


def _prefixes(path: str) -> Iterator[str]:
    """The paths of all destinations that hold this one: `/a/b` has `/`, `/a`, `/a/` and itself."""
    yield path
    end = path.find("/")
    while end >= 0:
        if end:
            yield path[:end]
        if end + 1 < len(path):
            yield path[: end + 1]
        end = path.find("/", end + 1)
