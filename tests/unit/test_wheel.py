"""`pip install` of a wheel is a complete product: it carries the extension, the manifests and the demo's pages."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatch_build import is_current

from longwire.assets import client_library, client_package, extension_folder, rpc_library
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=PATIENCE_S)
    (path,) = folder.glob("longwire-*.whl")
    return zipfile.ZipFile(path)


def test_it_carries_the_extension_as_it_was_built(wheel: zipfile.ZipFile) -> None:
    for path in extension_folder().rglob("*"):
        if path.is_file():
            name = f"longwire/_assets/extension/{path.relative_to(extension_folder()).as_posix()}"
            assert wheel.read(name) == path.read_bytes()


def test_it_carries_the_client_library_with_the_licence_of_what_is_in_it(wheel: zipfile.ZipFile) -> None:
    module = wheel.read("longwire/_assets/client/longwire.min.js")
    assert module == client_library().read_bytes()
    assert module.startswith(b"/*!") and module.partition(b"*/")[0].count(b"MIT License") == 2


def test_it_carries_the_streams_over_a_socket_that_the_demo_shows(wheel: zipfile.ZipFile) -> None:
    assert wheel.read("longwire/_assets/client/rpc.min.js") == rpc_library().read_bytes()


def test_it_carries_the_package_that_npm_installs(wheel: zipfile.ZipFile) -> None:
    assert wheel.read("longwire/_assets/client/longwire.tgz") == client_package().read_bytes()


def test_it_carries_every_manifest(wheel: zipfile.ZipFile) -> None:
    folder = ROOT / "manifests"
    for path in folder.rglob("*"):
        if path.is_file():
            assert wheel.read(f"longwire/_assets/manifests/{path.relative_to(folder).as_posix()}") == path.read_bytes()


def test_it_carries_every_page_of_the_docs(wheel: zipfile.ZipFile) -> None:
    for path in (ROOT / "docs").glob("*.md"):
        assert wheel.read(f"longwire/_assets/docs/{path.name}") == path.read_bytes()


def test_it_carries_every_module_and_the_demos_pages(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    sources = ROOT / "host"
    kinds = {".py", ".html", ".css", ".js"}
    wanted = {
        path.relative_to(sources).as_posix() for path in (sources / "longwire").rglob("*") if path.suffix in kinds
    }

    assert wanted <= names
    assert {"longwire/py.typed", "longwire/demo/examples.html", "longwire/demo/examples/chat.js"} <= names


def test_both_programs_are_entry_points(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(name).decode()

    assert "longwire = longwire.cli.main:main" in text
    assert "longwire-host = longwire.native.main:main" in text


def test_what_was_built_of_other_sources_is_built_again(tmp_path: Path) -> None:
    names = ("src/worker/main.ts", "build.mjs", "page-bundle.mjs", "package.json")
    sources = [tmp_path / "extension" / name for name in names]
    outputs = [tmp_path / "extension" / name for name in ("dist/manifest.json", "client-package/dist/longwire.min.js")]
    version = tmp_path / "host" / "longwire" / "__init__.py"
    for path in (*sources, *outputs, version):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    outputs[0].write_text('{"version_name": "1.2.3"}')
    version.write_text('__version__ = "1.2.3"\n')
    assert is_current(tmp_path, *outputs)

    version.write_text('__version__ = "1.2.4"\n')
    assert not is_current(tmp_path, *outputs)
    version.write_text('__version__ = "1.2.3"\n')
    later = outputs[0].stat().st_mtime + 1
    os.utime(sources[0], (later, later))
    assert not is_current(tmp_path, *outputs)
    outputs[1].unlink()
    os.utime(sources[0], (0, 0))
    assert not is_current(tmp_path, *outputs)
