"""A host that has nothing to do: its memory, what a quiet stream costs it, and what it does while all are silent."""

import tempfile
import time
from pathlib import Path
from typing import Final

import psutil

from tests.bench.descriptors import descriptors
from tests.bench.figures import Row
from tests.bench.routes import add_to
from tests.host_process import PAGE, HostProcess, grant
from tests.upstreams.server import Routes, Server
from tests.upstreams.threaded import ThreadedServer

SILENT: Final = 200
_MANY: Final = 1000
_PER_DOCUMENT: Final = 250
_KIB: Final = 1024
_MIB: Final = 1 << 20


def at_rest(seconds: float) -> list[Row]:
    """Rows of one host; `seconds` is how long the silence is watched, under 45 (nobody answers its pings)."""
    routes = Routes()
    add_to(routes)
    with (
        descriptors(3 * _MANY),
        tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder,
        ThreadedServer(lambda: Server(routes)) as server,
    ):
        policy = grant(server.url("/"), more="limits = { requests_per_minute = 100000 }")
        with HostProcess(Path(folder), policy) as host:
            host.hello(knows=())  # builds before `knows` are measured too
            process = psutil.Process(host.process.pid)
            rest = process.memory_info().rss / _MIB
            # The first request imports and keeps what is no stream's.
            _open(host, server, range(1, 2))
            first = process.memory_info().rss
            _open(host, server, range(2, SILENT + 1))
            cpu_before, woken_before = _cpu_s(process.pid), _wakeups(process.pid)
            began = time.perf_counter()
            time.sleep(seconds)  # what is measured is that nothing happens
            took = time.perf_counter() - began
            cpu = 100 * (_cpu_s(process.pid) - cpu_before) / took
            woken = (_wakeups(process.pid) - woken_before) / took
            _open(host, server, range(SILENT + 1, _MANY + 1))
            each = (process.memory_info().rss - first) / (_MANY - 1) / _KIB
    return [
        Row("host at rest: memory", "MiB", [rest], "resident, after WELCOME"),
        Row("host at rest: after a stream's head", "MiB", [first / _MIB], "resident"),
        Row("host at rest: a quiet stream", "KiB", [each], f"of {_MANY}, with its socket"),
        Row(f"host at rest: CPU, {SILENT} silent streams", "% of a core", [cpu], f"in {took:.0f} s"),
        Row(f"host at rest: wake-ups, {SILENT} silent streams", "a second", [woken], "of all threads"),
    ]


def _open(host: HostProcess, server: ThreadedServer, numbers: range) -> None:
    """Open these streams, and wait for the head of each."""
    for number in numbers:
        document = number // _PER_DOCUMENT
        host.start(number, server.url("/quiet"), page=PAGE | {"frame": document, "document": f"d{document}"})
    for _ in numbers:
        message = host.expect("STREAM_HEADERS")
        assert message["status"] == 200


def _cpu_s(pid: int) -> float:
    return sum(int((task / "schedstat").read_text().split()[0]) for task in _tasks(pid)) / 1e9


def _wakeups(pid: int) -> int:
    """Voluntary context switches of all threads."""
    lines = [line for task in _tasks(pid) for line in (task / "status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches:"))


def _tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())
