"""The host's log, read back: the files of all host processes as one sequence of events, filtered, and followed.

Each host process writes a file of its own (`longwire.audit.log`), so an event is named by its process and, for a
stream, by the id that the stream has in that process. A daemon has several connections, each with ids of its own.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from longwire.audit.files import LOG_PREFIX, LOG_SUFFIX
from longwire.protocol.errors import printable

# What a host writes: `audit.log` says which is which.
LEVELS: Final = ("info", "warning", "error")
# The outcome of a request that the policy refused.
REFUSED: Final = "denied"
_PROCESS: Final = re.compile(rf"^{LOG_PREFIX}[^-]*-(\d+){re.escape(LOG_SUFFIX)}")
# What stands in columns of its own, or is said by the others.
_COLUMNS: Final = frozenset({"event", "level", "timestamp", "stream", "method", "destination", "reason", "connection"})


@dataclass(frozen=True, slots=True)
class Event:
    """One line. `text` is the line as it was written, `process` the host's process id."""

    text: str
    process: int
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def timestamp(self) -> str:
        """ISO 8601 in UTC, which sorts as text; empty where the line has none."""
        return str(self.fields.get("timestamp", ""))

    @property
    def name(self) -> str:
        """What happened. A refusal of the policy is not called an error."""
        if self.fields.get("event") == "error" and self.fields.get("outcome") == REFUSED:
            return "refused"
        return printable(str(self.fields.get("event", "")))

    @property
    def level(self) -> str:
        """One of `LEVELS`, or a question mark."""
        return printable(str(self.fields.get("level", "?")))

    @property
    def whose(self) -> str:
        """The process, and the stream in it: `41:3`; of a daemon's second connection, `41.2:3`."""
        process = f"{self.process}.{self.fields['connection']}" if "connection" in self.fields else str(self.process)
        return printable(f"{process}:{self.fields['stream']}" if "stream" in self.fields else process)

    @property
    def request(self) -> str:
        """Method and destination; empty where no request is meant."""
        return printable(
            f"{self.fields['method']} {self.fields.get('destination', '')}" if "method" in self.fields else ""
        )

    @property
    def details(self) -> list[str]:
        """Whatever else is known, as `name=value`, without the reason."""
        fields = self.fields.items()
        return [printable(f"{name}={_shown(it)}") for name, it in fields if name not in _COLUMNS and it is not None]

    @property
    def reason(self) -> str:
        """Why, in a sentence; empty if there is nothing to say."""
        return printable(str(self.fields.get("reason") or ""))

    @property
    def local_time(self) -> tuple[str, str]:
        """Day and time of day here, in milliseconds; blank where the line has none."""
        try:
            moment = datetime.fromisoformat(self.timestamp).astimezone()
        except ValueError:
            return " " * 10, " " * 12
        return moment.strftime("%Y-%m-%d"), moment.strftime("%H:%M:%S.") + f"{moment.microsecond // 1000:03}"

    def describe(self) -> str:
        """The event in one line."""
        reason = f"reason={_shown(self.reason)}" if self.reason else ""
        what = [part for part in (self.name, self.request, *self.details, reason) if part]
        return f"{' '.join(self.local_time)}  {self.level:<7}  {self.whose:>9}  {'  '.join(what)}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events. `stream` is an id, `process:id` or `process.connection:id`; `level` the least that counts;
    `code` an error code.
    """

    stream: str | None = None
    level: str = "info"
    code: str | None = None

    def takes(self, event: Event) -> bool:
        """Whether `event` is one of them."""
        level = event.fields.get("level")
        if level in LEVELS and LEVELS.index(level) < LEVELS.index(self.level):
            return False
        if self.code is not None and event.fields.get("code") != self.code:
            return False
        if self.stream is None:
            return True
        number = event.fields.get("stream")
        return number is not None and self.stream in (str(number), f"{event.process}:{number}", event.whose)


class LogReader:
    """Reads each line of a folder's logs once: all that is there at first, then what was added since.

    A line is given when it is whole. Files are known by what the system knows them by, so that a rotation neither
    repeats nor loses anything.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[tuple[int, int], int] = {}

    def read(self) -> list[Event]:
        """The events that were not given yet, by time."""
        events: list[Event] = []
        # A file that was rotated (`….jsonl.1`) comes after its successor by name and is older: sorting mends that.
        for path in sorted(self._folder.glob(f"{LOG_PREFIX}*{LOG_SUFFIX}*")):
            match = _PROCESS.match(path.name)
            if match:
                events += [_parse(line, int(match[1])) for line in self._new_lines(path)]
        return sorted(events, key=lambda event: event.timestamp)

    def _new_lines(self, path: Path) -> Iterator[str]:
        try:
            with path.open("rb") as file:
                status = path.stat()
                known = (status.st_dev, status.st_ino)
                file.seek(self._read.get(known, 0))
                data = file.read()
        except OSError:  # pruned while we looked
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._read[known] = self._read.get(known, 0) + len(whole)
        yield from whole.decode("utf-8", "replace").splitlines()


def read_events(path: Path) -> list[Event]:
    """The whole lines of one file of one host; none where it is gone or is no log."""
    match = _PROCESS.match(path.name)
    try:
        data = path.read_bytes() if match else b""
    except OSError:  # pruned while we looked
        data = b""
    whole = data[: data.rfind(b"\n") + 1].decode("utf-8", "replace")
    return [_parse(line, int(match[1])) for line in whole.splitlines()] if match else []


def select(events: Sequence[Event], wanted: Wanted, last: int | None = None) -> list[Event]:
    """Those that are wanted; the `last` of them only, if that is given."""
    chosen = [event for event in events if wanted.takes(event)]
    return chosen if last is None else chosen[max(0, len(chosen) - last) :]


def _parse(line: str, process: int) -> Event:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    # A line that was cut when the disk was full is shown as it is.
    return Event(line, process, fields if isinstance(fields, dict) else {"event": line})


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) or " " in str(value) else str(value)
