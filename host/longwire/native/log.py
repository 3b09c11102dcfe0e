"""The lifecycle log: one JSON object per line, in the user's state folder, bounded, and never a reason to fail.

Each host process writes a file of its own, because several browsers run several hosts at once and a rotation shared
between processes loses lines. What is written about a stream: page origin, destination without query, grant, codes,
sizes and durations. Never a header value, a body byte or a secret.

The audit trail is part of it. Decisions: `start` (allowed), `redirect` (one per hop, `outcome` allowed or denied), and
an `error` with `outcome` denied. Ends, exactly one for each stream: `end`, `error` or `abort`, each with page,
destination, grant, outcome (completed, denied, failed, aborted), code, bytes and milliseconds. The outcome makes the
level: denied is a warning, failed an error, all else info. Each page has its share
of lines, and of what is over it the numbers are written (`page_lines`): else it could write the trail away.
"""

import logging
import os
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import structlog

from longwire.native.page_lines import PageLines
from longwire.policy.locations import state_folder
from longwire.protocol.errors import Category, StreamError
from longwire.protocol.messages import StreamStart

MAX_FILE_BYTES = 5 * 1024 * 1024
# Of one process, the one that is written included.
ROTATED_FILES = 5
# Of all processes, past ones too: the oldest go. By bytes rather than by number, because every start of a host is a
# file, and a page can have a host started once a minute.
MAX_FOLDER_BYTES = 100 * 1024 * 1024
MAX_FILES = 400
# A URL may have 64 KiB, and a reason may quote it.
MAX_TEXT_CHARS = 300
LOG_PREFIX = "host-"
LOG_SUFFIX = ".jsonl"
PRIVATE = "(private window)"


def log_folder() -> Path:
    """`longwire` in the per-user state folder of the platform; the same place for the host and for `longwire logs`."""
    return state_folder()


def without_query(url: str) -> str:
    """`url` as it may be logged: no query, no fragment, no user information."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port is not None else ""
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


def audit_fields(start: StreamStart) -> dict[str, Any]:
    """What every line about a stream says of it: id, page origin, method, destination (without query, see below).

    Of a page in a private window neither (threat 22): only that there was one.
    """
    private = start.page.private
    return {
        "stream": start.id,
        "page": PRIVATE if private else start.page.origin,
        "method": start.method,
        "destination": PRIVATE if private else start.url,
    }


def failure_fields(error: StreamError, *, private: bool) -> dict[str, Any]:
    """What the line about a stream that failed, or that was refused, says of why.

    The reason may name page and destination, of which a `private` window leaves no trace.
    """
    return {
        "outcome": "denied" if error.info.category is Category.POLICY else "failed",
        "code": error.code,
        "phase": error.phase,
        "reason": None if private else error.reason,
    }


# By what became of a stream. One that a page gave up is nothing to look at.
_LEVEL_OF_OUTCOME = {"denied": "warning", "failed": "error"}


def level_by_outcome(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: a line about a refusal is a warning, one about a failure an error, whoever wrote it."""
    level = _LEVEL_OF_OUTCOME.get(str(event.get("outcome")))
    if level is not None:
        event["level"] = level
    return event


def strip_queries(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: a `destination` never carries its query, whoever logged it."""
    destination = event.get("destination")
    if isinstance(destination, str) and destination != PRIVATE:
        try:
            event["destination"] = without_query(destination)
        except ValueError:
            event["destination"] = "(not a URL)"
    return event


def shorten_texts(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: what a page or a server wrote takes little room."""
    for name in ("destination", "reason"):
        text = event.get(name)
        if isinstance(text, str) and len(text) > MAX_TEXT_CHARS:
            event[name] = text[: MAX_TEXT_CHARS - 1] + "…"
    return event


_page_lines = PageLines()


def tick() -> None:
    """To be called every second or so: what was not written in a minute is told when it is over."""
    _page_lines.tick()


def finish() -> None:
    """Write what waits, as the last thing of the process."""
    _page_lines.flush()
    logging.shutdown()


def exception_without_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: an exception becomes its type and its places, never its text.

    Libraries quote what they choke on (h11 a header value, and a header value may be a secret).
    """
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["exception"] = type(error).__qualname__
        event["at"] = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    return event


class _BoundedFile(RotatingFileHandler):
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


def configure(folder: Path | None = None) -> Path | None:
    """Send structlog's events to a file of this process in `folder` (default: `log_folder()`).

    Returns the file, or None when the folder cannot be made; the host then runs without a log, and stderr says so once.
    """
    folder = folder or log_folder()
    root = logging.getLogger("longwire")
    root.propagate = False
    root.setLevel(logging.INFO)
    root.handlers.clear()
    path: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _prune(folder)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        path = folder / f"{LOG_PREFIX}{stamp}-{os.getpid()}{LOG_SUFFIX}"
        root.addHandler(_BoundedFile(path))
    except OSError:
        print(f"longwire-host: no log: cannot write to {folder}", file=sys.stderr)  # noqa: T201
        root.addHandler(logging.NullHandler())
    structlog.configure(
        processors=[
            _page_lines,
            structlog.stdlib.add_log_level,
            level_by_outcome,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            strip_queries,
            shorten_texts,
            exception_without_text,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return path


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
    if sys.platform == "win32" or not number.isdecimal():
        return False  # there a signal 0 is no question
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True
