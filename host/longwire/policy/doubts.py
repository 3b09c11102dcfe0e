"""Mistakes in a policy file that is valid: grants that never reach what they name, keys in the open.

Each is a warning with its place. What `blocks` keeps a destination from ever being reached, or a grant from opening
anything; the rest works and is worth a look.
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Final

from longwire.addresses import AddressClass, Network, admits, classify, parse_address
from longwire.authority import SECURE_SCHEMES
from longwire.policy.features import Feature, feature_of
from longwire.policy.locations import Source
from longwire.policy.matching import DestinationPattern
from longwire.policy.model import GrantEntry, PolicyFile
from longwire.policy.problems import Problem, problem_at
from longwire.policy.toml_lines import Location
from longwire.protocol.header_names import CREDENTIAL_FIELDS, same_to_servers

# Written by people who want a wildcard. To HTTP they are methods like any other.
_NO_WILDCARDS: Final = frozenset({"ANY", "ALL"})


def doubts(file: PolicyFile, lines: Mapping[Location, int], source: Source) -> Iterator[Problem]:
    """All of them, in the order of their kinds."""
    used = {secret for grant in file.grant for template in grant.inject.values() for secret in template.secrets}
    used |= {provider.secret for provider in file.provider if provider.secret is not None}
    for name in file.secret:
        if name not in used:
            yield problem_at(("secret", name), "no grant injects this secret", lines)
    for index, grant in enumerate(file.grant):
        place: Location = ("grant", index)
        yield from _without_secret(grant, place, lines)
        yield from _methods(grant, place, lines)
        yield from _features(grant, place, lines)
        secret = any(template.secrets for template in grant.inject.values())
        for number, destination in enumerate(grant.destinations):
            for text, blocks in _destination(grant, destination, secret=secret):
                yield problem_at((*place, "destinations", number), text, lines, blocks=blocks)
    if source == "user" and file.user_grants:
        yield problem_at(("user_grants",), "has a meaning in the administrator's file only", lines)
    if not file.grant and not file.user_grants:
        yield Problem("it has no [[grant]], so it opens nothing")


def _without_secret(grant: GrantEntry, place: Location, lines: Mapping[Location, int]) -> Iterator[Problem]:
    for header, template in grant.inject.items():
        if same_to_servers(header) in CREDENTIAL_FIELDS and not template.secrets:
            text = (
                "names no secret: a key that stands here is read by whoever reads this file, and is not looked for "
                'in answers; write "{secret:NAME}"'
            )
            yield problem_at((*place, "inject", header), text, lines)


def _methods(grant: GrantEntry, place: Location, lines: Mapping[Location, int]) -> Iterator[Problem]:
    for number, method in enumerate(grant.methods):
        if method.upper() in _NO_WILDCARDS:
            text = f'"{method}" is no wildcard but a method of that very name: name the methods one by one'
            yield problem_at((*place, "methods", number), text, lines, blocks=len(grant.methods) == 1)


def _features(grant: GrantEntry, place: Location, lines: Mapping[Location, int]) -> Iterator[Problem]:
    """What the grant names and its `features` leave closed, and features that have nothing to open."""
    if grant.features is None:
        return
    wanted: dict[Feature, Location] = {}
    for number, destination in enumerate(grant.destinations):
        wanted.setdefault(feature_of(destination.origin.scheme), ("destinations", number))
    if grant.generate:
        wanted["generate"] = ("generate",)
    # By these, and by these alone, a page asks for something.
    closed = not any(feature in grant.features for feature in wanted)
    if grant.durable is not None:
        wanted["durable"] = ("durable",)
    for feature, where in wanted.items():
        if feature not in grant.features:
            text = f'has no effect: "{feature}" is not among the features of this grant'
            yield problem_at((*place, *where), text, lines, blocks=closed or feature == "durable")
    for number, feature in enumerate(grant.features):
        if feature not in wanted and feature != "record":
            text = f'"{feature}" opens nothing: the grant has {_NEEDED[feature]}'
            yield problem_at((*place, "features", number), text, lines)


_NEEDED: Final[dict[Feature, str]] = {
    "fetch": "no destinations with https: or http:",
    "websocket": "no destinations with wss: or ws:",
    "generate": "no `generate`",
    "durable": "no `durable`",
    "record": "",
}


def _destination(grant: GrantEntry, destination: DestinationPattern, *, secret: bool) -> Iterator[tuple[str, bool]]:
    origin = destination.origin
    if "*" in destination.path:
        shorter = destination.path[: destination.path.index("*")].rpartition("/")[0]
        yield f'the "*" in its path is taken as it is: a path holds what is below it, write "{origin}{shorter}/"', True
    if not origin.wildcard and (why := out_of_reach(origin.host, grant.network)):
        yield why, True
    if in_the_open(origin.scheme, origin.host, grant.network, secret=secret):
        yield (
            f"takes the secret over {origin.scheme}, where everybody on the way can read it: write {origin.scheme}s",
            False,
        )


def in_the_open(scheme: str, host: str, network: Network, *, secret: bool) -> bool:
    """Whether a secret goes over the Internet unencrypted."""
    return secret and scheme not in SECURE_SCHEMES and network == "public" and out_of_reach(host, network) is None


def out_of_reach(host: str, network: Network) -> str | None:
    """Why a grant of that class never reaches `host`, an address or a localhost name; None if it may."""
    if host == "localhost" or host.endswith(".localhost"):
        what, address = "this machine", ip_address("127.0.0.1")
    else:
        # A policy has thousands of names, and nothing but an address ends like one (URL standard, "ends in a number").
        literal = parse_address(host) if host[-1:].isdigit() or ":" in host else None
        if literal is None:
            return None
        what, address = f"a {classify(literal)} address", literal
    if admits(network, address):
        return None
    kind = classify(address)
    if kind is AddressClass.REFUSED:
        return "is an address that no grant can open (link-local, metadata, multicast, reserved …)"
    return f'is {what}, which network = "{network}" does not reach: write network = "{kind}" if it is meant'
