"""What is shipped: the wheel alone, in an empty virtual environment, is a complete product."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.host_process import environment

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, home: Path, timeout_s: float = 240) -> str:
    """A command with every folder of its own under `home`; returns what it printed."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(ROOT)], check=True)
    (built,) = folder.glob("longwire-*.whl")
    return built


def test_the_wheel_carries_the_built_extension_and_the_manifests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("extension/manifest.json", "extension/worker.js", "manifests/browsers.json"):
        assert f"longwire/_assets/{name}" in names
    assert not [name for name in names if name.startswith("tests/") or "node_modules" in name]


def test_the_wheel_in_an_empty_environment_streams_through_a_real_browser(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", venv, home=tmp_path)
    # The versions of the lock file, so that this does not test whatever was released today.
    locked = ROOT / "requirements.lock"
    pip = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [str(part) for part in (*pip, "--constraint", unhashed(locked, tmp_path), wheel)], check=True, cwd=tmp_path
    )
    said = run(venv / "bin" / "longwire", "demo", home=tmp_path)
    assert "never saw the key" in said
    folder = Path(run(venv / "bin" / "longwire", "extension", home=tmp_path).strip())
    assert (folder / "manifest.json").is_file()
    assert str(folder).startswith(str(venv))


def unhashed(lock: Path, folder: Path) -> Path:
    """The lock file as constraints: pip takes no hashes there."""
    lines = [line.split(" \\")[0] for line in lock.read_text().splitlines() if line and not line.startswith((" ", "#"))]
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(lines) + "\n")
    return constraints
