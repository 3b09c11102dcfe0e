"""Which installation a command means, and which browsers: this user's, everybody's, or one profile's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from longwire.audit.files import log_folder
from longwire.console.errors import CommandError, MisuseError
from longwire.families import Family, chromium
from longwire.install.browsers import BrowserHere, BrowserTable, Place, choose
from longwire.install.installation import Installation
from longwire.install.launcher import Launcher, check_for_everyone
from longwire.install.surroundings import Surroundings

PROFILE_MANIFESTS = "NativeMessagingHosts"


class Scope(StrEnum):
    """For whom."""

    USER = "user"
    SYSTEM = "system"
    PROFILE = "profile"


@dataclass(frozen=True, slots=True)
class Target:
    """An installation and the places that a command is about, each with the family of the browsers that look there.

    `browsers` is empty for a profile.
    """

    scope: Scope
    installation: Installation
    places: Mapping[Place, Family]
    browsers: tuple[BrowserHere, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line said."""

    browsers: tuple[str, ...] = ()
    profile: Path | None = None
    system: bool = False

    @property
    def scope(self) -> Scope:
        """For whom."""
        if self.profile is not None:
            return Scope.PROFILE
        return Scope.SYSTEM if self.system else Scope.USER

    def check(self) -> None:
        """Refuse options that exclude each other.

        Raises:
            MisuseError: options that exclude each other.
        """
        if self.profile is not None and (self.browsers or self.system):
            other = "--browser" if self.browsers else "--system"
            raise MisuseError(f"{other} and --user-data-dir exclude each other", "give one of them")


def installation_for(
    scope: Scope, table: BrowserTable, here: Surroundings, profile: Path | None = None
) -> Installation:
    """The one of this scope.

    Raises:
        CommandError: there is none of this scope on this platform.
    """
    if scope is Scope.PROFILE and profile is not None:
        if here.platform == "win32":
            raise CommandError(
                "on Windows a browser looks for native hosts in the registry only, whatever its profile",
                "run `longwire install` without --user-data-dir",
            )
        return Installation(profile / "longwire", table.host_name, here.registry)
    state = table.system_state_folder(here) if scope is Scope.SYSTEM else here.state
    return Installation(state, table.host_name, here.registry, for_everyone=scope is Scope.SYSTEM)


def target_of(
    options: Options,
    table: BrowserTable,
    here: Surroundings,
    pick: Callable[[BrowserTable, list[str], Surroundings], list[BrowserHere]] = choose,
) -> Target:
    """The installation and the places that these options mean.

    Raises:
        MisuseError: options that exclude each other, or a browser that the table does not have.
        CommandError: no browser was found, or one was named that Longwire does not work in.
    """
    options.check()
    if options.profile is not None:
        # Made absolute without following links: the browser is given this path too.
        profile = Path.cwd() / options.profile
        installation = installation_for(Scope.PROFILE, table, here, profile)
        return Target(Scope.PROFILE, installation, {profile / PROFILE_MANIFESTS: chromium()})
    browsers = pick(table, list(options.browsers), here)
    places = {browser.system if options.system else browser.user: browser.family for browser in browsers}
    installation = installation_for(options.scope, table, here)
    return Target(options.scope, installation, places, tuple(browsers))


def write_target(target: Target, launcher: Launcher, extensions: Sequence[str] = ()) -> list[Path]:
    """Write launcher and manifests of `target`; gives back the manifests' paths. `extensions`: see `Installation`.

    Raises:
        CommandError: the file system refuses, or other users could not start the launcher of `--system`.
    """
    if target.scope is Scope.SYSTEM:
        check_for_everyone(launcher)
    # The host makes its log's folder when it starts. Where this installation is its cause, it goes with it.
    later = [log_folder()] if target.scope is Scope.USER else []
    return target.installation.write(target.places, launcher, later=later, extensions=extensions)
