"""A host process that measures the longest runs of its own event loop, in the processor time of that one thread.

Processor time, because a busy machine takes the processor away for long, and that says nothing about the host. A
virtual machine now and then counts to it what its own host took away; so what counts is what happened three times.
"""

import signal
import time
from pathlib import Path
from typing import Any

from tests.host_process import HostProcess
from tests.patience import PATIENCE_S

_FILE = "longest-run"
_TIMES = 3
_ENTRY = f"""
import os, selectors, signal, time

class Watched(selectors.DefaultSelector):
    began, longest, measuring = None, [0.0] * {_TIMES}, True

    def select(self, timeout=None):
        if Watched.began is not None and Watched.measuring:
            Watched.longest = sorted((*Watched.longest, time.thread_time() - Watched.began))[1:]
        ready = super().select(timeout)
        Watched.began = time.thread_time()
        return ready

def begin(*_):
    Watched.began, Watched.longest = time.thread_time(), [0.0] * {_TIMES}

def stop(*_):
    Watched.measuring = False

leave = os._exit

def leave_with_figure(code):
    with open({_FILE!r}, "w") as file:
        file.write(str(Watched.longest[0]))
    leave(code)

selectors.DefaultSelector = Watched
os._exit = leave_with_figure
signal.signal(signal.SIGUSR1, begin)
signal.signal(signal.SIGUSR2, stop)
from longwire.native.main import main
main()
"""


class WatchedHost(HostProcess):
    """A `HostProcess` whose loop is watched between `begin` and `stop`."""

    def __init__(self, home: Path, policy: str) -> None:
        super().__init__(home, policy, entry=_ENTRY)

    def arrived(self, message: dict[str, Any]) -> None:
        """Note when, on `time.monotonic()`, as `at`: who takes it may be late. A flood's own answers are dropped."""
        if message["type"] not in ("STATUS", "STREAM_BODY_ACK"):
            super().arrived(message | {"at": time.monotonic()})

    def begin(self) -> None:
        """Forget what was: a host that starts imports, loads and compiles."""
        self.process.send_signal(signal.SIGUSR1)

    def stop(self) -> None:
        """Measure no longer: what ends a host cancels everything at once."""
        self.process.send_signal(signal.SIGUSR2)

    def longest_run_s(self) -> float:
        """What was reached three times between two looks at the sockets. Ends the host."""
        self.close_input()
        self.process.wait(PATIENCE_S)
        return float((self.home / _FILE).read_text())
