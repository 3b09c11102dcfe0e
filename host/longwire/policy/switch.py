"""The `enabled` of a whole policy file, changed in its text: comments, order and line ends stay as they are."""

import re
import tomllib
from typing import Any, Final

from longwire.policy.toml_lines import NestedTooDeeplyError, locate_keys

# The key as somebody wrote it, quoted or not, and its value.
_ENABLED: Final = re.compile(r"(\s*(?:enabled|\"enabled\"|'enabled')\s*=\s*)(?:true|false)")
_NEW: Final = "version = 1\n"


class CannotSwitch(Exception):
    """The text is none whose `enabled` can be changed. Says why."""


def switched(text: str, *, enabled: bool) -> str:
    """The file's text with `enabled` as it should be; itself where it is so. An empty one gets what every file needs.

    Raises:
        CannotSwitch: it is no TOML, or the key is written in a way that is not understood here.
    """
    before = _read(text)
    if before.get("enabled", True) is enabled:
        return text
    line_end = "\r\n" if "\r\n" in text else "\n"
    value = "true" if enabled else "false"
    lines = re.findall(r"[^\n]*\n|[^\n]+", text or _NEW)  # TOML's ends of lines: `splitlines` knows others
    located = locate_keys(text)
    if (at := located.get(("enabled",))) is not None:
        lines[at - 1] = _ENABLED.sub(rf"\g<1>{value}", lines[at - 1], count=1)
    else:
        # Above the first table, where all keys are the file's own.
        at = located.get(("version",), 1 if not text else 0)
        if at and not lines[at - 1].endswith("\n"):
            lines[at - 1] += line_end
        lines.insert(at, f"enabled = {value}{line_end}")
    after = "".join(lines)
    try:
        understood = _read(after) == _read(text or _NEW) | {"enabled": enabled}
    except CannotSwitch:
        understood = False
    if not understood:
        raise CannotSwitch("its `enabled` or `version` is written in a way that this command does not know")
    return after


def _read(text: str) -> dict[str, Any]:
    try:
        content = tomllib.loads(text)
        locate_keys(text)
    except (ValueError, RecursionError, NestedTooDeeplyError):
        raise CannotSwitch("it is no TOML that can be read; `longwire policy validate` says where") from None
    return content
