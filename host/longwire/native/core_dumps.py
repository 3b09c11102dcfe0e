"""No core dump of this process: its memory holds secrets for as long as a request is being made.

On Linux a limit of 0 keeps a dump out of files only. One that goes to a program (`core_pattern` with a pipe, as most
desktops have it) is made whatever the limit is, except with a limit of 1 byte, which the kernel reads as "never"
(fs/coredump.c); a file of one byte is none either. Windows has no such limit: its error reporting decides.
"""

import contextlib
import sys


def switch_off_core_dumps() -> None:
    """For good: the hard limit too. Never raises."""
    if sys.platform == "win32":
        return
    import resource

    limit = 1 if sys.platform == "linux" else 0
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
