"""Mistakes in the providers of a valid policy file: never asked, never paid for, or asked past their limits."""

from collections.abc import Iterator, Mapping
from typing import Final

from longwire.policy.doubts import in_the_open, out_of_reach
from longwire.policy.model import GrantEntry, PolicyFile, ProviderEntry, base_url_of, network_of
from longwire.policy.problems import Problem, problem_at, shown_name
from longwire.policy.toml_lines import Location
from longwire.policy.ways_round import ways_round

# Of services that everybody logs in to.
_WITH_KEY: Final = frozenset({"openai", "openai-chat", "xai", "anthropic"})
# What people take over with the address: the path of a request, or what the vendor's own SDK adds or leaves out.
_ENDPOINTS: Final = ("/responses", "/chat/completions", "/completions", "/messages", "/api/chat", "/api/generate")
_ADDED: Final = {
    "anthropic": (("/v1", "is added by the host, as by Anthropic's own SDK"),),
    "ollama": (
        ("/v1", 'is where Ollama speaks as OpenAI does: leave it out, or write kind = "openai-compatible"'),
        ("/api", "is added by the host, as by Ollama's own library"),
    ),
}
_VERSIONED: Final = frozenset({"openai", "openai-chat", "xai"})


def provider_doubts(file: PolicyFile, lines: Mapping[Location, int]) -> Iterator[Problem]:
    """All of them, provider by provider."""
    named = {name for grant in file.grant for name in grant.generate or ()}
    injecting = _injecting(file)
    for index, grant in enumerate(file.grant):
        yield from _for_nothing(grant, ("grant", index), lines)
    for index, provider in enumerate(file.provider):
        place: Location = ("provider", index)
        if provider.name not in named:
            yield problem_at((*place, "name"), "no grant lets pages generate with this provider", lines)
        for field, text, blocks in (*_address(provider), *_secret(file, provider, injecting), *_models(provider)):
            yield problem_at((*place, *field), text, lines, blocks=blocks)
    yield from ways_round(file, lines)


# Of a grant, for the requests of its pages. A provider has its own.
_OF_REQUESTS: Final = ("network", "inject", "request_headers", "response_headers", "ranges", "proxy", "ca_file")


def _for_nothing(grant: GrantEntry, place: Location, lines: Mapping[Location, int]) -> Iterator[Problem]:
    """What stands in a grant without destinations, and would be for them."""
    if not grant.destinations:
        for key in _OF_REQUESTS:
            if key in grant.model_fields_set:
                text = (
                    "is for destinations, and this grant has none: what is asked of a provider goes by its own settings"
                )
                yield problem_at((*place, key), text, lines)


_Doubt = tuple[Location, str, bool]


def _address(provider: ProviderEntry) -> Iterator[_Doubt]:
    url, network = base_url_of(provider), network_of(provider)
    if why := out_of_reach(url.host, network):
        yield ("base_url",), why, True
    if in_the_open(url.scheme, url.host, network, secret=provider.secret is not None):
        yield ("base_url",), "takes the secret over http, where everybody on the way can read it: write https", False
    path = url.path.removesuffix("/")
    endpoint = next((each for each in _ENDPOINTS if path.endswith(each)), None)
    if endpoint is not None:
        yield ("base_url",), f"ends in {endpoint}, which the host adds for each request: leave it out", True
    for ending, why in _ADDED.get(provider.kind, ()):
        if path.endswith(ending):
            yield ("base_url",), f"ends in {ending}, which {why}", True
    if provider.kind in _VERSIONED and not path:
        yield ("base_url",), f'has no path, and this kind of provider has one: write "{url.origin}/v1"', False


# Where a secret lies: two names for one place are one secret.
_Place = tuple[str | None, ...]


def _place(file: PolicyFile, name: str) -> _Place:
    return tuple(file.secret[name].model_dump().values())


def _injecting(file: PolicyFile) -> dict[_Place, list[str]]:
    """The grants that inject a secret, by where it lies."""
    found: dict[_Place, list[str]] = {}
    for grant in file.grant:
        places = {_place(file, secret) for template in grant.inject.values() for secret in template.secrets}
        for place in places:
            found.setdefault(place, []).append(grant.name)
    return found


def _secret(file: PolicyFile, provider: ProviderEntry, injecting: Mapping[_Place, list[str]]) -> Iterator[_Doubt]:
    if provider.secret is None:
        if provider.kind in _WITH_KEY and provider.base_url is None:
            yield (), "has no secret, and this service refuses whoever sends no key", True
    elif grants := injecting.get(_place(file, provider.secret)):
        more = f" and {len(grants) - 1} more inject" if len(grants) > 1 else " injects"
        text = (
            f'the grant "{shown_name(grants[0])}"{more} it too: what its pages send with it is not held to the models '
            "and limits of this provider"
        )
        yield ("secret",), text, False


def _models(provider: ProviderEntry) -> Iterator[_Doubt]:
    if provider.limits.cost is not None:
        for number, model in enumerate(provider.models):
            if not any(_holds(priced, model) for priced in provider.prices):
                text = "has no price, and under a limit of the cost requests for it are refused: add it to prices"
                yield ("models", number), text, True
    for priced in provider.prices:
        if not any(_holds(priced, model) or _holds(model, priced) for model in provider.models):
            yield ("prices", priced), "is no model of this provider's", False


def _holds(wide: str, narrow: str) -> bool:
    """Whether every model that `narrow` names is named by `wide`. Both are names, or beginnings and `*`."""
    if wide.endswith("*"):
        return narrow.removesuffix("*").startswith(wide[:-1])
    return wide == narrow
