"""What commands print is kept until a server refuses it, and run once for all who wait for it."""

import os
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from longwire.policy.secret_reader import SecretReader
from longwire.policy.secret_supply import FAILED_AGAIN_S, FORGET_AGAIN_S, SecretSupply
from longwire.policy.secrets import Secret, SecretSource, SecretUnavailable
from longwire.protocol.errors import StreamError
from tests.patience import PATIENCE_S


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Tool:
    """A program that prints another token each time it is run, and `runs` how often that was."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "tool"
        self.source = SecretSource.of_command("token", [str(self.path)], by_root=False)
        self.does("")

    def does(self, first: str) -> None:
        count = f"cd '{self.folder}'; echo run >>runs; printf 'lw-canary-token-%s' \"$(wc -l <runs | tr -d ' ')\""
        self.path.write_text(f"#!/bin/sh\n{first}\n{count}\n")
        self.path.chmod(0o700)

    @property
    def runs(self) -> int:
        runs = self.folder / "runs"
        return runs.read_text().count("run") if runs.exists() else 0


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def supply(clock: Clock) -> SecretSupply:
    return SecretSupply(SecretReader(), clock)


async def value(supply: SecretSupply, source: SecretSource) -> Secret:
    with anyio.fail_after(PATIENCE_S):
        return (await supply.read_all([source]))[source.name]


async def test_it_is_run_once_and_what_it_printed_is_kept(supply: SecretSupply, tool: Tool) -> None:
    values = [(await value(supply, tool.source)).reveal() for _ in range(5)]
    assert set(values) == {"lw-canary-token-1"}
    assert tool.runs == 1


async def test_a_refused_value_is_asked_for_anew_once_however_many_refuse_it(
    supply: SecretSupply, tool: Tool, clock: Clock
) -> None:
    old = await value(supply, tool.source)
    assert supply.forget(tool.source, old)
    new = await value(supply, tool.source)
    assert new.reveal() == "lw-canary-token-2"
    # Others that were sent with the old one are refused later.
    for _ in range(5):
        assert supply.forget(tool.source, old)
        assert await value(supply, tool.source) is new
    assert tool.runs == 2
    # And the new one is believed for a while.
    assert not supply.forget(tool.source, new)
    assert await value(supply, tool.source) is new
    clock.now_s += FORGET_AGAIN_S
    assert supply.forget(tool.source, new)
    assert (await value(supply, tool.source)).reveal() == "lw-canary-token-3"


async def test_what_no_command_printed_is_read_anew_in_any_case(supply: SecretSupply, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("lw-canary-file-1")
    key.chmod(0o600)
    source = SecretSource("key", "file", str(key))
    old = await value(supply, source)
    assert not supply.forget(source, old)
    key.write_text("lw-canary-file-2")
    assert (await value(supply, source)).reveal() == "lw-canary-file-2"


async def test_a_run_that_failed_is_not_repeated_for_two_seconds(
    supply: SecretSupply, tool: Tool, clock: Clock, tmp_path: Path
) -> None:
    tool.does(f"echo failed >>'{tmp_path}/failures'; exit 3")

    async def fails() -> int:
        with pytest.raises(SecretUnavailable, match="ended with exit code 3"):
            await value(supply, tool.source)
        return (tmp_path / "failures").read_text().count("failed")

    assert [await fails() for _ in range(5)] == [1] * 5
    clock.now_s += FAILED_AGAIN_S - 0.01
    assert await fails() == 1
    clock.now_s += 0.01
    assert await fails() == 2
    # It was mended, and is run again when its time has come.
    tool.does("")
    assert await fails() == 2
    clock.now_s += FAILED_AGAIN_S
    assert (await value(supply, tool.source)).reveal() == "lw-canary-token-1"


class Gate:
    """A pipe that a tool reads before it goes on."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "gate"
        os.mkfifo(self.path)

    @property
    def wait(self) -> str:
        return f"cat '{self.path}' >/dev/null"

    async def reached(self) -> Callable[[], None]:
        """When the tool waits. Returns what lets it go on."""
        with anyio.fail_after(PATIENCE_S):
            descriptor = await anyio.to_thread.run_sync(os.open, self.path, os.O_WRONLY)
        return lambda: os.close(descriptor)


async def test_who_waits_for_the_same_command_waits_for_one_run_and_holds_up_nobody_else(
    supply: SecretSupply, tool: Tool, tmp_path: Path
) -> None:
    gate = Gate(tmp_path)
    tool.does(gate.wait)
    key = tmp_path / "key"
    key.write_text("lw-canary-file-1")
    key.chmod(0o600)
    values: list[str] = []

    async def one() -> None:
        values.append((await value(supply, tool.source)).reveal())

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(one)
        let_go = await gate.reached()
        assert (await value(supply, SecretSource("key", "file", str(key)))).reveal() == "lw-canary-file-1"
        assert values == []
        let_go()
    assert values == ["lw-canary-token-1"] * 20
    assert tool.runs == 1


async def test_who_gives_up_takes_it_from_nobody(supply: SecretSupply, tool: Tool, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    tool.does(gate.wait)
    values: list[str] = []

    async def one() -> None:
        values.append((await value(supply, tool.source)).reveal())

    async with anyio.create_task_group() as tasks, anyio.create_task_group() as given_up:
        given_up.start_soon(one)
        let_go = await gate.reached()
        tasks.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        given_up.cancel_scope.cancel()
        let_go()
    assert values == ["lw-canary-token-1"]
    assert tool.runs == 1


async def test_the_end_of_the_process_ends_what_runs(supply: SecretSupply, tool: Tool, tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    tool.does(gate.wait)
    failed: list[StreamError] = []

    async def one() -> None:
        with pytest.raises(SecretUnavailable) as error:
            await value(supply, tool.source)
        failed.append(error.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        let_go = await gate.reached()
        supply.close()
    let_go()
    assert "ended with signal 9" in failed[0].text
    supply.close()  # and where nothing runs it does nothing
