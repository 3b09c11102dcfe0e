"""What a quiet page notices of a hostile neighbour: delay of its events, and of its abort. No browser.

A real host over pipes, and every server in a process of its own.
"""

import tempfile
from pathlib import Path

from tests.bench.figures import Row
from tests.bench.targets import ABORT_BESIDE, EVENT_BESIDE
from tests.loop_watch import WatchedHost
from tests.threats import floods
from tests.upstreams.hostile import HostileServer

# How many streams the hostile page has open at a time.
STREAMS = (1, 200)


def neighbour_floods(pieces: int) -> list[Row]:
    """Two rows for each case."""
    rows: list[Row] = []
    with HostileServer() as hostile:
        cases = [(name, streams) for streams in STREAMS for name in (*floods.SERVERS, floods.STARTS_AND_ABORTS)]
        cases += [(name, 0) for name in floods.FRAMES]
        for name, streams in cases:
            with (
                tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder,
                WatchedHost(Path(folder), floods.policy(hostile)) as host,
            ):
                floods.warm(host, hostile)
                host.begin()
                seen = floods.run(host, hostile, name, streams=streams, pieces=pieces)
                host.stop()
                longest_ms = 1000 * host.longest_run_s()
            label = f"{name}, {streams} streams" if streams else name
            rows += [
                Row(f"event beside {label}", "ms", seen.delays_ms, f"longest run {longest_ms:.3g} ms", EVENT_BESIDE),
                Row(f"abort beside {label}", "ms", [seen.abort_ms], target=ABORT_BESIDE),
            ]
    return rows
