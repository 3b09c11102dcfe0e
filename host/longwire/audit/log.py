"""The lifecycle log: one JSON object per line, in the user's state folder, bounded, and never a reason to fail.

What is written about a stream: page origin, destination without query, grant, codes, sizes and durations. Never a
header value, a body byte or a secret.

The audit trail is part of it. Decisions: `start` (allowed), `redirect` (one per hop, `outcome` allowed or denied), and
an `error` with `outcome` denied. Ends, exactly one for each stream: `end`, `error` or `abort`, each with page,
destination, grant, outcome (completed, denied, failed, aborted), code, bytes and milliseconds. The outcome makes the
level: denied is a warning, failed an error, all else info. Each page has its share of lines, and what is
beyond it is only counted (`page_lines`): else a page could push the trail out of the log.
"""

import logging
import sys
from pathlib import Path

import structlog

from longwire.audit.files import BoundedFile, log_folder, new_file
from longwire.audit.page_lines import PageLines
from longwire.audit.processors import exception_without_text, level_by_outcome, shorten_texts, strip_queries

_page_lines = PageLines()


def tick() -> None:
    """To be called every second or so: what was not written in a minute is told when it is over."""
    _page_lines.tick()


def finish() -> None:
    """Write what waits, as the last thing of the process."""
    _page_lines.flush()
    logging.shutdown()


def configure(folder: Path | None = None, *, once: bool = True) -> Path | None:
    """Send structlog's events to a file of this process in `folder` (default: `log_folder()`).

    `once` says that this process configures it this one time: its loggers are kept as they are at their first line.

    Returns the file, or None when the folder cannot be made; the host then runs without a log, and stderr says so once.
    """
    folder = folder or log_folder()
    root = logging.getLogger("longwire")
    root.propagate = False
    root.setLevel(logging.INFO)
    root.handlers.clear()
    path: Path | None = None
    try:
        path = new_file(folder)
        root.addHandler(BoundedFile(path))
    except OSError:
        print(f"longwire-host: no log: cannot write to {folder}", file=sys.stderr)  # noqa: T201
        root.addHandler(logging.NullHandler())
    structlog.configure(
        processors=[
            _page_lines,
            structlog.contextvars.merge_contextvars,  # in a daemon: which connection
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
        cache_logger_on_first_use=once,
    )
    return path
