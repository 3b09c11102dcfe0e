"""What the doctor says of suspended secrets and of the file that keeps them."""

from pathlib import Path

import pytest

from longwire.doctor.checks.suspended import check_suspended
from longwire.doctor.finding import Finding, State
from longwire.doctor.patient import Patient
from longwire.install.browsers import browser_table
from longwire.install.surroundings import Surroundings
from longwire.policy import Locations, PolicyStore, SuspensionFile, suspend
from longwire.policy.suspension_file import FILE_NAME
from longwire.policy.urls import parse_canonical
from tests.unit.policy.samples import CHAT

PAGE = "https://chat.example.com"


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    (tmp_path / "policy.toml").write_text(CHAT)
    here = Surroundings("linux", str(tmp_path), str(tmp_path / ".config"), tmp_path / "state", which=lambda _: None)
    locations = Locations(tmp_path / "none" / "policy.toml", tmp_path / "policy.toml")
    return Patient(here, browser_table(), (), tmp_path, policy=lambda: PolicyStore(locations), logs=tmp_path / "logs")


def one(patient: Patient) -> Finding:
    (finding,) = check_suspended(patient)
    return finding


def test_nothing_is_suspended_before_there_is_a_file(patient: Patient) -> None:
    assert one(patient).state is State.OK


def test_what_is_suspended_is_named_with_the_command_that_lifts_it(patient: Patient) -> None:
    (grant,) = patient.policy().current().grants
    found = suspend(grant, grant.secrets[0], parse_canonical(f"{PAGE}/"), private=False)
    SuspensionFile(patient.logs / FILE_NAME).add([found])
    finding = one(patient)
    assert (finding.state, finding.check) == (State.WARN, "suspended")
    assert f'the secret "key" of the grant "chat" is suspended for {PAGE} since ' in finding.what
    assert "`longwire policy release chat`" in finding.fix
    # Of a grant that is another one by now nobody has to know.
    policy = patient.logs.parent / "policy.toml"
    policy.write_text(CHAT.replace('network = "public"', 'network = "public"\nlimits = { streams = 3 }'))
    assert one(patient).state is State.OK


@pytest.mark.parametrize("contents", [b"{", b"\xff", b"[" * 100_000, b'{"version": 1, "suspended": {}}', b""])
def test_a_damaged_file_is_broken_and_says_what_to_do(patient: Patient, contents: bytes) -> None:
    patient.logs.mkdir()
    (patient.logs / FILE_NAME).write_bytes(contents)
    finding = one(patient)
    assert finding.state is State.FAIL
    assert "is damaged, so what was suspended before the host started is not" in finding.what
    assert "delete it" in finding.fix


def test_a_file_that_others_may_write_is_not_believed(patient: Patient) -> None:
    patient.logs.mkdir()
    file = patient.logs / FILE_NAME
    file.write_text('{"version": 1, "suspended": []}')
    file.chmod(0o666)
    assert "may be written by others" in one(patient).what


def test_a_folder_in_its_place_is_named(patient: Patient) -> None:
    (patient.logs / FILE_NAME).mkdir(parents=True)
    assert "is not a regular file" in one(patient).what
