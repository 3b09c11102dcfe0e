"""Browser policies, which can forbid native hosts altogether or those of the user, and the extension.

Linux: every JSON file of a folder, of which the last in alphabetical order wins. macOS: managed preferences, the user's
before the machine's. Windows: the registry, HKLM before HKCU. Chromium's names are
NativeMessagingBlocklist (`*` is all), NativeMessagingAllowlist (an exception to it) and NativeMessagingUserLevelHosts.
"""

import json
import plistlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from xml.parsers.expat import ExpatError

from longwire.doctor.finding import Finding, State, fail, ok, warn
from longwire.doctor.patient import Patient
from longwire.install.browsers import BrowserHere, Place
from longwire.install.registry import Registry, RegistryKey

_BLOCKED: Final = "ExtensionInstallBlocklist"
_SETTINGS: Final = "ExtensionSettings"
_LISTS: Final = (
    *("NativeMessagingBlocklist", "NativeMessagingAllowlist"),
    *(_BLOCKED, "ExtensionInstallAllowlist", "ExtensionInstallForcelist"),
)
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

    def extension_forbidden_by(self, extension: str) -> tuple[str, str] | None:
        """Which policy forbids the extension, and where; None if none does. What installs it allows it."""
        settings, where = self.values.get(_SETTINGS, ({}, ""))
        modes = {
            name: entry.get("installation_mode")
            for name, entry in (settings.items() if isinstance(settings, dict) else ())
            if isinstance(entry, dict)
        }
        forced = any(str(each).partition(";")[0] == extension for each in self._list("ExtensionInstallForcelist"))
        if forced or extension in self._list("ExtensionInstallAllowlist"):
            return None
        # What is said of the extension itself comes before what is said of all.
        mode = modes.get(extension) or modes.get("*")
        if mode in ("blocked", "removed"):
            return _SETTINGS, where
        blocked = self._list(_BLOCKED)
        if not modes.get(extension) and (extension in blocked or "*" in blocked):
            return _BLOCKED, self.values[_BLOCKED][1]
        return None

    def _list(self, name: str) -> list[Any]:
        value, _ = self.values.get(name, ([], ""))
        return value if isinstance(value, list) else []

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
            for name in (*_LISTS, _USER_LEVEL, _SETTINGS, _EXTENSIONS):
                if name in content:
                    values.setdefault(name, (content[name], where))
    return BrowserPolicy(values, tuple(unreadable))


def check_policies(patient: Patient) -> Iterator[Finding]:
    """Whether a browser's policy forbids Longwire's host. (Which manifests it reads is a matter of `registered`.)"""
    browsers = patient.policed_by
    for browser in browsers:
        findings = _check_browser(patient, browser)
        yield from findings if patient.profile is None or len(browsers) == 1 else map(_if_its_profile, findings)


def _if_its_profile(finding: Finding) -> Finding:
    """A profile does not say which of several browsers is started with it."""
    if finding.state is not State.FAIL:
        return finding
    what = f"{finding.what}, if {finding.subject} is started with this profile"
    return replace(finding, state=State.WARN, what=what, doubt=True)


def _check_browser(patient: Patient, browser: BrowserHere) -> Iterator[Finding]:
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
    ids = patient.extension_ids()
    forbidden = [policy.extension_forbidden_by(each) for each in ids]
    extension = forbidden[0] if all(forbidden) else None  # one that is allowed is enough
    if extension:
        name, where = extension
        yield fail(
            "browser policy",
            f"{name} in {where} forbids the extension",
            f'have the administrator allow "{ids[0]}" there, or install it by ExtensionInstallForcelist',
            browser.title,
        )
    if policy.values and not policy.unreadable and not forbidden_by and not extension:
        yield ok("browser policy", "allows the host", browser.title)
    for each in ids:
        yield from _check_switches(policy, browser.title, each)


def _check_switches(policy: BrowserPolicy, title: str, extension: str) -> Iterator[Finding]:
    """What the extension obeys, and learns from its browser some seconds after the browser's start only."""
    switches, where = policy.switches(extension)
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
