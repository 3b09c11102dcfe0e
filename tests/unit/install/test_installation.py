import json
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from longwire.assets import extension_id
from longwire.console.errors import CommandError
from longwire.families import chromium, families
from longwire.install.installation import Installation
from longwire.install.launcher import Program
from longwire.install.registry import RegistryKey
from longwire.storage.files import write_atomically
from tests.patience import PATIENCE_S
from tests.unit.install.registry import FakeRegistry

HOST = "com.longwire.host"
PYTHON = "/opt/py/bin/python3"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data" / "longwire", HOST)


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_the_manifest_names_the_launcher_and_this_extension_alone(installation: Installation, tmp_path: Path) -> None:
    (path,) = installation.write([tmp_path / "hosts"], PYTHON)

    assert path == tmp_path / "hosts" / f"{HOST}.json"
    assert json.loads(path.read_bytes()) == {
        "name": HOST,
        "description": "Longwire: carries long HTTP streams to the pages that a policy names",
        "path": str(installation.launcher),
        "type": "stdio",
        "allowed_origins": [f"chrome-extension://{extension_id()}/"],
    }
    assert not path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert installation.launcher.read_text().startswith(f"#!{PYTHON} -I\n")


def test_each_manifest_is_as_its_family_wants_it_and_stays_so(installation: Installation, tmp_path: Path) -> None:
    firefox, places = families()["firefox"], [tmp_path / "chromium", tmp_path / "firefox"]

    def allowed() -> list[dict[str, list[str]]]:
        contents = [json.loads((place / f"{HOST}.json").read_bytes()) for place in places]
        return [{name: content[name] for name in content if name.startswith("allowed")} for content in contents]

    installation.write({places[0]: chromium(), places[1]: firefox}, PYTHON)
    ours = extension_id()
    assert allowed() == [{"allowed_origins": [f"chrome-extension://{ours}/"]}, {"allowed_extensions": [ours]}]

    # Another id: manifests of earlier runs are written anew.
    installation.write([tmp_path / "third"], PYTHON, extensions=["a" * 32])
    assert allowed() == [
        {"allowed_origins": [f"chrome-extension://{each}/" for each in (ours, "a" * 32)]},
        {"allowed_extensions": [ours, "a" * 32]},
    ]


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_modes_do_not_depend_on_the_umask(installation: Installation, tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        (manifest,) = installation.write([tmp_path / "hosts"], PYTHON)
    finally:
        os.umask(before)

    assert stat.S_IMODE(installation.launcher.stat().st_mode) == 0o755
    assert stat.S_IMODE(manifest.stat().st_mode) == 0o644
    assert not stat.S_IMODE(manifest.parent.stat().st_mode) & 0o022


def test_writing_again_changes_nothing(installation: Installation, tmp_path: Path) -> None:
    def stamps() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    installation.write([tmp_path / "hosts"], PYTHON)
    first = stamps()
    installation.write([tmp_path / "hosts"], PYTHON)

    assert stamps() == first


def test_an_upgrade_or_a_damaged_file_is_healed(installation: Installation, tmp_path: Path) -> None:
    (manifest,) = installation.write([tmp_path / "hosts"], PYTHON)
    good = manifest.read_bytes()
    manifest.write_text("{}")
    manifest.chmod(0o600)
    installation.launcher.chmod(0o644)
    installation.write([tmp_path / "hosts"], "/new/python")

    assert manifest.read_bytes() == good
    assert stat.S_IMODE(manifest.stat().st_mode) == 0o644
    assert os.access(installation.launcher, os.X_OK)
    assert installation.launcher.read_text().startswith("#!/new/python -I\n")


def test_removing_leaves_what_was_there_before(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "browser").mkdir()
    (tmp_path / "browser" / "other.json").write_text("{}")
    before = everything(tmp_path)
    installation.write([tmp_path / "browser", tmp_path / "deep" / "er" / "hosts"], PYTHON)
    removal = installation.remove()

    assert everything(tmp_path) == before
    assert len(removal.removed) == 3
    assert removal.kept == ()


def test_a_folder_that_meanwhile_holds_something_else_stays(installation: Installation, tmp_path: Path) -> None:
    installation.write([tmp_path / "deep" / "hosts"], PYTHON)
    (tmp_path / "deep" / "mine.txt").write_text("mine")
    installation.remove()

    assert everything(tmp_path) == {"deep", "deep/mine.txt"}


def test_a_file_that_was_changed_since_is_kept_and_named(installation: Installation, tmp_path: Path) -> None:
    (manifest,) = installation.write([tmp_path / "hosts"], PYTHON)
    manifest.write_text("someone else's")
    removal = installation.remove()

    assert removal.kept == (manifest,)
    assert removal.removed == (installation.launcher,)
    assert manifest.read_text() == "someone else's"


def test_the_launcher_goes_with_the_last_manifest(installation: Installation, tmp_path: Path) -> None:
    installation.write([tmp_path / "a"], PYTHON)
    installation.write([tmp_path / "b"], PYTHON)

    installation.remove([tmp_path / "a"])
    assert installation.launcher.exists()
    assert (tmp_path / "b" / f"{HOST}.json").exists()

    installation.remove([tmp_path / "b"])
    assert everything(tmp_path) == set()


def test_removing_nothing_is_no_error(installation: Installation, tmp_path: Path) -> None:
    assert installation.remove().removed == ()
    assert everything(tmp_path) == set()


def test_what_was_cut_short_can_still_be_removed(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "manifest")

    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CommandError) as caught:
        installation.write([tmp_path / "hosts", tmp_path / "file" / "hosts"], PYTHON)
    assert str(tmp_path / "file") in caught.value.message

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match="No space left"):
        installation.write([tmp_path / "hosts"], "/new/python")
    monkeypatch.undo()

    installation.remove()
    assert everything(tmp_path) == {"file"}


def test_a_damaged_record_is_named(installation: Installation, tmp_path: Path) -> None:
    installation.write([tmp_path / "hosts"], PYTHON)
    record = installation.launcher.parent / "installation.json"
    for text in ("", "{}", "[]", '{"format": 2}', '{"format": 1, "files": 3, "folders": []}'):
        record.write_text(text)
        with pytest.raises(CommandError, match="damaged"):
            installation.remove()


def test_a_link_in_the_manifests_place_is_replaced_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("precious")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_atomically(link, b"new", 0o644)

    assert target.read_text() == "precious"
    assert link.read_bytes() == b"new"
    assert not link.is_symlink()


@pytest.mark.parametrize("gid", [None, os.getgid()])
def test_who_may_write_to_the_folder_cannot_have_another_file_opened_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gid: int | None
) -> None:
    """Root writes into a folder of a user's, who puts a link where the file is being written."""
    folder, victim = tmp_path / "folder", tmp_path / "victim"
    folder.mkdir()
    victim.write_text("precious")
    victim.chmod(0o600)
    sync = os.fsync

    def swap(descriptor: int) -> None:
        sync(descriptor)
        (temporary,) = folder.iterdir()
        temporary.unlink()
        temporary.symlink_to(victim)

    monkeypatch.setattr(os, "fsync", swap)
    write_atomically(folder / "secret", b"new", 0o640, gid)

    assert victim.stat().st_mode & 0o777 == 0o600


# --- healing --------------------------------------------------------------------------------------------------------


def test_writing_for_one_browser_brings_those_of_earlier_runs_up_to_date(
    installation: Installation, tmp_path: Path
) -> None:
    (first,) = installation.write([tmp_path / "a"], PYTHON)
    program = Program(tmp_path / "frozen" / "longwire-host")
    installation.write([tmp_path / "b"], program)

    assert json.loads(first.read_bytes())["path"] == str(program.path)


def test_a_manifest_that_points_to_a_gone_launcher_is_replaced(installation: Installation, tmp_path: Path) -> None:
    stale = tmp_path / "hosts" / f"{HOST}.json"
    stale.parent.mkdir()
    stale.write_text(json.dumps({"name": HOST, "path": "/gone/longwire-host"}))
    installation.write([stale.parent], PYTHON)

    assert json.loads(stale.read_bytes())["path"] == str(installation.launcher)


def test_a_damaged_record_does_not_keep_install_from_healing(installation: Installation, tmp_path: Path) -> None:
    installation.write([tmp_path / "hosts"], PYTHON)
    (installation.state / "installation.json").write_text("{")
    installation.write([tmp_path / "hosts"], PYTHON)

    assert len(installation.remove().removed) == 2


def test_a_manifest_of_ours_that_was_never_recorded_is_found(installation: Installation, tmp_path: Path) -> None:
    installation.write([tmp_path / "a"], PYTHON)
    stray = tmp_path / "b" / f"{HOST}.json"
    stray.parent.mkdir()
    stray.write_bytes((tmp_path / "a" / f"{HOST}.json").read_bytes())
    foreign = tmp_path / "c" / f"{HOST}.json"
    foreign.parent.mkdir()
    foreign.write_text('{"path": "/elsewhere"}')
    removal = installation.remove(strays=[tmp_path / name for name in "abc"])

    assert stray in removal.removed
    assert foreign.exists()


# --- a program instead of a script ----------------------------------------------------------------------------------


def test_a_program_is_named_by_the_manifest_and_no_script_is_written(
    installation: Installation, tmp_path: Path
) -> None:
    program = Program(tmp_path / "frozen" / "longwire-host")
    (manifest,) = installation.write([tmp_path / "hosts"], program)

    assert json.loads(manifest.read_bytes())["path"] == str(program.path)
    assert not installation.launcher.exists()
    assert installation.recorded().program == str(program.path)
    installation.remove()
    assert everything(tmp_path) == set()


def test_going_over_to_a_program_takes_the_script_away_and_back_again(
    installation: Installation, tmp_path: Path
) -> None:
    installation.write([tmp_path / "hosts"], PYTHON)
    installation.write([tmp_path / "hosts"], Program(tmp_path / "frozen"))
    assert not installation.launcher.exists()

    (manifest,) = installation.write([tmp_path / "hosts"], PYTHON)
    assert json.loads(manifest.read_bytes())["path"] == str(installation.launcher)
    assert installation.launcher.exists()
    assert installation.recorded().program is None


# --- the registry ---------------------------------------------------------------------------------------------------

CHROME = RegistryKey("HKCU", "Software\\Google\\Chrome\\NativeMessagingHosts")
EDGE = RegistryKey("HKCU", "Software\\Microsoft\\Edge\\NativeMessagingHosts")


@pytest.fixture
def registry() -> FakeRegistry:
    registry = FakeRegistry()
    registry.put(RegistryKey("HKCU", "Software\\Google\\Chrome"), something="else")
    return registry


def test_registry_keys_name_one_manifest_beside_the_launcher(registry: FakeRegistry, tmp_path: Path) -> None:
    installation = Installation(tmp_path / "state", HOST, registry)
    program = Program(tmp_path / "Scripts" / "longwire-host.exe")
    (manifest,) = installation.write([CHROME, EDGE], program)

    assert manifest == tmp_path / "state" / f"{HOST}.json"
    assert json.loads(manifest.read_bytes())["path"] == str(program.path)
    assert registry.default(CHROME.child(HOST)) == str(manifest)
    assert registry.default(EDGE.child(HOST)) == str(manifest)


def test_removing_leaves_the_registry_as_it_was(registry: FakeRegistry, tmp_path: Path) -> None:
    before = dict(registry.keys)
    installation = Installation(tmp_path / "state", HOST, registry)
    installation.write([CHROME, EDGE], Program(tmp_path / "x.exe"))
    installation.write([CHROME, EDGE], Program(tmp_path / "x.exe"))

    one = installation.remove([EDGE])
    assert one.removed == (EDGE.child(HOST),)
    assert installation.manifest_of(CHROME).exists()

    rest = installation.remove()
    assert CHROME.child(HOST) in rest.removed
    assert registry.keys == before
    assert everything(tmp_path) == set()


def test_a_key_that_names_another_manifest_by_now_is_kept(registry: FakeRegistry, tmp_path: Path) -> None:
    installation = Installation(tmp_path / "state", HOST, registry)
    installation.write([CHROME], Program(tmp_path / "x.exe"))
    registry.set_default(CHROME.child(HOST), "D:\\other.json")

    assert installation.remove().kept == (CHROME.child(HOST),)
    assert registry.default(CHROME.child(HOST)) == "D:\\other.json"


# --- for everybody, and at the same time ----------------------------------------------------------------------------


def test_an_installation_for_everyone_is_open_to_them_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        installation = Installation(tmp_path / "opt" / "longwire", HOST, for_everyone=True)
        (manifest,) = installation.write([tmp_path / "etc" / "hosts"], PYTHON)
    finally:
        os.umask(before)

    for path in (manifest, manifest.parent, manifest.parent.parent, installation.state):
        assert path.stat().st_mode & 0o005 >= 0o004
    assert stat.S_IMODE(installation.state.stat().st_mode) == 0o755


def test_folders_that_the_host_makes_later_go_with_the_last_of_it(installation: Installation, tmp_path: Path) -> None:
    logs = tmp_path / "var" / "state" / "longwire"
    installation.write([tmp_path / "hosts"], PYTHON, later=[logs])
    logs.mkdir(parents=True)
    installation.remove()

    assert everything(tmp_path) == set()


def test_two_runs_at_once_both_leave_what_they_did(tmp_path: Path) -> None:
    """Each of them reads the record, changes it and writes it back: without a lock one would forget the other's."""
    runs = 8
    start = threading.Barrier(runs, timeout=PATIENCE_S)

    def run(number: int) -> None:
        installation = Installation(tmp_path / "state", HOST)
        start.wait()
        installation.write([tmp_path / f"hosts{number}"], PYTHON)

    with ThreadPoolExecutor(runs) as pool:
        list(pool.map(run, range(runs)))
    installation = Installation(tmp_path / "state", HOST)

    assert len(installation.recorded().files) == runs + 1
    assert len(installation.remove().removed) == runs + 1
    assert everything(tmp_path) == set()


def test_installing_while_another_run_removes_everything(tmp_path: Path) -> None:
    """The folder that is locked comes and goes; whoever comes second must not work in one that is gone."""
    rounds = 40
    start = threading.Barrier(2, timeout=PATIENCE_S)  # not for ever, if the other one failed

    def install() -> None:
        for _ in range(rounds):
            start.wait()
            Installation(tmp_path / "state", HOST).write([tmp_path / "hosts"], PYTHON)

    def remove() -> None:
        for _ in range(rounds):
            start.wait()
            Installation(tmp_path / "state", HOST).remove()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(install), pool.submit(remove)]:
            done.result()
    installation = Installation(tmp_path / "state", HOST)
    installation.remove()
    assert everything(tmp_path) == set()
