"""What the doctor says of durable requests: their files, and the daemon."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from longwire import __version__
from longwire.daemon.address import own_address
from longwire.doctor.checks import durable
from longwire.doctor.checks.durable import check_durable
from longwire.doctor.finding import Finding, State
from longwire.doctor.patient import Patient
from longwire.doctor.runner import mend
from longwire.durable.record_files import record_path
from longwire.durable.store import FOLDER_NAME, Store
from longwire.install.browsers import browser_table
from longwire.install.surroundings import Surroundings
from longwire.policy import Locations, PolicyStore
from tests.host_process import HostProcess, environment, grant
from tests.unit.durable.samples import carried_out, request
from tests.unit.home import run_command

GRANTED = grant("http://127.0.0.1:1/", more="durable = {}")


@pytest.fixture
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Patient:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    here = Surroundings("linux", str(tmp_path), str(tmp_path / "config"), tmp_path / "data", which=lambda _: None)
    locations = Locations(tmp_path / "none" / "policy.toml", tmp_path / "config" / "longwire" / "policy.toml")
    locations.user.parent.mkdir(parents=True)
    locations.user.write_text(GRANTED)
    logs = tmp_path / "state" / "longwire"
    return Patient(here, browser_table(), (), tmp_path, environ={}, policy=lambda: PolicyStore(locations), logs=logs)


@pytest.fixture
def store(patient: Patient) -> Iterator[Store]:
    opened = Store(patient.logs / FOLDER_NAME, "one")
    yield opened
    opened.close()


def of_files(patient: Patient) -> list[Finding]:
    """Without the last one, which is about the daemon."""
    *files, daemon = check_durable(patient)
    assert daemon.what.startswith("no daemon runs")
    return files


def test_without_a_grant_and_without_files_there_is_nothing_to_say(patient: Patient) -> None:
    locations = patient.policy().locations
    locations.user.write_text(GRANTED.replace("durable", "# durable"))
    assert list(check_durable(patient)) == []
    Store(patient.logs / FOLDER_NAME, "one").close()
    assert [each.state for each in check_durable(patient)] == [State.OK, State.OK]


def test_what_is_kept_is_counted_and_nothing_is_made(patient: Patient) -> None:
    (files,) = of_files(patient)
    assert files.what == "no request is kept"
    assert not patient.logs.exists()


def test_requests_are_counted_by_state_with_what_their_responses_take(patient: Patient, store: Store) -> None:
    carried_out(store, "1", b"x" * 1024 * 1024)
    carried_out(store, "2", b"x" * 512 * 1024)
    store.claim(request("3"))
    (files,) = of_files(patient)
    assert (files.state, files.what) == (
        State.OK,
        "requests: 1 running, 2 ended; their responses take 1.5 MiB",
    )


def test_unknown_and_unreadable_ones_are_named_with_what_frees_their_keys(patient: Patient) -> None:
    store = Store(patient.logs / FOLDER_NAME, "one")
    store.claim(request("running"))
    damaged, newer = carried_out(store, "damaged", b""), carried_out(store, "newer", b"")
    store.close()
    record_path(store.folder, damaged.id).write_text("{")
    record_path(store.folder, newer.id).write_text('{"version": 99}')
    *problems, files = of_files(patient)
    assert {each.state for each in problems} == {State.WARN}
    fixes = "\n".join(each.fix for each in problems)
    assert f"longwire durable forget {damaged.id[:12]}" in fixes and "use that version, or a later one" in fixes
    assert any(each.what.endswith("carried out: 1") for each in problems)
    assert "1 unknown" in files.what


def test_what_is_open_to_others_is_a_failure_and_closed_by_fix(patient: Patient, store: Store) -> None:
    record = carried_out(store, "1", b"secret")
    (part,) = (store.folder / record.id).iterdir()
    for path, mode in ((store.folder, 0o755), (part, 0o644), (record_path(store.folder, record.id), 0o640)):
        path.chmod(mode)
        findings = of_files(patient)
        assert [each.state for each in findings] == [State.FAIL]
        assert str(path) in findings[0].what and "chmod" in findings[0].fix
        done, failed = mend(findings)
        assert (len(done), failed) == (1, [])
        assert [each.state for each in of_files(patient)] == [State.OK]


def test_a_link_in_the_place_of_a_daemons_lock_is_named(patient: Patient, tmp_path: Path) -> None:
    store = Store(patient.logs / FOLDER_NAME, "one")
    store.claim(request("answer"))
    store.close()
    lock = store.folder / f"{store.owner}.lock"
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")
    found = list(check_durable(patient))
    assert f"{lock} is a link" in found[0].what


def test_a_link_in_the_place_of_the_folder_is_a_failure_that_no_mend_touches(patient: Patient, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o755)
    patient.logs.mkdir(parents=True)
    (patient.logs / FOLDER_NAME).symlink_to(tmp_path / "elsewhere")
    findings = of_files(patient)
    assert [each.state for each in findings] == [State.FAIL] and "nothing is durable" in findings[0].what
    _, failed = mend(findings)
    assert "is a link" in failed[0].message
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o755


def test_another_users_folder_is_a_failure(patient: Patient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.folder.is_dir()
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    assert next(iter(check_durable(patient))).state is State.FAIL


def test_a_daemon_that_runs_is_named_with_version_and_what_it_has(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HostProcess(tmp_path, GRANTED) as host:
        host.hello()
        try:
            *_, daemon = check_durable(patient)
            assert (daemon.state, daemon.what.partition(", process ")[0]) == (
                State.OK,
                f"the daemon runs: version {__version__}",
            )
            assert "; connections 1, running 0, kept 0; " in daemon.what and "MiB of memory" in daemon.what
            monkeypatch.setattr(durable, "__version__", "9.9.9")
            *_, daemon = check_durable(patient)
            assert daemon.state is State.WARN and daemon.what.endswith("; this is 9.9.9")
        finally:
            assert run_command(environment(tmp_path), "durable", "stop").code == 0


def test_a_socket_that_others_could_have_put_there_is_not_trusted(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A short one of its own: where no socket's path fits, all of a user's homes share one.
    with tempfile.TemporaryDirectory() as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        folder = own_address().folder
        assert folder.parent == Path(runtime)
        folder.mkdir(mode=0o700)
        folder.chmod(0o777)
        *_, daemon = check_durable(patient)
        assert daemon.state is State.FAIL and str(folder) in daemon.what
