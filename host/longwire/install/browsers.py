"""The browser table, `manifests/browsers.json`: which browsers there are, and where each looks for native hosts.

Where an unbranded build inherits a place from Chromium's code (system folders of Brave, Vivaldi and Opera; the registry
key of Chrome, which they all read on Windows), the table names the inherited one. Two browsers may so share a place.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longwire.assets import read_manifest
from longwire.console.errors import CommandError, MisuseError
from longwire.families import Family
from longwire.install.registry import RegistryKey
from longwire.install.surroundings import Surroundings

# Where a browser looks for a manifest: in a folder, or for its path in a registry key.
Place = Path | RegistryKey

_APP_PATHS = "Software\\Microsoft\\Windows\\CurrentVersion\\App Paths"
# How much of a program is read to see whether it is a script that starts a snap.
_SCRIPT_BYTES = 4096


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PosixPlaces(_Row):
    """Where one browser keeps things on Linux or macOS.

    `programs` are names on the PATH (Linux) or bundles (macOS), `policies` folders of JSON (Linux) or plist files.
    """

    programs: tuple[str, ...]
    profile: str
    user: str
    system: str
    policies: tuple[str, ...]


class WindowsPlaces(_Row):
    """The same on Windows: `programs` as App Paths knows them; `key` and `policies` are below HKCU and HKLM."""

    programs: tuple[str, ...]
    profile: str
    key: str
    policies: tuple[str, ...]


class Browser(_Row):
    """One row. `family` is the name of a row of the families."""

    title: str
    family: str
    extensions_page: str
    linux: PosixPlaces
    darwin: PosixPlaces
    win32: WindowsPlaces
    snap: str | None = None
    flatpak: str | None = None


class BrowserTable(_Row):
    """The file. `system_state` is where a launcher for all users lies, by platform."""

    host_name: str
    system_state: dict[str, str]
    families: dict[str, Family]
    browsers: dict[str, Browser] = Field(min_length=1)

    @model_validator(mode="after")
    def _every_family_is_known(self) -> Self:
        unknown = {browser.family for browser in self.browsers.values()} - set(self.families)
        if unknown:
            raise ValueError(f"no such family of browsers: {', '.join(sorted(unknown))}")
        return self

    def family_of(self, browser: str) -> Family:
        """What a browser has in common with its relatives."""
        return self.families[self.browsers[browser].family]

    def system_state_folder(self, surroundings: Surroundings) -> Path:
        """The launcher's folder of an installation for all users.

        Raises:
            CommandError: there is none on this platform.
        """
        _known_platform(surroundings)
        return Path(surroundings.fill(self.system_state[surroundings.platform]))


@dataclass(frozen=True, slots=True)
class BrowserHere:
    """A browser with its places on this platform, for this user. `policies` are files, folders or keys."""

    name: str
    title: str
    extensions_page: str
    profile: Path
    user: Place
    system: Place
    policies: tuple[Place, ...]
    family: Family

    @property
    def not_yet(self) -> str | None:
        """Why Longwire cannot work in it, although the places are known."""
        return self.family.not_yet


@dataclass(frozen=True, slots=True)
class Sandboxed:
    """A browser that lives in a sandbox, out of which it cannot start a program."""

    name: str
    title: str
    kind: Literal["snap", "flatpak"]

    @property
    def truth(self) -> str:
        """What is the matter."""
        return f"{self.title} is here as a {self.kind}, which cannot start a program outside its sandbox"

    @property
    def fix(self) -> str:
        """What would help."""
        return f"install {self.title} as a package of the distribution or of its maker, and use Longwire there"


def browser_table() -> BrowserTable:
    """The table as it is in the manifests folder.

    Raises:
        AssetError: it is not there.
    """
    return BrowserTable.model_validate(read_manifest("browsers.json"))


def places_of(name: str, table: BrowserTable, surroundings: Surroundings) -> BrowserHere:
    """The places of a browser, placeholders filled in.

    Raises:
        CommandError: Longwire does not know this platform.
    """
    _known_platform(surroundings)
    browser = table.browsers[name]
    fill = surroundings.fill
    user: Place
    system: Place
    policies: tuple[Place, ...]
    if surroundings.platform == "win32":
        row = browser.win32
        profile = row.profile
        user, system = RegistryKey("HKCU", row.key), RegistryKey("HKLM", row.key)
        policies = tuple(RegistryKey(hive, key) for key in row.policies for hive in ("HKLM", "HKCU"))
    else:
        posix = browser.linux if surroundings.platform == "linux" else browser.darwin
        profile = posix.profile
        user, system = Path(fill(posix.user)), Path(fill(posix.system))
        policies = tuple(Path(fill(text)) for text in posix.policies)
    return BrowserHere(
        name=name,
        title=browser.title,
        extensions_page=browser.extensions_page,
        profile=Path(fill(profile)),
        user=user,
        system=system,
        policies=policies,
        family=table.family_of(name),
    )


def choose(table: BrowserTable, names: list[str], surroundings: Surroundings) -> list[BrowserHere]:
    """The browsers that were named; without names, those that this user has and Longwire works in.

    Raises:
        MisuseError: a name that the table does not have.
        CommandError: a browser was named that Longwire does not work in; or no name was given and no browser found.
    """
    unknown = [name for name in names if name not in table.browsers]
    if unknown:
        raise MisuseError(f'there is no browser "{unknown[0]}"', f"the names are {', '.join(table.browsers)}")
    if names:
        named = [places_of(name, table, surroundings) for name in dict.fromkeys(names)]
        for browser in named:
            if browser.not_yet:
                raise CommandError(browser.not_yet, "name another browser")
        return named
    found = [browser for browser in present(table, surroundings) if not browser.not_yet]
    if not found:
        sandboxed = find_sandboxed(table, surroundings)
        if sandboxed:
            raise CommandError(sandboxed[0].truth, sandboxed[0].fix)
        usable = [name for name in table.browsers if not table.family_of(name).not_yet]
        raise CommandError(
            "no browser was found that Longwire knows",
            f"install one, or name it: --browser with {', '.join(usable)}, or --user-data-dir with a profile",
        )
    return found


def present(table: BrowserTable, surroundings: Surroundings) -> list[BrowserHere]:
    """The browsers that this user has outside of a sandbox, those that Longwire does not work in included."""
    return [
        places_of(name, table, surroundings)
        for name in table.browsers
        if _is_present(table.browsers[name], surroundings)
    ]


def find_sandboxed(table: BrowserTable, surroundings: Surroundings) -> list[Sandboxed]:
    """The browsers that are here as a snap or flatpak; only Linux has these."""
    if surroundings.platform != "linux":
        return []
    found = []
    for name, browser in table.browsers.items():
        if browser.snap and _has_snap(browser, browser.snap, surroundings):
            found.append(Sandboxed(name, browser.title, "snap"))
        if browser.flatpak and _has_flatpak(browser.flatpak, surroundings):
            found.append(Sandboxed(name, browser.title, "flatpak"))
    return found


def _is_present(browser: Browser, here: Surroundings) -> bool:
    if here.platform == "win32":
        names = browser.win32.programs
        keys = [RegistryKey(hive, f"{_APP_PATHS}\\{name}") for name in names for hive in ("HKCU", "HKLM")]
        return here.is_dir(here.fill(browser.win32.profile)) or any(map(here.registry.exists, keys))
    if here.platform == "darwin":
        folders = (browser.darwin.profile, *browser.darwin.programs)
        return any(here.is_dir(here.fill(folder)) for folder in folders)
    programs = [found for name in browser.linux.programs if (found := here.which(name))]
    # The profile of a browser in a sandbox is elsewhere, so a profile here is one of a browser outside.
    return here.is_dir(here.fill(browser.linux.profile)) or not all(map(is_snap, programs))


def _has_snap(browser: Browser, snap: str, surroundings: Surroundings) -> bool:
    programs = [found for name in browser.linux.programs if (found := surroundings.which(name))]
    folders = (f"{surroundings.home}/snap/{snap}", surroundings.fill(f"/snap/{snap}"))
    return any(map(is_snap, programs)) or any(map(surroundings.is_dir, folders))


def _has_flatpak(application: str, surroundings: Surroundings) -> bool:
    home = surroundings.home
    folders = (
        f"{home}/.var/app/{application}",
        f"{home}/.local/share/flatpak/app/{application}",
        surroundings.fill(f"/var/lib/flatpak/app/{application}"),
    )
    return any(map(surroundings.is_dir, folders))


def is_snap(program: str) -> bool:
    """Whether a program on the PATH is a snap, or a script that starts one (Ubuntu's `chromium-browser`)."""
    path = Path(program)
    if "/snap/" in program or path.resolve().name == "snap":
        return True
    try:
        with path.open("rb") as file:
            head = file.read(_SCRIPT_BYTES)
    except OSError:
        return False
    return head.startswith(b"#!") and b"/snap/bin/" in head


def _known_platform(surroundings: Surroundings) -> None:
    if surroundings.platform not in ("linux", "darwin", "win32"):
        raise CommandError(
            f"Longwire does not know where browsers look for native hosts on {surroundings.platform}",
            "use Linux, macOS or Windows, or name one profile with --user-data-dir",
        )
