"""The other decision: may this page generate with that provider and model, and by which grant.

As in `decision`, a refusal tells the page of grants that name its own origin and of their providers, and the
administrator which grant of all came nearest.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from longwire.policy.decision import NearMiss, PolicyDeniedError
from longwire.policy.grants import Grant
from longwire.policy.providers import Provider
from longwire.policy.urls import CanonicalUrl, shorten

_NAMED: Final = 8


@dataclass(frozen=True, slots=True)
class GenerationDecision:
    """Permission for one generation: `entry` is the one of the grant's `pages` that names the page.

    What is sent, is sent by `grant.for_provider(provider, …)`.
    """

    grant: Grant
    provider: Provider
    model: str
    entry: str


def decide_generation(
    grants: Sequence[Grant], origin: CanonicalUrl, *, private: bool, provider: str, model: str | None
) -> GenerationDecision:
    """Find the first grant, in file order, that names this page and a provider of that name; then look at the model.

    Raises:
        PolicyDeniedError: POLICY_DENIED, no grant does, its provider does not have the model, or has no price for it
            and a limit of the cost.
    """
    found = deciding(grants, origin, private=private, provider=provider)
    if found is None:
        raise _denied(grants, origin, private=private, provider=provider)
    grant, asked, entry = found
    return GenerationDecision(grant, asked, _model(grant, asked, model), entry)


def deciding(
    grants: Iterable[Grant], origin: CanonicalUrl, *, private: bool, provider: str
) -> tuple[Grant, Provider, str] | None:
    """The grant that decides, its provider of that name, and the entry of its `pages` that names the page."""
    for grant in grants:
        if not grant.enabled or (private and not grant.private_windows):
            continue
        entry = next((str(page) for page in grant.pages if page.matches(origin)), None)
        found = next((each for each in grant.generate if each.name == provider), None)
        if entry is not None and found is not None:
            return grant, found, entry
    return None


def providers_of(grants: Iterable[Grant], origin: CanonicalUrl, *, private: bool) -> Iterator[tuple[Grant, Provider]]:
    """The providers that a page may name, each with the grant that decides, in file order."""
    seen: set[str] = set()
    for grant in grants:
        if (private and not grant.private_windows) or not grant.names_page(origin):
            continue
        for provider in grant.generate:
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


def _denied(grants: Sequence[Grant], origin: CanonicalUrl, *, private: bool, provider: str) -> PolicyDeniedError:
    misses = [_miss(grant, origin, private=private, provider=provider) for grant in grants]
    nearest = min(misses, key=lambda miss: miss.distance, default=None)
    own = min((miss for miss in misses if miss.grant.names_page(origin)), key=lambda miss: miss.distance, default=None)
    asked = shorten(provider, 64)
    message = f'no grant of the policy lets {shorten(origin.origin, 120)} generate with the provider "{asked}"'
    others = [each.name for _, each in providers_of((each for each in grants if each.enabled), origin, private=private)]
    if others:
        more = " …" if len(others) > _NAMED else ""
        message += f"; it may with {', '.join(others[:_NAMED])}{more}"
    if own is not None and own.changes:
        fix = f'{", ".join(own.changes)} in the grant "{own.grant.name}"'
    else:
        lines = [f'pages = ["{origin.origin}"]', generate_line([asked])]
        fix = f"a [[grant]] with {', '.join([*lines, *(['private_windows = true'] if private else [])])}"
    return PolicyDeniedError(f"{message}. The policy would need {fix}", nearest, provider=asked)


def _miss(grant: Grant, origin: CanonicalUrl, *, private: bool, provider: str) -> NearMiss:
    differences: list[str] = []
    changes: list[str] = []
    distance = 0
    named = [each.name for each in grant.generate]
    if elsewhere := not grant.names_page(origin):
        pages = ", ".join(map(str, grant.pages[:3])) + (" …" if len(grant.pages) > 3 else "")
        differences.append(f"it is for other pages ({pages})")
        distance += _OTHER_PAGE
    if not named:
        differences.append("it lets its pages generate with no provider")
        distance += _OTHER_KIND
        elsewhere = True
    elif provider not in named:
        differences.append(f"its providers are {', '.join(named[:_NAMED])}{' …' if len(named) > _NAMED else ''}")
        changes.append(generate_line([*named, shorten(provider, 64)]))
        distance += _PROVIDER
    if private and not grant.private_windows:
        differences.append("it does not say private_windows = true")
        changes.append("private_windows = true")
        distance += _SLIP
    if not grant.enabled:
        differences.append("it says enabled = false")
        changes.append("enabled = true")
        distance += _SLIP
    return NearMiss(grant, tuple(differences), distance, () if elsewhere else tuple(changes))
