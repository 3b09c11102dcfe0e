"""Autobahn's cases (by `kosoku`, which runs their files) against the host: engine, policy, connection, no browser.

The page of these tests sends each message back. Sections 12 and 13 are about compression, which is not asked for;
section 9 is about large messages, which have tests of their own.
"""

from pathlib import Path

import anyio
from kosoku import FailureError, run_fuzzingserver

from longwire.streams.socket_parts import Kind, part
from tests.patience import PATIENCE_S
from tests.unit.engine.test_websocket import SocketBench, bench_for, policy

_NEWEST = "of the pings that wait the newest is answered, as RFC 6455 section 5.5.3 allows"
_AS_BROWSERS = "browsers take any close code of a server but 1005, 1006 and 1015, and pages see it"
SECTIONS = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
# What is not as the suite wants it, and why.
OTHERWISE = {
    "2.10": _NEWEST,
    "2.11": _NEWEST,
    **dict.fromkeys(("7.9.1", "7.9.2", "7.9.3", "7.9.6", "7.9.7", "7.9.8", "7.9.9"), _AS_BROWSERS),
}


async def echo(bench: SocketBench, number: int, path: str) -> None:
    """One case: until the socket is over, whole messages go back as they came."""
    bench.open(number, path)
    answered = 0

    def changed(_: object) -> bool:
        return len(bench.body(number)) > seen or bench.over(number)

    while not bench.over(number):
        seen = len(bench.body(number))
        whole = [each for each in bench.messages(number) if each[0] != Kind.CLOSE]
        for kind, data in whole[answered:]:
            await bench.send_within_credit(number, part(Kind(kind), data, last=True))
        answered = len(whole)
        bench.acknowledge(number)
        with anyio.fail_after(PATIENCE_S):
            await bench.channel.wait_for(changed)
    bench.forget(number)


async def test_the_host_passes_the_cases_but_for_those_that_are_meant_otherwise(tmp_path: Path) -> None:
    async with run_fuzzingserver(SECTIONS, port=0) as server:
        url = f"ws://127.0.0.1:{server.port}"
        text = policy(url, extra='limits = { message_bytes = "64MiB" }')
        async with bench_for(tmp_path, url, text) as bench:
            bench.open(1, "/getCaseCount")
            (_, count), *_ = await bench.wait_for_messages(1, 1)
            await bench.channel.terminal(1)
            for case in range(1, int(count) + 1):
                await echo(bench, case + 1, f"/runCase?case={case}&agent=longwire")
            bench.open(int(count) + 2, "/updateReports?agent=longwire")
            await bench.channel.terminal(int(count) + 2)
        try:
            results = await server.get_result()
        except FailureError as failure:
            results = failure.results
    failed = {result.case_id: (result.result, result.result_close) for result in results if not result.passed}
    print(f"{len(results)} cases, {len(failed)} not as the suite has it")
    assert len(results) == int(count)
    assert failed.keys() == {case for case in OTHERWISE if case in {result.case_id for result in results}}
