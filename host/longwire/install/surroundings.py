"""What of the machine decides about paths: a parameter everywhere, so that every platform can be tested on any."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from longwire.install.registry import NoRegistry, Registry, system_registry


@dataclass(frozen=True, slots=True)
class Surroundings:
    """One machine and user. Paths are text, because a test of Windows runs elsewhere.

    `platform` is `sys.platform`; `root` is put before paths of the system, for tests; `state` is where an installation
    of this user keeps its launcher; the others are what the placeholders of the table stand for.
    """

    platform: str
    home: str
    config: str
    state: Path
    user: str = ""
    local: str = ""
    roaming: str = ""
    root: str = ""
    which: Callable[[str], str | None] = shutil.which
    is_dir: Callable[[str], bool] = os.path.isdir
    registry: Registry = field(default_factory=NoRegistry)

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ) -> "Surroundings":
        """This machine and user. Chromium uses XDG_CONFIG_HOME where it is set, else `~/.config`."""
        home = Path.home()
        configured = Path(environ.get("XDG_CONFIG_HOME", ""))
        return cls(
            platform=sys.platform,
            home=str(home),
            config=str(configured if configured.is_absolute() else home / ".config"),
            state=platformdirs.user_data_path("longwire", appauthor=False),
            user=home.name,
            local=environ.get("LOCALAPPDATA", str(home / "AppData" / "Local")),
            roaming=environ.get("APPDATA", str(home / "AppData" / "Roaming")),
            which=shutil.which,
            registry=system_registry(),
        )

    def fill(self, text: str) -> str:
        """A path of the table as it is here."""
        if text.startswith("/"):
            text = self.root + text
        for name, value in (
            ("{home}", self.home),
            ("{config}", self.config),
            ("{support}", f"{self.home}/Library/Application Support"),
            ("{local}", self.local),
            ("{roaming}", self.roaming),
            ("{user}", self.user),
        ):
            text = text.replace(name, value)
        return text
