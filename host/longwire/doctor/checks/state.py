"""Where the host keeps its log, and the clock that TLS believes in."""

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import longwire
from longwire.audit.files import MAX_FILE_BYTES, ROTATED_FILES
from longwire.doctor.finding import Finding, fail, ok, warn
from longwire.doctor.patient import Patient

_FREE_BYTES: Final = ROTATED_FILES * MAX_FILE_BYTES
# A clock that is a little off breaks nothing; files unpacked in another time zone may look hours too new.
_CLOCK_SLACK: Final = timedelta(hours=26)


def check_state_folder(patient: Patient) -> Iterator[Finding]:
    """Whether the host can write its log. It works without, but then nobody can say what happened."""
    folder = patient.logs
    existing = next(part for part in (folder, *folder.parents) if part.exists())
    if not existing.is_dir():
        yield warn("log", f"{existing} is in the way of the log's folder", f"move {existing} away")
    elif not os.access(existing, os.W_OK | os.X_OK):
        yield warn(
            "log", f"{existing} cannot be written, so the host has no log", f"make {existing} yours and writable"
        )
    elif shutil.disk_usage(existing).free < _FREE_BYTES:
        yield warn("log", f"the disk with {folder} is full", "free some space")
    elif folder.is_dir() and sys.platform != "win32" and folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield warn("log", f"other users may write to {folder}", f"run `chmod go-w {folder}`")
    else:
        yield ok("log", str(folder))


def check_clock(patient: Patient) -> Iterator[Finding]:
    """Whether the clock stands before something that happened: every certificate would then be "not valid yet"."""
    now = patient.now()
    newest, what = _newest(patient.logs)
    if now + _CLOCK_SLACK < newest:
        yield fail(
            "clock",
            f"the clock says {now:%Y-%m-%d %H:%M} UTC, but {what} is from {newest:%Y-%m-%d}",
            "set the clock of this machine",
        )
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M} UTC")


def _newest(logs: Path) -> tuple[datetime, str]:
    """When Longwire was put here, or last logged something: the clock must be later."""
    found = [(_modified(Path(longwire.__file__)), "Longwire itself")]
    found += [(_modified(file), "the host's log") for file in (logs.glob("host-*") if logs.is_dir() else ())]
    return max(found)


def _modified(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return datetime.fromtimestamp(0, UTC)
