"""What is shipped: the wheel alone, in an empty virtual environment, is a complete product."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from longwire.demo.chat import TEXT
from longwire.demo.download import SIZE_BYTES
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
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    # What `pip wheel` runs, without pip.
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("longwire-*.whl")
    return built


def test_the_wheel_carries_the_built_extension_and_the_manifests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ("extension/manifest.json", "extension/worker.js", "manifests/browsers.json"):
        assert f"longwire/_assets/{name}" in names
    assert not [name for name in names if name.startswith("tests/") or "node_modules" in name]


def test_the_wheel_in_an_empty_environment_streams_through_a_real_browser(wheel: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    # No pip of its own and no compilation ahead: a third of the time, and the same packages.
    run(sys.executable, "-m", "venv", "--without-pip", venv, home=tmp_path)
    pip = [sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--no-compile", "--quiet"]
    # The versions of the lock file, so that this does not test whatever was released today.
    locked = unhashed(ROOT / "requirements.lock", tmp_path)
    subprocess.run([str(part) for part in (*pip, "--constraint", locked, wheel)], check=True, cwd=tmp_path)
    told = json.loads(run(venv / "bin" / "longwire", "demo", "--json", home=tmp_path))
    assert (told["ok"], told["page_saw_the_key"]) == (True, False), told
    assert told["text"]["bytes"] > len(TEXT)
    assert told["download"]["bytes"] == SIZE_BYTES
    assert Path(told["screenshot"]).is_file()
    folder = Path(run(venv / "bin" / "longwire", "extension", home=tmp_path).strip())
    assert (folder / "manifest.json").is_file()
    assert str(folder).startswith(str(venv))


# What `make setup` and `make build` bring, and what no checkout holds.
BROUGHT = shutil.ignore_patterns(".git", ".venv", ".make", "node_modules", "dist", "build", ".*_cache", "__pycache__")


@pytest.mark.long
def test_a_visitor_types_make_demo_in_a_bare_environment(tmp_path: Path) -> None:
    """An empty home, no display, two folders on the PATH: from the command to the first text that was streamed."""
    checkout = tmp_path / "longwire"
    shutil.copytree(ROOT, checkout, ignore=BROUGHT)
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        ["/usr/bin/env", "-i", f"HOME={home}", "PATH=/usr/bin:/bin", "make", "demo", f"PYTHON={sys.executable}"],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.search(r"^ok: first text (\d+\.\d) s after start, every byte arrived", done.stdout, re.MULTILINE)
    assert told is not None, done.stdout
    print(f"\nmake demo in an empty home, to the first streamed text: {told[1]} s")
    assert float(told[1]) > 2, "counted from the command, with everything that had to be set up"


def unhashed(lock: Path, folder: Path) -> Path:
    """The lock file as constraints: pip takes no hashes there."""
    lines = [line.split(" \\")[0] for line in lock.read_text().splitlines() if line and not line.startswith((" ", "#"))]
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(lines) + "\n")
    return constraints
