"""Twelve ways to break an installation, each done for real, named with the right fix, and mended where that is ours.

The one that needs two installations, a user's manifest that hides the system's, is in `test_shadowing.py`.
"""

import json
import sys
from collections.abc import Callable

import pytest

from longwire.install.installation import Installation
from longwire.install.launcher import Program
from tests.unit.doctor.installed import Installed, another_python

REAL_HOST = ("from longwire.native.main import main", "main()")


def test_a_fresh_installation_is_healthy(installed: Installed) -> None:
    said = installed.doctor()

    assert (said.code, said.broken) == (0, [])
    states = {finding["check"]: finding["state"] for finding in said.findings}
    assert {states[check] for check in ("manifest", "launcher", "host", "policy", "log", "clock")} == {"ok"}


def manifest_missing(installed: Installed) -> None:
    installed.manifest.unlink()


def wrong_id(installed: Installed) -> None:
    installed.change_manifest(allowed_origins=["chrome-extension://" + "a" * 32 + "/"])


def relative_path(installed: Installed) -> None:
    installed.change_manifest(path="longwire-host")


def byte_order_mark(installed: Installed) -> None:
    installed.manifest.write_bytes(b"\xef\xbb\xbf" + installed.manifest.read_bytes())


def binary_moved(installed: Installed) -> None:
    installed.launcher.rename(installed.launcher.with_name("elsewhere"))


def not_executable(installed: Installed) -> None:
    installed.launcher.chmod(0o644)


def interpreter_gone(installed: Installed) -> None:
    installed.launch(*REAL_HOST, interpreter="/nonexistent/python -I")


def crash_at_import(installed: Installed) -> None:
    python = another_python(installed.home.folder / "other", broken="import nonexistent_module")
    installed.launch("import broken", *REAL_HOST, interpreter=str(python))


def stdout_polluted(installed: Installed) -> None:
    installed.launch("print('hello, world', flush=True)", *REAL_HOST)


def older_version(installed: Installed) -> None:
    installed.launch("import longwire", "longwire.__version__ = '0.0.9'", *REAL_HOST)


def older_protocol(installed: Installed) -> None:
    patch = "import longwire.protocol.limits as limits; limits.PROTOCOL_VERSION = 0"
    installed.launch(patch, *REAL_HOST)


def unlike_json(installed: Installed) -> None:
    installed.manifest.write_text("{")


def another_name(installed: Installed) -> None:
    installed.change_manifest(name="com.example.host")


def open_to_all(installed: Installed) -> None:
    installed.manifest.chmod(0o666)


def launcher_open_to_all(installed: Installed) -> None:
    installed.launcher.chmod(0o777)


def ends_at_once(installed: Installed) -> None:
    installed.launch("raise SystemExit(3)")


@pytest.mark.parametrize(
    ("spoil", "check", "says"),
    [
        (manifest_missing, "manifest", "there is no manifest for Longwire in"),
        (wrong_id, "manifest", "does not allow this extension"),
        (relative_path, "manifest", 'names a relative path, "longwire-host"'),
        (binary_moved, "launcher", "does not exist: it was moved or removed"),
        (not_executable, "launcher", "is not executable"),
        (interpreter_gone, "launcher", "needs the interpreter /nonexistent/python, which is gone"),
        (crash_at_import, "host", "with exit code 1: ModuleNotFoundError: No module named 'nonexistent_module'"),
        (stdout_polluted, "host", 'beginning with "hello, world'),
        (older_version, "version", "the browser starts Longwire 0.0.9"),
        (older_protocol, "host", "the host refuses: extension"),
        (unlike_json, "manifest", "is not JSON"),
        (another_name, "manifest", 'has the name "com.example.host"'),
        (open_to_all, "manifest", "may be written by other users"),
        (launcher_open_to_all, "launcher", "may be written by other users"),
        (ends_at_once, "host", "ended while it started, with exit code 3"),
    ],
)
def test_what_was_broken_is_named_with_its_fix_and_mended(
    installed: Installed, spoil: Callable[[Installed], None], check: str, says: str
) -> None:
    spoil(installed)
    said = installed.doctor()
    finding = next(each for each in said.findings if each["state"] == "fail")

    assert said.code == 1
    assert said.broken == [check]
    assert finding["check"] == check
    assert says in finding["what"]
    assert finding["fix"] == "run `longwire install --browser chromium`"
    assert finding["fixable"]

    mended = installed.doctor("--fix")
    assert (mended.code, mended.broken) == (0, [])
    assert "mended: longwire install --browser chromium" in mended.err
    assert json.loads(installed.manifest.read_bytes())["path"] == str(installed.launcher)


def test_a_byte_order_mark_is_named_although_chromium_forgives_it_and_mended(installed: Installed) -> None:
    byte_order_mark(installed)
    said = installed.doctor()
    finding = said.of("manifest")

    assert (said.code, finding["state"], finding["fixable"]) == (0, "warn", True)
    assert "begins with a byte-order mark" in finding["what"]
    assert finding["fix"] == "run `longwire install --browser chromium`"
    installed.doctor("--fix")
    assert installed.manifest.read_bytes().startswith(b"{")


def test_a_policy_file_that_is_invalid_is_named_with_line_and_field_and_left_alone(installed: Installed) -> None:
    installed.home.write_policy("version = 1\noops = 2\n")
    said = installed.doctor("--fix")
    finding = said.of("policy")

    assert said.code == 1
    assert "line 2, field oops" in finding["what"]
    assert str(installed.home.policy) in finding["fix"]
    assert not finding["fixable"]
    assert installed.home.policy.read_text() == "version = 1\noops = 2\n"


# --- not the launcher's fault: the interpreter that `install` would name is itself broken ---------------------------


def test_an_interpreter_that_is_broken_itself_is_not_blamed_on_the_files(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = another_python(installed.home.folder / "env", "import greeting", greeting="print('welcome', flush=True)")
    monkeypatch.setattr(sys, "executable", str(python))
    installed.home.run("install")
    finding = installed.doctor().of("host")

    assert 'beginning with "welcome' in finding["what"]
    assert finding["fix"].startswith(f"find what prints when {python} starts")


def test_one_that_does_not_find_longwire_is_to_be_installed_again(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = another_python(installed.home.folder / "env")
    monkeypatch.setattr(sys, "executable", str(python))
    installed.home.run("install")
    (package,) = (installed.home.folder / "env" / "lib").glob("python*/site-packages")
    (package / "others.pth").unlink()
    said = installed.doctor()
    finding = next(each for each in said.findings if each["state"] == "fail")

    assert "No module named 'longwire'" in finding["what"]
    assert "install" in finding["fix"].lower()


def test_a_frozen_host_of_another_version_is_left_to_a_person(installed: Installed) -> None:
    """`install --frozen` recorded a program; which of the two is wanted is not the doctor's to say."""
    program = installed.home.folder / "frozen" / "longwire-host"
    program.parent.mkdir()
    lines = ["import longwire", "longwire.__version__ = '0.0.9'", *REAL_HOST]
    program.write_text("\n".join([f"#!{sys.executable} -I", *lines, ""]))
    program.chmod(0o755)
    target = Installation(installed.launcher.parent, "com.longwire.host")
    target.write([installed.manifest.parent], Program(program))
    finding = installed.doctor("--fix").of("version")

    assert finding["fix"].startswith(f"bring {program} up to date, or run `longwire install")
    assert not finding["fixable"]


def test_a_frozen_host_that_is_gone_is_replaced_by_this_python(installed: Installed) -> None:
    target = Installation(installed.launcher.parent, "com.longwire.host")
    target.write([installed.manifest.parent], Program(installed.home.folder / "gone"))
    assert installed.doctor().broken == ["launcher"]

    assert installed.doctor("--fix").broken == []
    assert json.loads(installed.manifest.read_bytes())["path"] == str(installed.launcher)
