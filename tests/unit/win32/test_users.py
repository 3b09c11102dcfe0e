"""Whose a process is: asked of the process's token, and nothing stays open whatever fails."""

import pytest

from longwire.win32.api import CallFailed
from longwire.win32.users import own_user, user_of
from tests.unit.win32.made_up import ME, OTHER, MadeUpWindows


def test_own_and_other_processes_are_told_apart() -> None:
    windows = MadeUpWindows()
    assert own_user(windows.api) == ME
    assert user_of(windows.api, 100) == ME and user_of(windows.api, 200) == OTHER
    assert not windows.handles and not windows.memory


@pytest.mark.parametrize("name", ["OpenProcess", "OpenProcessToken", "GetTokenInformation", "ConvertSidToStringSidW"])
def test_whatever_fails_leaves_nothing_open(name: str) -> None:
    windows = MadeUpWindows()
    windows.fails[name] = 5
    with pytest.raises(CallFailed, match=f"{name} failed with error 5"):
        user_of(windows.api, 200)
    assert not windows.handles and not windows.memory


def test_a_process_that_is_gone_is_an_error() -> None:
    windows = MadeUpWindows()
    with pytest.raises(CallFailed, match="OpenProcess"):
        user_of(windows.api, 300)
