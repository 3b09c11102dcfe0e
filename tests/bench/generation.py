"""What a generation adds to a token: the same answer of one server, by `longwire.fetch` and by `generate`, in turn.

Over the host's pipes, without a browser: from there to the page both go the same way.
"""

import tempfile
from pathlib import Path

from tests.bench.figures import Row
from tests.bench.pipes import Source, cpu_s, median_delay_ms
from tests.host_process import HostProcess, grant
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

_PROVIDER = """
generate = ["vendor"]
[[provider]]
name = "vendor"
kind = "openai-chat"
base_url = "{url}"
models = ["test-1"]
network = "loopback"
"""
_QUESTION = b'{"provider":"vendor","messages":[{"role":"user","content":"Why?"}]}'


def generation_costs(rounds: int, events: int) -> list[Row]:
    """Rows of `rounds` hosts, each with both streams; processor time is Linux's own count."""
    added: list[float] = []
    cpu: list[float] = []
    source = Source(events)
    with ThreadedServer(lambda: Server(source)) as server:
        policy = grant(server.url("/"), more=_PROVIDER.format(url=server.url("/v1")))
        for _ in range(rounds):
            with (
                tempfile.TemporaryDirectory(prefix="longwire-bench-") as folder,
                HostProcess(Path(folder), policy) as host,
            ):
                host.hello()
                # The first generation of a host imports what it needs.
                host.generate(1, _QUESTION)
                median_delay_ms(host, 1, source)
                before = cpu_s(host)
                host.start(2, server.url("/events"))
                plain = median_delay_ms(host, 2, source)
                between = cpu_s(host)
                host.generate(3, _QUESTION)
                generated = median_delay_ms(host, 3, source)
                added.append(generated - plain)
                cpu.append(((cpu_s(host) - between) - (between - before)) / events * 1e6)
    return [
        Row("host: a token of generate over fetch", "ms", added, "medians of rounds"),
        Row("host: a token of generate over fetch, work", "CPU us", cpu),
    ]
