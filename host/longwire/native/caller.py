"""Who started the host."""

from collections.abc import Sequence

from longwire.assets import extension_id
from longwire.families import families


def caller_is_ours(argv: list[str], extensions: Sequence[str] = ()) -> bool:
    """Whether a browser names this extension as the caller, in the way of its family."""
    ours = (extension_id(), *extensions)
    return any(
        family.caller_in(argv) in {family.name_of(each) for each in ours}
        for family in families().values()
        if not family.not_yet
    )


def shown_caller(argv: list[str]) -> str:
    """What a browser names as the caller, and nothing else: a person may have typed anything."""
    named = ((family, family.caller_in(argv)) for family in families().values())
    return next((name for family, name in named if name and family.is_name(name)), "something else than an extension")
