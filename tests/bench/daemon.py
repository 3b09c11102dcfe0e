"""What the daemon costs: a host that is a pipe to it beside one that does all by itself. Without a browser."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import orjson

from longwire.assets import extension_id
from longwire.protocol.frames import frame
from longwire.protocol.limits import PROTOCOL_VERSION
from tests.bench.figures import Row
from tests.bench.pipes import BLOCK, Source, median_delay_ms
from tests.daemons import daemon_home, durable_grant
from tests.host_process import ENTRY, HostProcess, environment, grant, write_policy
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

_HELLO = frame(orjson.dumps({"type": "HELLO", "protocol": PROTOCOL_VERSION, "extension": "0.0.0"}))


def daemon_costs(rounds: int, events: int, megabytes: int) -> list[Row]:
    """Rows of `rounds` pairs of hosts; the daemon runs all the time."""
    ways: list[dict[str, list[float]]] = [{"cpu": [], "wall": [], "delay": [], "rate": []} for _ in range(2)]
    source = Source(events)
    with ThreadedServer(lambda: Server(source)) as server, daemon_home() as piped, daemon_home() as alone:
        write_policy(piped, durable_grant(server.url("/")))
        write_policy(alone, grant(server.url("/")))
        with HostProcess(piped) as first:
            first.hello()
            for _ in range(rounds):
                for home, way in zip((piped, alone), ways, strict=True):
                    cpu_ms, wall_ms = start(home)
                    way["cpu"].append(cpu_ms)
                    way["wall"].append(wall_ms)
                    with HostProcess(home) as host:
                        host.hello()
                        host.start(1, server.url("/events"))
                        way["delay"].append(median_delay_ms(host, 1, source))
                        way["rate"].append(rate(host, 2, server, megabytes))
    through, itself = ways
    added = [here - there for here, there in zip(through["delay"], itself["delay"], strict=True)]
    faster = [there / here for here, there in zip(through["cpu"], itself["cpu"], strict=True)]
    slower = [here / there for here, there in zip(through["rate"], itself["rate"], strict=True)]
    return [
        Row("daemon: start of a pipe to WELCOME", "CPU ms", through["cpu"], "the daemon's own work left out"),
        Row("daemon: start, a host by itself / a pipe", "x", faster, "CPU time"),
        Row("daemon: start of a pipe to WELCOME, waited", "ms", through["wall"]),
        Row("daemon: an event, added", "ms", added, "medians of rounds"),
        Row("daemon: bytes, a pipe / a host by itself", "x", slower, f"{megabytes} MiB"),
    ]


def start(home: Path) -> tuple[float, float]:
    """Processor time of one host from its start to its end, and time from its start to WELCOME; milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    host = subprocess.Popen(
        [sys.executable, "-I", "-c", ENTRY, f"chrome-extension://{extension_id()}/"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=home,
        env=environment(home),
    )
    assert host.stdin is not None and host.stdout is not None
    host.stdin.write(_HELLO)
    host.stdin.flush()
    assert b"WELCOME" in os.read(host.stdout.fileno(), 65536)
    waited_ms = (time.perf_counter() - began) * 1e3
    host.stdin.close()
    host.wait()
    host.stdout.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3, waited_ms


def rate(host: HostProcess, stream_id: int, server: ThreadedServer, megabytes: int) -> float:
    """MB/s of one body that is read as fast as it comes."""
    size = megabytes * 16 * len(BLOCK)
    began = time.perf_counter()
    host.start(stream_id, server.url(f"/body?size={size}"))
    _, end = host.body(stream_id, lambda _: None)
    assert end["type"] == "STREAM_END"
    return size / (time.perf_counter() - began) / 1e6
