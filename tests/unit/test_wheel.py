"""`pip install` of a wheel is a complete product: it carries the extension, the manifests and the demo's page."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from longwire.assets import extension_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (path,) = folder.glob("longwire-*.whl")
    return zipfile.ZipFile(path)


def test_it_carries_the_extension_as_it_was_built(wheel: zipfile.ZipFile) -> None:
    for path in extension_folder().rglob("*"):
        if path.is_file():
            name = f"longwire/_assets/extension/{path.relative_to(extension_folder()).as_posix()}"
            assert wheel.read(name) == path.read_bytes()


def test_it_carries_every_manifest(wheel: zipfile.ZipFile) -> None:
    folder = ROOT / "manifests"
    for path in folder.rglob("*"):
        if path.is_file():
            assert wheel.read(f"longwire/_assets/manifests/{path.relative_to(folder).as_posix()}") == path.read_bytes()


def test_it_carries_every_module_and_the_demos_page(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    sources = ROOT / "host"
    wanted = {path.relative_to(sources).as_posix() for path in (sources / "longwire").rglob("*.py")}

    assert wanted <= names
    assert {"longwire/py.typed", "longwire/cli/demo/page.html"} <= names


def test_both_programs_are_entry_points(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(name).decode()

    assert "longwire = longwire.cli.main:main" in text
    assert "longwire-host = longwire.native.main:main" in text
