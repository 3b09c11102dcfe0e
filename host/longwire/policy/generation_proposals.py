"""Lines of a policy file that would allow a generation that was refused. Tried before anybody sees them.

As in `proposals`; a provider is taken as it is, and only by grants of its own file.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from longwire.policy.features import features_line
from longwire.policy.generation_decision import deciding, generate_line
from longwire.policy.grants import Grant
from longwire.policy.loading import parse_policy
from longwire.policy.policy import Policy
from longwire.policy.proposals import Asking, Proposal, beside_grant, named_for_the_writer
from longwire.policy.providers import Provider
from longwire.policy.urls import CanonicalUrl

# What stands for a provider while its lines are read.
_STAND_IN: Final = '[[provider]]\nname = "{}"\nkind = "ollama"\nmodels = ["m"]\n'


def propose_generation(policy: Policy, asking: Asking, names: Sequence[str]) -> Proposal | None:
    """What would let them generate with providers that one file defines; None if none defines them all, or
    nothing is missing but a model.
    """
    for source in dict.fromkeys(each.source for each in policy.providers):
        of_file = {each.name: each for each in policy.providers if each.source == source}
        if of_file.keys() >= set(names):
            providers = [of_file[name] for name in names]
            change = _change(policy, asking, providers)
            named = change or named_for_the_writer(policy, asking, partial(_allows, asking=asking, providers=providers))
            return named or _new_grant(policy, asking, providers)
    return None


def _change(policy: Policy, asking: Asking, providers: Sequence[Provider]) -> Proposal | None:
    """Lines of a grant that lets them generate already, with others or in other windows."""
    private = asking.private
    for grant in policy.grants:
        if not grant.generate or grant.source != providers[0].source or not asking.is_of(grant):
            continue
        generate = tuple(dict.fromkeys((*grant.generate, *providers)))
        lines = [generate_line(each.name for each in generate)] if generate != grant.generate else []
        features = grant.features and tuple(dict.fromkeys((*grant.features, "generate")))
        if features and features != grant.features:
            lines.append(features_line(features))
        lines += ["private_windows = true"] if private and not grant.private_windows else []
        lines += ["enabled = true"] if not grant.enabled else []
        changed = replace(
            grant, generate=generate, features=features, enabled=True, private_windows=grant.private_windows or private
        )
        others = tuple(changed if each is grant else each for each in policy.grants)
        if lines and _allows(others, asking, providers):
            return Proposal(tuple(lines), _file_of(policy, providers[0]), grant)
    return None


def _new_grant(policy: Policy, asking: Asking, providers: Sequence[Provider]) -> Proposal | None:
    lines = [
        "[[grant]]",
        f'name = "{_free_name(policy, asking.origin)}"',
        *asking.grant_lines,
        generate_line(each.name for each in providers),
        *(["private_windows = true"] if asking.private else []),
    ]
    stand_ins = (_STAND_IN.format(each.name) for each in providers)
    text = "\n".join(["version = 1", *lines, *stand_ins, asking.writer_table])
    read = parse_policy(text.encode(), Path(), providers[0].source).grants
    added = [replace(grant, generate=tuple(providers)) for grant in read]
    if not added or not _allows((*policy.grants, *added), asking, providers):
        return None
    beside = beside_grant(policy, asking, providers[0].source)
    return Proposal((*lines, *beside), _file_of(policy, providers[0]))


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


def _allows(grants: Sequence[Grant], asking: Asking, providers: Sequence[Provider]) -> bool:
    found = [
        deciding(grants, asking.origin, private=asking.private, provider=each.name, principal=asking.principal)
        for each in providers
    ]
    return all(each is not None and each[1] == provider for each, provider in zip(found, providers, strict=True))
