"""What the policy lets a person at a console ask."""

from dataclasses import replace

from longwire.console.errors import CommandError
from longwire.policy.store import PolicyStore
from longwire.policy.urls import CONSOLE


def first_provider() -> str:
    """The first that a grant for `longwire:terminal` names.

    Raises:
        CommandError: none does.
    """
    policy = replace(PolicyStore().current(), at_console=True)
    for name, _ in policy.providers_for(CONSOLE.href):
        return name
    raise CommandError(
        "no grant of the policy lets a terminal ask a language model",
        'add "longwire:terminal" to the pages of a [[grant]] with generate = ["NAME"]: see `longwire docs generation`',
    )
