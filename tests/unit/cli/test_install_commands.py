import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from longwire.assets import extension_id
from longwire.cli import install_commands
from longwire.console.errors import CommandError
from longwire.durable.store import FOLDER_NAME, Store
from longwire.install import targets
from longwire.install.browsers import browser_table
from longwire.install.installation import Installation
from longwire.install.launcher import Program, check_for_everyone
from longwire.install.registry import RegistryKey
from longwire.install.surroundings import Surroundings
from longwire.install.targets import Options, target_of
from tests.patience import PATIENCE_S
from tests.unit.durable.samples import carried_out
from tests.unit.home import Home
from tests.unit.install.registry import FakeRegistry

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


def test_install_names_the_browsers_and_each_next_command_by_its_full_path(home: Home) -> None:
    (home.config / "BraveSoftware" / "Brave-Browser").mkdir(parents=True)
    (home.config / "chromium").mkdir()
    lines = [line.strip() for line in home.run("install").out.splitlines()]
    command = Path(sys.executable).parent / "longwire"

    assert "browsers   Chromium, Brave" in lines
    for words in ("secret set example", "policy check --page ORIGIN --url URL", "doctor"):
        assert f"{command} {words}" in lines
    assert subprocess.run([command, "--version"], capture_output=True, check=True).stdout.startswith(b"longwire ")


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


def test_an_administrators_id_is_served_beside_longwires_own_and_no_other(home: Home, tmp_path: Path) -> None:
    packed, other = "abcdefghijklmnop" * 2, "ponmlkjihgfedcba" * 2
    profile = ("install", "--user-data-dir", str(tmp_path))
    done = home.run(*profile, "--extension-id", packed)
    home.run(*profile)  # as `doctor --fix` does: the id stays
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    codes = {
        each: subprocess.run(
            [manifest["path"], f"chrome-extension://{each}/"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        ).returncode
        for each in (extension_id(), packed, other)
    }

    assert f"serves     the extension {packed}, too" in done.out
    assert manifest["allowed_origins"] == [f"chrome-extension://{each}/" for each in (extension_id(), packed)]
    assert codes == {extension_id(): 0, packed: 0, other: 2}
    home.run("uninstall", "--user-data-dir", str(tmp_path))
    home.run(*profile)
    assert packed not in (tmp_path / MANIFEST).read_text()


@pytest.mark.parametrize("wrong", ["abc", "x" * 32, "a" * 33, "A" * 32, "'); import os #"])
def test_what_is_no_id_is_misuse(home: Home, wrong: str) -> None:
    done = home.run("install", "--browser", "chromium", "--extension-id", wrong)

    assert (done.code, home.files()) == (2, {})


def test_a_program_cannot_be_told_another_id(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "state", "com.longwire.host")

    with pytest.raises(CommandError, match="Longwire's own extension only"):
        installation.write([tmp_path / "places"], Program(tmp_path / "longwire-host"), extensions=["a" * 32])
    assert not (tmp_path / "places").exists()


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
        timeout=PATIENCE_S,
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


# --- without a trace ------------------------------------------------------------------------------------------------


def run_host(home: Home, manifest: Path) -> None:
    """Once, as a browser would: it writes its log."""
    launcher = json.loads(manifest.read_bytes())["path"]
    environment = {"HOME": str(home.folder)}
    arguments = [launcher, f"chrome-extension://{extension_id()}/"]
    subprocess.run(arguments, stdin=subprocess.DEVNULL, env=environment, timeout=PATIENCE_S, check=True)


@pytest.mark.parametrize("folders", [(), (".local/share", ".local/state"), (".config/chromium/NativeMessagingHosts",)])
def test_a_host_that_ran_leaves_nothing_behind_either(home: Home, folders: tuple[str, ...]) -> None:
    for folder in folders:
        (home.folder / folder).mkdir(parents=True)
    before = home.files()
    home.run("install", "--browser", "chromium")
    home.run("install")  # twice is once
    run_host(home, home.config / "chromium" / MANIFEST)
    home.run("doctor", "--fix")
    assert any("jsonl" in name for name in home.files())
    done = home.run("uninstall")

    assert home.files() == before
    assert "(the log)" in done.out


def test_what_stays_is_the_policy_and_uninstall_says_so(home: Home) -> None:
    home.run("install", "--browser", "chromium")
    home.write_policy("version = 1\n")
    done = home.run("uninstall")

    files = [name for name, content in home.files().items() if content]
    assert files == [str(home.policy.relative_to(home.folder))]
    assert f"kept       {home.policy} (your policy" in done.out
    assert "your secrets" not in done.out


def test_secrets_stay_too_and_uninstall_says_so(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.run("install", "--browser", "chromium")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"sk-newcomer-0123456789\n")))
    home.run("secret", "set", "api")
    secrets = home.policy.parent / "secrets"

    assert f"kept       {secrets} (your secrets" in home.run("uninstall").out
    assert [name for name, content in home.files().items() if content] == [
        str((secrets / "api").relative_to(home.folder))
    ]


def test_responses_of_durable_requests_go_too_unless_a_daemon_has_them(home: Home) -> None:
    home.run("install", "--browser", "chromium")
    folder = home.folder / ".local" / "state" / "longwire" / FOLDER_NAME
    store = Store(folder, "one")
    carried_out(store, "answer", b"secret")
    kept = home.run("uninstall").out
    assert f"kept       {folder} (a daemon runs: `longwire durable stop`" in kept
    assert store.spool(store.records()[0].id).read(0, 10) == b"secret"
    store.close()
    assert f"removed    {folder} (responses of durable requests)" in home.run("uninstall").out
    assert [name for name, content in home.files().items() if content] == []
    assert "nothing was installed" in home.run("uninstall").out


def test_uninstalling_one_browser_leaves_the_others_and_the_log(home: Home) -> None:
    home.run("install", "--browser", "chromium", "--browser", "edge")
    run_host(home, home.config / "chromium" / MANIFEST)
    home.run("uninstall", "--browser", "edge")

    assert not (home.config / "microsoft-edge" / MANIFEST).exists()
    run_host(home, home.config / "chromium" / MANIFEST)
    assert any("jsonl" in name for name in home.files())


# --- what is left out, and for everybody ----------------------------------------------------------------------------


def test_install_tells_the_truth_about_sandboxes_and_firefox(home: Home) -> None:
    for folder in (".config/chromium", "snap/brave", ".var/app/com.google.Chrome", ".mozilla/firefox"):
        (home.folder / folder).mkdir(parents=True)
    done = home.run("install")

    assert done.code == 0
    assert "Brave is here as a snap, which cannot start a program outside its sandbox" in done.out
    assert "Google Chrome is here as a flatpak" in done.out
    assert "left out   Firefox: Longwire has no extension for Firefox yet" in done.out
    assert not (home.folder / ".mozilla" / "native-messaging-hosts").exists()


@pytest.fixture
def machine(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its root folder: what is for everybody goes in there."""
    real = Surroundings.here
    monkeypatch.setattr(Surroundings, "here", lambda: replace(real(), root=str(tmp_path)))
    monkeypatch.setattr(targets, "check_for_everyone", lambda _launcher: None)  # pytest's folders are closed
    return tmp_path


def test_for_all_users_and_back(home: Home, machine: Path) -> None:
    before = home.files()
    done = home.run("install", "--system", "--browser", "chrome", "--browser", "brave")
    manifests = [machine / "etc/opt/chrome/native-messaging-hosts", machine / "etc/chromium/native-messaging-hosts"]

    assert done.code == 0
    for folder in manifests:
        content = json.loads((folder / "com.longwire.host.json").read_bytes())
        assert content["path"] == str(machine / "usr/local/lib/longwire/longwire-host")
    assert home.files() == before
    home.run("uninstall", "--system")
    assert not (machine / "etc").exists() and not (machine / "usr").exists()


def test_a_launcher_that_others_may_not_reach_is_no_launcher_for_everybody(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    python = closed / "python"
    python.write_text("")
    python.chmod(0o755)
    with pytest.raises(CommandError, match="other users may not enter") as caught:
        check_for_everyone(str(python))
    assert "below /opt" in caught.value.fix


@pytest.mark.parametrize("other", [("--browser", "chrome"), ("--system",)])
def test_a_profile_excludes_the_other_scopes(home: Home, other: tuple[str, ...]) -> None:
    for command in ("install", "uninstall"):
        assert home.run(command, "--user-data-dir", "x", *other).code == 2


# --- Windows --------------------------------------------------------------------------------------------------------


@pytest.fixture
def windows(home: Home, monkeypatch: pytest.MonkeyPatch) -> FakeRegistry:
    registry = FakeRegistry()
    local = str(home.folder / "Local")
    here = Surroundings("win32", str(home.folder), "", home.folder / "state", local=local, registry=registry)
    monkeypatch.setattr(Surroundings, "here", lambda: here)
    program = Program(home.folder / "longwire-host.exe")
    monkeypatch.setattr(install_commands, "launcher_of", lambda **_: program)
    return registry


def test_windows_is_told_through_the_registry_and_left_as_it_was(home: Home, windows: FakeRegistry) -> None:
    done = home.run("install", "--browser", "chrome", "--browser", "edge")
    manifest = home.folder / "state" / "com.longwire.host.json"
    key = RegistryKey("HKCU", "Software\\Microsoft\\Edge\\NativeMessagingHosts\\com.longwire.host")

    assert f"registry   {key}" in done.out
    assert windows.default(key) == str(manifest)
    assert json.loads(manifest.read_bytes())["path"] == str(home.folder / "longwire-host.exe")
    home.run("uninstall")
    assert (windows.keys, home.files()) == ({}, {})


def test_windows_for_everybody_is_another_hive(windows: FakeRegistry) -> None:
    target = target_of(Options(("chrome",), system=True), browser_table(), Surroundings.here())
    assert list(target.places) == [RegistryKey("HKLM", "Software\\Google\\Chrome\\NativeMessagingHosts")]


def test_windows_has_no_profiles_of_their_own(home: Home, windows: FakeRegistry) -> None:
    done = home.run("install", "--user-data-dir", str(home.folder / "p"))
    assert done.code == 1
    assert "in the registry only" in done.err
