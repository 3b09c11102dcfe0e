"""The generated files are current, and the command that keeps them so says what is stale."""

from pathlib import Path

import pytest

from longwire.protocol.export import __main__ as export


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout that can run the script of the real one."""
    (tmp_path / "extension").mkdir()
    for name in ("scripts", "node_modules", "package.json"):
        (tmp_path / "extension" / name).symlink_to(export.ROOT / "extension" / name)
    monkeypatch.setattr(export, "ROOT", tmp_path)
    return tmp_path


def test_generated_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert export.main(["--check"]) == 0, capsys.readouterr().err


def test_check_names_what_is_stale_and_the_command_and_writes_nothing(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export.main([]) == 0
    assert export.main(["--check"]) == 0
    stale = checkout / "extension" / "src" / "protocol" / "constants.ts"
    stale.write_text("export const KIB = 1000\n")
    (checkout / "docs" / "PROTOCOL.md").unlink()
    capsys.readouterr()
    assert export.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert "not current: extension/src/protocol/constants.ts, docs/PROTOCOL.md" in said
    assert "run: python -m longwire.protocol.export\n" in said
    assert stale.read_text() == "export const KIB = 1000\n"
    assert not (checkout / "docs" / "PROTOCOL.md").exists()


def test_without_node_modules_it_says_what_to_run(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "extension" / "node_modules").unlink()
    assert export.main([]) == 1
    assert "make setup" in capsys.readouterr().err
    assert not (checkout / "docs").exists()


def test_a_failing_script_is_reported_with_its_own_words(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "extension" / "scripts").unlink()
    (checkout / "extension" / "scripts").mkdir()
    (checkout / "extension" / "scripts" / "protocol-types.mjs").write_text("throw new Error('no luck')")
    assert export.main([]) == 1
    assert "no luck" in capsys.readouterr().err
