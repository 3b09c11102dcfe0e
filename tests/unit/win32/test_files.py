"""Files that many have open: what they are opened with, and locks for one or many, which end with a descriptor."""

import os
import threading
from pathlib import Path

import pytest

from longwire.win32.api import SHARING_VIOLATION, CallFailed
from longwire.win32.files import lock_now, open_shared, read_at, wait_for_lock, write_at
from tests.patience import PATIENCE_S
from tests.unit.win32.made_up import MadeUpWindows

NO_LINKS = 0x00200000
READ, WRITE, DELETE = 1, 2, 4


def test_others_may_read_write_and_delete_it_and_no_link_is_followed(tmp_path: Path) -> None:
    windows = MadeUpWindows()
    path = str(tmp_path / "file")
    descriptor = open_shared(windows.api, path, os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"text\n")
    os.close(descriptor)
    descriptor = open_shared(windows.api, path, os.O_RDONLY)
    assert os.read(descriptor, 10) == b"text\n"
    os.close(descriptor)
    made, opened = windows.called("CreateFileW")
    for call in (made, opened):
        assert call[2] == READ | WRITE | DELETE and call[5] & NO_LINKS
    assert (made[1], made[4]) == (0xC0000000, 4), "made where it is missing"
    assert (opened[1], opened[4]) == (0x80000000, 3), "and else only opened"
    assert not windows.handles


def test_why_it_cannot_be_opened_is_told_as_python_does(tmp_path: Path) -> None:
    windows = MadeUpWindows()
    with pytest.raises(FileNotFoundError, match="none"):
        open_shared(windows.api, str(tmp_path / "none"), os.O_RDONLY)
    for code, kind in ((SHARING_VIOLATION, PermissionError), (5, PermissionError), (31, OSError)):
        windows.fails["CreateFileW"] = code
        with pytest.raises(kind, match=f"error {code} of Windows"):
            open_shared(windows.api, str(tmp_path / "none"), os.O_RDONLY)


def test_a_handle_without_a_descriptor_is_closed(tmp_path: Path) -> None:
    windows = MadeUpWindows()
    windows.fails["open_osfhandle"] = 0
    with pytest.raises(OSError, match="too many"):
        open_shared(windows.api, str(tmp_path / "file"), os.O_RDWR | os.O_CREAT)
    assert not windows.handles


def test_bytes_are_read_and_written_where_they_should_be(tmp_path: Path) -> None:
    descriptor = open_shared(MadeUpWindows().api, str(tmp_path / "file"), os.O_RDWR | os.O_CREAT)
    assert write_at(descriptor, memoryview(b"world"), 6) == 5
    assert write_at(descriptor, memoryview(b"hello "), 0) == 6
    assert (read_at(descriptor, 5, 6), read_at(descriptor, 99, 0), read_at(descriptor, 1, 11)) == (
        b"world",
        b"hello world",
        b"",
    )
    os.close(descriptor)


def test_a_lock_is_for_one_or_for_many(tmp_path: Path) -> None:
    api = MadeUpWindows().api
    one, two, three = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(3))
    assert lock_now(api, one, exclusive=False) and lock_now(api, two, exclusive=False)
    assert not lock_now(api, three, exclusive=True)
    os.close(one)
    assert not lock_now(api, three, exclusive=True)
    os.close(two)
    assert lock_now(api, three, exclusive=True)
    os.close(three)


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    windows = MadeUpWindows()
    one, two = (os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT) for _ in range(2))
    assert lock_now(windows.api, one, exclusive=True)
    had = threading.Event()

    def wait() -> None:
        # With a Windows of its own: the made up one does one thing at a time.
        wait_for_lock(MadeUpWindows().api, two)
        had.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert not had.is_set()
    os.close(one)
    waiting.join(PATIENCE_S)
    assert had.is_set()
    os.close(two)


def test_what_is_no_question_of_others_is_an_error(tmp_path: Path) -> None:
    windows = MadeUpWindows()
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    windows.fails["LockFileEx"] = 1
    with pytest.raises(CallFailed, match="LockFileEx failed with error 1"):
        lock_now(windows.api, descriptor, exclusive=True)
    with pytest.raises(CallFailed, match="LockFileEx failed with error 1"):
        wait_for_lock(windows.api, descriptor)
    os.close(descriptor)
