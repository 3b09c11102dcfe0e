"""Finding a Chromium that can run the extension, and getting one where that is a matter of one command.

`python -m longwire.demo.chromium` makes sure that there is one (`make setup` does that).
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from longwire.console.errors import CommandError
from longwire.console.output import complain, say

# `message_serialization: structured_clone` came with it; the extension does not work without.
MIN_MAJOR: Final = 148
# Branded Chrome is not among them: since 137 it ignores --load-extension.
PROGRAMS: Final = ("chromium", "chromium-browser")
_VERSION: Final = re.compile(r"(\d+)\.\d+\.\d+\.\d+")
_VERSION_TIMEOUT_S: Final = 10


@dataclass(frozen=True, slots=True)
class Chromium:
    """A program that can be started."""

    program: str
    version: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides whether Chromium can be had; a parameter for the tests."""

    which: Callable[[str], str | None]
    run: Callable[..., "subprocess.CompletedProcess[str]"]
    is_root: bool
    os_release: str

    @classmethod
    def here(cls) -> "Machine":
        """This machine."""
        release = Path("/etc/os-release")
        return cls(
            which=shutil.which,
            run=subprocess.run,
            is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
            os_release=release.read_text(encoding="utf-8") if release.is_file() else "",
        )

    @property
    def is_debian(self) -> bool:
        """Debian itself: elsewhere the package of that name may be a snap, which cannot start a native host."""
        return re.search(r"^ID=\"?debian\"?$", self.os_release, re.MULTILINE) is not None


def find_chromium(machine: Machine) -> Chromium | None:
    """The first usable Chromium on the PATH, or None where there is none at all.

    Raises:
        CommandError: there is one, and it cannot run the extension.
    """
    program = next((found for name in PROGRAMS if (found := machine.which(name))), None)
    if program is None:
        return None
    if "/snap/" in str(Path(program).resolve()):
        raise CommandError(
            f"{program} is a snap, which cannot start a program outside its sandbox",
            "install Chromium from a package of the distribution, or another Chromium-family browser",
        )
    try:
        done = machine.run(
            [program, "--version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise CommandError(f"{program} does not start", "install Chromium again") from None
    match = _VERSION.search(done.stdout)
    if match is None:
        raise CommandError(f"{program} does not tell its version", "install Chromium again")
    if int(match[1]) < MIN_MAJOR:
        raise CommandError(f"{program} is version {match[0]}; Longwire needs {MIN_MAJOR} or newer", "update Chromium")
    return Chromium(program, match[0])


def ensure_chromium(machine: Machine) -> Chromium:
    """Find Chromium; on Debian as root install it first, saying so.

    Raises:
        CommandError: there is none and it cannot be installed here, or it cannot be used.
    """
    found = find_chromium(machine)
    if found is not None:
        return found
    if not (machine.is_debian and machine.is_root and machine.which("apt-get")):
        raise CommandError("Chromium is not installed", _how(machine))
    complain("Chromium is not installed: installing it with apt-get, which takes a minute or two …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", "chromium"]):
        done = machine.run(["apt-get", *command], capture_output=True, text=True, env=environment, check=False)
        if done.returncode:
            complain("\n".join(done.stderr.splitlines()[-10:]))
            raise CommandError(f"`apt-get {' '.join(command)}` failed", "run it by hand and see why")
    found = find_chromium(machine)
    if found is None:
        raise CommandError("apt-get installed Chromium, and it is not on the PATH", "add /usr/bin to the PATH")
    return found


def _how(machine: Machine) -> str:
    if machine.is_debian:
        return "run `apt-get install chromium` as root"
    if sys.platform == "darwin":
        return "install Chromium (or Chrome for Testing, named `chromium` on the PATH)"
    return "install your distribution's chromium package, not a snap or flatpak"


def main() -> None:
    """Make sure that there is a Chromium, and say which."""
    try:
        found = ensure_chromium(Machine.here())
    except CommandError as error:
        complain(f"longwire: {error.message}\n  fix: {error.fix}")
        sys.exit(1)
    say(f"Chromium {found.version} ({found.program})")


if __name__ == "__main__":
    main()
