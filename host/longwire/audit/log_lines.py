"""The lines of all hosts, one after another and never all at once: for what adds them up. Their order means nothing."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from longwire.audit.files import LOG_PREFIX, LOG_SUFFIX

# No line of a host's has so many; one that has is not read whole.
MAX_LINE_BYTES: Final = 1024 * 1024
# So often it is told how far reading has come.
_TELL_EVERY_BYTES: Final = 1024 * 1024


def log_lines(
    folder: Path,
    since: datetime | None = None,
    told: Callable[[int, int], None] = lambda done, whole: None,
) -> Iterator[dict[str, Any]]:
    """All but those before `since`, and what is no JSON object.

    `told` hears now and then how many bytes of how many are read. A file that rotates meanwhile may be read from its
    new name, again or not at all: whoever needs each line once and no other reads with `LogReader`.
    """
    files = [(path, size) for path, size, written in _files(folder) if since is None or written >= since.timestamp()]
    whole, done, shown = sum(size for _, size in files), 0, 0
    # As the lines have it: in UTC, and so to the microsecond the same order as text.
    earliest = "" if since is None else f"{since:%Y-%m-%dT%H:%M:%S.%f}Z"
    for path, _ in files:
        with suppress(OSError), path.open("rb") as file:  # pruned while we looked
            while line := file.readline(MAX_LINE_BYTES):
                done += len(line)
                if done - shown >= _TELL_EVERY_BYTES:
                    shown = done
                    told(done, whole)
                if not line.endswith(b"\n"):
                    continue
                try:
                    fields = orjson.loads(line)
                except orjson.JSONDecodeError:
                    continue
                if isinstance(fields, dict) and str(fields.get("timestamp", "")) >= earliest:
                    yield fields


def _files(folder: Path) -> Iterator[tuple[Path, int, float]]:
    for path in sorted(folder.glob(f"{LOG_PREFIX}*{LOG_SUFFIX}*")):
        with suppress(OSError):
            status = path.stat()
            yield path, status.st_size, status.st_mtime
