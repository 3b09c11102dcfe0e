"""What each figure has to reach, by its name: the list that decides over the exit code.

Of those that are told as they were before, the source is given. A figure that is not here is shown and not judged.
"""

from typing import Final

from tests.bench.figures import Row, Target

TARGETS: Final[dict[str, Target]] = {
    # --- bytes -------------------------------------------------------------------------------------------------
    "random: Longwire / bare channel": Target(0.75),
    "text: Longwire / extension only": Target(0.8),
    "upload: Longwire / bare channel": Target(0.75),
    # --- events ------------------------------------------------------------------------------------------------
    # 0.7 of the 1.24 ms that it was.
    "events, 100/s: added, median": Target(0.87),
    "events, 100/s: added, 99th": Target(3),
    "beside a download: 99th, Longwire / bare channel": Target(1.5),
    "events/s: Longwire": Target(50_000),
    "socket, server to page: added": Target(1),
    "socket, page to server: added": Target(1),
    "host: a token of generate over fetch": Target(0.5),
    # --- beginnings --------------------------------------------------------------------------------------------
    "first start, behind the page's own": Target(300),
    "later start, behind the page's own": Target(300),
    "to headers, warm: Longwire": Target(3),
    # --- many streams ------------------------------------------------------------------------------------------
    "1000 streams: fairness": Target(0.95),
    "1000 streams: without progress": Target(0),
    "1000 streams: failed": Target(0),
    "1000 unread, plain": Target(64),
    # --- durable requests --------------------------------------------------------------------------------------
    "daemon: an event, added": Target(0.3),
    "daemon: start, a host by itself / a pipe": Target(3),
    # --- at rest -----------------------------------------------------------------------------------------------
    "host at rest: memory": Target(36),
    "host at rest: a quiet stream": Target(32),
    "host at rest: CPU, 200 silent streams": Target(0.1),
}

# Beside each hostile server and page (`--neighbours`): of the events, and until an abort is confirmed, in milliseconds.
EVENT_BESIDE: Final = Target(50, percent=99)
ABORT_BESIDE: Final = Target(250)

# Against the build before, as a ratio of this one by it; judged where `--reach` asks for it.
AGAINST: Final[dict[str, Target]] = {
    "text: Longwire": Target(3),
    "events, 100/s: added, median": Target(0.7),
}


def unmeasured(rows: list[Row]) -> list[str]:
    """Targets that no row was held against: a figure that was renamed must not pass by that."""
    names = {row.name for row in rows}
    return [name for name in TARGETS if name not in names]


def judged(rows: list[Row]) -> list[Row]:
    """The rows, each with its target unless it brought one."""
    for row in rows:
        row.target = row.target or TARGETS.get(row.name)
    return rows
