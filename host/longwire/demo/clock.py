"""When the command began, so that the demo can say how long a visitor waited for the first text."""

import os
import re
import sys
import time
from pathlib import Path
from typing import Final

# `make demo` sets it to its own start, in seconds of the wall clock, so that setting everything up counts.
VARIABLE: Final = "LONGWIRE_DEMO_STARTED"
_STARTTIME_FIELD: Final = 22  # proc(5); the second field ends with the last ")"


def command_started_at() -> float:
    """Seconds of the wall clock. `date +%s.%N` writes a literal N where it knows no nanoseconds."""
    match = re.match(r"\d{9,11}(\.\d+)?", os.environ.get(VARIABLE, ""))
    now = time.time()
    if match is not None and float(match[0]) <= now:
        return float(match[0])
    return _process_started_at(now)


def _process_started_at(now: float) -> float:
    """When this process began, where the kernel says so; else `now`."""
    if sys.platform == "win32":
        return now
    try:
        stat = Path("/proc/self/stat").read_text(encoding="utf-8")
        ticks = int(stat.rpartition(")")[2].split()[_STARTTIME_FIELD - 3])
        return now - (time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError, AttributeError):
        return now
