"""An installation to be broken, and what the doctor says of it."""

import json
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.unit.home import Home


@dataclass(frozen=True)
class Installed:
    home: Home
    manifest: Path
    launcher: Path

    def change_manifest(self, **fields: Any) -> None:
        self.manifest.write_text(json.dumps({**json.loads(self.manifest.read_text()), **fields}))

    def launch(self, *lines: str, interpreter: str = f"{sys.executable} -I") -> None:
        self.launcher.write_text("\n".join([f"#!{interpreter}", *lines, ""]))

    def doctor(self, *arguments: str) -> "Said":
        done = self.home.run("doctor", "--json", *arguments)
        return Said(done.code, json.loads(done.out)["findings"], done.err)


@dataclass(frozen=True)
class Said:
    code: int
    findings: list[dict[str, Any]]
    err: str

    def of(self, check: str) -> dict[str, Any]:
        """The only finding of this check that is not ok."""
        (found,) = [finding for finding in self.findings if finding["check"] == check and finding["state"] != "ok"]
        return found

    @property
    def broken(self) -> list[str]:
        return [finding["check"] for finding in self.findings if finding["state"] == "fail"]


def another_python(folder: Path, at_start: str = "", **modules: str) -> Path:
    """An interpreter with everything this one has, behind `modules` of its own, as text. Gives back its path.

    `at_start` is an import statement that it carries out whenever it starts.
    """
    venv.create(folder, symlinks=True)
    (packages,) = (folder / "lib").glob("python*/site-packages")
    for name, text in modules.items():
        (packages / f"{name}.py").write_text(text)
    paths = [path for path in sys.path if path.endswith("site-packages")]
    host = Path(__file__).parents[3] / "host"
    (packages / "others.pth").write_text("\n".join([*paths, str(host), at_start, ""]))
    return folder / "bin" / "python"
