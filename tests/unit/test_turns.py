"""After a bounded amount of work the loop goes round, whoever works; the pages take turns. By a clock of the test."""

from collections.abc import Hashable

import anyio
import anyio.lowlevel
import pytest

from longwire.turns import TURN_S, Turns

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
