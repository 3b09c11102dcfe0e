"""Secrets in the desktop's keyring, by the optional package `keyring` (`pip install 'longwire[keyring]'`).

Imported at the first use: it costs a tenth of a second and a D-Bus connection, and most policies do without. Whatever
its backends raise is told in words of our own, because they quote what they choke on.
"""

import importlib
import os
import sys
from typing import Any, Final, Protocol

from longwire.policy.secrets import SecretProblem

SERVICE: Final = "longwire"
# keyring would import whatever module the first names, and set what the others name on its backend (threat 14).
_BACKEND_VARIABLE: Final = "PYTHON_KEYRING_BACKEND"
_PROPERTY_VARIABLES: Final = "KEYRING_PROPERTY_"


class Keyring(Protocol):
    """The part of `keyring.backend.KeyringBackend` that is used; any of its backends has it, and so has a fake."""

    def get_password(self, service: str, username: str) -> str | None:
        """The entry's value, None if there is no such entry."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Make or replace an entry."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Remove an entry; raises if there is none."""
        ...


class KeyringUnavailable(Exception):
    """There is no keyring to ask, or it did not answer. `what` is the rest of a sentence."""

    def __init__(self, what: str, problem: SecretProblem = SecretProblem.UNUSABLE) -> None:
        super().__init__(what)
        self.what = what
        self.problem = problem


def load_keyring() -> Keyring:
    """The keyring of this user's desktop.

    Raises:
        KeyringUnavailable: the package is not installed, or finds no keyring (a machine without a desktop).
    """
    for name in list(os.environ):
        if name == _BACKEND_VARIABLE or name.startswith(_PROPERTY_VARIABLES):
            del os.environ[name]
    try:
        package: Any = importlib.import_module("keyring")
        failing: Any = importlib.import_module("keyring.backends.fail")
        found: Any = package.get_keyring()
    except ImportError:
        if getattr(sys, "frozen", False):
            raise KeyringUnavailable("cannot be asked: this frozen Longwire has no keyring in it; use a file") from None
        raise KeyringUnavailable("needs the package `keyring`: pip install 'longwire[keyring]'") from None
    except Exception:  # noqa: BLE001  (a backend's own failure while it starts)
        raise KeyringUnavailable("cannot be asked: the keyring did not start") from None
    if isinstance(found, failing.Keyring):
        raise KeyringUnavailable("cannot be asked: this machine has no keyring; use a file")
    result: Keyring = found
    return result


def read_entry(keyring: Keyring, entry: str) -> bytes:
    """The value of an entry, UTF-8. Blocks, possibly until a person has unlocked the keyring.

    Raises:
        KeyringUnavailable: no such entry, or no answer.
    """
    try:
        value = keyring.get_password(SERVICE, entry)
    except Exception:  # noqa: BLE001  (whatever the backend raises)
        raise KeyringUnavailable("could not be read: the keyring is locked or does not answer") from None
    if value is None:
        raise KeyringUnavailable("does not exist: run `longwire secret set`", SecretProblem.MISSING)
    return value.encode("utf-8")


def write_entry(keyring: Keyring, entry: str, value: str) -> None:
    """Make or replace an entry.

    Raises:
        KeyringUnavailable: it was not stored.
    """
    try:
        keyring.set_password(SERVICE, entry, value)
    except Exception:  # noqa: BLE001
        raise KeyringUnavailable("could not be stored: the keyring is locked or does not answer") from None


def delete_entry(keyring: Keyring, entry: str) -> bool:
    """Remove an entry; False if there was none.

    Raises:
        KeyringUnavailable: it is still there.
    """
    try:
        if keyring.get_password(SERVICE, entry) is None:
            return False
        keyring.delete_password(SERVICE, entry)
    except Exception:  # noqa: BLE001
        raise KeyringUnavailable("could not be removed: the keyring is locked or does not answer") from None
    return True
