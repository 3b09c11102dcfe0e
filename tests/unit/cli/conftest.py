from pathlib import Path

import pytest

from tests.unit.cli.home import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Home:
    folder = tmp_path / "home"
    folder.mkdir()
    return Home(folder, monkeypatch, capsys)
