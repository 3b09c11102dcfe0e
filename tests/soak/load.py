"""The phases of a run: rounds of everything, long streams beside them, quiet, idle until all has ended, deaths."""

import asyncio
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from longwire.protocol.limits import MIB
from tests.soak.ledger import Ledger, outcome_of
from tests.soak.plan import IDLE_S, Plan
from tests.soak.sampling import Role, Sampler, is_alive
from tests.soak.servers import Servers
from tests.soak.tab import Report
from tests.soak.tasks import PATIENCE_S, RELEASED_WITHIN_S, Task, Tasks, perform

# What short streams leave behind for a moment: idle threads of the host (10 s), connections kept for a next request.
SETTLE_S: Final = 15.0
_REST_S: Final = 30.0
_EVENTS_S: Final = 15.0
_MAY_END: Final[tuple[Role, ...]] = ("host", "worker")

# `busy`: a round is running. `rest`: none is, and its remains have settled. `quiet`: one silent stream and nothing
# else. `idle`: no stream at all.
Mode: TypeAlias = Literal["busy", "rest", "quiet", "idle"]


@dataclass
class Phase:
    """A stretch of the run, in seconds since its start; for the picture."""

    name: str
    start: float
    end: float


class Load:
    """Runs once."""

    def __init__(self, plan: Plan, servers: Servers, ledger: Ledger, sampler: Sampler) -> None:
        self._plan = plan
        self._servers = servers
        self._ledger = ledger
        self._sampler = sampler
        self._tasks = Tasks(servers)
        self._random = random.Random(plan.total)
        self._mode: Mode = "busy"
        self._since = 0.0
        self._began = time.monotonic()
        self.phases: list[Phase] = []
        self.moments: list[tuple[float, str]] = []
        self.ends: list[dict[str, float]] = []
        # Long streams under way: the only ones at rest.
        self.streams = 0

    @property
    def now(self) -> float:
        """Seconds since the start of the run."""
        return time.monotonic() - self._began

    @property
    def mode(self) -> Mode:
        """What the processes have to do now."""
        settled = self.now >= self._since + SETTLE_S
        return self._mode if self._mode in {"busy", "idle"} or settled else "busy"

    async def run(self) -> None:
        """All of it."""
        plan = self._plan
        busy, long = self._servers.busy, self._servers.long
        await long.loaded()
        long.open(self._servers.page(busy))
        await busy.loaded()
        with self._phase("rounds"):
            await self._rounds(plan.opening)
        if plan.idles > 1:
            await self._idle()
        with self._phase("long streams"):
            await self._long_streams()
        if plan.idles > 0:
            await self._idle()
        self._enter("busy")
        with self._phase("deaths"):
            await self._dies("host", "HOST_LOST")
            await self._dies("worker", "BRIDGE_LOST")
            await self._round()
            await self._browser_dies()

    def _phase(self, name: str) -> "_PhaseBlock":
        return _PhaseBlock(self, name)

    def _enter(self, mode: Mode) -> None:
        self._mode = mode
        self._since = self.now

    def _moment(self, text: str) -> None:
        self.moments.append((self.now, text))

    async def _long_streams(self) -> None:
        plan, tab = self._plan, self._servers.long
        over = self.now + plan.long

        async def later(start: float, task: Task, end: str) -> None:
            await asyncio.sleep(start)
            self.streams += 1
            await perform(task, tab, self._servers, self._ledger)
            self.streams -= 1
            self._moment(end)

        rate = plan.download_bytes / plan.download
        rounds_s = plan.long - plan.quiet
        streams = [
            later(0, self._tasks.late(plan.late), "late first byte"),
            later(0, self._tasks.download(plan.download_bytes, "length", rate, "slow download"), "slow download ends"),
            later(0, self._tasks.events(int(rounds_s * 0.9), 1.0), "slow events end"),
            later(max(0.0, plan.long - plan.silent - 2), self._tasks.silent(plan.silent), "the silent stream speaks"),
        ]
        running = asyncio.gather(*streams)
        await self._rounds(rounds_s)
        self._enter("quiet")
        await asyncio.sleep(max(0.0, over - self.now))
        await running

    async def _rounds(self, seconds: float) -> None:
        over = self.now + seconds
        while True:
            self._enter("busy")
            await self._round()
            self._enter("rest")
            left = over - self.now
            # No round that would not end in time.
            if left < SETTLE_S + _REST_S + _EVENTS_S + 5:
                await asyncio.sleep(max(0.0, left))
                return
            await asyncio.sleep(SETTLE_S + _REST_S)

    async def _round(self) -> None:
        """Everything short once, side by side, then a reload in the middle of streams."""
        make, chance = self._tasks, self._random
        framings = ["length", "chunked", "close"]
        tasks = [
            make.events(int(_EVENTS_S * 20), 20),
            make.events(int(_EVENTS_S * 2), 2),
            *(make.download(chance.randrange(1, 6 * MIB), framing) for framing in framings),
            *(make.coded(coding, chance.randrange(1, 20_000)) for coding in ("gzip", "br", "zstd")),
            make.upload(chance.randrange(300_000, 4 * MIB), "stream"),
            make.upload(chance.randrange(1, 2 * MIB), "blob"),
            make.aborted_in_body(chance.randrange(1, 2 * MIB)),
            make.cancelled(chance.randrange(1, 2 * MIB)),
            make.aborted_before_headers(chance.randrange(50, 2000)),
            make.aborted_upload(16 * MIB, chance.randrange(200, 2000)),
            make.fault("length-cut", "UPSTREAM_TRUNCATED"),
            make.fault("length-reset", "UPSTREAM_RESET"),
            make.fault("chunked-bad", "UPSTREAM_PROTOCOL"),
        ]
        servers, ledger = self._servers, self._ledger
        await asyncio.gather(*(perform(task, servers.busy, servers, ledger) for task in tasks))
        await self._reload()

    async def _reload(self) -> None:
        streams = await self._under_way("reload")
        await self._servers.busy.reload()
        self._ledger.reloads += 1
        for task, report in streams:
            with suppress(asyncio.CancelledError):
                self._ledger.complain(f"{task.kind}: a stream ended before its page, with {outcome_of(await report)}")
            await self._must_be_released(task)

    async def _dies(self, role: Role, code: str) -> None:
        """Kill what runs in that role: every stream hears of it."""
        streams = await self._under_way(f"{role} killed")
        for process in self._sampler.alive(role):
            process.kill()
        for task, report in streams:
            try:
                result = await asyncio.wait_for(report, PATIENCE_S)
            except TimeoutError:
                self._ledger.complain(f"{task.kind}: the page never heard of it")
                continue
            self._ledger.enter(task.kind, result)
            if outcome_of(result) != code:
                self._ledger.complain(f"{task.kind}: ended with {result.get('error')}, not with {code}")
            await self._must_be_released(task)

    async def _browser_dies(self) -> None:
        """Kill the browser: its host ends by itself, and lets go of every server."""
        streams = await self._under_way("browser killed")
        hosts = self._sampler.alive("host")
        began = self.now
        self._sampler.root.kill()
        for task, _ in streams:
            await self._must_be_released(task)
        while any(map(is_alive, hosts)):
            if self.now > began + RELEASED_WITHIN_S:
                self._ledger.complain("browser killed: its host lives on")
                return
            await asyncio.sleep(0.05)
        self.ends.append({"host of a killed browser": self.now - began})

    async def _under_way(self, kind: str) -> list[tuple[Task, "asyncio.Future[Report]"]]:
        """A few streams without end, which have come to the server."""
        tasks = [self._tasks.endless(kind) for _ in range(3)]
        streams = [(task, self._servers.busy.begin(task.order)) for task in tasks]
        for task in tasks:
            if not await self._servers.upstream.opened(task.key, PATIENCE_S):
                self._ledger.complain(f"{kind} ({task.key}): the request never came")
        return streams

    async def _must_be_released(self, task: Task) -> None:
        if not await self._servers.upstream.released(task.key, RELEASED_WITHIN_S):
            self._ledger.complain(f"{task.kind} ({task.key}): the server's side was still open")

    async def _idle(self) -> None:
        with self._phase("idle"):
            self._enter("idle")
            began = self.now
            over = began + IDLE_S
            ended: dict[str, float] = {}
            while self.now < over:
                for role in _MAY_END:
                    if role not in ended and not self._sampler.alive(role):
                        ended[role] = self.now - began
                await asyncio.sleep(1)
            self.ends.append(ended)
            for role in _MAY_END:
                if role not in ended:
                    self._ledger.complain(f"idle: {role} had not ended after {IDLE_S:.0f} s without a stream")
            self._enter("busy")


class _PhaseBlock:
    """Notes a phase of `Load`."""

    def __init__(self, load: Load, name: str) -> None:
        self._load = load
        self._phase = Phase(name, load.now, load.now)

    def __enter__(self) -> None:
        self._load.phases.append(self._phase)

    def __exit__(self, *_: object) -> None:
        self._phase.end = self._load.now
