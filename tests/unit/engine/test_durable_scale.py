"""Many durable requests, and many comings and goings: nothing grows that should not."""

import gc
import logging
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from longwire.durable.open_files import MAX_OPEN_FILES
from tests.unit.engine.durable_bench import Feeds, eventually, policy, running_daemon

ORIGINS = [f"http://localhost:{port}" for port in range(5180, 5184)]
PAGES = ", ".join(f'"{origin}"' for origin in ORIGINS)
MIB = 1024 * 1024


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("each", [10, pytest.param(250, marks=pytest.mark.long)])
async def test_a_thousand_requests_live_beside_each_other(tmp_path: Path, feeds: Feeds, each: int) -> None:
    """250 of each of four origins, all of which are read, left, and read again to the end."""
    async with running_daemon(tmp_path, feeds, text=policy(feeds, pages=PAGES)) as daemon:
        before = descriptors()
        total = each * len(ORIGINS)
        async with anyio.create_task_group() as tasks:
            for origin in ORIGINS:

                async def asked(origin: str = origin) -> None:
                    async with daemon.tab(origin=origin) as tab:
                        readings = [tab.ask(f"{n}", url=feeds.url(f"/{origin[-4:]}/{n}")) for n in range(each)]
                        for reading in readings:
                            await reading.head()

                tasks.start_soon(asked)
            for number in range(total):
                (await feeds.feed(number)).send(b"first ")
        assert daemon.requests.running == total
        # Two for each upstream connection, for both of its ends are here.
        assert descriptors() - before <= 2 * total + MAX_OPEN_FILES + 20
        for feed in feeds.feeds:
            feed.send(feed.request.target.encode()).end()
        for origin in ORIGINS:
            async with daemon.tab(origin=origin) as tab:
                readings = [tab.ask(f"{n}", url=feeds.url(f"/{origin[-4:]}/{n}")) for n in range(each)]
                for number, reading in enumerate(readings):
                    assert (await reading.terminal())["type"] == "STREAM_END"
                    assert reading.body == f"first /{origin[-4:]}/{number}".encode()
                assert len(await tab.list()) == each
        assert len(feeds.requests) == total
        await daemon.turn(3_600_000)
        await eventually(lambda: daemon.requests.idle)
        assert [name for name in (tmp_path / "durable").iterdir() if name.suffix != ".lock"] == []


# A cycle that leaves its reader behind leaves some thousands of bytes.
WINDOWS, LEFT_BEHIND = 4, 500


@pytest.fixture
def unlogged() -> Iterator[None]:
    """pytest keeps each line of a test's log, where one before had it go to `logging`."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("unlogged")
@pytest.mark.parametrize("cycles", [200, pytest.param(10_000, marks=pytest.mark.long)])
async def test_attaching_and_detaching_leaves_nothing_behind(tmp_path: Path, feeds: Feeds, cycles: int) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        tab.ask()
        (await feeds.feed()).send(b"x" * 1000)

        async def cycle(count: int) -> None:
            for _ in range(count):
                reading = tab.ask()
                await reading.until(1000)
                await reading.detach()
                tab.channel.written.clear()
                tab.channel.bodies.clear()
                tab.channel.consumed.clear()

        await cycle(100)
        gc.collect()
        files, open_before = sorted((tmp_path / "durable").rglob("*")), descriptors()
        tracemalloc.start()
        grown = []
        for _ in range(WINDOWS):
            gc.collect()
            memory = tracemalloc.get_traced_memory()[0]
            await cycle(cycles // WINDOWS)
            gc.collect()
            grown.append(tracemalloc.get_traced_memory()[0] - memory)
        tracemalloc.stop()
        # What is left behind is left each time; what something else in this process makes meanwhile is not.
        assert min(grown) < LEFT_BEHIND * (cycles // WINDOWS), f"{grown} bytes after {cycles} cycles"
        assert descriptors() == open_before
        assert sorted((tmp_path / "durable").rglob("*")) == files
        assert [entry.readers for entry in daemon.requests.entries()] == [1]
    assert len(feeds.requests) == 1


@pytest.mark.parametrize("cycles", [30, pytest.param(1_000, marks=pytest.mark.long)])
async def test_claiming_and_forgetting_leaves_nothing_behind(tmp_path: Path, feeds: Feeds, cycles: int) -> None:
    async with running_daemon(tmp_path, feeds) as daemon, daemon.tab() as tab:
        await tab.list()
        open_before = descriptors()
        for number in range(cycles):
            reading = tab.ask(f"{number}")
            (await feeds.feed(number)).send(b"answer").end()
            await reading.terminal()
            await tab.desk(f"longwire:durable/{number}", "DELETE").terminal()
        assert daemon.requests.idle
        assert [name for name in (tmp_path / "durable").iterdir() if name.suffix != ".lock"] == []
        # The client's kept connection to the server, both ends.
        assert descriptors() - open_before <= 6


@pytest.mark.measures
@pytest.mark.long
async def test_a_large_response_through_the_spool(tmp_path: Path, feeds: Feeds) -> None:
    """Figures: a large body straight to an attached page, and again from the spool."""
    size = 64 * MIB
    text = policy(feeds).replace("64MiB", "512MiB")
    async with running_daemon(tmp_path, feeds, text=text) as daemon, daemon.tab() as tab:
        began = time.perf_counter()
        reading = tab.ask()
        feed = await feeds.feed()
        for _ in range(size // 65536):
            feed.send(b"x" * 65536)
        feed.end()
        assert (await reading.terminal())["bytes"] == size
        live_s = time.perf_counter() - began
        plain = tab.ask(None)
        began = time.perf_counter()
        feed = await feeds.feed(1)
        for _ in range(size // 65536):
            feed.send(b"x" * 65536)
        feed.end()
        assert (await plain.terminal())["bytes"] == size
        plain_s = time.perf_counter() - began
        began = time.perf_counter()
        again = tab.ask()
        await again.until(1)
        first_s = time.perf_counter() - began
        assert (await again.terminal())["bytes"] == size
        replay_s = time.perf_counter() - began
        mib = size / MIB
        print(
            f"\nlive {mib / live_s:.0f} MiB/s, without durable {mib / plain_s:.0f} MiB/s, "
            f"replay {mib / replay_s:.0f} MiB/s, attach to first byte {first_s * 1000:.1f} ms"
        )
        # Measured 1.0: server, channel and acknowledgements of this process are nearly all of either.
        assert live_s < 5 * plain_s
