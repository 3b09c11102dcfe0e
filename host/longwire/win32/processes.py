"""Whether a process runs."""

from typing import Final

from longwire.win32.api import ACCESS_DENIED, Api, CallFailed

_SYNCHRONIZE: Final = 0x00100000
_WAIT_TIMEOUT: Final = 0x102


def is_running(api: Api, pid: int) -> bool:
    """Whether a process of that number does, whosever it is."""
    try:
        process = api.open("OpenProcess", _SYNCHRONIZE, 0, pid)
    except CallFailed as failed:
        return failed.code == ACCESS_DENIED
    try:
        # One that has ended keeps its number for as long as somebody has a handle of it.
        return api.number("WaitForSingleObject", process, 0) == _WAIT_TIMEOUT
    finally:
        api.close(process)
