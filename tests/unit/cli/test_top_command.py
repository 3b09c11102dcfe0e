"""`longwire top` with real hosts and a real daemon, on a real console."""

import fcntl
import json
import os
import pty
import re
import select
import stat
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longwire.console.top_screen import Rates, rows_of, screen
from longwire.daemon.watching import Watching
from longwire.policy.needles import secret_forms
from tests.daemons import address_in, daemon_home, durable_host
from tests.host_process import PAGE, HostProcess, environment, grant
from tests.patience import PATIENCE_S
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

PLANTED = "planted-key-in-a-query"
INJECTED = "planted-secret-of-the-policy"
COMMAND = [sys.executable, "-m", "longwire.cli.main", "top"]


async def _endless(request: Request) -> None:
    await request.connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
    await request.connection.send(b"5\r\nhello\r\n")
    await request.connection.wait_gone()


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with ThreadedServer(lambda: Server(_endless)) as server:
        yield server.server.url("/")


@pytest.fixture
def home() -> Iterator[Path]:
    """Short enough for sockets below it."""
    with daemon_home() as folder:
        yield folder


@contextmanager
def streaming(home: Path, url: str) -> Iterator[HostProcess]:
    """A host with one stream of a page and one of a private window, both with a secret that it injects."""
    secret = home / "secret"
    secret.write_text(INJECTED)
    secret.chmod(0o600)
    lines = 'private_windows = true\ninject = { X-Key = "{secret:planted}" }\n[secret.planted]\n'
    with HostProcess(home, grant(url, more=f'{lines}file = "{secret}"\n')) as host:
        host.hello()
        host.start(1, f"{url}v1?key={PLANTED}")
        host.expect("STREAM_CHUNK")
        host.start(2, f"{url}private", page=PAGE | {"private": True, "document": "p"})
        host.expect("STREAM_CHUNK")
        yield host


def run(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*COMMAND, *arguments], env=environment(home), capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    _holds_no_secret(done.stdout)
    return done


def _holds_no_secret(shown: str) -> None:
    for secret in (PLANTED, INJECTED):
        assert not any(form.decode("latin-1") in shown for form in secret_forms(secret.encode()))


def test_it_shows_every_host_and_of_private_windows_that_there_is_one(home: Path, upstream: str) -> None:
    with streaming(home, upstream) as one, streaming(home, upstream) as other:
        told: dict[str, Any] = json.loads(run_json(home))
        assert {each["pid"] for each in told["processes"]} == {one.process.pid, other.process.pid}
        assert [each["page"] for each in told["streams"]].count(PAGE["origin"]) == 2
        open_, private = (
            next(each for each in told["streams"] if (each["page"] == PAGE["origin"]) is there)
            for there in (True, False)
        )
        assert (open_["destination"], open_["grant"], open_["state"]) == (f"{upstream}v1", "test", "body")
        assert (open_["down"], open_["up"], open_["waits_for"]) == (5, 0, "upstream")
        assert (private["page"], private["destination"]) == ("(private window)", "(private window)")
        assert PLANTED not in json.dumps(told) and "/private" not in json.dumps(told)
        folder = address_in(home).folder
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.lstat().st_mode) for path in folder.iterdir()} == {0o600}


def run_json(home: Path) -> str:
    return run(home, "--once", "--json").stdout


def test_a_daemon_tells_of_its_connections(home: Path, upstream: str) -> None:
    with durable_host(home, upstream) as host:
        host.hello()
        host.start(1, f"{upstream}v1")
        host.expect("STREAM_CHUNK")
        told = json.loads(run_json(home))
        assert [each["kind"] for each in told["processes"]] == ["daemon"]
        assert [each["destination"] for each in told["streams"]] == [f"{upstream}v1"]


def test_what_a_killed_host_left_is_taken_away_and_one_that_nobody_watches_offers_nothing(
    home: Path, upstream: str
) -> None:
    with streaming(home, upstream) as host:
        address = address_in(home)
        assert not address.folder.exists()
        run_json(home)
        assert len(address.shown()) == 1
        os.utime(address.watched, (1, 1))  # whoever watched is gone
        _until(lambda: address.shown() == [])
        run_json(home)
        host.process.kill()
        host.process.wait()
    assert len(address.shown()) == 1
    assert Watching(address).look() == []
    assert address.shown() == []


def _until(true: Any) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_a_stranger_at_the_socket_is_told_nothing(home: Path, upstream: str) -> None:
    import socket

    with streaming(home, upstream):
        run_json(home)
        (path,) = address_in(home).shown()
        for said in (b'{"longwire": "x", "protocol": 1, "as": "host"}\n', b"GET / HTTP/1.1\r\n\r\n", b"x" * 9000):
            with socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(PATIENCE_S)
                asking.connect(str(path))
                asking.sendall(said)
                answer = asking.recv(65536)
                assert b"page" not in answer and b"streams" not in answer
        assert json.loads(run_json(home))["streams"]


@pytest.mark.parametrize("end", ["q", "\x03"])
def test_on_a_console_of_80_columns_it_draws_and_ends_with_a_key(home: Path, upstream: str, end: str) -> None:
    with streaming(home, upstream):
        controller, console = pty.openpty()
        fcntl.ioctl(console, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        before = termios.tcgetattr(console)
        variables = environment(home) | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}
        process = subprocess.Popen(
            COMMAND, stdin=console, stdout=console, stderr=console, env=variables, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509  (nothing else makes it its console)
        )  # fmt: skip
        shown = ""
        ends_at = time.monotonic() + PATIENCE_S
        while shown.count("localhost") < 2 or "/s" not in shown.rpartition("waits for")[2]:
            assert time.monotonic() < ends_at, shown
            if select.select([controller], [], [], 1)[0]:
                shown += os.read(controller, 65536).decode()
        os.write(controller, end.encode())
        assert process.wait(PATIENCE_S) == 0
        while select.select([controller], [], [], 0)[0]:
            shown += os.read(controller, 65536).decode()
        after = termios.tcgetattr(console)
        os.close(console)
        os.close(controller)
    print(shown)
    assert after == before and "\x1b[?1049l" in shown  # the console is as it was
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.replace("\x1b[K", "\n"))
    assert max(map(len, plain.splitlines())) <= 80
    _holds_no_secret(shown)


def test_without_a_console_it_is_one_look_without_colour(home: Path, upstream: str) -> None:
    with streaming(home, upstream):
        out = run(home).stdout
    print(out)
    assert "\x1b" not in out and f"GET {upstream}v1" in out and "upstream" in out


def test_who_has_read_enough_of_it_ends_it_without_a_word(home: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "--json"], env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["streams"] == []
        process.stdout.close()
        process.stdout = None
        assert process.communicate(timeout=PATIENCE_S)[1] == ""


def test_what_is_added_up_of_such_streams_has_no_secret_either(home: Path, upstream: str) -> None:
    with streaming(home, upstream) as host:
        host.send(type="STREAM_ABORT", id=1, reason="signal")
        host.expect("STREAM_ABORTED")
    for arguments in (["--json", "--by", "destination"], ["--prometheus", "--by", "page"], ["--by", "grant"]):
        done = subprocess.run(
            [*COMMAND[:-1], "stats", *arguments], env=environment(home), capture_output=True, text=True, check=True
        )
        assert done.stdout
        _holds_no_secret(done.stdout)
    written = (home / "state" / "longwire").glob("host-*.jsonl")
    text = "".join(path.read_text() for path in written)
    assert '"abort"' in text
    _holds_no_secret(text)
    with pytest.raises(AssertionError):
        _holds_no_secret(f"one that was let through: {INJECTED}")


def stream(**fields: Any) -> dict[str, Any]:
    usual = {"stream": 1, "page": "https://p.example.com", "method": "GET", "destination": "https://d.example.com/"}
    return {
        **usual,
        "state": "body",
        "waits_for": "upstream",
        "down": 0,
        "up": 0,
        "age_ms": 1000,
        "grant": "g",
    } | fields


def test_who_holds_a_stream_back_is_said_only_where_nothing_flows() -> None:
    rates = Rates()
    rows_of([(1, "host", [stream(), stream(stream=2)])], rates, 0)
    first, second = rows_of([(1, "host", [stream(down=500), stream(stream=2, waits_for="page")])], rates, 0.5)
    assert (first["down_per_s"], first["waits_for"]) == (1000, None)
    assert (second["down_per_s"], second["waits_for"]) == (0, "page")


def test_a_screen_has_no_more_lines_than_its_height_and_obeys_no_text() -> None:
    streams = [stream(stream=number, destination="https://x/\x1b[2J" + "y" * 200) for number in range(50)]
    rows = rows_of([(1, "host", streams)], Rates(), 0)
    lines = screen(rows, 1, 80, 24)
    assert len(lines) <= 24 and max(len(line.plain) for line in lines) <= 80
    assert "and 40 more" in lines[-1].plain
    assert not any("\x1b" in line.plain for line in lines)


def test_q_is_a_key_on_windows_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from longwire.cli.top_command import _pressed_on_windows

    typed = list("xyQ")
    console = SimpleNamespace(kbhit=lambda: bool(typed), getwch=lambda: typed.pop(0))
    monkeypatch.setitem(sys.modules, "msvcrt", console)
    assert _pressed_on_windows(PATIENCE_S)
    typed += "xy"
    assert not _pressed_on_windows(0.01) and not typed
