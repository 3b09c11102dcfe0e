"""The files of the log: where they lie, how large they may become, and which of them go.

Each host process writes a file of its own, because several browsers run several hosts at once and a rotation shared
between processes loses lines.
"""

import logging
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from longwire.folders import state_folder

MAX_FILE_BYTES = 5 * 1024 * 1024
# Of one process, the one that is written included.
ROTATED_FILES = 5
# Of all processes, past ones too: the oldest go. By bytes rather than by number, because every start of a host is a
# file, and a page can have a host started once a minute.
MAX_FOLDER_BYTES = 100 * 1024 * 1024
MAX_FILES = 400
LOG_PREFIX = "host-"
LOG_SUFFIX = ".jsonl"


def log_folder() -> Path:
    """`longwire` in the per-user state folder of the platform; the same place for the host and for `longwire logs`."""
    return state_folder()


class BoundedFile(RotatingFileHandler):
    """A rotating file that counts what it could not write instead of failing or printing: the disk may be full."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_FILE_BYTES, backupCount=ROTATED_FILES - 1, encoding="utf-8", delay=True)
        self.lost_lines = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's own name)
        self.lost_lines += 1

    def emit(self, record: logging.LogRecord) -> None:
        before = self.lost_lines
        super().emit(record)
        if before and self.lost_lines == before:
            # Written again after a gap: say so once, where a reader of the log will look.
            self.lost_lines = 0
            note = logging.makeLogRecord(
                {"msg": f'{{"event":"log lines lost","level":"warning","count":{before}}}', "levelno": logging.WARNING}
            )
            super().emit(note)


def new_file(folder: Path) -> Path:
    """The path of this process's file in `folder`, which is made where it is missing; the oldest of others go.

    Raises:
        OSError: the folder cannot be made or read.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _prune(folder)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    return folder / f"{LOG_PREFIX}{stamp}-{os.getpid()}{LOG_SUFFIX}"


def _prune(folder: Path) -> None:
    files = sorted(folder.glob(f"{LOG_PREFIX}*{LOG_SUFFIX}*"), key=lambda file: file.name)
    sizes = [_size(file) for file in files]
    excess_files, excess_bytes = len(files) - MAX_FILES + 1, sum(sizes) - MAX_FOLDER_BYTES
    for file, size in zip(files, sizes, strict=True):
        if excess_files <= 0 and excess_bytes <= 0:
            return
        # In either case it is not looked at again: those that stay are the newest.
        excess_files, excess_bytes = excess_files - 1, excess_bytes - size
        if not in_use(file):
            with suppress(OSError):  # Windows keeps what is open
                file.unlink()


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # another host removed it
        return 0


def in_use(file: Path) -> bool:
    """Whether the host whose file it is still runs, or another process has its number by now."""
    number = file.name.removeprefix(LOG_PREFIX).partition(LOG_SUFFIX)[0].rpartition("-")[2]
    if not number.isdecimal():
        return False
    if sys.platform == "win32":  # where a signal 0 is no question
        from longwire.win32.api import own_api
        from longwire.win32.processes import is_running

        return is_running(own_api(), int(number) & 0xFFFFFFFF)
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True


def remove_log() -> list[Path]:
    """Delete the host's log; gives back its folder, if there was anything."""
    folder = log_folder()
    files = list(folder.glob(f"{LOG_PREFIX}*{LOG_SUFFIX}*"))
    for file in files:
        file.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    return [folder] if files else []
