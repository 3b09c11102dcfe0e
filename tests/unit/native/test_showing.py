"""The socket by which a host shows its streams: to whom, and when there is one."""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from longwire.daemon.address import Address
from longwire.daemon.lines import Hail, hail_line
from longwire.native.showing import WANTED_S, wanted
from longwire.native.watcher import serve_watcher


async def test_another_user_at_a_hosts_socket_gets_no_word(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    own = os.getuid()
    with ours, theirs:
        theirs.sendall(hail_line(Hail("1", 1, "admin")) + b'{"do": "streams"}\n')
        monkeypatch.setattr("os.getuid", lambda: own + 1)
        await serve_watcher(ours, lambda: [{"page": "https://p.example.com"}], anyio.Semaphore(1))
        answer = b""
        with suppress(ConnectionResetError):  # it was closed with the question in it
            answer = theirs.recv(1 << 16, socket.MSG_DONTWAIT)
        assert answer == b""


def test_nobody_is_shown_anything_unless_somebody_looks(tmp_path: Path) -> None:
    address = Address(tmp_path, "12345678")
    assert not wanted(address)
    address.watched.touch()
    assert wanted(address)
    then = time.time() - WANTED_S - 1
    os.utime(address.watched, (then, then))
    assert not wanted(address)
    address.watched.unlink()
    (tmp_path / "elsewhere").touch()
    address.watched.symlink_to(tmp_path / "elsewhere")
    assert not wanted(address)
