"""What ended a host that could not say it in the ordinary way: an import that failed, a signal, an error in the start.

One line in the log's folder, in the log's form, and one on stderr. Only the standard library is sure to be there, and
the log may not have been set up. Whatever is written holds no text of an exception: libraries quote what they choke on.
"""

import contextlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

# As bytes: Windows would write two for the line end.
_APPENDING: Final[int] = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
START_FAILED: Final = "start failed"
# After WELCOME.
ENDED: Final = "ended"
# How a browser, a session that ends or a person ends a process, where the system has such signals.
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name))


class LastWords:
    """Of this process. `file` is the log's, once there is one; `welcomed` is set with the first WELCOME."""

    def __init__(self) -> None:
        self.file: Path | None = None
        self.welcomed = False
        self.before_end: Callable[[], None] = lambda: None

    def say(self, reason: str, **more: object) -> None:
        """Write the line. Never raises."""
        line = {
            "event": ENDED if self.welcomed else START_FAILED,
            "reason": reason,
            **more,
            "level": "error",
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }
        with contextlib.suppress(Exception):
            print(f"longwire-host: {line['event']}: {reason}", file=sys.stderr, flush=True)  # noqa: T201
        with contextlib.suppress(Exception):
            path = self.file or _file_of_its_own()
            descriptor = os.open(path, _APPENDING, 0o600)
            try:
                os.write(descriptor, json.dumps(line).encode() + b"\n")
            finally:
                os.close(descriptor)

    def say_error(self, error: BaseException) -> None:
        """The exception's type and places, and of a failed import the module's name."""
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]  # of a task
        frames = traceback.extract_tb(error.__traceback__)
        what = type(error).__qualname__
        if isinstance(error, ImportError) and error.name:
            what += f" ({error.name})"
        self.say(what, at=[f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames])

    def on_signals(self) -> None:
        """From here on a signal that ends the process is told of. Its exit code is 128 and the signal's number."""

        def end(number: int, _: FrameType | None) -> None:
            self.say(f"ended by {signal.Signals(number).name}")
            with contextlib.suppress(Exception):
                self.before_end()
            os._exit(128 + number)

        for number in _SIGNALS:
            signal.signal(number, end)


def _file_of_its_own() -> Path:
    try:
        from longwire.audit.files import LOG_PREFIX, LOG_SUFFIX, log_folder

        folder, prefix, suffix = log_folder(), LOG_PREFIX, LOG_SUFFIX
    except ImportError:  # part of what the host needs is missing; this is where it would be on Linux
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        folder, prefix, suffix = Path(state) / "longwire", "host-", ".jsonl"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{prefix}{datetime.now(UTC).strftime('%Y%m%dT%H%M%S')}-{os.getpid()}{suffix}"


LAST_WORDS: Final = LastWords()
