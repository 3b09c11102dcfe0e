"""Whether a process runs: one that has ended may keep its number, and one that we may not ask about runs."""

import pytest

from longwire.win32.processes import is_running
from tests.unit.win32.made_up import OTHER, MadeUpWindows


def test_one_that_runs_one_that_ended_and_one_that_is_none() -> None:
    windows = MadeUpWindows()
    assert is_running(windows.api, 200)
    windows.ended.add(200)
    assert not is_running(windows.api, 200)
    assert not is_running(windows.api, 300)
    assert not windows.handles


@pytest.mark.parametrize(("code", "runs"), [(5, True), (87, False)])
def test_one_that_is_not_to_be_asked_about_runs(code: int, runs: bool) -> None:
    windows = MadeUpWindows()
    windows.users[300] = OTHER
    windows.fails["OpenProcess"] = code
    assert is_running(windows.api, 300) is runs
