import json
import os
import stat
from pathlib import Path

import pytest

from longwire.assets import extension_id
from longwire.cli.errors import CommandError
from longwire.cli.installation import Installation, write_atomically

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
