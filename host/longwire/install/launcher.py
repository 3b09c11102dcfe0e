"""What the browser starts: a script with an absolute interpreter in isolated mode, or a program. No PATH, no shell.

Isolated (`-I`): no PYTHON… variables, no per-user packages, nothing from the working folder, so that neither another
local program nor the browser's own environment chooses what runs (threats 14 and 20).
"""

import os
import shlex
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from longwire.console.errors import CommandError

# Linux reads 256 bytes of a script's first line, its end included (BINPRM_BUF_SIZE).
MAX_SHEBANG_BYTES: Final = 255
_CHECK_TIMEOUT_S: Final = 10

_TEXT: Final = """\
#!{interpreter} -I
# Longwire's native host: the browser starts this. `longwire install` wrote it, `longwire uninstall` removes it.
from longwire.native.main import main

main({extensions})
"""


@dataclass(frozen=True, slots=True)
class Program:
    """A host that is started as it is: the frozen one, or on Windows pip's `longwire-host.exe`."""

    path: Path


# An interpreter's path, for which a script is written; or a program, which the manifests name themselves.
Launcher = str | Program


def is_frozen() -> bool:
    """Whether these commands are the frozen ones, which have a host and a Python of their own beside them."""
    return bool(getattr(sys, "frozen", False))


def this_launcher(platform: str = sys.platform, scripts: str | None = None) -> Launcher:
    """What starts the host of the Longwire that is running now, proven to start.

    `scripts` is where pip puts programs, by default of this interpreter.

    Raises:
        CommandError: it would not start; the fix says why.
    """
    if is_frozen():
        program = Path(sys.executable).with_name("longwire-host.exe" if platform == "win32" else "longwire-host")
        if not program.is_file():
            raise CommandError(f"{program} is missing", "copy the whole folder of the frozen host again")
        return Program(program)
    if platform != "win32":
        check_interpreter(sys.executable)
        return sys.executable
    # Windows starts no scripts by their first line, and a .bat would need a shell.
    program = Path(scripts or sysconfig.get_path("scripts")) / "longwire-host.exe"
    if not program.is_file():
        raise CommandError(f"{program} is missing", "install Longwire again with pip")
    return Program(program)


def this_command() -> str:
    """How to call `longwire` of this installation from anywhere: a shell may find another one, or none."""
    program = Path(sysconfig.get_path("scripts")) / ("longwire.exe" if sys.platform == "win32" else "longwire")
    if is_frozen():
        program = Path(sys.executable)
    if not program.is_file():
        return f"{shlex.quote(sys.executable)} -m longwire.cli.main"
    return f'"{program}"' if sys.platform == "win32" else shlex.quote(str(program))


def check_for_everyone(launcher: Launcher) -> None:
    """Prove that every user of this machine may start it: `--system` writes it for all of them.

    Raises:
        CommandError: a folder on the way, or the file itself, is closed to others.
    """
    start = Path(launcher) if isinstance(launcher, str) else launcher.path
    for path in dict.fromkeys((start, start.resolve())):
        closed = next((part for part in (*reversed(path.parents), path) if not _open_to_others(part)), None)
        if closed:
            raise CommandError(
                f"other users may not enter {closed}, where the host would be started from",
                "install Longwire in a virtual environment that every user can read, for example below /opt",
            )


def _open_to_others(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & stat.S_IXOTH)
    except OSError:
        return False


def launcher_text(interpreter: str, extensions: Sequence[str] = ()) -> str:
    """The script for this interpreter. `extensions` are ids besides Longwire's own that it serves: they stand in it, so
    that nobody adds one who could not change the script.

    Raises:
        CommandError: the interpreter's path cannot stand in a script's first line.
    """
    if not Path(interpreter).is_absolute():
        raise CommandError("Python does not say where its interpreter is", "install Longwire in a virtual environment")
    if any(char.isspace() for char in interpreter):
        raise CommandError(
            f'the path of the interpreter contains a space: "{interpreter}"',
            "no script can name it; install Longwire in a virtual environment whose path has no spaces",
        )
    if len(os.fsencode(f"#!{interpreter} -I")) > MAX_SHEBANG_BYTES:
        raise CommandError(
            f"the path of the interpreter is too long for a script's first line: {interpreter}",
            f"install Longwire in a virtual environment with a path under {MAX_SHEBANG_BYTES - 5} bytes",
        )
    return _TEXT.format(interpreter=interpreter, extensions=", ".join(map(repr, extensions)))


def check_interpreter(interpreter: str) -> None:
    """Prove that the interpreter finds Longwire in isolated mode.

    Raises:
        CommandError: it does not; typically Longwire was installed with `pip install --user`.
    """
    command = [interpreter, "-I", "-c", "import longwire.native.main"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_CHECK_TIMEOUT_S, check=False)  # noqa: S603  (our own)
    except (OSError, subprocess.TimeoutExpired):
        raise CommandError(f"the interpreter {interpreter} does not start", "install Longwire again") from None
    if done.returncode:
        raise CommandError(
            f"{interpreter} does not find Longwire when it is started alone",
            "install Longwire in a virtual environment, not with `pip install --user`",
        )
