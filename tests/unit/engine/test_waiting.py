"""What tasks wait for: made when one waits."""

import anyio
import anyio.lowlevel
import pytest

from longwire.engine.waiting import Once, Pulse

pytestmark = pytest.mark.anyio


async def test_a_pulse_lets_go_on_whoever_waits_for_it_then_and_nobody_who_comes_later() -> None:
    pulse, order = Pulse(), list[str]()

    async def waits(name: str) -> None:
        await pulse.wait()
        order.append(name)

    pulse.beat()  # nobody waits
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(waits, "one")
        tasks.start_soon(waits, "another")
        await anyio.wait_all_tasks_blocked()
        assert order == []
        pulse.beat()
        tasks.start_soon(waits, "late")
        await anyio.wait_all_tasks_blocked()
        assert sorted(order) == ["another", "one"]
        pulse.beat()
    assert order[2:] == ["late"]


async def test_what_happened_once_is_not_waited_for_and_before_that_by_any_number() -> None:
    once, order = Once(), list[int]()

    async def waits(number: int) -> None:
        await once.wait()
        order.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(waits, number)
        await anyio.wait_all_tasks_blocked()
        assert not once.happened and order == []
        once.happen()
        once.happen()
    assert once.happened and sorted(order) == [0, 1, 2]
    await once.wait()
