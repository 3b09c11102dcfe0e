"""`longwire client`: what it writes is what a page imports and what npm installs."""

import json
import subprocess
from pathlib import Path

from longwire import __version__
from longwire.assets import client_library
from tests.e2e.scripts import script
from tests.patience import PATIENCE_S
from tests.unit.home import Home

# What the package imports; a test takes from no registry.
PARSER = Path(__file__).parents[3] / "extension" / "node_modules" / "eventsource-parser"

PROGRAM = script("client_package.js")


def test_it_writes_the_module_and_a_package_and_says_how_each_is_used(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    told = home.run("client", "--out", str(out))

    package = out / f"longwire-{__version__}.tgz"
    assert told.code == 0
    assert {path.name for path in out.iterdir()} == {"longwire.min.js", package.name}
    assert (out / "longwire.min.js").read_bytes() == client_library().read_bytes()
    assert "import { stream } from './longwire.min.js'" in told.out
    assert f"npm install {package}" in told.out
    assert {f"module     {out / 'longwire.min.js'}", f"package    {package}"} < set(told.out.splitlines())


def test_npm_installs_the_package_and_a_program_imports_it(home: Home, tmp_path: Path) -> None:
    home.run("client", "--out", str(tmp_path))
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"private": true, "type": "module"}')
    (project / "main.js").write_text(PROGRAM)

    package = f"../longwire-{__version__}.tgz"
    command = ["npm", "install", "--offline", "--no-audit", "--no-fund", str(PARSER), package]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=PATIENCE_S)
    ran = subprocess.run(
        ["node", "main.js"], cwd=project, check=True, capture_output=True, timeout=PATIENCE_S, text=True
    )

    assert ran.stdout == "it reads StreamError\ntrue\n"
    assert json.loads((project / "node_modules/longwire/package.json").read_text())["version"] == __version__


def test_it_is_written_again_over_what_was_there(home: Home, tmp_path: Path) -> None:
    (tmp_path / "longwire.min.js").write_text("old")

    assert home.run("client", "--out", str(tmp_path)).code == 0
    assert (tmp_path / "longwire.min.js").read_bytes() == client_library().read_bytes()


def test_a_link_in_its_place_is_replaced_not_followed(home: Home, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    for name in ("longwire.min.js", f"longwire-{__version__}.tgz"):
        (tmp_path / name).symlink_to(precious)

    assert home.run("client", "--out", str(tmp_path)).code == 0
    assert precious.read_text() == "precious"
    assert (tmp_path / "longwire.min.js").read_bytes() == client_library().read_bytes()


def test_a_folder_that_cannot_be_written_is_named(home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = home.run("client", "--out", str(tmp_path / "file"))

    assert told.code == 2
    assert str(tmp_path / "file") in told.err and "--out DIR" in told.err
