"""What the manifest names: whether it is there, may be started, and has an interpreter."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FIRST_LINE_BYTES: Final = 256


@dataclass(frozen=True, slots=True)
class LauncherFault:
    """What is wrong, as a whole sentence without its full stop."""

    text: str


def find_launcher_fault(path: Path, platform: str) -> LauncherFault | None:
    """The first thing that keeps the system from starting `path`, or None."""
    if not path.exists():
        return LauncherFault(f"{path}, which the browser should start, does not exist: it was moved or removed")
    if not path.is_file():
        return LauncherFault(f"{path} is not a file")
    return None if platform == "win32" else _posix_fault(path)


def _posix_fault(path: Path) -> LauncherFault | None:
    if not os.access(path, os.X_OK):
        return LauncherFault(f"{path} is not executable")
    interpreter = interpreter_of(path)
    if interpreter is not None and not Path(interpreter).exists():
        return LauncherFault(f"{path} needs the interpreter {interpreter}, which is gone")
    if path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return LauncherFault(f"{path} may be written by other users, who could make the browser start anything")
    return None


def interpreter_of(path: Path) -> str | None:
    """The program in a script's first line; None for a program of its own."""
    try:
        with path.open("rb") as file:
            line = file.read(_FIRST_LINE_BYTES).partition(b"\n")[0]
    except OSError:
        return None
    if not line.startswith(b"#!"):
        return None
    return os.fsdecode(line[2:].strip().split(b" ")[0])
