import subprocess
from pathlib import Path
from typing import Any

import pytest

from longwire.console.errors import CommandError
from longwire.demo.chromium import Machine, ensure_chromium, find_chromium

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 13"\nID=debian\n'
UBUNTU = "ID=ubuntu\nID_LIKE=debian\n"


class FakeMachine:
    """Programs by name; `apt-get install` adds Chromium unless it is broken."""

    def __init__(self, *, version: str | None = None, root: bool = True, release: str = DEBIAN) -> None:
        self.programs = {"apt-get": "/usr/bin/apt-get"}
        self.version = version
        self.broken: str | None = None
        self.commands: list[list[str]] = []
        if version is not None:
            self.programs["chromium"] = "/usr/bin/chromium"
        self.machine = Machine(self.programs.get, self.run, root, release)

    def run(self, command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        self.commands.append(command)
        if command[0] == "apt-get":
            failed = command[1] == self.broken
            if command[1] == "install" and not failed:
                self.programs["chromium"] = "/usr/bin/chromium"
                self.version = "Chromium 156.0.1.2 built on Debian"
            return subprocess.CompletedProcess(command, int(failed), "", "E: no network")
        return subprocess.CompletedProcess(command, 0, self.version or "", "")


def test_a_new_enough_chromium_is_taken() -> None:
    found = find_chromium(FakeMachine(version="Chromium 148.0.7778.1").machine)

    assert found is not None
    assert (found.program, found.version) == ("/usr/bin/chromium", "148.0.7778.1")


@pytest.mark.parametrize(
    ("version", "message"), [("Chromium 147.9.9.9", "needs 148"), ("nonsense", "does not tell"), ("", "does not tell")]
)
def test_one_that_cannot_run_the_extension_is_named(version: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        find_chromium(FakeMachine(version=version).machine)


def test_one_that_does_not_start_is_named() -> None:
    def run(*_: object, **__: object) -> "subprocess.CompletedProcess[str]":
        raise subprocess.TimeoutExpired("chromium", 1)

    with pytest.raises(CommandError, match="does not start"):
        find_chromium(Machine(lambda _: "/usr/bin/chromium", run, is_root=True, os_release=DEBIAN))


def test_a_snap_is_told_the_truth(tmp_path: Path) -> None:
    program = tmp_path / "snap" / "bin" / "chromium"
    program.parent.mkdir(parents=True)
    program.touch()

    with pytest.raises(CommandError, match="snap"):
        find_chromium(Machine(lambda _: str(program), FakeMachine().run, is_root=True, os_release=DEBIAN))


def test_on_debian_as_root_it_is_installed_with_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    fake = FakeMachine()

    assert ensure_chromium(fake.machine).version == "156.0.1.2"
    assert [command[:2] for command in fake.commands[:2]] == [["apt-get", "update"], ["apt-get", "install"]]
    assert "installing it with apt-get" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("fake", "fix"),
    [
        (FakeMachine(root=False), "as root"),
        (FakeMachine(release=UBUNTU), "not a snap"),
        (FakeMachine(release=""), "not a snap"),
    ],
)
def test_elsewhere_it_says_how_and_installs_nothing(fake: FakeMachine, fix: str) -> None:
    with pytest.raises(CommandError, match="not installed") as caught:
        ensure_chromium(fake.machine)
    assert fix in caught.value.fix
    assert fake.commands == []


@pytest.mark.parametrize("step", ["update", "install"])
def test_a_failing_apt_get_is_named(step: str) -> None:
    fake = FakeMachine()
    fake.broken = step

    with pytest.raises(CommandError, match=f"apt-get {step}"):
        ensure_chromium(fake.machine)
