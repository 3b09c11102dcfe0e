"""How much memory this process holds."""

import os
import sys


def memory_bytes() -> int:
    """What this process holds of the machine's memory; at the most so far, where the system tells no more."""
    if sys.platform == "win32":
        from longwire.win32.api import own_api
        from longwire.win32.memory import working_set

        return working_set(own_api())
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123  (no file of anybody's)
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
