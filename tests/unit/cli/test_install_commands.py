import json
import os
import subprocess
from pathlib import Path

import pytest

from longwire.assets import extension_id
from tests.unit.cli.home import Home

MANIFEST = "NativeMessagingHosts/com.longwire.host.json"


def test_install_serves_the_browsers_that_are_there(home: Home) -> None:
    (home.config / "chromium").mkdir(parents=True)
    (home.config / "BraveSoftware" / "Brave-Browser").mkdir(parents=True)
    done = home.run("install")

    assert done.code == 0
    assert (home.config / "chromium" / MANIFEST).is_file()
    assert (home.config / "BraveSoftware" / "Brave-Browser" / MANIFEST).is_file()
    assert not (home.config / "google-chrome").exists()


def test_install_says_what_to_do_next(home: Home) -> None:
    done = home.run("install", "--browser", "chromium")

    assert "chrome://extensions" in done.out
    assert str(home.policy) in done.out
    assert "[[grant]]" in done.out
    assert not home.policy.exists()


def test_a_broken_policy_is_named_at_the_end_of_install(home: Home) -> None:
    home.write_policy("version = 1\noops = 2\n")

    assert "line 2, field oops" in home.run("install", "--browser", "chromium").out


def test_uninstall_leaves_the_home_as_it_was(home: Home) -> None:
    (home.config / "chromium").mkdir(parents=True)
    home.write_policy("version = 1\n")
    before = home.files()
    home.run("install", "--browser", "chromium", "--browser", "vivaldi")
    done = home.run("uninstall")

    assert done.code == 0
    assert home.files() == before
    assert done.out.count("removed") == 3
    assert home.run("uninstall").out == "nothing was installed\n"


def test_one_profile_gets_all_of_it_inside(home: Home) -> None:
    profile = home.folder / "profile"
    done = home.run("install", "--user-data-dir", str(profile))
    manifest = json.loads((profile / MANIFEST).read_bytes())

    assert done.code == 0
    assert Path(manifest["path"]).is_relative_to(profile)
    assert manifest["allowed_origins"] == [f"chrome-extension://{extension_id()}/"]
    assert os.access(manifest["path"], os.X_OK)
    home.run("uninstall", "--user-data-dir", str(profile))
    assert home.files() == {}


def test_a_relative_profile_becomes_absolute(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.folder)
    home.run("install", "--user-data-dir", "profile")

    assert json.loads((home.folder / "profile" / MANIFEST).read_bytes())["path"].startswith(str(home.folder))


def test_what_was_installed_starts_in_a_bare_environment(home: Home) -> None:
    """As a browser does it: no PATH, pipes, the extension's origin as argument; end of input ends it."""
    home.run("install", "--user-data-dir", str(home.folder / "p"))
    launcher = json.loads((home.folder / "p" / MANIFEST).read_bytes())["path"]
    done = subprocess.run(
        [launcher, f"chrome-extension://{extension_id()}/"],
        input=b"",
        capture_output=True,
        env={"HOME": str(home.folder)},
        cwd="/",
        timeout=10,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, b"")


def test_options_that_exclude_each_other_are_misuse(home: Home) -> None:
    done = home.run("install", "--browser", "chromium", "--user-data-dir", "x")

    assert (done.code, done.out) == (2, "")
    assert "exclude each other" in done.err
    assert home.files() == {}


def test_an_unknown_browser_is_misuse(home: Home) -> None:
    done = home.run("install", "--browser", "netscape")

    assert done.code == 2
    assert "the names are chrome" in done.err


def test_no_browser_is_a_finding(home: Home) -> None:
    done = home.run("install")

    assert done.code == 1
    assert done.err.startswith("longwire: no browser was found")
    assert "  fix: " in done.err


def test_a_folder_that_cannot_be_written_is_a_finding_without_traceback(home: Home) -> None:
    (home.folder / "file").write_text("")
    done = home.run("install", "--user-data-dir", str(home.folder / "file"))

    assert done.code == 1
    assert "Not a directory" in done.err
    assert "Traceback" not in done.err


def test_an_unknown_command_is_misuse(home: Home) -> None:
    assert home.run("instal").code == 2
