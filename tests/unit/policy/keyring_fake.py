"""A keyring in memory, by the interface of `keyring.backend.KeyringBackend`, and a package that gives it."""

import sys
from types import ModuleType

import pytest


class MemoryKeyring:
    """Holds entries by (service, username)."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


def install_keyring(monkeypatch: pytest.MonkeyPatch, keyring: MemoryKeyring | None) -> ModuleType:
    """Make `import keyring` give `keyring`; None: a machine that has none, as the package says it."""

    class FailKeyring:
        pass

    package, backends, fail = ModuleType("keyring"), ModuleType("keyring.backends"), ModuleType("keyring.backends.fail")
    fail.Keyring = FailKeyring  # type: ignore[attr-defined]
    package.get_keyring = lambda: keyring or FailKeyring()  # type: ignore[attr-defined]
    for module in (package, backends, fail):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return fail
