"""The grants that recent denials would have needed, for an administrator to read and take over, or not.

What was denied is what pages asked for. A page that wants a grant can ask often, so nothing here is advice: each
suggestion says which page asked, and how many times.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from longwire.policy.decision import check_request, folder_of, suggest_grant
from longwire.policy.policy import Policy
from longwire.policy.urls import CanonicalUrl, parse_lenient, parse_origin
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.parts import Page

MAX_SUGGESTIONS: Final = 50
# `upstream.resolver` says so of an address outside the grant's class; a test holds the two together.
_OTHER_NETWORK: Final = re.compile(r"leads to a (public|private|loopback) address")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """TOML lines that would have allowed `count` requests, the last of them at `last` (ISO 8601, UTC)."""

    text: str
    count: int
    last: str


@dataclass(slots=True)
class _Wish:
    origin: CanonicalUrl
    url: CanonicalUrl
    methods: dict[str, None]
    count: int = 0
    last: str = ""


def suggest(events: Iterable[Mapping[str, Any]], policy: Policy) -> list[Suggestion]:
    """Read lines of the host's log, oldest first; what the policy allows by now is left out. Most frequent first."""
    wishes: dict[tuple[str, str], _Wish] = {}
    networks: dict[tuple[str, str], list[str]] = {}
    for event in events:
        match event.get("event"), event.get("code"), event.get("phase"):
            case "error", ErrorCode.POLICY_DENIED, Phase.CONNECT | Phase.HEADERS:  # of the first hop, or of a later
                _note_network(networks, event)
            case ("error", ErrorCode.POLICY_DENIED, _) | ("redirect", ErrorCode.REDIRECT_DENIED, _):
                _note_wish(wishes, event, policy)
    taken = {grant.name for grant in policy.grants}
    found = [_as_grant(wish, taken) for wish in wishes.values()]
    found += [_as_network(*key, times, policy) for key, times in networks.items()]
    return sorted(found, key=lambda suggestion: -suggestion.count)[:MAX_SUGGESTIONS]


def _note_wish(wishes: dict[tuple[str, str], _Wish], event: Mapping[str, Any], policy: Policy) -> None:
    origin, method = parse_origin(str(event.get("page"))), str(event.get("method"))
    try:
        url = parse_lenient(str(event.get("destination")))
        check_request(method, url.href)  # what is printed is TOML: nothing may end a text in it
    except StreamError:
        return
    if origin is None or _is_allowed(policy, origin, method, url):
        return
    wish = wishes.setdefault((origin.origin, folder_of(url)), _Wish(origin, url, {}))
    wish.methods[method] = None
    wish.count += 1
    wish.last = str(event.get("timestamp", ""))


def _is_allowed(policy: Policy, origin: CanonicalUrl, method: str, url: CanonicalUrl) -> bool:
    asking = Page(origin=origin.origin, tab=0, frame=0, document="", private=False)
    try:
        policy.decide(asking, method, url.href)
    except StreamError:
        return False
    return True


def _note_network(networks: dict[tuple[str, str], list[str]], event: Mapping[str, Any]) -> None:
    match = _OTHER_NETWORK.search(str(event.get("reason")))
    if match:
        networks.setdefault((str(event.get("grant")), match[1]), []).append(str(event.get("timestamp", "")))


def _as_grant(wish: _Wish, taken: set[str]) -> Suggestion:
    base = wish.url.host.replace(":", "-")[:60]
    name = next(name for number in range(1, len(taken) + 2) if (name := _numbered(base, number)) not in taken)
    taken.add(name)
    return Suggestion(suggest_grant(wish.origin, list(wish.methods), wish.url, name), wish.count, wish.last)


def _as_network(name: str, network: str, times: list[str], policy: Policy) -> Suggestion:
    grant = next((grant for grant in policy.grants if grant.name == name), None)
    where = f", line {grant.line}" if grant else ""
    text = f'# in the grant "{name}"{where}, if this server is meant to be reached there:\n# network = "{network}"'
    return Suggestion(text, len(times), times[-1])


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"
