"""Two manifests for one browser: the user's hides the system's, unless the browser's policy turns that round."""

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from longwire.assets import extension_id
from longwire.doctor.checks.host import check_hosts
from longwire.doctor.checks.policies import check_policies
from longwire.doctor.checks.registered import check_shadowing
from longwire.doctor.checks.start import Answer, Kind
from longwire.doctor.finding import Finding, State
from longwire.doctor.patient import Patient
from longwire.install.browsers import browser_table
from longwire.install.surroundings import Surroundings
from longwire.install.targets import Options, target_of
from longwire.protocol.limits import PROTOCOL_VERSION

HOST = "com.longwire.host"
WELCOME = Answer(
    Kind.ANSWERED, {"type": "WELCOME", "protocol": PROTOCOL_VERSION, "host": "0.1.0", "policy": {"digest": "none"}}
)


class Machine:
    """A root folder with a Chromium, into which Longwire is installed for the user or for everybody."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(folder / "home"))
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
            monkeypatch.delenv(name, raising=False)
        home = folder / "home"
        (home / ".config" / "chromium").mkdir(parents=True)
        self.table = browser_table()
        self.here = Surroundings(
            "linux",
            str(home),
            str(home / ".config"),
            home / "share" / "longwire",
            root=str(folder),
            which=lambda _: None,
        )
        self.policies = folder / "etc" / "chromium" / "policies" / "managed"
        self.policies.mkdir(parents=True)

    def install(self, *, system: bool) -> Path:
        target = target_of(Options(("chromium",), system=system), self.table, self.here)
        (manifest,) = target.installation.write(target.places, sys.executable)
        return manifest

    def policy(self, name: str, **values: object) -> Path:
        path = self.policies / f"{name}.json"
        path.write_text(json.dumps(values))
        return path

    @property
    def patient(self) -> Patient:
        target = target_of(Options(("chromium",)), self.table, self.here)
        return Patient(self.here, self.table, target.browsers, is_root=True)

    def profile(self) -> Patient:
        """A profile that is given by `--user-data-dir`, with Longwire installed into it."""
        folder = Path(self.here.home) / "profile"
        folder.mkdir(exist_ok=True)
        target = target_of(Options((), folder), self.table, self.here)
        target.installation.write(target.places, sys.executable)
        return Patient(self.here, self.table, (), folder, is_root=True)

    def findings(self, patient: Patient | None = None) -> list[Finding]:
        patient = patient or self.patient
        return [
            *check_hosts(patient, lambda _: WELCOME),
            *check_shadowing(patient),
            *check_policies(patient),
        ]

    def wrong(self, patient: Patient | None = None) -> dict[str, Finding]:
        return {finding.check: finding for finding in self.findings(patient) if finding.state is not State.OK}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def mend(finding: Finding) -> None:
    assert finding.mend is not None
    finding.mend.act()


def test_a_system_installation_alone_is_healthy(machine: Machine) -> None:
    machine.install(system=True)

    assert {finding.state for finding in machine.findings() if finding.check in ("manifest", "launcher")} == {State.OK}
    assert "shadowing" not in machine.wrong()


def test_a_stale_user_manifest_that_hides_the_systems_is_named_and_removed(machine: Machine) -> None:
    system, user = machine.install(system=True), machine.install(system=False)
    Path(json.loads(user.read_bytes())["path"]).unlink()
    wrong = machine.wrong()

    assert wrong["launcher"].state is State.FAIL
    assert wrong["shadowing"].state is not State.OK
    for check in ("launcher", "shadowing"):
        assert wrong[check].fix == f"delete {user}, then the system's installation is used"
    assert str(user) in wrong["shadowing"].what and str(system) in wrong["shadowing"].what

    mend(wrong["launcher"])
    assert not user.exists() and system.exists()
    assert "launcher" not in machine.wrong() and "shadowing" not in machine.wrong()


def test_a_user_manifest_that_works_hides_the_systems_too_which_is_said(machine: Machine) -> None:
    machine.install(system=True)
    machine.install(system=False)
    shadowing = machine.wrong()["shadowing"]

    assert shadowing.state is State.WARN
    assert shadowing.mend is None  # nobody deletes what works unasked


def test_a_policy_against_user_level_hosts_hides_the_users_manifest(machine: Machine) -> None:
    user = machine.install(system=False)
    where = machine.policy("hosts", NativeMessagingUserLevelHosts=False)
    shadowing = machine.wrong()["shadowing"]

    assert shadowing.state is State.FAIL
    assert str(where) in shadowing.what and str(user) in shadowing.what
    assert "longwire install --system" in shadowing.fix

    machine.install(system=True)
    assert "shadowing" not in machine.wrong()


def test_under_that_policy_an_installation_is_missing_for_the_system(machine: Machine) -> None:
    machine.policy("hosts", NativeMessagingUserLevelHosts=False)

    assert "longwire install --browser chromium --system" in machine.wrong()["manifest"].fix


@pytest.mark.parametrize(
    ("values", "forbidden"),
    [
        ({"NativeMessagingBlocklist": ["*"]}, True),
        ({"NativeMessagingBlocklist": [HOST]}, True),
        ({"NativeMessagingBlocklist": ["com.example.other"]}, False),
        ({"NativeMessagingBlocklist": ["*"], "NativeMessagingAllowlist": [HOST]}, False),
        ({"NativeMessagingAllowlist": ["com.example.other"]}, False),
        ({"NativeMessagingBlocklist": "*"}, False),  # not a list: the browser ignores it
    ],
)
def test_a_block_list_forbids_the_host(machine: Machine, values: dict[str, object], forbidden: bool) -> None:
    machine.install(system=False)
    where = machine.policy("policy", **values)
    wrong = machine.wrong()

    assert ("browser policy" in wrong) == forbidden
    if forbidden:
        assert str(where) in wrong["browser policy"].what
        assert HOST in wrong["browser policy"].fix and "NativeMessagingAllowlist" in wrong["browser policy"].fix


def test_the_last_file_wins_as_in_chromium(machine: Machine) -> None:
    machine.install(system=False)
    machine.policy("10", NativeMessagingBlocklist=["*"])
    machine.policy("20", NativeMessagingBlocklist=[])
    assert "browser policy" not in machine.wrong()

    machine.policy("30", NativeMessagingBlocklist=["*"])
    assert machine.wrong()["browser policy"].state is State.FAIL


def test_a_policy_file_that_the_browser_cannot_read_is_named(machine: Machine) -> None:
    machine.install(system=False)
    path = machine.policy("broken")
    path.write_text("{ // nothing")

    assert machine.wrong()["browser policy"].state is State.WARN
    assert str(path) in machine.wrong()["browser policy"].what


def test_an_extension_that_the_administrator_switched_off_is_said_by_the_file_that_does(machine: Machine) -> None:
    machine.install(system=True)
    path = machine.policy("longwire", **{"3rdparty": {"extensions": {extension_id(): {"enabled": False}}}})
    wrong = machine.wrong()["browser policy"]

    assert wrong.state is State.FAIL
    assert wrong.what == f"`enabled` in {path} switches the extension off"

    machine.policy(
        "longwire", **{"3rdparty": {"extensions": {extension_id(): {"pages": ["https://chat.example.com"]}}}}
    )
    assert "browser policy" not in machine.wrong()
    said = [finding.what for finding in machine.findings() if finding.check == "browser policy"]
    assert f"`pages` in {path} lets the extension serve at most: https://chat.example.com" in said


@pytest.mark.parametrize(("seconds", "says"), [(0.3, False), (1.2, True), (5.0, True)])
def test_a_host_that_takes_longer_than_a_second_is_what_the_first_stream_waits_for(
    machine: Machine, seconds: float, says: bool
) -> None:
    machine.install(system=True)
    answer = dataclasses.replace(WELCOME, seconds=seconds)
    (took,) = (finding.what for finding in check_hosts(machine.patient, lambda _: answer) if "HELLO" in finding.what)
    assert ("for which the first stream of a browser waits" in took) == says


# --- a profile that is given by --user-data-dir ---------------------------------------------------------------------


def test_a_profile_is_under_the_policies_of_its_browser_too(machine: Machine) -> None:
    profile = machine.profile()
    assert machine.wrong(profile) == {}
    where = machine.policy("policy", NativeMessagingBlocklist=["*"])
    wrong = machine.wrong(profile)["browser policy"]

    assert wrong.state is State.FAIL
    assert str(where) in wrong.what


def test_a_profile_may_be_any_browsers_that_is_here(machine: Machine) -> None:
    (Path(machine.here.config) / "google-chrome").mkdir()
    machine.policy("policy", NativeMessagingBlocklist=["*"])
    wrong = machine.wrong(machine.profile())["browser policy"]

    assert (wrong.state, wrong.doubt) == (State.WARN, True)
    assert wrong.what.endswith(", if Chromium is started with this profile")


def test_a_profiles_manifest_is_hidden_by_a_policy_as_a_users_is(machine: Machine) -> None:
    profile = machine.profile()
    where = machine.policy("hosts", NativeMessagingUserLevelHosts=False)
    hidden = machine.wrong(profile)["shadowing"]
    assert (hidden.state, str(where) in hidden.what) == (State.FAIL, True)

    system = machine.install(system=True)
    assert "shadowing" not in machine.wrong(profile)
    read = [finding.what for finding in machine.findings(profile) if finding.check == "manifest"]
    assert read == [str(system)]


def test_a_profile_without_a_manifest_of_its_own_has_the_systems(machine: Machine) -> None:
    system = machine.install(system=True)
    folder = Path(machine.here.home) / "bare"
    folder.mkdir()
    bare = Patient(machine.here, machine.table, (), folder, is_root=True)

    assert machine.wrong(bare) == {}
    assert [finding.what for finding in machine.findings(bare) if finding.check == "manifest"] == [str(system)]


# --- policies about the extension -----------------------------------------------------------------------------------

ID = extension_id()


@pytest.mark.parametrize(
    ("values", "forbidden"),
    [
        ({"ExtensionInstallBlocklist": ["*"]}, "ExtensionInstallBlocklist"),
        ({"ExtensionInstallBlocklist": [ID]}, "ExtensionInstallBlocklist"),
        ({"ExtensionInstallBlocklist": ["*"], "ExtensionInstallAllowlist": [ID]}, None),
        ({"ExtensionInstallBlocklist": ["*"], "ExtensionInstallForcelist": [f"{ID};https://x.example"]}, None),
        ({"ExtensionSettings": {"*": {"installation_mode": "blocked"}}}, "ExtensionSettings"),
        ({"ExtensionSettings": {ID: {"installation_mode": "removed"}}}, "ExtensionSettings"),
        (
            {"ExtensionSettings": {"*": {"installation_mode": "blocked"}, ID: {"installation_mode": "allowed"}}},
            None,
        ),
        ({"ExtensionSettings": "blocked"}, None),
    ],
)
def test_a_policy_that_forbids_the_extension(
    machine: Machine, values: dict[str, object], forbidden: str | None
) -> None:
    machine.install(system=False)
    where = machine.policy("policy", **values)
    wrong = machine.wrong()

    assert ("browser policy" in wrong) == (forbidden is not None)
    if forbidden is not None:
        assert wrong["browser policy"].what == f"{forbidden} in {where} forbids the extension"
