"""A provider as `longwire policy show` and `policy check` tell of it: for people, and for machines."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from longwire.console.words import duration, listed
from longwire.policy import Policy, Provider


def provider_settings(provider: Provider, policy: Policy) -> Iterator[tuple[str, str]]:
    """All of them, in the order of the table in docs/policy.md, and the grants that name it."""
    limits = provider.limits
    yield "kind", provider.kind
    yield "base_url", shown_url(provider)
    yield from listed("models", iter(provider.models))
    yield "secret", provider.secret.describe() if provider.secret else "none"
    yield "network", provider.network
    yield "max_input", input_bound(provider)
    yield from listed("prices", (f"{model}: {prices}" for model, prices in provider.prices), "none")
    yield "limits.requests", _bound(limits.requests)
    yield "limits.tokens", _bound(limits.tokens)
    yield "limits.cost", _bound(limits.cost)
    own = "the host's own"
    yield "limits.header_timeout", own if provider.header_timeout_ms is None else duration(provider.header_timeout_ms)
    none = "no limit"
    yield "limits.total_timeout", none if provider.total_timeout_ms is None else duration(provider.total_timeout_ms)
    yield "proxy", str(provider.proxy) if provider.proxy else "none"
    yield "ca_file", provider.ca_file or "the system's authorities"
    grants = (f'"{grant.name}"' for grant in policy.grants if provider in grant.generate)
    yield from listed("grants", grants, "none: no page may generate with it")


def provider_json(provider: Provider, file: Path) -> dict[str, Any]:
    """The same for machines."""
    limits = {name: getattr(provider.limits, name) for name in ("requests", "tokens", "cost")}
    return {
        "name": provider.name,
        "kind": provider.kind,
        "base_url": shown_url(provider),
        "models": provider.models,
        "secret": provider.secret and provider.secret.describe(),
        "network": provider.network,
        "max_input": provider.max_input,
        "prices": {
            model: {"input": str(prices.input), "output": str(prices.output)} for model, prices in provider.prices
        },
        "limits": {name: limit and str(limit) for name, limit in limits.items()},
        "header_timeout_ms": provider.header_timeout_ms,
        "total_timeout_ms": provider.total_timeout_ms,
        "proxy": provider.proxy and str(provider.proxy),
        "ca_file": provider.ca_file,
        "source": provider.source,
        "file": str(file),
        "line": provider.line,
    }


def shown_url(provider: Provider) -> str:
    """`base_url` as it is written in the file."""
    return provider.base_url.href.removesuffix("/")


def input_bound(provider: Provider) -> str:
    """`max_input` in words."""
    return "no limit" if provider.max_input is None else f"{provider.max_input:,} bytes of text"


def limits_line(provider: Provider) -> str:
    """Those that count across generations, on one line."""
    limits = provider.limits
    named = (("requests", limits.requests), ("tokens", limits.tokens))
    parts = [f"{limit} {name}" for name, limit in named if limit is not None]
    parts += [str(limits.cost)] if limits.cost is not None else []
    return f"{', '.join(parts)}, for each entry of pages" if parts else "none"


def _bound(limit: object) -> str:
    return "no limit" if limit is None else f"{limit} for each entry of pages"
