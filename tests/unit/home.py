"""A home of its own for commands, and one way to run them: as the entry point does, in this process."""

import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from longwire.cli.main import main


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str


def run_command(environment: dict[str, str], *arguments: str) -> Done:
    """A command with this environment and no other: what a process of its own would do, without its start."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.object(sys, "argv", ["longwire", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    print(out.getvalue(), err.getvalue())  # into what is searched for secrets
    code = ended.value.code
    assert code is None or isinstance(code, int)
    return Done(code or 0, out.getvalue(), err.getvalue())


class Home:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setenv("HOME", str(folder))
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        # Browsers of the machine that runs the tests are none of theirs.
        monkeypatch.setattr("shutil.which", lambda _name: None)

    @property
    def config(self) -> Path:
        return self.folder / ".config"

    @property
    def policy(self) -> Path:
        return self.config / "longwire" / "policy.toml"

    def write_policy(self, text: str) -> None:
        self.policy.parent.mkdir(parents=True, exist_ok=True)
        self.policy.write_text(text)

    def run(self, *arguments: str) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["longwire", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = self._capsys.readouterr()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return Done(code or 0, captured.out, captured.err)

    def files(self) -> dict[str, bytes]:
        """Everything in it, folders included."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else b""
            for path in sorted(self.folder.rglob("*"))
        }


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Home:
    folder = tmp_path / "home"
    folder.mkdir()
    return Home(folder, monkeypatch, capsys)
