"""The grants that recent denials would have needed, for an administrator to read and take over, or not.

What was denied is what pages asked for. A page that wants a grant can ask often, so nothing here is advice: each
suggestion says which page asked, and how many times.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, get_args

from longwire.addresses import Network
from longwire.policy.decision import check_request, folder_of
from longwire.policy.generation_suggestions import generation_wishes, proposed_generation
from longwire.policy.policy import Policy
from longwire.policy.proposals import Asking, Proposal, asking_of, placeholder, propose, written
from longwire.policy.urls import CanonicalUrl, parse_lenient, parse_origin
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.records import Page

MAX_SUGGESTIONS: Final = 50
# Of these alone lines are written; whatever else a log says is no class of addresses.
_NETWORKS: Final = get_args(Network)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """TOML lines that would have allowed `count` requests, the last of them at `last` (ISO 8601, UTC)."""

    text: str
    count: int
    last: str


@dataclass(slots=True)
class _Wish:
    """What one page was refused, of one folder at first; by method and URL."""

    asking: Asking
    folder: str
    wanted: dict[tuple[str, str], CanonicalUrl] = field(default_factory=dict)
    count: int = 0
    last: str = ""

    @property
    def methods(self) -> set[str]:
        return {method for method, _ in self.wanted}

    @property
    def pairs(self) -> list[tuple[str, CanonicalUrl]]:
        return [(method, url) for (method, _), url in self.wanted.items()]

    def take(self, other: "_Wish") -> None:
        """Both in one."""
        self.wanted |= other.wanted
        self.count += other.count
        self.last = max(self.last, other.last)


def suggest(events: Iterable[Mapping[str, Any]], policy: Policy) -> list[Suggestion]:
    """Read lines of the host's log, oldest first; what the policy allows by now is left out. Most frequent first."""
    wishes: dict[tuple[Asking, str], _Wish] = {}
    networks: dict[tuple[str, str], list[str]] = {}
    generating: list[Mapping[str, Any]] = []
    for event in events:
        match event.get("event"), event.get("code"), event.get("phase"):
            case "error", ErrorCode.POLICY_DENIED, _ if event.get("provider") is not None:
                generating.append(event)
            case "error", ErrorCode.POLICY_DENIED, Phase.CONNECT | Phase.HEADERS:  # of the first hop, or of a later
                _note_network(networks, event)
            case ("error", ErrorCode.POLICY_DENIED, _) | ("redirect", ErrorCode.REDIRECT_DENIED, _):
                _note_wish(wishes, event, policy)
    found = _proposed(list(wishes.values()), policy)
    proposals = proposed_generation(generation_wishes(generating, policy), policy)
    found += [Suggestion(_shown(proposal), wish.count, wish.last) for proposal, wish in proposals]
    found += [_as_network(*key, times, policy) for key, times in networks.items()]
    return sorted(found, key=lambda suggestion: -suggestion.count)[:MAX_SUGGESTIONS]


def _note_wish(wishes: dict[tuple[Asking, str], _Wish], event: Mapping[str, Any], policy: Policy) -> None:
    origin, method = parse_origin(str(event.get("page"))), str(event.get("method"))
    try:
        url = parse_lenient(str(event.get("destination")))
        check_request(method, url.href)  # what is printed is TOML: nothing may end a text in it
    except StreamError:
        return
    if origin is None or _is_allowed(policy, asking := asking_of(event, origin), method, url):
        return
    wish = wishes.setdefault((asking, folder_of(url)), _Wish(asking, folder_of(url)))
    # One URL of a method stands for all of the folder.
    wish.wanted.setdefault((method, wish.folder), url)
    wish.count += 1
    wish.last = str(event.get("timestamp", ""))


def _proposed(wishes: list[_Wish], policy: Policy) -> list[Suggestion]:
    """Lines for each that lines would allow: of a grant that is nearly there, or of a new one for all of a server."""
    changes: dict[str, _Wish] = {}
    rest: list[_Wish] = []
    for wish in wishes:
        proposal = propose(policy, wish.asking, wish.pairs)
        if proposal is not None and proposal.grant is not None:
            # What two pages lack of one grant is one line of it.
            changes.setdefault(proposal.grant.name, _Wish(wish.asking, wish.folder)).take(wish)
        elif proposal is not None:
            rest.append(wish)
    found: list[Suggestion] = []
    for wish in (*changes.values(), *_merged(rest)):
        # Under what was suggested before: two grants of one name would close the policy.
        proposal = propose(policy, wish.asking, wish.pairs)
        if proposal is None:
            continue
        found.append(Suggestion(_shown(proposal), wish.count, wish.last))
        policy = replace(written(policy, proposal, wish.asking), grants=(*policy.grants, *placeholder(proposal)))
    return found


def _merged(wishes: list[_Wish]) -> list[_Wish]:
    """One for what the same page wants of the same server with the same methods, or below what it wants already."""
    merged: list[_Wish] = []
    for wish in sorted(wishes, key=lambda wish: len(wish.folder)):
        for other in merged:
            same = wish.asking == other.asking and _server(wish) == _server(other)
            if same and (wish.methods == other.methods or wish.folder.startswith(other.folder)):
                other.take(wish)
                break
        else:
            merged.append(wish)
    return merged


def _server(wish: _Wish) -> str:
    return next(iter(wish.wanted.values())).origin


def _shown(proposal: Proposal) -> str:
    where = f"{proposal.file}" if proposal.file is not None else "the policy file"
    if proposal.grant is not None:
        where = f'the grant "{proposal.grant.name}" of {where}, line {proposal.grant.line}'
    return f"# in {where}:\n{proposal.text}"


def _is_allowed(policy: Policy, asking: Asking, method: str, url: CanonicalUrl) -> bool:
    page = Page(
        origin=asking.origin.origin,
        tab=0,
        frame=0,
        document="",
        private=False,
        principal="writer" if asking.principal == "writer" else None,
    )
    try:
        policy.decide(page, method, url.href)
    except StreamError:
        return False
    return True


def _note_network(networks: dict[tuple[str, str], list[str]], event: Mapping[str, Any]) -> None:
    needed = str(event.get("needed_network"))
    if needed in _NETWORKS:
        networks.setdefault((str(event.get("grant")), needed), []).append(str(event.get("timestamp", "")))


def _as_network(name: str, network: str, times: list[str], policy: Policy) -> Suggestion:
    grant = next((grant for grant in policy.grants if grant.name == name), None)
    where = f", line {grant.line}" if grant else ""
    text = f'# in the grant "{name}"{where}, if this server is meant to be reached there:\n# network = "{network}"'
    return Suggestion(text, len(times), times[-1])
