"""`longwire policy off` and `on`: the user's own kill switch."""

import stat
from pathlib import Path
from typing import Final

from longwire.console.errors import CommandError
from longwire.console.output import say
from longwire.policy import PolicyStore
from longwire.policy.switch import CannotSwitch, switched
from longwire.storage.files import make_folder, write_atomically

_OWN_FILE: Final = 0o600


def off() -> None:
    """Switch everything off, at once.

    No page reaches anything, and every stream ends. Writes enabled = false into your own policy file, and nothing else
    in it changes. `longwire policy on` undoes it.
    """
    _switch(enabled=False)


def on() -> None:
    """Undo `longwire policy off`."""
    _switch(enabled=True)


def _switch(*, enabled: bool) -> None:
    store = PolicyStore()
    path = store.locations.user
    policy = store.current()
    if policy.silenced is not None or (policy.administrator is not None and path not in policy.files and path.exists()):
        raise CommandError(
            f"{policy.administrator} alone decides, and {path} does not count",
            "its administrator can write enabled = false there; the popup switches Longwire off for a site",
        )
    try:
        # What a link leads to is changed, and not the link.
        target = path.resolve()
        text = target.read_bytes().decode("utf-8") if target.exists() else ""
        if not text and enabled:
            say(f"nothing   {path} switches nothing off")
            return
        after = switched(text, enabled=enabled)
        if after != text:
            _write(target, after)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CommandError(f"{path} cannot be changed: {why}", "make it yours to write, and UTF-8") from None
    except CannotSwitch as problem:
        fix = f"write enabled = {'true' if enabled else 'false'} there yourself, above the first table"
        raise CommandError(f"{path} was not changed: {problem}", fix) from None
    if not enabled:
        say(f"off       {path} says enabled = false: nothing is open; `longwire policy on` undoes it")
        return
    say(f"on        {path} decides again")
    other = store.current().switched_off
    if other is not None:
        raise CommandError(f"{other} still says enabled = false for all grants", "its administrator can change that")


def _write(target: Path, text: str) -> None:
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else _OWN_FILE
    make_folder(target.parent)
    write_atomically(target, text.encode(), mode)
