"""After a bounded amount of work the loop goes round, whoever works; the pages take turns. By a clock of the test."""

import threading
from collections.abc import Hashable

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from longwire.turns import TURN_S, Turns
from tests.patience import PATIENCE_S

STEP_S = TURN_S / 4


class Bench:
    """Turns by a clock that only work moves, and a list of who worked when."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.turns = Turns(lambda: self.now_s)
        self.done: list[Hashable] = []

    async def work(self, who: Hashable, steps: int, cost_s: float = STEP_S) -> None:
        """So many steps that have nothing to wait for."""
        for _ in range(steps):
            await self.turns.step(who)
            self.now_s += cost_s
            self.done.append(who)

    async def watch(self, rounds: int) -> list[int]:
        """What another task finds done each time the loop comes round to it."""
        seen = []
        for _ in range(rounds):
            before = len(self.done)
            await anyio.lowlevel.checkpoint()
            seen.append(len(self.done) - before)
        return seen


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_whoever_never_waits_gives_the_loop_back_after_a_turn(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.work, "busy", 1000)
        longest = max(await bench.watch(100))
        assert longest == 4  # what a turn holds
    assert len(bench.done) == 1000


async def test_however_many_work_a_round_holds_one_turn(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(bench.work, number % 3, 20)
        # The turn that was on and the one of whoever waited longest may meet in one round.
        assert max(await bench.watch(500)) <= 8
    assert len(bench.done) == 2000


async def test_a_step_that_is_dear_is_followed_by_a_round(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.work, "busy", 50, 10 * TURN_S)
        assert max(await bench.watch(50)) == 1


async def test_another_page_comes_after_one_turn_however_many_streams_work(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(200):
            tasks.start_soon(bench.work, "hostile", 50)
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        for _ in range(20):
            before = len(bench.done)
            await bench.work("quiet", 1)
            assert len(bench.done) - before <= 1 + 3 * 4
        tasks.cancel_scope.cancel()


async def test_the_streams_of_a_page_have_about_as_many_steps_as_each_other(bench: Bench) -> None:
    async def work(number: int) -> None:
        while True:
            await bench.turns.step("page")
            bench.now_s += STEP_S
            bench.done.append(number)
            if number % 2:
                await anyio.lowlevel.checkpoint()  # comes to its next step in a round of its own

    async with anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(work, number)
        await bench.watch(400)
        tasks.cancel_scope.cancel()
    steps = [bench.done.count(number) for number in range(50)]
    assert min(steps) > 10 and max(steps) <= 1.25 * min(steps)


async def test_a_round_lets_in_as_many_as_it_has_time_for(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(bench.work, "page", 20)
        seen = await bench.watch(100)
        tasks.cancel_scope.cancel()
    assert sum(seen) >= 3 * 100


async def test_a_page_whose_turn_had_no_time_left_is_first_in_the_next_round(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(bench.work, "dear", 100, 2 * TURN_S)
            tasks.start_soon(bench.work, "cheap", 100)
        await bench.watch(60)
        tasks.cancel_scope.cancel()
    assert abs(bench.done.count("dear") - bench.done.count("cheap")) <= 4 * 60 / 2
    assert bench.done.count("dear") >= 20 and bench.done.count("cheap") >= 20


async def test_steps_within_a_turn_cost_no_round(bench: Bench) -> None:
    went_round = False

    async def note() -> None:
        nonlocal went_round
        went_round = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(note)
        await bench.work("quiet", 4)
        assert not went_round


async def test_who_waits_and_is_cancelled_stands_in_nobodys_way(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.work, "busy", 100)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await bench.work("given up", 100)
        assert bench.done.count("given up") < 100
    assert bench.done.count("busy") == 100


async def test_who_never_waits_otherwise_can_be_cancelled(bench: Bench) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.work, "busy", 100_000)
        await bench.watch(10)
        tasks.cancel_scope.cancel()
    assert len(bench.done) < 1000


class LongWork:
    """Work for a thread, over when the test lets it be. `most` is how many threads were at it at once."""

    def __init__(self) -> None:
        self.begun, self.over = threading.Semaphore(0), threading.Event()
        self.most = self._now = self.done = 0
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.begun.release()
        assert self.over.wait(PATIENCE_S)
        with self._lock:
            self._now -= 1
            self.done += 1

    async def wait_begun(self) -> None:
        """Until one more has begun."""
        await anyio.to_thread.run_sync(self.begun.acquire)


async def test_long_work_of_a_page_has_one_thread_and_another_page_does_not_wait_for_it() -> None:
    turns, one, other = Turns(), LongWork(), LongWork()
    other.over.set()
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(turns.aside, "page", one)
        await one.wait_begun()
        await turns.aside("other page", other)
        assert (one.done, other.done) == (0, 1)
        one.over.set()
    assert (one.done, one.most) == (5, 1)


async def test_cancelled_long_work_is_waited_for_once_it_has_begun_and_not_before() -> None:
    turns, begun, queued = Turns(), LongWork(), LongWork()
    over: list[str] = []

    async def work(name: str, work: LongWork, scope: anyio.CancelScope) -> None:
        with scope:
            await turns.aside("page", work)
        over.append(name)

    with anyio.fail_after(PATIENCE_S):
        async with anyio.create_task_group() as tasks:
            scopes = [anyio.CancelScope(), anyio.CancelScope()]
            tasks.start_soon(work, "begun", begun, scopes[0])
            await begun.wait_begun()
            tasks.start_soon(work, "queued", queued, scopes[1])
            await anyio.wait_all_tasks_blocked()
            for scope in scopes:
                scope.cancel()
            await anyio.wait_all_tasks_blocked()
            assert over == ["queued"]
            begun.over.set()
    assert (over, begun.done, queued.done) == (["queued", "begun"], 1, 0)
