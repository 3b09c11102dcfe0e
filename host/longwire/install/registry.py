"""The Windows registry behind a small interface, so that what is written there can be tested anywhere.

Every key is named by its hive and its path: `HKCU` is the user's, `HKLM` the machine's.
"""

import sys
from dataclasses import dataclass
from typing import Final, Literal, Protocol

Hive = Literal["HKCU", "HKLM"]
_HIVES: Final[dict[str, Hive]] = {"HKCU": "HKCU", "HKLM": "HKLM"}


@dataclass(frozen=True, slots=True)
class RegistryKey:
    """One key, whether it exists or not."""

    hive: Hive
    path: str

    @classmethod
    def parse(cls, text: str) -> "RegistryKey":
        r"""The inverse of `str`: `HKCU\Software\…`.

        Raises:
            ValueError: the hive is none of the two.
        """
        hive, _, path = text.partition("\\")
        if hive not in _HIVES:
            raise ValueError(text)
        return cls(_HIVES[hive], path)

    def child(self, name: str) -> "RegistryKey":
        """The key below."""
        return RegistryKey(self.hive, f"{self.path}\\{name}")

    def parents(self) -> list["RegistryKey"]:
        """The keys above, outermost first, the hive itself not among them."""
        parts = self.path.split("\\")
        return [RegistryKey(self.hive, "\\".join(parts[:count])) for count in range(1, len(parts))]

    def __str__(self) -> str:
        return f"{self.hive}\\{self.path}"


class Registry(Protocol):
    """What is needed of it. `default` is a key's unnamed value."""

    def exists(self, key: RegistryKey) -> bool:
        """Whether there is such a key."""
        ...

    def default(self, key: RegistryKey) -> str | None:
        """The unnamed value, None if there is none or no such key."""
        ...

    def values(self, key: RegistryKey) -> dict[str, object]:
        """The named values; empty without such a key."""
        ...

    def set_default(self, key: RegistryKey, value: str) -> None:
        """Write the unnamed value; the key and those above it come into being.

        Raises:
            OSError: this user may not.
        """
        ...

    def delete(self, key: RegistryKey) -> None:
        """Delete a key that has no keys below it.

        Raises:
            OSError: this user may not, or there are keys below it.
        """
        ...

    def is_empty(self, key: RegistryKey) -> bool:
        """Whether the key exists and holds neither values nor keys."""
        ...


class NoRegistry:
    """Every platform but Windows: nothing is there, and nothing can be written."""

    def exists(self, key: RegistryKey) -> bool:
        """See `Registry`."""
        return False

    def default(self, key: RegistryKey) -> str | None:
        """See `Registry`."""
        return None

    def values(self, key: RegistryKey) -> dict[str, object]:
        """See `Registry`."""
        return {}

    def set_default(self, key: RegistryKey, value: str) -> None:
        """See `Registry`."""
        raise OSError(f"there is no registry here for {key}")

    def delete(self, key: RegistryKey) -> None:
        """See `Registry`."""
        raise OSError(f"there is no registry here for {key}")

    def is_empty(self, key: RegistryKey) -> bool:
        """See `Registry`."""
        return False


if sys.platform == "win32":
    import winreg
    from contextlib import suppress

    _HANDLES = {"HKCU": winreg.HKEY_CURRENT_USER, "HKLM": winreg.HKEY_LOCAL_MACHINE}

    class WindowsRegistry:
        """The real one, in the view of a 64-bit program, which browsers look at too."""

        def exists(self, key: RegistryKey) -> bool:
            """See `Registry`."""
            try:
                with self._open(key):
                    return True
            except OSError:
                return False

        def default(self, key: RegistryKey) -> str | None:
            """See `Registry`."""
            try:
                with self._open(key) as handle:
                    value, _ = winreg.QueryValueEx(handle, "")
            except OSError:
                return None
            return value if isinstance(value, str) else None

        def values(self, key: RegistryKey) -> dict[str, object]:
            """See `Registry`."""
            found: dict[str, object] = {}
            with suppress(OSError), self._open(key) as handle:
                for index in range(winreg.QueryInfoKey(handle)[1]):
                    name, value, _ = winreg.EnumValue(handle, index)
                    found[name] = value
            return found

        def set_default(self, key: RegistryKey, value: str) -> None:
            """See `Registry`."""
            access = winreg.KEY_SET_VALUE | winreg.KEY_WOW64_64KEY
            with winreg.CreateKeyEx(_HANDLES[key.hive], key.path, 0, access) as handle:
                winreg.SetValueEx(handle, "", 0, winreg.REG_SZ, value)

        def delete(self, key: RegistryKey) -> None:
            """See `Registry`."""
            winreg.DeleteKeyEx(_HANDLES[key.hive], key.path, winreg.KEY_WOW64_64KEY)

        def is_empty(self, key: RegistryKey) -> bool:
            """See `Registry`."""
            try:
                with self._open(key) as handle:
                    return winreg.QueryInfoKey(handle)[:2] == (0, 0)
            except OSError:
                return False

        def _open(self, key: RegistryKey) -> winreg.HKEYType:
            access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
            return winreg.OpenKeyEx(_HANDLES[key.hive], key.path, 0, access)


def system_registry() -> Registry:
    """This machine's, or `NoRegistry`."""
    if sys.platform == "win32":
        return WindowsRegistry()
    return NoRegistry()
