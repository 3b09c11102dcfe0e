"""The lock of a folder where folders cannot be locked (Windows): a file beside it."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from longwire.storage.lock import exclusive, forget_lock
from tests.patience import PATIENCE_S


def make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def test_one_at_a_time_has_it_and_the_other_is_told_that_it_waits(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "durable"
    waits, had, held = threading.Event(), threading.Event(), threading.Event()

    def second() -> None:
        held.wait(PATIENCE_S)
        with exclusive(folder, make, waiting=waits.set, platform="win32"):
            had.set()

    other = threading.Thread(target=second)
    other.start()
    with exclusive(folder, make, platform="win32"):
        held.set()
        assert waits.wait(PATIENCE_S) and not had.is_set()
        with (
            pytest.raises(TimeoutError, match="another process"),
            exclusive(folder, make, patience_s=0.02, platform="win32"),
        ):
            raise AssertionError
    other.join(PATIENCE_S)
    assert had.is_set()
    assert sorted(path.name for path in folder.parent.iterdir()) == ["durable", "durable.lock"]


def test_each_folder_has_its_own(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "a", make, patience_s=0.0, platform="win32"),
        exclusive(tmp_path / "b", make, patience_s=0.0, platform="win32"),
    ):
        assert (tmp_path / "a").is_dir() and (tmp_path / "b").is_dir()


@pytest.mark.parametrize("missing", ["folder", "one/more"])
def test_a_folder_that_is_missing_is_told_by_its_name(tmp_path: Path, missing: str) -> None:
    with pytest.raises(FileNotFoundError) as failed, exclusive(tmp_path / missing, platform="win32"):
        raise AssertionError
    assert failed.value.filename == str(tmp_path / missing)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_goes_away_while_it_is_waited_for_is_made_again_or_missing(tmp_path: Path) -> None:
    def removed_by(other: Callable[[Path], None] | None) -> str:
        folder = tmp_path / "folder"
        make(folder)
        held, outcome = threading.Event(), []

        def remove() -> None:
            with exclusive(folder, platform="win32"):
                held.set()
                waits.wait(PATIENCE_S)
                folder.rmdir()

        waits = threading.Event()
        removing = threading.Thread(target=remove)
        removing.start()
        held.wait(PATIENCE_S)
        try:
            with exclusive(folder, other, waiting=waits.set, platform="win32"):
                outcome.append("there" if folder.is_dir() else "gone")
        except FileNotFoundError:
            outcome.append("missing")
        removing.join(PATIENCE_S)
        return outcome[0]

    assert removed_by(make) == "there"
    assert removed_by(None) == "missing"


def test_what_lies_beside_a_folder_goes_once_that_is_gone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    with exclusive(folder, make, platform="win32"):
        pass
    forget_lock(folder)
    assert (tmp_path / "folder.lock").exists()
    folder.rmdir()
    forget_lock(folder)
    assert not list(tmp_path.iterdir())
    forget_lock(folder)


def test_whoever_makes_the_folder_makes_what_is_above_it_too(tmp_path: Path) -> None:
    """And so can note down what has to be removed again."""
    made: list[str] = []

    def note(folder: Path) -> None:
        made.extend(path.name for path in (folder.parent, folder) if not path.exists())
        make(folder)

    with exclusive(tmp_path / "above" / "folder", note, platform="win32"):
        pass
    assert made == ["above", "folder"]
