"""The frozen host: a folder with a Python of its own, which `make freeze` builds and `install --frozen` names.

The commands lie beside it; those name their own host without `--frozen` (`launcher.this_launcher`).

It has nothing to be isolated from: PyInstaller's start-up reads no PYTHON… variables and no per-user packages.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from longwire.console.errors import CommandError, MisuseError
from longwire.install.launcher import Launcher, Program, is_frozen, this_launcher

PROGRAM_NAME: Final = "longwire-host.exe" if sys.platform == "win32" else "longwire-host"
_CHECKOUT: Final = Path(__file__).resolve().parents[3]
_BUILT: Final = _CHECKOUT / "dist" / "longwire-host"
_CHECK_TIMEOUT_S: Final = 10
_REFUSED: Final = 2  # the exit code of `longwire.native.main` when no browser started it


def launcher_of(*, frozen: bool, folder: Path | None, platform: str = sys.platform) -> Launcher:
    """What `install` is to start: the frozen host in `folder` (by default where `make freeze` puts it), or this Python.

    Raises:
        MisuseError: a folder without --frozen.
        CommandError: it would not start; the fix says why.
    """
    if frozen:
        return frozen_launcher(folder or (Path(sys.executable).parent if is_frozen() else None))
    if folder is not None:
        raise MisuseError(f"{folder} is named without --frozen", "give --frozen before it")
    return this_launcher(platform)


def frozen_launcher(folder: Path | None = None) -> Program:
    """The program in `folder`, proven to start.

    Raises:
        CommandError: it is not there, or does not start.
    """
    # Made absolute without following links, as a browser is told it.
    program = Path(os.path.abspath(folder or _BUILT)) / PROGRAM_NAME  # noqa: PTH100  (resolve() would follow them)
    if not program.is_file():
        raise CommandError(
            f"{program} is missing",
            "run `make freeze` in a checkout of Longwire, and give --frozen the folder it names",
        )
    if not _starts(program):
        raise CommandError(f"{program} does not start", "run `make freeze` again on this machine")
    return Program(program)


def _starts(program: Path) -> bool:
    """Whether it gets as far as refusing a caller that is no browser; everything is imported by then."""
    with tempfile.TemporaryDirectory(prefix="longwire-frozen-") as home:
        environment = {"HOME": home, "XDG_STATE_HOME": home, "LOCALAPPDATA": home}
        if sys.platform == "win32":
            environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        try:
            done = subprocess.run(  # noqa: S603  (absolute, and what the user named)
                [str(program)], stdin=subprocess.DEVNULL, capture_output=True, env=environment,
                timeout=_CHECK_TIMEOUT_S, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return False
    return done.returncode == _REFUSED and done.stdout == b""
