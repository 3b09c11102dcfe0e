"""Which manifest counts for a browser.

Linux and macOS: the user's before the system's; Windows: HKCU before HKLM. Where the browser's policy
NativeMessagingUserLevelHosts is false the user's is not looked at. A profile given by --user-data-dir has its own in
place of the user's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from longwire.console.errors import CommandError
from longwire.doctor.checks.manifests import find_fault, named_launcher
from longwire.doctor.checks.policies import read_policies
from longwire.doctor.finding import Finding, Mend, fail, ok, warn
from longwire.doctor.patient import Patient, family_of
from longwire.families import Family
from longwire.install.browsers import BrowserHere, Place
from longwire.install.registry import RegistryKey
from longwire.install.targets import PROFILE_MANIFESTS, Scope


@dataclass(frozen=True, slots=True)
class Registered:
    """One browser's (or profile's) manifests. `user` and `system` are None where there is none; `hidden_by_policy`
    says which policy file forbids the user's. `recorded` means that `install` wrote one here once.
    """

    title: str
    browser: BrowserHere | None
    user: Path | None
    system: Path | None
    user_scope: Scope = Scope.USER
    hidden_by_policy: str | None = None
    recorded: bool = False

    @property
    def family(self) -> Family:
        """Of the browsers that read them."""
        return family_of(self.browser)

    @property
    def effective(self) -> Path | None:
        """The one that the browser reads."""
        return self.user if self.user and not self.hidden_by_policy else self.system

    @property
    def scope(self) -> Scope:
        """Whose installation `effective` belongs to; without one, whose would be made."""
        if self.effective is None:
            return Scope.SYSTEM if self.hidden_by_policy else self.user_scope
        return self.user_scope if self.effective == self.user and not self.hidden_by_policy else Scope.SYSTEM


def registered(patient: Patient) -> list[Registered]:
    """Of each browser that is examined, or of the one profile."""
    if patient.profile is not None:
        return [_of_profile(patient, patient.profile)]
    return [_of_browser(patient, browser) for browser in patient.browsers]


def check_shadowing(patient: Patient) -> Iterator[Finding]:
    """Whether a manifest hides another one, or is hidden."""
    for each in registered(patient):
        if each.user is None or (each.system is None and each.hidden_by_policy is None):
            continue
        if each.hidden_by_policy:
            yield _hidden(each)
        elif named_launcher(each.user) != named_launcher(each.system):
            broken = find_fault(each.user, patient.here.platform, each.family)
            if each.browser is None and not broken:
                what = f"{each.user} is used, and not the system's, {each.system}: it is the profile's own"
                yield ok("shadowing", what, each.title)
                continue
            yield (fail if broken else warn)(
                "shadowing",
                f"the user's manifest {each.user} hides the system's, {each.system}",
                f"delete {each.user}, then the system's installation is used",
                each.title,
                mend_shadow(each) if broken else None,
            )


def mend_shadow(each: Registered) -> Mend | None:
    """Delete the user's manifest, if a system's is behind it."""
    if each.user is None or each.system is None:
        return None
    user = each.user
    return Mend(f"delete {user}", lambda: _unlink(user))


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}", "delete it as its owner") from None


def _hidden(each: Registered) -> Finding:
    what = f"NativeMessagingUserLevelHosts in {each.hidden_by_policy} hides the user's manifest {each.user}"
    if each.system:
        return ok("shadowing", f"{what}; the system's is used", each.title)
    return fail("shadowing", what, "run `longwire install --system` as root", each.title)


def _of_profile(patient: Patient, profile: Path) -> Registered:
    installation, system = patient.installation(Scope.PROFILE), patient.installation(Scope.SYSTEM)
    manifest = installation.manifest_of(profile / PROFILE_MANIFESTS)
    exists = manifest.is_file() or manifest.is_symlink()
    browsers = patient.policed_by
    hiding = [read_policies(each.policies, patient.here.registry).user_level_forbidden_by() for each in browsers]
    behind = [_manifest(patient, each.system, system.manifest_of(each.system)) for each in browsers]
    return Registered(
        "this profile",
        None,
        manifest if exists else None,
        next(filter(None, behind), None),
        Scope.PROFILE,
        # Where one of several browsers would look at it, it may be that one's profile.
        hidden_by_policy=next(iter(hiding), None) if all(hiding) else None,
        recorded=True,
    )


def _of_browser(patient: Patient, browser: BrowserHere) -> Registered:
    user = patient.installation(Scope.USER)
    system = patient.installation(Scope.SYSTEM)
    policy = read_policies(browser.policies, patient.here.registry)
    try:
        recorded = str(user.manifest_of(browser.user)) in user.recorded().files
    except CommandError:
        recorded = True
    return Registered(
        browser.title,
        browser,
        _manifest(patient, browser.user, user.manifest_of(browser.user)),
        _manifest(patient, browser.system, system.manifest_of(browser.system)),
        hidden_by_policy=policy.user_level_forbidden_by(),
        recorded=recorded,
    )


def _manifest(patient: Patient, place: Place, usual: Path) -> Path | None:
    if isinstance(place, RegistryKey):
        named = patient.here.registry.default(place.child(patient.table.host_name))
        return Path(named) if named else None
    return usual if usual.is_file() or usual.is_symlink() else None
