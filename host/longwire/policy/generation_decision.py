"""The other decision: may this page generate with that provider and model, and by which grant.

As in `decision`, a refusal tells the page of grants that name its own origin and of their providers, and the
administrator which grant of all came nearest.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from longwire.policy.decision import Asker, NearMiss, PolicyDeniedError
from longwire.policy.features import features_line
from longwire.policy.grants import Grant
from longwire.policy.providers import Provider
from longwire.policy.urls import CanonicalUrl, shorten
from longwire.protocol.records import Principal

_NAMED: Final = 8


class GenerationDecision(NamedTuple):
    """Permission for one generation: `entry` is the one of the grant's `pages` that names the page.

    What is sent, is sent by `grant.for_provider(provider, …)`.
    """

    grant: Grant
    provider: Provider
    model: str
    entry: str


def decide_generation(
    grants: Sequence[Grant],
    origin: CanonicalUrl,
    *,
    private: bool,
    provider: str,
    model: str | None,
    principal: Principal = "page",
) -> GenerationDecision:
    """Find the first grant, in file order, that is this principal's on this page and has a provider of that name; then
    look at the model.

    Raises:
        PolicyDeniedError: POLICY_DENIED, no grant does, its provider does not have the model, or has no price for it
            and a limit of the cost.
    """
    found = deciding(grants, origin, private=private, provider=provider, principal=principal)
    if found is None:
        raise _denied(grants, Asker(origin, principal, private=private), provider=provider)
    grant, asked, entry = found
    return GenerationDecision(grant, asked, _model(grant, asked, model), entry)


def deciding(
    grants: Iterable[Grant], origin: CanonicalUrl, *, private: bool, provider: str, principal: Principal = "page"
) -> tuple[Grant, Provider, str] | None:
    """The grant that decides, its provider of that name, and the entry of its `pages` that names the page."""
    for grant in grants:
        if not grant.enabled or (private and not grant.private_windows):
            continue
        entry = grant.entry_for(origin, principal)
        found = next((each for each in grant.open_providers if each.name == provider), None)
        if entry is not None and found is not None:
            return grant, found, str(entry)
    return None


def providers_of(
    grants: Iterable[Grant], origin: CanonicalUrl, *, private: bool, principal: Principal = "page"
) -> Iterator[tuple[Grant, Provider]]:
    """The providers that this principal may name there, each with the grant that decides, in file order."""
    seen: set[str] = set()
    for grant in grants:
        if (private and not grant.private_windows) or not grant.names_page(origin, principal):
            continue
        for provider in grant.open_providers:
            if provider.name not in seen:
                seen.add(provider.name)
                yield grant, provider


def generate_line(names: Iterable[str]) -> str:
    """As it stands in a grant."""
    return f"generate = [{', '.join(map(json.dumps, names))}]"


def _model(grant: Grant, provider: Provider, model: str | None) -> str:
    has = f"it has {shorten(', '.join(provider.models))}"
    asked = model or provider.default_model
    if asked is None:
        text = f'the provider "{provider.name}" names no model in full that could be meant where none is asked for'
        fix = f'Ask for one with `model`: {has}; or let the policy name one without "*" in its models'
    elif not provider.allows_model(asked):
        text = f'the provider "{provider.name}" has no model {json.dumps(shorten(asked, 80))} in the policy: {has}'
        fix = "Ask for one of those, or let the policy name it in models"
    elif provider.limits.cost is not None and provider.prices_of(asked) is None:
        text = (
            f'the provider "{provider.name}" has a limit of the cost, and no price for the model "{shorten(asked, 80)}"'
        )
        fix = "The policy would need one in its prices"
    else:
        return asked
    raise PolicyDeniedError(f"{text}. {fix}", NearMiss(grant, (text,), _SLIP))


# As in `decision`: a forgotten line is near, another page is not.
_SLIP: Final = 1
_PROVIDER: Final = 3
_OTHER_PAGE: Final = 10
_OTHER_KIND: Final = 20


def _denied(grants: Sequence[Grant], asker: Asker, *, provider: str) -> PolicyDeniedError:
    misses = [_miss(grant, asker, provider=provider) for grant in grants]
    nearest = min(misses, key=lambda miss: miss.distance, default=None)
    own = min((miss for miss in misses if asker.is_of(miss.grant)), key=lambda miss: miss.distance, default=None)
    asked = shorten(provider, 64)
    message = f'no grant of the policy lets {asker} generate with the provider "{asked}"'
    enabled = (each for each in grants if each.enabled)
    offered = providers_of(enabled, asker.origin, private=asker.private, principal=asker.principal)
    others = [each.name for _, each in offered]
    if others:
        more = " …" if len(others) > _NAMED else ""
        message += f"; it may with {', '.join(others[:_NAMED])}{more}"
    if own is not None and own.changes:
        fix = f'{", ".join(own.changes)} in the grant "{own.grant.name}"'
    else:
        fix = f"a [[grant]] with {', '.join(asker.grant_lines(generate_line([asked])))}{asker.writer_line}"
    return PolicyDeniedError(f"{message}. The policy would need {fix}", nearest, provider=asked)


def _miss(grant: Grant, asker: Asker, *, provider: str) -> NearMiss:
    differences = list(grant.not_for(asker.origin, asker.principal))
    changes: list[str] = []
    distance = _OTHER_PAGE * len(differences)
    named = [each.name for each in grant.generate]
    elsewhere = bool(differences)
    if not named:
        differences.append("it lets its pages generate with no provider")
        distance += _OTHER_KIND
        elsewhere = True
    elif provider not in named:
        differences.append(f"its providers are {', '.join(named[:_NAMED])}{' …' if len(named) > _NAMED else ''}")
        changes.append(generate_line([*named, shorten(provider, 64)]))
        distance += _PROVIDER
    if grant.generate and not grant.has("generate"):
        differences.append(f"its features are {', '.join(grant.features or ())}")
        changes.append(features_line((*(grant.features or ()), "generate")))
        distance += _SLIP
    if asker.private and not grant.private_windows:
        differences.append("it does not say private_windows = true")
        changes.append("private_windows = true")
        distance += _SLIP
    if not grant.enabled:
        differences.append("it says enabled = false")
        changes.append("enabled = true")
        distance += _SLIP
    return NearMiss(grant, tuple(differences), distance, () if elsewhere else tuple(changes))
