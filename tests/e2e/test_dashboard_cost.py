"""What the dashboard costs streams, closed and open, and how smoothly it scrolls: printed at the end of the run."""

import asyncio
import re
import shutil
import statistics
import time
from collections import defaultdict
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, Playwright, expect

from longwire.assets import extension_folder
from tests.bench.processes import cpu_seconds
from tests.bench.turns import in_turn
from tests.e2e.browser import Browser, running_browser, stop_worker
from tests.e2e.conftest import Upstream
from tests.e2e.dashboard import DASHBOARD_URL, look_at, open_dashboard
from tests.e2e.popup import ORIGIN, Attached
from tests.e2e.scripts import script
from tests.printed import say
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.threaded import ThreadedServer

pytestmark = pytest.mark.measures

EVENT = b'data: {"type":"text","data":"word ","at":%d}\n\n'
STREAMS = 10_000
EVENTS_PER_SECOND = 10_000
TICK_S = 0.01
WINDOW_S = 1.5
ROUNDS = 3
# A view that has just been opened is shown what may come at once, and its page is being read.
SETTLED_S = 2.5
# Each with a browser of its own.
BUILD_ROUNDS = 9
# The share of its rate that a stream keeps while the dashboard is open is to be 0.9 and more, and is printed. By the
# clock it is also what else the machine does; by processor time it is what a megabyte costs all who carry or show it,
# which is the rate where they have all cores to themselves. On one quiet machine four runs gave 0.81 to 1.08 by that:
# less than this is a fault, and not the machine.
LEAST_SHARE = 0.6
# Processor time of the page's own thread for a frame, in milliseconds: 60 of them in a second leave it some to spare.
FRAME_MS = 12
# Of the table, 300 rows a second: nobody reads them, and a finger on a wheel goes no faster.
SCROLL_PX = 150


async def flood(request: Request) -> None:
    """Events without end, as fast as they are taken."""
    await request.body()
    await request.connection.send(
        bodies.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
    )
    number = 0
    while True:
        events = b"".join(EVENT % each for each in range(number, number + 500))
        number += 500
        await request.connection.send(bodies.chunk(events))


async def steady(request: Request) -> None:
    """`?seconds=…`: `EVENTS_PER_SECOND`, a hundredth of a second's at a time."""
    await request.body()
    await request.connection.send(
        bodies.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
    )
    count = int(EVENTS_PER_SECOND * TICK_S)
    started = time.monotonic()
    for tick in range(int(float(request.query["seconds"]) / TICK_S)):
        await asyncio.sleep(max(0.0, started + tick * TICK_S - time.monotonic()))
        await request.connection.send(bodies.chunk(b"".join(EVENT % (tick * count + each) for each in range(count))))
    await request.connection.send(b"0\r\n\r\n")


def rate(page: Page) -> float:
    """MB/s of the page's download, over `WINDOW_S`."""
    now = "() => [window.downloaded, performance.now()]"
    before, began = page.evaluate(now)
    page.wait_for_timeout(1000 * WINDOW_S)
    after, ended = page.evaluate(now)
    return float((after - before) / 1000 / (ended - began))


def cost(browser: Browser) -> float:
    """Processor time of the browser with its host, and of this process, which is the server."""
    return sum(cpu_seconds(browser).values()) + time.process_time()


@pytest.mark.parametrize("target", ["/flood", pytest.param("/endless", marks=pytest.mark.long)])
def test_a_stream_keeps_its_rate_while_the_dashboard_is_open(
    browser: Browser, page: Page, upstream: Upstream, target: str
) -> None:
    upstream.app.routes.add("/flood", flood)
    dashboard = open_dashboard(browser)
    page.evaluate(script("download_all.js"), upstream.url(target))
    rates: dict[str, list[float]] = defaultdict(list)
    costs: dict[str, list[float]] = defaultdict(list)
    for number in range(ROUNDS):
        for state in in_turn(("closed", "table", "detail"), number):
            dashboard.goto("about:blank" if state == "closed" else DASHBOARD_URL)
            if state != "closed":
                expect(dashboard.locator("#summary")).to_contain_text("1 live")
            if state == "detail":
                look_at(dashboard, f"{target} state:open")
            page.wait_for_timeout(1000 * SETTLED_S)
            before = cost(browser)
            rates[state].append(rate(page))
            costs[state].append((cost(browser) - before) / rates[state][-1])

    def shares(closed: list[float], opened: list[float]) -> float:
        return statistics.median(there / here for here, there in zip(closed, opened, strict=True))

    closed = statistics.median(rates["closed"])
    clock = {state: shares(rates["closed"], rates[state]) for state in ("table", "detail")}
    processor = {state: shares(costs[state], costs["closed"]) for state in ("table", "detail")}
    say(
        f"dashboard beside {target[1:]}: closed {closed:.1f} MB/s; with the table open {clock['table']:.2f} of it "
        f"(by processor time {processor['table']:.2f}), with the stream's own view {clock['detail']:.2f} "
        f"(by processor time {processor['detail']:.2f})"
    )
    assert min(processor.values()) >= LEAST_SHARE


def thread_seconds(session: CDPSession) -> float:
    """Processor time that the page's own thread has taken since `Performance.enable`."""
    metrics = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["ThreadTime"])


def without_history(folder: Path) -> Path:
    """The built extension, but nothing in it keeps a history."""
    copy = Path(shutil.copytree(extension_folder(), folder / "without"))
    worker = copy / "worker.js"
    text, count = re.subn(r"(\[denials, liveStreams[^\]]*?), history\d*", r"\1", worker.read_text())
    assert count == 1
    worker.write_text(text)
    return copy


@pytest.mark.long
def test_a_history_that_nobody_looks_at_costs_no_more_than_a_build_differs_from_itself(
    playwright: Playwright, upstream: Upstream, site: ThreadedServer, tmp_path: Path
) -> None:
    upstream.app.routes.add("/flood", flood)
    rates: dict[str, list[float]] = defaultdict(list)
    builds = {"with": extension_folder(), "again": extension_folder(), "without": without_history(tmp_path)}
    for number in range(BUILD_ROUNDS):
        for name in in_turn(tuple(builds), number):
            with running_browser(playwright, tmp_path / f"{name}{number}", extension=builds[name]) as browser:
                browser.grant(upstream.root)
                page = browser.open(site.url("/"))
                page.evaluate(script("download_all.js"), upstream.url("/flood"))
                page.wait_for_function("downloaded > 0")
                rates[name].append(rate(page))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    ratio = medians["with"] / medians["without"]
    spread = max(max(a, b) / min(a, b) for a, b in zip(rates["with"], rates["again"], strict=True))
    say(
        f"history that nobody looks at: {medians['with']:.1f} MB/s of events, {ratio:.2f} of a build without; "
        f"a build against itself differs by {spread:.2f}"
    )
    assert ratio >= LEAST_SHARE / spread


def test_ten_thousand_streams_and_as_many_events_a_second_scroll_smoothly(
    browser: Browser, page: Page, upstream: Upstream
) -> None:
    upstream.app.routes.add("/steady", steady)
    blank = browser.open(f"{ORIGIN}/manifest.json")
    blank.evaluate(script("plant_streams.js"), {"count": STREAMS, "piece": 128})
    stop_worker(browser)
    page.evaluate(script("download_all.js"), upstream.url("/steady?seconds=60"))
    page.wait_for_function("downloaded > 0")
    dashboard = open_dashboard(browser)
    expect(dashboard.locator("#grid")).to_have_attribute("aria-rowcount", re.compile(r"^1\d{4}$"))
    dashboard.locator("#filter").fill("")
    session = dashboard.context.new_cdp_session(dashboard)
    session.send("Performance.enable")
    for name in ("scroller", "log-scroller"):
        if name != "scroller":
            look_at(dashboard, "/steady state:open")
            dashboard.wait_for_timeout(2_000)
        before = thread_seconds(session)
        frames = dashboard.evaluate(
            script("scroll_by_frames.js"), {"id": name, "pixels": SCROLL_PX, "milliseconds": 4_000}
        )
        each = 1000 * (thread_seconds(session) - before) / len(frames)
        median, late = frames[len(frames) // 2], frames[int(len(frames) * 0.95)]
        what = f"{STREAMS:,} ended streams" if name == "scroller" else f"{EVENTS_PER_SECOND:,} events/s"
        say(
            f"scrolling {what}, {SCROLL_PX} px a frame: {len(frames) / 4:.0f} frames/s, median {median:.1f} ms, "
            f"95th percentile {late:.1f} ms, longest {frames[-1]:.0f} ms; {each:.1f} ms of processor time a frame"
        )
        assert each <= FRAME_MS
    rows = dashboard.locator(".log-row").count()
    assert rows < 100


def heap(dashboard: Page) -> float:
    """MiB of its JavaScript that are in use, after a collection."""
    session = dashboard.context.new_cdp_session(dashboard)
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return float(used) / (1 << 20)


# What a view may hold beyond what it held after a tenth: its ring is full by then.
HEAP_SLACK_MIB = 12


@pytest.mark.parametrize(
    ("floor", "events"), [(50_000, 100_000), pytest.param(100_000, 1_000_000, marks=pytest.mark.long)]
)
def test_the_heap_stays_flat_over_events(
    browser: Browser, page: Page, upstream: Upstream, floor: int, events: int
) -> None:
    upstream.app.routes.add("/steady", steady)
    dashboard = open_dashboard(browser)
    page.evaluate(script("download_all.js"), upstream.url(f"/steady?seconds={2 * events / EVENTS_PER_SECOND}"))
    page.wait_for_function("downloaded > 0")
    look_at(dashboard, "/steady state:open")
    seen = "(count) => Number.parseInt(document.getElementById('log-count').textContent) >= count"
    dashboard.wait_for_function(seen, arg=floor, polling=500)
    before = heap(dashboard)
    dashboard.wait_for_function(seen, arg=events, polling=500, timeout=1000 * 600)
    after = heap(dashboard)
    say(f"dashboard's heap: {before:.1f} MiB after {floor:,} events, {after:.1f} MiB after {events:,}")
    assert after <= before + HEAP_SLACK_MIB


def worker_heap(browser: Browser) -> float:
    """MiB that the extension's worker has in use, its buffers among them, after a collection."""
    assert browser.context.browser is not None
    session = browser.context.browser.new_browser_cdp_session()
    (worker,) = (
        target["targetId"]
        for target in session.send("Target.getTargets")["targetInfos"]
        if target["type"] == "service_worker" and target["url"].startswith(ORIGIN)
    )
    attached = Attached(session, worker)
    attached.call("HeapProfiler.collectGarbage")
    used = attached.call("Runtime.getHeapUsage")
    session.detach()
    return float(used["usedSize"] + used["backingStorageSize"]) / (1 << 20)


GIB = 1 << 30


@pytest.mark.long
@pytest.mark.parametrize("state", ["closed", "open"])
def test_the_heaps_stay_flat_over_a_gibibyte(browser: Browser, page: Page, upstream: Upstream, state: str) -> None:
    dashboard = open_dashboard(browser)
    page.evaluate(script("download_all.js"), upstream.url("/endless"))
    if state == "open":
        look_at(dashboard, "/endless state:open")
    else:
        dashboard.goto("about:blank")
    heaps: list[tuple[float, float]] = []
    for size in (GIB // 8, GIB):
        page.wait_for_function("(size) => downloaded >= size", arg=size, polling=100, timeout=1000 * 600)
        heaps.append((worker_heap(browser), heap(dashboard)))
    (worker_before, before), (worker_after, after) = heaps
    say(
        f"1 GiB beside a dashboard that is {state}: the worker's heap {worker_before:.1f} MiB after 128 MiB of it, "
        f"{worker_after:.1f} at its end; the dashboard's {before:.1f} and {after:.1f}"
    )
    assert worker_after <= worker_before + HEAP_SLACK_MIB
    assert after <= before + HEAP_SLACK_MIB
