"""The host as a pipe: a real host process, and a daemon that the test plays, so that it can stand still or die."""

import hashlib
import json
import os
import random
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from longwire.assets import extension_id
from longwire.protocol.limits import EXIT_DEADLINE_MS
from tests.daemons import DURABLE, ScriptedDaemon, durable_grant
from tests.host_process import ENTRY, environment, grant, write_policy
from tests.patience import PATIENCE_S

# What kernel and host hold of bytes that nobody takes: two sockets' buffers, a pipe, one read.
MOST_HELD_BYTES = 1024 * 1024

TELLS_MODULES = """
import os, sys
end = os._exit
def told(code):
    print(*sys.modules, file=sys.stderr, flush=True)
    end(code)
os._exit = told
"""


class Piped:
    """A host between this test and a daemon that it plays."""

    def __init__(self, home: Path, prelude: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", prelude + ENTRY, f"chrome-extension://{extension_id()}/"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home,
            env=environment(home),
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.up = self.process.stdin.fileno()
        self.down = self.process.stdout.fileno()

    def end_input(self) -> float:
        """Returns when that was."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return time.monotonic()

    def ended(self) -> int:
        return self.process.wait(PATIENCE_S)

    def stderr(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[ScriptedDaemon]:
    write_policy(tmp_path, durable_grant())
    with ScriptedDaemon(tmp_path) as scripted:
        yield scripted


@pytest.fixture
def host(tmp_path: Path, daemon: ScriptedDaemon) -> Iterator[Piped]:
    piped = Piped(tmp_path)
    yield piped
    piped.close()


def pieces(data: bytes, seed: int) -> Iterator[bytes]:
    """Any split, many of them small."""
    chance = random.Random(seed)
    at = 0
    while at < len(data):
        size = min(int(2 ** chance.uniform(0, 18)), len(data) - at)
        yield data[at : at + size]
        at += size


def read_all(descriptor: int, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        data = os.read(descriptor, 1 << 20)
        assert data, f"ended after {len(found)} of {size} bytes"
        found += data
    return bytes(found)


def fill(descriptor: int) -> int:
    """Write until there is no room for long; gives back how much went in."""
    os.set_blocking(descriptor, False)
    written = 0
    while select.select([], [descriptor], [], 1.0)[1]:
        written += os.write(descriptor, b"x" * 4096)
    os.set_blocking(descriptor, True)
    return written


def test_bytes_go_through_exactly_however_they_are_split_both_ways_at_once(daemon: ScriptedDaemon, host: Piped) -> None:
    upward, downward = random.Random(1).randbytes(3_000_000), random.Random(2).randbytes(3_000_000)
    connected = daemon.accept()

    def write_up() -> None:
        for piece in pieces(upward, 3):
            view = memoryview(piece)
            while view:
                view = view[os.write(host.up, view) :]

    def write_down() -> None:
        for piece in pieces(downward, 4):
            connected.sendall(piece)

    threads = [threading.Thread(target=each) for each in (write_up, write_down)]
    got: list[bytes] = []
    threads.append(threading.Thread(target=lambda: got.append(read_all(host.down, len(downward)))))
    for thread in threads:
        thread.start()
    received = read_all(connected.fileno(), len(upward))
    for thread in threads:
        thread.join(PATIENCE_S)
    assert hashlib.sha256(received).digest() == hashlib.sha256(upward).digest()
    assert hashlib.sha256(got[0]).digest() == hashlib.sha256(downward).digest()
    connected.close()


def test_a_browser_that_does_not_read_stops_the_daemon_and_loses_nothing(daemon: ScriptedDaemon, host: Piped) -> None:
    connected = daemon.accept()
    held = fill(connected.fileno())
    assert held < MOST_HELD_BYTES
    assert read_all(host.down, held) == b"x" * held
    connected.settimeout(PATIENCE_S)
    connected.sendall(b"and on")
    assert read_all(host.down, 6) == b"and on"
    connected.close()


def test_a_daemon_that_does_not_read_stops_the_browser_and_loses_nothing(daemon: ScriptedDaemon, host: Piped) -> None:
    connected = daemon.accept()
    held = fill(host.up)
    assert held < MOST_HELD_BYTES
    assert read_all(connected.fileno(), held) == b"x" * held
    connected.close()


@pytest.mark.parametrize("stuck", ["nothing", "the browser", "the daemon", "both"])
def test_it_ends_at_the_end_of_input_whoever_does_not_read(daemon: ScriptedDaemon, host: Piped, stuck: str) -> None:
    connected = daemon.accept()
    if stuck in ("the browser", "both"):
        fill(connected.fileno())
    if stuck in ("the daemon", "both"):
        fill(host.up)
    began = host.end_input()
    assert host.ended() == 0
    # Within the deadline on a machine with something to spare; one that does not see the end never ends.
    assert (time.monotonic() - began) * 1000 < 10 * EXIT_DEADLINE_MS
    connected.close()


def test_it_ends_in_order_when_the_daemon_does(daemon: ScriptedDaemon, host: Piped) -> None:
    connected = daemon.accept()
    connected.sendall(b"the last")
    connected.shutdown(socket.SHUT_WR)
    assert read_all(host.down, 8) == b"the last"
    assert host.ended() == 0
    assert host.stderr() == ""
    connected.close()


def test_a_daemon_that_dies_is_told_of_after_all_that_it_said(
    daemon: ScriptedDaemon, host: Piped, tmp_path: Path
) -> None:
    connected = daemon.accept()
    connected.sendall(b"y" * 100_000)
    connected.close()  # as the kernel does for who was killed
    assert read_all(host.down, 100_000) == b"y" * 100_000
    assert host.ended() == 1
    assert "the daemon is gone" in host.stderr()
    (log,) = (tmp_path / "state" / "longwire").glob("host-*.jsonl")
    line = json.loads(log.read_text())
    assert (line["event"], line["level"]) == ("ended", "error") and "the daemon is gone" in line["reason"]


def test_a_daemon_that_died_while_input_waited_for_it_is_told_of(daemon: ScriptedDaemon, host: Piped) -> None:
    connected = daemon.accept()
    fill(host.up)
    connected.close()
    assert host.ended() == 1
    assert "the daemon is gone" in host.stderr()


@pytest.mark.parametrize("gone", [True, False], ids=["the browser goes", "the browser waits"])
def test_a_daemon_that_says_nothing_keeps_no_host(daemon: ScriptedDaemon, tmp_path: Path, gone: bool) -> None:
    """It is stopped, say. With no browser there is no word to be said either."""
    host = Piped(tmp_path, "from longwire.native import starting; starting.REACH_S = 2.0\n" * (not gone))
    accepted, _ = daemon.listener.accept()
    if gone:
        began = host.end_input()
        assert host.ended() == 0
        assert (time.monotonic() - began) * 1000 < 10 * EXIT_DEADLINE_MS
    else:
        assert host.ended() == 1
        assert f"the daemon (process {os.getpid()}) does not answer" in host.stderr()
    accepted.close()
    host.close()


def test_what_is_no_daemon_is_told_of(daemon: ScriptedDaemon, tmp_path: Path) -> None:
    host = Piped(tmp_path, "from longwire.native import starting; starting.REACH_S = 0.0\n")
    accepted, _ = daemon.listener.accept()
    accepted.sendall(b"HTTP/1.1 400 Bad Request\r\n")
    assert host.ended() == 1
    assert "answers with not a line of JSON" in host.stderr()
    accepted.close()
    host.close()


def test_a_caller_that_is_no_browser_of_ours_gets_no_daemon(daemon: ScriptedDaemon, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-c", ENTRY, "https://evil.example/"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(tmp_path),
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2 and b"started by a browser" in done.stderr
    assert not select.select([daemon.listener], [], [], 0)[0]


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [
        (grant("http://127.0.0.1:1/"), False),
        (grant("http://127.0.0.1:1/", more="# durable"), False),
        (grant("http://127.0.0.1:1/", more=DURABLE), True),
        (grant("http://127.0.0.1:1/", more=DURABLE.replace("durable", r'"dur\u0061ble"')), True),
        (grant("http://127.0.0.1:1/", more=DURABLE) + "[[[", False),
        ("durable = 3", False),
        ("durable\xff", False),
        ("grant = 'durable'", False),
    ],
    ids=["none", "in a comment", "durable", "in escapes", "damaged", "no grant", "no UTF-8", "no list"],
)
def test_only_a_grant_that_says_durable_makes_it_a_pipe(tmp_path: Path, policy: str, wanted: bool) -> None:
    from longwire.native.decision import wants_daemon

    file = tmp_path / "policy.toml"
    file.write_bytes(policy.encode("latin-1"))
    assert wants_daemon((tmp_path / "none.toml", file)) is wanted


def test_a_pipe_imports_nothing_large(daemon: ScriptedDaemon, tmp_path: Path) -> None:
    host = Piped(tmp_path, TELLS_MODULES)
    connected = daemon.accept()
    host.end_input()
    assert host.ended() == 0
    modules = set(host.stderr().split())
    assert "longwire.native.pipe" in modules
    large = {"asyncio", "anyio", "pydantic", "structlog", "httpx2", "orjson", "subprocess", "ssl", "hashlib"}
    assert modules & large == set()
    assert not {
        each for each in modules if each.startswith(("longwire.engine", "longwire.policy", "longwire.upstream"))
    }
    connected.close()
    host.close()
