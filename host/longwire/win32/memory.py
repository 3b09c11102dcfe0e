"""How much memory this process holds."""

import ctypes
from ctypes import Structure, byref, c_size_t
from typing import Final

from longwire.win32.api import DWORD, Api


class MemoryCounters(Structure):
    """PROCESS_MEMORY_COUNTERS."""

    _fields_ = (
        ("size", DWORD),
        ("page_faults", DWORD),
        ("peak_working_set", c_size_t),
        ("working_set", c_size_t),
        ("quota_peak_paged", c_size_t),
        ("quota_paged", c_size_t),
        ("quota_peak_non_paged", c_size_t),
        ("quota_non_paged", c_size_t),
        ("page_file", c_size_t),
        ("peak_page_file", c_size_t),
    )


_SIZE: Final = ctypes.sizeof(MemoryCounters)


def working_set(api: Api) -> int:
    """What it holds of the machine's memory, in bytes.

    Raises:
        CallFailed: Windows does not tell.
    """
    counters = MemoryCounters(size=_SIZE)
    api.call("K32GetProcessMemoryInfo", api.current_process(), byref(counters), _SIZE)
    return int(counters.working_set)
