"""The checks that need no host: state, clock, secrets, network, the extension, and how all of it is shown."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from longwire import __version__
from longwire.assets import extension_id
from longwire.console.errors import CommandError
from longwire.doctor import runner
from longwire.doctor.checks.extension import check_extension
from longwire.doctor.checks.grants import check_ca_files, check_policy, check_secrets
from longwire.doctor.checks.network import check_network
from longwire.doctor.checks.state import check_clock, check_state_folder
from longwire.doctor.finding import Finding, Mend, State, fail, ok, warn
from longwire.doctor.patient import Patient
from longwire.doctor.screen import summary
from longwire.install.browsers import browser_table, places_of
from longwire.install.surroundings import Surroundings
from longwire.install.targets import Scope
from longwire.policy import Grant, Locations, PolicyStore
from longwire.policy.matching import HostPattern
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from tests.unit.policy.samples import owned_lstat
from tests.upstreams.tls import Authority

GRANT = """\
version = 1
[[grant]]
name = "a"
pages = ["https://p.example.com"]
methods = ["GET"]
destinations = ["https://api.example.com/v1/", "https://*.files.example.com/", "https://bad.example.com/"]
"""


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    here = Surroundings("linux", str(tmp_path), str(tmp_path / ".config"), tmp_path / "state", which=lambda _: None)
    locations = Locations(tmp_path / "none" / "policy.toml", tmp_path / "policy.toml")
    return Patient(
        here, browser_table(), (), tmp_path, environ={}, policy=lambda: PolicyStore(locations), logs=tmp_path / "logs"
    )


def write(patient: Patient, more: str = "") -> None:
    (Path(patient.here.home) / "policy.toml").write_text(GRANT + more)


def one(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


# --- log and clock --------------------------------------------------------------------------------------------------


def test_a_folder_for_the_log_that_is_not_there_yet_is_fine(patient: Patient) -> None:
    assert one(check_state_folder(patient)).state is State.OK


def test_a_file_in_the_way_of_the_log_is_named(patient: Patient) -> None:
    patient.logs.write_text("")
    finding = one(check_state_folder(patient))
    assert finding.state is State.WARN and f"move {patient.logs} away" in finding.fix


def test_a_log_that_others_may_write_is_named(patient: Patient) -> None:
    patient.logs.mkdir()
    patient.logs.chmod(0o777)
    assert one(check_state_folder(patient)).fix == f"run `chmod go-w {patient.logs}`"


def test_a_clock_before_the_day_of_the_installation_is_wrong(patient: Patient) -> None:
    assert one(check_clock(patient)).state is State.OK
    back = replace(patient, now=lambda: datetime(2001, 1, 1, tzinfo=UTC))
    finding = one(check_clock(back))
    assert finding.state is State.FAIL and "2001-01-01" in finding.what


# --- policy and secrets ---------------------------------------------------------------------------------------------


def test_no_policy_opens_nothing(patient: Patient) -> None:
    finding = one(check_policy(patient))
    assert finding.state is State.FAIL and "policy.toml" in finding.fix


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = 1\n", "opens nothing"),
        (GRANT + "enabled = false\n", "all of its grants say enabled = false"),
        (GRANT.replace("version = 1", "version = 1\nenabled = false"), "says enabled = false for all grants"),
        (GRANT.replace("api.example.com", "10.0.0.1"), 'write network = "private"'),
        (GRANT.replace("/v1/", "/v1/*"), 'the "*" in its path'),
        (GRANT.replace('"GET"', '"ANY"'), "is no wildcard"),
    ],
)
def test_a_policy_that_opens_less_than_it_seems_to_is_not_well(patient: Patient, text: str, says: str) -> None:
    (Path(patient.here.home) / "policy.toml").write_text(text)
    failed = [finding.what for finding in check_policy(patient) if finding.state is State.FAIL]

    assert any(says in what for what in failed), failed


def test_a_users_file_that_the_administrators_silences_is_named(patient: Patient) -> None:
    places = patient.policy().locations
    places.administrator.parent.mkdir()
    places.administrator.write_text(GRANT)
    write(patient)
    policy = PolicyStore(places, lstat=owned_lstat())
    findings = list(check_policy(replace(patient, policy=lambda: policy)))

    (silenced,) = [finding for finding in findings if finding.state is State.WARN]
    assert silenced.what == f"{places.user} does not count: {places.administrator} alone decides"


def test_a_secret_that_cannot_be_read_fails_and_one_of_the_environment_may_be_elsewhere(patient: Patient) -> None:
    secrets = (
        'inject = { A = "{secret:f}", B = "{secret:e}" }\n[secret.f]\nfile = "/nonexistent"\n[secret.e]\nenv = "K"\n'
    )
    write(patient, secrets)
    by_name = {re.findall('"(.)"', finding.what)[0]: finding for finding in check_secrets(patient)}

    assert by_name["f"].state is State.FAIL and "/nonexistent" in by_name["f"].what
    assert by_name["f"].fix.startswith("run `longwire secret set f`")
    assert by_name["e"].doubt
    assert by_name["e"].state is State.WARN and "set K where the browser is started" in by_name["e"].fix

    there = replace(patient, environ={"K": "value-of-the-key"})
    found = {finding.state: finding.what for finding in check_secrets(there)}
    assert "is set here" in found[State.OK]
    assert "value-of-the-key" not in str(found)


def test_a_command_that_prints_no_secret_fails_and_is_to_be_run_by_hand(patient: Patient, tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text("#!/bin/sh\necho lw-canary-said-by-tool; exit 4\n")
    tool.chmod(0o700)
    write(patient, f"inject = {{ A = '{{secret:c}}' }}\n[secret.c]\ncommand = ['{tool}', 'argument']\n")
    finding = one(check_secrets(patient))
    assert (finding.state, finding.fix) == (
        State.FAIL,
        f"run {tool} by hand, as the policy has it, and mend what it says",
    )
    assert "ended with exit code 4" in finding.what
    assert "lw-canary" not in str(finding)
    (tmp_path / "value").write_text("lw-canary-said-by-tool")
    tool.write_text(f"#!/bin/sh\ncat '{tmp_path / 'value'}'\n")
    assert one(check_secrets(patient)).state is State.OK


PROVIDER = """
[[grant]]
name = "models"
pages = ["https://p.example.com"]
generate = ["m"]
[[provider]]
name = "m"
kind = "openai-compatible"
models = ["m"]
"""


def test_the_secret_and_the_authorities_of_a_provider_are_looked_at_too(patient: Patient, tmp_path: Path) -> None:
    more = 'base_url = "https://m.example.com/v1"\nsecret = "f"\nca_file = "/nonexistent.pem"\n'
    write(patient, f'{PROVIDER}{more}[secret.f]\nfile = "/nonexistent"\n')

    missing, authorities = one(check_secrets(patient)), one(check_ca_files(patient))
    assert missing.state is State.FAIL and "/nonexistent" in missing.what
    assert authorities.state is State.FAIL and "/nonexistent.pem" in authorities.what
    # Of one that no grant in force names, nothing is needed.
    write(
        patient,
        f'{PROVIDER}{more}[secret.f]\nfile = "/nonexistent"\n'.replace(
            'name = "models"', 'name = "models"\nenabled = false'
        ),
    )
    assert [*check_secrets(patient), *check_ca_files(patient)] == []


def test_a_secret_that_a_keyring_has_not_is_set_by_its_name_in_the_policy(patient: Patient) -> None:
    write(patient, 'inject = { A = "{secret:k}" }\n[secret.k]\nkeyring = "longwire-test-nothing"\n')
    finding = one(check_secrets(patient))

    assert finding.state is State.FAIL and "`longwire secret set k`" in finding.fix


def test_a_file_of_authorities_that_others_could_replace_fails_with_what_to_run(patient: Patient) -> None:
    folder = Path(patient.here.home) / "authorities"
    folder.mkdir()
    file = folder / "ca.pem"
    write(patient, f'ca_file = "{file}"\n')
    for content in (None, "no certificate"):
        if content is not None:
            file.write_text(content)
        finding = one(check_ca_files(patient))
        assert finding.state is State.FAIL and f"{file}: cannot read the grant's ca_file" in finding.what
    Authority().write_ca(folder)
    assert one(check_ca_files(patient)).state is State.OK
    folder.chmod(0o777)
    finding = one(check_ca_files(patient))
    assert finding.state is State.FAIL and f"chmod go-w {folder}" in finding.what
    write(patient, f'enabled = false\nca_file = "{file}"\n')
    assert list(check_ca_files(patient)) == []


def test_secrets_of_grants_that_are_off_are_nobodys_business(patient: Patient) -> None:
    write(patient, 'enabled = false\ninject = { A = "{secret:f}" }\n[secret.f]\nfile = "/nonexistent"\n')
    assert list(check_secrets(patient)) == []


# --- network --------------------------------------------------------------------------------------------------------


async def _dial(_grant: Grant, origin: HostPattern) -> None:
    if origin.host.startswith("bad"):
        raise StreamError(ErrorCode.UPSTREAM_TLS, "no TLS with bad.example.com: it closed", Phase.CONNECT)


def test_every_destination_is_tried_once_and_a_whole_domain_is_not(patient: Patient) -> None:
    write(patient)
    good, domain, bad = check_network(patient, _dial)

    assert (good.state, good.what) == (State.OK, "https://api.example.com can be reached, its certificate is good")
    assert "not tried" in domain.what
    assert (bad.state, bad.subject) == (State.FAIL, "https://bad.example.com")
    assert "ca_file" in bad.fix


def test_a_provider_is_tried_too(patient: Patient) -> None:
    (Path(patient.here.home) / "policy.toml").write_text(
        f'version = 1\n{PROVIDER}base_url = "http://127.0.0.1:9/v1"\nnetwork = "loopback"\n'
    )
    finding = one(check_network(patient))
    assert finding.state is State.FAIL and "127.0.0.1:9 refused the connection" in finding.what


def test_a_real_port_that_nobody_listens_on_is_refused(patient: Patient) -> None:
    closed = GRANT.partition("destinations")[0] + 'destinations = ["http://127.0.0.1:9/"]\nnetwork = "loopback"\n'
    (Path(patient.here.home) / "policy.toml").write_text(closed)
    assert "refused the connection" in one(check_network(patient)).what


def test_who_may_not_read_an_administrators_secret_is_not_told_to_write_it(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> int:
        raise PermissionError

    write(patient, f"inject = {{ X-Key = '{{secret:key}}' }}\n[secret.key]\nfile = '{tmp_path / 'key'}'\n")
    policy = patient.policy().current()
    monkeypatch.setattr("longwire.policy.secret_files.os.open", refused)
    known = replace(patient, policy=lambda: cast("PolicyStore", SimpleNamespace(current=lambda: policy)))
    finding = one(check_secrets(known))

    assert "may not be read by the user" in finding.what
    assert "let your group read it (`longwire secret set key --system`)" in finding.fix


# --- the extension --------------------------------------------------------------------------------------------------


def load(profile: Path, **entry: object) -> None:
    (profile / "Default").mkdir(parents=True, exist_ok=True)
    content = {"extensions": {"settings": {extension_id(): entry}}}
    (profile / "Default" / "Preferences").write_text(json.dumps(content))


def unpacked(folder: Path, version: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"version": version}))
    return str(folder)


def test_the_extension_that_an_administrator_signed_is_known(patient: Patient, tmp_path: Path) -> None:
    assert patient.profile is not None
    profile = patient.profile
    packed = "abcdefghijklmnop" * 2
    entry = {"path": f"{packed}/1_0", "service_worker_registration_info": {"version": __version__}}
    (profile / "Default").mkdir(parents=True)
    (profile / "Default" / "Preferences").write_text(json.dumps({"extensions": {"settings": {packed: entry}}}))
    before = [finding.what for finding in check_extension(patient)]
    patient.installation(Scope.PROFILE).write([tmp_path / "places"], sys.executable, extensions=[packed])
    after = [finding.what for finding in check_extension(patient)]

    assert "is loaded in none" in " ".join(before)
    assert after == [f'version {__version__} is loaded in profile "Default"']


@pytest.mark.parametrize(
    ("version", "reasons", "state", "says"),
    [
        (__version__, [], State.OK, f'version {__version__} is loaded in profile "Default"'),
        ("0.0.1", [], State.WARN, "is version 0.0.1"),
        (__version__, [1], State.FAIL, "is switched off"),
        (None, [], State.FAIL, "which is gone"),
    ],
)
def test_the_extension_in_a_profile(
    patient: Patient, tmp_path: Path, version: str | None, reasons: list[int], state: State, says: str
) -> None:
    folder = unpacked(tmp_path / "dist", version) if version else str(tmp_path / "gone")
    load(tmp_path, path=folder, disable_reasons=reasons)
    finding = next(each for each in check_extension(patient) if each.subject)

    assert finding.state is state
    assert says in finding.what


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"extensions": {"settings": []}}', None])
def test_a_profile_without_it_or_with_broken_files_only_warns(
    patient: Patient, tmp_path: Path, text: str | None
) -> None:
    (tmp_path / "Default").mkdir()
    if text is not None:
        (tmp_path / "Default" / "Preferences").write_text(text)
    finding = next(each for each in check_extension(patient) if each.subject)
    assert finding.state is State.WARN and "loaded in none" in finding.what
    assert finding.doubt


def test_a_browser_without_the_extension_beside_one_that_has_it_is_no_doubt(patient: Patient, tmp_path: Path) -> None:
    table = browser_table()
    browsers = tuple(
        replace(places_of(name, table, patient.here), profile=tmp_path / name) for name in ("chromium", "chrome")
    )
    both = replace(patient, profile=None, browsers=browsers)
    assert [finding.doubt for finding in check_extension(both)] == [True]
    load(tmp_path / "chromium", path=unpacked(tmp_path / "dist", __version__))
    (tmp_path / "chrome").mkdir()
    assert [(finding.state, finding.doubt) for finding in check_extension(both)] == [
        (State.OK, False),
        (State.WARN, False),
    ]


# --- the run and what is shown --------------------------------------------------------------------------------------


@contextmanager
def silence(_title: str) -> Iterator[None]:
    yield


def test_a_check_that_fails_inside_is_a_finding_itself(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Patient) -> list[Finding]:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(runner, "STEPS", (runner.Step("counting", broken),))
    (finding,) = runner.examine(patient, silence)
    assert finding.what == "counting failed: ZeroDivisionError"


def test_the_same_thing_is_mended_once_and_what_fails_is_said() -> None:
    done: list[int] = []

    def refuse() -> None:
        raise CommandError("no", "never")

    again = [fail("a", "b", "c", mend=Mend("install", lambda: done.append(1))) for _ in range(2)]
    mended, failed = runner.mend([*again, fail("a", "b", "c", mend=Mend("other", refuse)), ok("d", "e")])
    assert (mended, done, [error.fix for error in failed]) == (["install"], [1], ["never"])


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ([ok("a", "b")], "All is well."),
        ([warn("a", "b", "c")], "1 to look at; Longwire works."),
        ([warn("a", "b", "c"), warn("a", "b", "c", doubt=True)], "2 to look at: until then Longwire may not work."),
        ([fail("a", "b", "c"), warn("a", "b", "c")], "1 broken, 1 to look at."),
        (
            [fail("a", "b", "c", mend=Mend("x", lambda: None))],
            "1 broken. `longwire doctor --fix` mends what it can.",
        ),
    ],
)
def test_one_line_sums_up(findings: list[Finding], line: str) -> None:
    assert summary(findings) == line
