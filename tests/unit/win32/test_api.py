"""The functions of Windows: their types are its own, and whichever fails is one error that says which and why."""

import ctypes
import sys

import pytest

from longwire.win32.api import Api, CallFailed, Overlapped, SecurityAttributes, own_api
from longwire.win32.memory import MemoryCounters, working_set
from tests.unit.win32.made_up import MadeUpWindows


def test_structures_are_as_large_as_windows_has_them() -> None:
    assert ctypes.sizeof(ctypes.c_void_p) == 8
    assert ctypes.sizeof(SecurityAttributes) == 24 and SecurityAttributes.inherits.offset == 16
    assert ctypes.sizeof(Overlapped) == 32 and Overlapped.event.offset == 24
    assert ctypes.sizeof(MemoryCounters) == 72 and MemoryCounters.working_set.offset == 16


def test_every_function_has_its_types_before_it_is_called() -> None:
    windows = MadeUpWindows()
    functions = windows.api._functions.values()
    assert len(functions) > 20
    for function in functions:
        assert function.argtypes is not None and function.restype is not None, function.name


def test_what_fails_says_which_and_why() -> None:
    windows = MadeUpWindows()
    windows.fails["K32GetProcessMemoryInfo"] = 5
    with pytest.raises(CallFailed, match="K32GetProcessMemoryInfo failed with error 5 of Windows") as failed:
        working_set(windows.api)
    assert (failed.value.function, failed.value.code, failed.value.errno) == ("K32GetProcessMemoryInfo", 5, 13)
    del windows.fails["K32GetProcessMemoryInfo"]
    assert working_set(windows.api) == 12345678


def test_a_handle_that_is_none_is_a_failure_in_both_ways_in_which_windows_says_so() -> None:
    class Nothing:
        def __init__(self) -> None:
            self.gives: int | None = 0
            self.argtypes: list[object] = []
            self.restype: object = None

        def __call__(self, *_: object) -> int | None:
            return self.gives

    class Library:
        def __getattr__(self, name: str) -> Nothing:
            setattr(self, name, found := Nothing())
            return found

    kernel32 = Library()
    api = Api((kernel32, Library()), lambda: 8, lambda fd: fd, lambda handle, _: handle)
    for none in (None, ctypes.c_void_p(-1).value):
        kernel32.OpenProcess.gives = none
        with pytest.raises(CallFailed, match="OpenProcess failed with error 8"):
            api.open("OpenProcess")
    kernel32.OpenProcess.gives = 7
    assert api.open("OpenProcess") == 7


@pytest.mark.skipif(sys.platform == "win32", reason="there it has them")
def test_elsewhere_there_is_none() -> None:
    with pytest.raises(OSError, match="not Windows"):
        own_api()
