"""Lines of a policy file that would allow a generation that was refused. Tried before anybody sees them.

As in `proposals`; a provider is taken as it is, and only by grants of its own file.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from longwire.policy.generation_decision import deciding, generate_line
from longwire.policy.grants import Grant
from longwire.policy.loading import parse_policy
from longwire.policy.policy import Policy
from longwire.policy.proposals import Proposal
from longwire.policy.providers import Provider
from longwire.policy.urls import CanonicalUrl

# What stands for a provider while its lines are read.
_STAND_IN: Final = '[[provider]]\nname = "{}"\nkind = "ollama"\nmodels = ["m"]\n'


def propose_generation(
    policy: Policy, origin: CanonicalUrl, provider: str, *, private: bool = False
) -> Proposal | None:
    """What would let this page generate with a provider that the files define; None if they do not, or nothing is
    missing but a model.
    """
    for defined in policy.providers:
        if defined.name == provider:
            change = _change(policy, origin, defined, private=private)
            return change or _new_grant(policy, origin, defined, private=private)
    return None


def _change(policy: Policy, origin: CanonicalUrl, provider: Provider, *, private: bool) -> Proposal | None:
    """Lines of a grant that lets this page generate already, with others or in other windows."""
    for grant in policy.grants:
        if not grant.generate or grant.source != provider.source or not grant.names_page(origin):
            continue
        lines: list[str] = []
        generate = grant.generate
        if provider.name not in (each.name for each in generate):
            generate = (*generate, provider)
            lines.append(generate_line(each.name for each in generate))
        if private and not grant.private_windows:
            lines.append("private_windows = true")
        if not grant.enabled:
            lines.append("enabled = true")
        changed = replace(grant, generate=generate, enabled=True, private_windows=grant.private_windows or private)
        others = tuple(changed if each is grant else each for each in policy.grants)
        if lines and _allows(others, origin, provider, private=private):
            return Proposal(tuple(lines), _file_of(policy, provider), grant)
    return None


def _new_grant(policy: Policy, origin: CanonicalUrl, provider: Provider, *, private: bool) -> Proposal | None:
    lines = [
        "[[grant]]",
        f'name = "{_free_name(policy, origin)}"',
        f'pages = ["{origin.origin}"]',
        generate_line([provider.name]),
        *(["private_windows = true"] if private else []),
    ]
    text = "\n".join(["version = 1", *lines, _STAND_IN.format(provider.name)])
    added = [
        replace(grant, generate=(provider,)) for grant in parse_policy(text.encode(), Path(), provider.source).grants
    ]
    if not added or not _allows((*policy.grants, *added), origin, provider, private=private):
        return None
    return Proposal(tuple(lines), _file_of(policy, provider))


def _free_name(policy: Policy, origin: CanonicalUrl) -> str:
    """A name that no grant has: two grants of one name would close the whole policy."""
    taken = {grant.name for grant in policy.grants}
    base = f"generate-{origin.host.replace(':', '-')}"[:60]
    names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _file_of(policy: Policy, provider: Provider) -> Path | None:
    if provider.source == "administrator":
        return policy.administrator
    return policy.files[-1] if policy.files else None


def _allows(grants: Sequence[Grant], origin: CanonicalUrl, provider: Provider, *, private: bool) -> bool:
    found = deciding(grants, origin, private=private, provider=provider.name)
    return found is not None and found[1] == provider
