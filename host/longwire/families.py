"""The families of browsers, of `manifests/browsers.json`: how each names the extension that starts a host.

Read by the host at each start, which takes 0.1 ms; by the installer, which writes whom a manifest lets in; and by
`longwire doctor`, which starts the host as a browser would.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from longwire.assets import AssetError, read_manifest

_CALLER: Final = "{caller}"
_MANIFEST: Final = "{manifest}"
_ID: Final = "{extension_id}"


@dataclass(frozen=True, slots=True)
class Family:
    """One row.

    `allowed` is the member of a native manifest that lists who may start the host, `caller` the form in which an
    extension is named there and to the host, `arguments` what the host is started with, `extension_ids` what ids look
    like (a regular expression; None if Longwire does not know). `errors` are the browser's texts for a native port
    that closed, by what they mean: the extension reads those. `not_yet` says why Longwire cannot work in this family.
    """

    allowed: str
    caller: str
    arguments: tuple[str, ...]
    extension_ids: str | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    not_yet: str | None = None

    def name_of(self, extension_id: str) -> str:
        """What the browser calls an extension."""
        return self.caller.replace(_ID, extension_id)

    def command_line(self, extension_id: str, manifest: Path) -> list[str]:
        """What the host is started with, besides itself, for this extension by way of this manifest."""
        names = {_CALLER: self.name_of(extension_id), _MANIFEST: str(manifest)}
        return [names.get(argument, argument) for argument in self.arguments]

    def caller_in(self, argv: Sequence[str]) -> str | None:
        """The argument that names the caller, the host itself being `argv[0]`; None if there are fewer."""
        position = 1 + self.arguments.index(_CALLER)
        return argv[position] if len(argv) > position else None

    def is_name(self, text: str) -> bool:
        """Whether this could be what the browser calls some extension."""
        pattern = re.escape(self.caller).replace(re.escape(_ID), self.extension_ids or "(?!)")
        return re.fullmatch(pattern, text) is not None


def families() -> dict[str, Family]:
    """All of them, by name, those included that Longwire cannot work in.

    Raises:
        AssetError: the browser table is not there, or damaged.
    """
    try:
        rows = read_manifest("browsers.json")["families"].items()
        return {name: Family(**{**row, "arguments": tuple(row["arguments"])}) for name, row in rows}
    except (KeyError, TypeError, AttributeError):
        raise AssetError("the browser table is damaged", "install Longwire again") from None


def chromium() -> Family:
    """The one of Chromium, whose profiles `--user-data-dir` means."""
    return families()["chromium"]
