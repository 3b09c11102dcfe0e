"""The browser table, `manifests/browsers.json`: which browsers there are, and where each looks for native hosts.

System folders of Brave, Vivaldi and Opera are those of an unbranded Chromium build, from whose code they inherit
them.
"""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from longwire.assets import read_manifest
from longwire.cli.errors import CommandError, MisuseError


class LinuxPlaces(BaseModel):
    """Where one browser keeps things on Linux. `{config}` stands for the user's configuration folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    programs: tuple[str, ...]
    profile: str
    user: str
    system: str


class Browser(BaseModel):
    """One row. Platforms that are missing are not supported yet."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    family: Literal["chromium"]
    linux: LinuxPlaces | None = None


class BrowserTable(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host_name: str
    browsers: dict[str, Browser]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of the machine decides about paths; a parameter, so that every platform can be tested on any."""

    platform: str
    config: Path
    which: Callable[[str], str | None]

    @classmethod
    def here(cls, environ: Mapping[str, str] = os.environ) -> "Surroundings":
        """This machine and user. Chromium uses XDG_CONFIG_HOME where it is set, else `~/.config`."""
        configured = Path(environ.get("XDG_CONFIG_HOME", ""))
        config = configured if configured.is_absolute() else Path.home() / ".config"
        return cls(platform=sys.platform, config=config, which=shutil.which)


def browser_table() -> BrowserTable:
    """The table as it is in the manifests folder.

    Raises:
        AssetError: it is not there.
    """
    return BrowserTable.model_validate(read_manifest("browsers.json"))


def linux_places(browser: Browser, surroundings: Surroundings) -> LinuxPlaces:
    """The places of a browser with `{config}` filled in.

    Raises:
        CommandError: Longwire does not know this browser on this platform.
    """
    if surroundings.platform != "linux" or browser.linux is None:
        raise CommandError(
            f"this version of Longwire cannot install itself for {browser.title} on {surroundings.platform}",
            "use Linux, or name one profile with --user-data-dir",
        )
    config = str(surroundings.config)
    return browser.linux.model_copy(
        update={
            "profile": browser.linux.profile.replace("{config}", config),
            "user": browser.linux.user.replace("{config}", config),
        }
    )


def choose(table: BrowserTable, names: list[str], surroundings: Surroundings) -> dict[str, LinuxPlaces]:
    """The browsers that were named; without names, those that this user has.

    Raises:
        MisuseError: a name that the table does not have.
        CommandError: no name was given and no browser found.
    """
    unknown = [name for name in names if name not in table.browsers]
    if unknown:
        raise MisuseError(f'there is no browser "{unknown[0]}"', f"the names are {', '.join(table.browsers)}")
    if names:
        return {name: linux_places(table.browsers[name], surroundings) for name in names}
    places = {name: linux_places(browser, surroundings) for name, browser in table.browsers.items()}
    found = {name: place for name, place in places.items() if is_present(place, surroundings)}
    if not found:
        raise CommandError(
            "no browser was found that Longwire knows",
            f"install one, or name it: --browser with {', '.join(table.browsers)}, or --user-data-dir with a profile",
        )
    return found


def is_present(places: LinuxPlaces, surroundings: Surroundings) -> bool:
    """Whether this user has the browser: a profile, or the program on the PATH."""
    return Path(places.profile).is_dir() or any(surroundings.which(program) for program in places.programs)
