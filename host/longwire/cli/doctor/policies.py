"""Browser policies, which can forbid native hosts altogether or those of the user.

Linux: every JSON file of a folder, of which the last in alphabetical order wins. macOS: managed preferences, the user's
before the machine's. Windows: the registry, HKLM before HKCU. Chromium's names are
NativeMessagingBlocklist (`*` is all), NativeMessagingAllowlist (an exception to it) and NativeMessagingUserLevelHosts.
"""

import json
import plistlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.parsers.expat import ExpatError

from longwire.assets import extension_id
from longwire.cli.browsers import Place
from longwire.cli.doctor.finding import Finding, fail, ok, warn
from longwire.cli.doctor.patient import Patient
from longwire.cli.registry import Registry, RegistryKey

_LISTS: Final = ("NativeMessagingBlocklist", "NativeMessagingAllowlist")
_USER_LEVEL: Final = "NativeMessagingUserLevelHosts"
# Where a file has what is set for extensions. Windows and macOS keep that elsewhere, which is not looked at here.
_EXTENSIONS: Final = "3rdparty"


@dataclass(frozen=True, slots=True)
class BrowserPolicy:
    """What the policies of one browser say: each name with its value and where it is written."""

    values: dict[str, tuple[Any, str]] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()

    def forbidden_by(self, host_name: str) -> str | None:
        """Where the host is forbidden, if it is."""
        block, where = self.values.get("NativeMessagingBlocklist", ([], ""))
        allow, _ = self.values.get("NativeMessagingAllowlist", ([], ""))
        blocked = isinstance(block, list) and ("*" in block or host_name in block)
        return where if blocked and not (isinstance(allow, list) and host_name in allow) else None

    def user_level_forbidden_by(self) -> str | None:
        """Where hosts in the user's own folders are forbidden, if they are."""
        value, where = self.values.get(_USER_LEVEL, (True, ""))
        return where if value in (False, 0) else None

    def switches(self, extension: str) -> tuple[dict[str, Any], str]:
        """What is set for the extension itself, and where: `manifests/managed_storage.schema.json`."""
        content, where = self.values.get(_EXTENSIONS, ({}, ""))
        for name in ("extensions", extension):
            content = content.get(name) if isinstance(content, dict) else None
        return content if isinstance(content, dict) else {}, where


def read_policies(places: tuple[Place, ...], registry: Registry) -> BrowserPolicy:
    """Read them all; the first that names something wins."""
    values: dict[str, tuple[Any, str]] = {}
    unreadable: list[str] = []
    for place in places:
        sources = _registry_values(place, registry) if isinstance(place, RegistryKey) else _files(place)
        for where, content in sources:
            if content is None:
                unreadable.append(where)
                continue
            for name in (*_LISTS, _USER_LEVEL, _EXTENSIONS):
                if name in content:
                    values.setdefault(name, (content[name], where))
    return BrowserPolicy(values, tuple(unreadable))


def check_policies(patient: Patient) -> Iterator[Finding]:
    """Whether a browser's policy forbids Longwire's host. (Which manifests it reads is a matter of `registered`.)"""
    for browser in patient.browsers:
        policy = read_policies(browser.policies, patient.here.registry)
        for where in policy.unreadable:
            yield warn(
                "browser policy", f"{where} cannot be read, so the browser ignores it", f"mend {where}", browser.title
            )
        forbidden_by = policy.forbidden_by(patient.table.host_name)
        if forbidden_by:
            yield fail(
                "browser policy",
                f"NativeMessagingBlocklist in {forbidden_by} forbids the host",
                f'have the administrator add "{patient.table.host_name}" to NativeMessagingAllowlist there',
                browser.title,
            )
        elif policy.values and not policy.unreadable:
            yield ok("browser policy", "allows the host", browser.title)
        yield from _check_switches(policy, browser.title)


def _check_switches(policy: BrowserPolicy, title: str) -> Iterator[Finding]:
    """What the extension obeys, and learns from its browser some seconds after the browser's start only."""
    switches, where = policy.switches(extension_id())
    if switches.get("enabled") is False:
        yield fail(
            "browser policy",
            f"`enabled` in {where} switches the extension off",
            "have the administrator take it out there",
            title,
        )
    elif isinstance(switches.get("pages"), list):
        listed = ", ".join(map(str, switches["pages"])) or "none"
        yield ok("browser policy", f"`pages` in {where} lets the extension serve at most: {listed}", title)


def _files(place: Path) -> Iterator[tuple[str, dict[str, Any] | None]]:
    if place.suffix == ".plist":
        if place.is_file():
            yield str(place), _read_plist(place)
        return
    for path in sorted(place.glob("*.json"), reverse=True) if place.is_dir() else []:
        yield str(path), _read_json(path)


def _read_plist(path: Path) -> dict[str, Any] | None:
    try:
        content = plistlib.loads(path.read_bytes())
    except (OSError, ValueError, plistlib.InvalidFileException, ExpatError):
        return None
    return content if isinstance(content, dict) else None


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _registry_values(key: RegistryKey, registry: Registry) -> Iterator[tuple[str, dict[str, Any] | None]]:
    if not registry.exists(key):
        return
    content: dict[str, Any] = {
        name: list(registry.values(key.child(name)).values()) for name in _LISTS if registry.exists(key.child(name))
    }
    values = registry.values(key)
    if _USER_LEVEL in values:
        content[_USER_LEVEL] = values[_USER_LEVEL]
    yield str(key), content
