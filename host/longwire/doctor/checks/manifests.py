"""The native manifest: what a browser demands of the file, in the order in which it checks."""

import json
import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any, Final

from longwire.assets import extension_id, read_manifest
from longwire.families import Family
from longwire.protocol.errors import printable

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a manifest, in half a sentence that goes on from its path.

    `forgiven`: the browsers of today use it all the same.
    """

    text: str
    forgiven: bool = False


def find_fault(path: Path, platform: str, family: Family) -> Fault | None:
    """The first thing that keeps a browser of the family from using the manifest; else what it forgives; or None."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Fault("does not exist")
    except OSError as error:
        return Fault(f"cannot be read: {error.strerror}")
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except ValueError:
        return Fault("is not JSON")
    if not isinstance(content, dict):
        return Fault("is not a JSON object")
    fault = next((fault for look in _CHECKS if (fault := look(content, platform, family))), None)
    fault = fault or _mode_fault(path, platform)
    if fault is None and data.startswith(_BYTE_ORDER_MARK):
        # Seen in Chromium 156 (tests/e2e/test_doctor.py); the format is JSON in UTF-8, which has none (RFC 8259).
        return Fault("begins with a byte-order mark, which this Chromium forgives and others may not", forgiven=True)
    return fault


def named_launcher(path: Path | None) -> Path | None:
    """What a manifest starts, as far as it can be read."""
    if path is None:
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        return Path(content["path"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _name(content: dict[str, Any], _platform: str, _family: Family) -> Fault | None:
    expected = read_manifest("native-host.json")["name"]
    if content.get("name") != expected:
        return Fault(f'has the name {_shown(content.get("name"))}, not "{expected}"')
    if content.get("type") != "stdio":
        return Fault(f'has the type {_shown(content.get("type"))}, not "stdio"')
    return None


def _path(content: dict[str, Any], platform: str, _family: Family) -> Fault | None:
    path = content.get("path")
    if not isinstance(path, str) or not path:
        return Fault("has no path")
    absolute = PureWindowsPath(path).is_absolute() if platform == "win32" else path.startswith("/")
    return None if absolute else Fault(f"names a relative path, {_shown(path)}")


def _callers(content: dict[str, Any], _platform: str, family: Family) -> Fault | None:
    allowed, ours = content.get(family.allowed), family.name_of(extension_id())
    if not isinstance(allowed, list) or ours not in allowed:
        return Fault(f"does not allow this extension, {ours}")
    if len(allowed) > 1:
        return Fault("allows other extensions than Longwire's to start the host")
    return None


_CHECKS: Final[tuple[Callable[[dict[str, Any], str, Family], Fault | None], ...]] = (_name, _path, _callers)


def _mode_fault(path: Path, platform: str) -> Fault | None:
    if sys.platform == "win32" or platform == "win32":
        return None
    status = path.stat()
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Fault("may be written by other users, who could make the browser start anything")
    if status.st_uid not in (0, os.geteuid()):
        return Fault("belongs to another user, who could make the browser start anything")
    return None


def _shown(value: object) -> str:
    return f'"{printable(str(value))[:80]}"'
