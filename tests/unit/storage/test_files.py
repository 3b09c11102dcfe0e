"""A file that takes another's place: where somebody has that open, Windows refuses until they close it."""

from pathlib import Path

import pytest

from longwire.storage.files import replace_when_closed
from tests.patience import PATIENCE_S


class Open:
    """Whoever has the file open closes it after so many refusals."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, refusals: float) -> None:
        self.refusals = refusals
        self.asked = 0
        real = Path.replace

        def replace(temporary: Path, path: Path) -> Path:
            self.asked += 1
            if self.asked <= self.refusals:
                raise PermissionError(13, "it is open")
            return real(temporary, path)

        monkeypatch.setattr(Path, "replace", replace)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "new").write_text("new")
    (tmp_path / "old").write_text("old")
    return tmp_path / "new", tmp_path / "old"


def test_a_reader_is_waited_for(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    reader = Open(monkeypatch, 3)
    replace_when_closed(*files, patience_s=PATIENCE_S)
    assert reader.asked == 4 and files[1].read_text() == "new"


def test_one_that_does_not_close_it_is_an_error_in_the_end(
    monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]
) -> None:
    Open(monkeypatch, float("inf"))
    with pytest.raises(PermissionError, match="open"):
        replace_when_closed(*files, patience_s=0.02)
    assert files[1].read_text() == "old"


def test_elsewhere_a_refusal_is_final(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    reader = Open(monkeypatch, 1)
    with pytest.raises(PermissionError):
        replace_when_closed(*files)
    assert reader.asked == 1
