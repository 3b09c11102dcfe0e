"""The lines that recent refusals to generate would have needed. Part of `suggestions`, which shows them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from longwire.policy.generation_decision import deciding
from longwire.policy.generation_proposals import propose_generation
from longwire.policy.grants import Grant
from longwire.policy.locations import Source
from longwire.policy.policy import Policy
from longwire.policy.proposals import Asking, Proposal, asking_of, written
from longwire.policy.urls import parse_origin


@dataclass(slots=True)
class GenerationWish:
    """Providers of one file that one page was refused, how often, and when last (ISO 8601, UTC)."""

    asking: Asking
    names: list[str] = field(default_factory=list)
    count: int = 0
    last: str = ""

    def take(self, other: "GenerationWish") -> None:
        """Both in one."""
        self.names = list(dict.fromkeys([*self.names, *other.names]))
        self.count += other.count
        self.last = max(self.last, other.last)


def generation_wishes(events: Iterable[Mapping[str, Any]], policy: Policy) -> list[GenerationWish]:
    """Of lines of the log that name a provider; what the policy allows by now, or could not, is left out."""
    sources: dict[str, Source] = {}
    for provider in policy.providers:
        sources.setdefault(provider.name, provider.source)
    found: dict[tuple[Asking, Source], GenerationWish] = {}
    for event in events:
        origin, name = parse_origin(str(event.get("page"))), str(event.get("provider"))
        if origin is None or name not in sources:
            continue
        asking = asking_of(event, origin)
        if deciding(policy.in_force, origin, private=False, provider=name, principal=asking.principal):
            continue
        last = str(event.get("timestamp", ""))
        wish = found.setdefault((asking, sources[name]), GenerationWish(asking))
        wish.take(GenerationWish(asking, [name], 1, last))
    return list(found.values())


def proposed_generation(wishes: Iterable[GenerationWish], policy: Policy) -> Iterator[tuple[Proposal, GenerationWish]]:
    """Lines for each. What several pages lack of one grant is one line of it."""
    changes: dict[str, GenerationWish] = {}
    rest: list[GenerationWish] = []
    for wish in wishes:
        proposal = propose_generation(policy, wish.asking, wish.names)
        if proposal is not None and proposal.grant is not None:
            changes.setdefault(proposal.grant.name, GenerationWish(wish.asking)).take(wish)
        elif proposal is not None:
            rest.append(wish)
    for wish in (*changes.values(), *rest):
        proposal = propose_generation(policy, wish.asking, wish.names)
        if proposal is None:
            continue
        yield proposal, wish
        policy = written(policy, proposal, wish.asking)
        if proposal.grant is None and proposal.lines[0] == "[[grant]]":
            # The name is taken from now on: two grants of one name would close the policy.
            name = proposal.lines[1].removeprefix('name = "').removesuffix('"')
            taken = Grant(name=name, pages=(), destinations=(), methods=(), enabled=False)
            policy = replace(policy, grants=(*policy.grants, taken))
