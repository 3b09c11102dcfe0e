"""What a quiet page notices of a hostile neighbour: delay of its events, and of its abort. No browser.

A real host over pipes, and every server in a process of its own. Targets: 99 in 100 events come within EVENT_TARGET_MS,
and an abort is confirmed within ABORT_TARGET_MS.
"""

import tempfile
from pathlib import Path

from tests.bench.figures import Row
from tests.e2e.measure import percentile
from tests.loop_watch import WatchedHost
from tests.threats import floods
from tests.upstreams.hostile import HostileServer

EVENT_TARGET_MS = 50.0
ABORT_TARGET_MS = 250.0
# How many streams the hostile page has open at a time.
STREAMS = (1, 200)


def neighbour_floods(pieces: int) -> tuple[list[Row], bool]:
    """All cases, and whether every target was met."""
    rows: list[Row] = []
    met = True
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
            late = percentile(seen.delays_ms, 99)
            good = late <= EVENT_TARGET_MS and seen.abort_ms <= ABORT_TARGET_MS
            met &= good
            note = f"99th percentile {late:.3g} ms, abort {seen.abort_ms:.3g} ms, longest run {longest_ms:.3g} ms"
            label = f"{name}, {streams} streams" if streams else name
            rows.append(Row(f"event beside {label}", "ms", seen.delays_ms, note if good else f"MISSED: {note}"))
    return rows, met
