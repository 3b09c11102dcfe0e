"""What is examined: one machine, one user, and the browsers or the profile that the command named."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from longwire.assets import extension_id
from longwire.audit.files import log_folder
from longwire.console.errors import CommandError
from longwire.doctor.finding import Mend
from longwire.families import Family, chromium
from longwire.install.browsers import (
    BrowserHere,
    BrowserTable,
    browser_table,
    choose,
    find_sandboxed,
    places_of,
    present,
)
from longwire.install.installation import Installation
from longwire.install.launcher import Launcher, Program, this_launcher
from longwire.install.surroundings import Surroundings
from longwire.install.targets import PROFILE_MANIFESTS, Scope, Target, installation_for, write_target
from longwire.policy import PolicyStore


def family_of(browser: BrowserHere | None) -> Family:
    """Of this browser, or of those that have profiles of `--user-data-dir`."""
    return browser.family if browser else chromium()


@dataclass(frozen=True, slots=True)
class Patient:
    """`profile` is set if one profile is examined; then there are no `browsers`."""

    here: Surroundings
    table: BrowserTable
    browsers: tuple[BrowserHere, ...]
    profile: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    policy: Callable[[], PolicyStore] = PolicyStore
    logs: Path = field(default_factory=log_folder)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    is_root: bool = field(default_factory=lambda: hasattr(os, "geteuid") and os.geteuid() == 0)

    @classmethod
    def find(cls, profile: Path | None = None) -> "Patient":
        """This machine. Without any browser `browsers` is empty, which is a finding of its own.

        Raises:
            CommandError: Longwire does not know this platform, or a profile has no manifests of its own there.
        """
        here, table = Surroundings.here(), browser_table()
        if profile is not None:
            absolute = Path.cwd() / profile
            installation_for(Scope.PROFILE, table, here, absolute)
            return cls(here, table, (), absolute)
        try:
            browsers = choose(table, [], here)
        except CommandError:
            browsers = []
        # Where Longwire was installed, it is meant to work, whether the browser itself can be seen or not.
        known = {browser.name for browser in browsers}
        browsers += [
            browser
            for name in table.browsers
            if name not in known and _is_recorded(browser := places_of(name, table, here), table, here)
        ]
        return cls(here, table, tuple(browsers))

    def extension_ids(self) -> tuple[str, ...]:
        """Longwire's own id, and those that an administrator had its installations serve."""
        scopes = (Scope.USER, Scope.SYSTEM) if self.profile is None else (Scope.PROFILE,)
        found = [extension_id()]
        for scope in scopes:
            with suppress(CommandError):  # a damaged record is said elsewhere
                found += installation_for(scope, self.table, self.here, self.profile).recorded().extensions
        return tuple(dict.fromkeys(found))

    @property
    def policed_by(self) -> tuple[BrowserHere, ...]:
        """The browsers whose policies and system manifests count. A profile does not say whose it is: any that is here
        may be started with it.
        """
        if self.profile is None:
            return self.browsers
        here = tuple(browser for browser in present(self.table, self.here) if not browser.not_yet)
        every = (places_of(name, self.table, self.here) for name in self.table.browsers)
        return here or tuple(browser for browser in every if not browser.not_yet)

    @property
    def sandboxed(self) -> list[tuple[str, str]]:
        """Browsers that Longwire cannot work in, with what helps."""
        return [] if self.profile else [(found.truth, found.fix) for found in find_sandboxed(self.table, self.here)]

    def installation(self, scope: Scope) -> Installation:
        """The one of this scope."""
        return installation_for(scope, self.table, self.here, self.profile)

    def launcher(self, scope: Scope) -> Launcher:
        """What `install` would start: a program that was chosen before if it is still there, else this Longwire.

        Raises:
            CommandError: this Longwire cannot be started by a browser.
        """
        try:
            program = self.installation(scope).recorded().program
        except CommandError:
            program = None
        if program and Path(program).is_file():
            return Program(Path(program))
        return this_launcher(self.here.platform)

    def install_command(self, scope: Scope, browser: BrowserHere | None) -> str:
        """What a person would type."""
        if scope is Scope.PROFILE:
            return f"longwire install --user-data-dir {self.profile}"
        named = f" --browser {browser.name}" if browser else ""
        return f"longwire install{named}" + (" --system" if scope is Scope.SYSTEM else "")

    def reinstall(self, scope: Scope, browser: BrowserHere | None) -> Mend | None:
        """The mend that writes launcher and manifest anew; None where this user may not."""
        if scope is Scope.SYSTEM and (browser is None or not self.is_root):
            return None
        if browser is not None:
            place = browser.system if scope is Scope.SYSTEM else browser.user
        else:
            assert self.profile is not None  # noqa: S101  (either a browser or a profile is examined)
            place = self.profile / PROFILE_MANIFESTS
        target = Target(scope, self.installation(scope), {place: family_of(browser)}, (browser,) if browser else ())
        return Mend(
            self.install_command(scope, browser),
            lambda: write_target(target, self.launcher(scope)),
        )


def _is_recorded(browser: BrowserHere, table: BrowserTable, here: Surroundings) -> bool:
    installation = installation_for(Scope.USER, table, here)
    try:
        return str(installation.manifest_of(browser.user)) in installation.recorded().files
    except CommandError:
        return False
