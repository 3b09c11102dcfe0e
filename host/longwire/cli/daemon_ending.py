"""The daemons of this user are ended, and waited for."""

import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from longwire.cli.durable_listing import believed
from longwire.console.errors import CommandError
from longwire.daemon.client import DaemonMute, NoDaemonThere, ask_at
from longwire.durable.owners import is_alive
from longwire.folders import durable_folder

# What it has open is closed within a second.
_PATIENCE_S: Final = 10.0
_LOOK_AGAIN_S: Final = 0.02


def end_daemons(found: Iterable[tuple[Path, dict[str, Any]]]) -> list[int]:
    """End each of them, as `daemon.client.statuses` gives them, whatever runs there. Returns their processes' ids.

    Raises:
        CommandError: one does not come to its end, or may be another's.
    """
    pids: list[int] = []
    for path, status in found:
        with suppress(NoDaemonThere, DaemonMute):  # is seen below
            ask_at(path, {"do": "stop"})
        _wait_for_end(path, status)
        pids.append(int(status.get("pid", 0)))
    return pids


def _wait_for_end(path: Path, status: dict[str, Any]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while _is_there(path, str(status.get("owner", ""))):
        if time.monotonic() >= deadline:
            pid = status.get("pid")
            raise CommandError(f"the daemon (process {pid}) does not come to its end", kill_command(pid))
        time.sleep(_LOOK_AGAIN_S)


def kill_command(pid: object, platform: str = sys.platform) -> str:
    """What a person types to end a process that does not end by itself."""
    return f"taskkill /F /PID {pid}" if platform == "win32" else f"kill {pid}"


def _is_there(path: Path, owner: str) -> bool:
    """Whether it listens, or holds its files: their lock ends with the process."""
    try:
        with believed():
            return ask_at(path, {"do": "status"}).get("owner") == owner
    except NoDaemonThere:
        with suppress(OSError):
            return is_alive(durable_folder(), owner)
        return False
