"""`longwire record` and `longwire replay`, as people and scripts run them, one after the other."""

import http.client
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from longwire.recording.reader import read_recording
from tests.host_process import environment, write_policy
from tests.patience import PATIENCE_S
from tests.unit.home import run_command
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

GRANT = """version = 1
[[grant]]
name = "all"
pages = ["longwire:terminal"]
destinations = ["{root}"]
methods = ["GET", "POST"]
network = "loopback"
inject = {{ X-Injected-Key = "{{secret:planted}}" }}
[secret.planted]
file = "{secret}"
"""
PLANTED = "planted-secret-of-the-policy"
OWN = "planted-key-of-my-own"


class Talker:
    """Says events, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> None:
        connection = request.connection
        self.asked.append(request)
        body = await request.body()
        await connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        own = (request.header("x-api-key") or "none").encode()
        for text in (b"data: 1\n\n", b"data: %s\n\n" % own, b"data: %s\n\n" % body, b"data: \x1b[31m\xe2\x82\xac\n\n"):
            await connection.send(b"%x\r\n%s\r\n" % (len(text), text))
        if request.path == "/endless":
            await connection.wait_gone()
        if request.path == "/cut":
            connection.writer.close()
        else:
            await connection.send(b"0\r\n\r\n")


@pytest.fixture
def talker(tmp_path: Path) -> Iterator[tuple[str, Talker]]:
    talker = Talker()
    secret = tmp_path / "secret"
    secret.write_text(PLANTED)
    secret.chmod(0o600)
    with ThreadedServer(lambda: Server(talker)) as server:
        write_policy(tmp_path, GRANT.format(root=server.server.url("/"), secret=secret))
        yield server.server.url("/").rstrip("/"), talker


def command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "longwire.cli.main", *arguments]


def run(home: Path, *arguments: str, stdin: str | None = None, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(home, *arguments), env=environment(home) | variables, input=stdin, capture_output=True, text=True,
        timeout=PATIENCE_S, check=False,
    )  # fmt: skip


@contextmanager
def replaying(home: Path, file: Path, *arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    process = subprocess.Popen(
        command(home, "replay", str(file), "--json", *arguments), env=environment(home), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield said(process.stdout)["origin"], process
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
        process.communicate()


def said(out: IO[str] | None) -> dict[str, Any]:
    assert out is not None
    line: dict[str, Any] = json.loads(out.readline())
    return line


def ask(origin: str, method: str, target: str, **fields: str) -> tuple[int, str | None, bytes]:
    """Status, type and body."""
    connection = http.client.HTTPConnection(origin.removeprefix("http://"), timeout=PATIENCE_S)
    try:
        connection.request(method, target, headers=fields)
        response = connection.getresponse()
        return response.status, response.headers["content-type"], response.read()
    finally:
        connection.close()


def test_what_was_recorded_is_replayed_to_the_byte(tmp_path: Path, talker: tuple[str, Talker]) -> None:
    url, server = talker
    file = tmp_path / "a.jsonl"
    arguments = ("record", f"{url}/v1?key={OWN}", "--out", str(file), "--header", "x-api-key", "--data", "@-")
    done = run(tmp_path, *arguments, stdin='{"api_key":"' + OWN + '"}', X_API_KEY=OWN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("data: 1\n\n")
    assert done.stdout.endswith("data: [31m€\n\n")
    (asked,) = server.asked
    assert asked.header("x-injected-key") == PLANTED
    assert asked.header("x-api-key") == OWN
    text = file.read_text()
    assert OWN in done.stdout
    assert OWN not in text
    assert PLANTED not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (stream,) = read_recording(file).streams
    body = b"".join(each.data for each in stream.down)
    stars = b"*" * len(OWN)
    assert body == b'data: 1\n\ndata: %s\n\ndata: {"api_key":"%s"}\n\ndata: \x1b[31m\xe2\x82\xac\n\n' % (stars, stars)
    with replaying(tmp_path, file, "--speed", "max") as (origin, process):
        assert ask(origin, "POST", "/v1") == (200, "text/event-stream", body)
        assert said(process.stdout)["stream"] == 1
        assert ask(origin, "GET", "/", Host="evil.example")[0] == 421


def test_what_a_grant_keeps_out_of_recordings_is_in_none(tmp_path: Path, talker: tuple[str, Talker]) -> None:
    url, _ = talker
    narrowed = GRANT.format(root=f"{url}/", secret=tmp_path / "secret")
    write_policy(tmp_path, narrowed.replace("network =", 'features = ["fetch"]\nnetwork =', 1))
    done = run(tmp_path, "record", f"{url}/v1", "--out", str(tmp_path / "a.jsonl"))
    assert (done.returncode, done.stdout) == (1, "")
    assert '"record" would have to be among the features' in done.stderr
    (stream,) = read_recording(tmp_path / "a.jsonl").streams
    assert (stream.down, stream.response) == ([], None)


def test_a_stream_that_is_cut_is_in_the_file_with_its_error(tmp_path: Path, talker: tuple[str, Talker]) -> None:
    url, _ = talker
    done = run(tmp_path, "record", f"{url}/cut", "--out", str(tmp_path / "a.jsonl"), "--json")
    assert done.returncode == 1
    assert "fix:" in done.stderr
    events = [json.loads(line)["event"] for line in done.stdout.splitlines()]
    assert events[0] == "head"
    assert set(events[1:]) == {"piece"}
    (stream,) = read_recording(tmp_path / "a.jsonl").streams
    assert stream.end is not None
    assert (stream.end.how, stream.end.code) == ("error", "UPSTREAM_TRUNCATED")
    assert b"data: 1" in b"".join(each.data for each in stream.down)


def test_ctrl_c_ends_a_recording_which_says_so(tmp_path: Path, talker: tuple[str, Talker]) -> None:
    url, _ = talker
    file = tmp_path / "a.jsonl"
    process = subprocess.Popen(
        command(tmp_path, "record", f"{url}/endless", "--out", str(file), "--json"), env=environment(tmp_path),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        seen = ""
        while "31m" not in seen:
            seen += said(process.stdout).get("text", "")
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "stopped" in error
    (stream,) = read_recording(file).streams
    assert stream.end is not None
    assert (stream.end.how, stream.end.reason) == ("stopped", "user")
    assert b"\x1b[31m" in b"".join(each.data for each in stream.down)


def test_what_the_policy_does_not_give_is_said_with_the_fix(tmp_path: Path, talker: tuple[str, Talker]) -> None:
    done = run(tmp_path, "record", "http://127.0.0.1:9/", "--out", str(tmp_path / "a.jsonl"))
    assert done.returncode == 1
    assert "longwire policy check --page longwire:terminal" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (["record", "ws://127.0.0.1/", "--out", "x"], "recorded in the browser"),
        (["record", "http://127.0.0.1/", "--out", "x", "--header", "x-api-key: abc"], "X_API_KEY"),
        (["record", "http://127.0.0.1/", "--out", "x", "--header", "x-note"], "X_NOTE"),
        (["record", "http://127.0.0.1/", "--out", "x", "--header", ": a"], "NAME: value"),
        (["record", "http://127.0.0.1/", "--out", "x", "--data", "@none"], "with the body"),
        (["replay", "none.jsonl"], "name a file of a recording"),
        (["replay", "none.jsonl", "--speed", "0"], "0.001 to 1000"),
        (["replay", "none.jsonl", "--cut-at", "soon"], "event:12"),
    ],
)
def test_misuse_is_said_with_the_fix(tmp_path: Path, arguments: list[str], fix: str) -> None:
    done = run_command(environment(tmp_path), *arguments)
    assert done.code in (1, 2)
    assert fix in done.err


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("mine")
    done = run_command(environment(tmp_path), "record", "http://127.0.0.1/", "--out", str(tmp_path / "a.jsonl"))
    assert done.code == 1
    assert "--force" in done.err
    assert (tmp_path / "a.jsonl").read_text() == "mine"


def test_a_file_that_is_replaced_is_its_owners_alone(tmp_path: Path, talker: tuple[str, Talker]) -> None:
    url, _ = talker
    file = tmp_path / "a.jsonl"
    file.write_text("older, and for everybody")
    file.chmod(0o644)
    assert run(tmp_path, "record", f"{url}/events", "--out", str(file), "--force").returncode == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(read_recording(file).streams) == 1


@pytest.mark.parametrize("full", ["file", "output"])
def test_a_disk_that_is_full_is_said_with_the_fix(tmp_path: Path, talker: tuple[str, Talker], full: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    url, _ = talker
    out = "/dev/full" if full == "file" else str(tmp_path / "a.jsonl")
    with Path("/dev/full" if full == "output" else os.devnull).open("w") as stdout:
        done = subprocess.run(
            command(tmp_path, "record", f"{url}/events", "--out", out, "--force"), env=environment(tmp_path),
            stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left on device\n  fix: " in done.stderr
    assert "Traceback" not in done.stderr
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    assert stat.S_IMODE(Path("/dev/full").stat().st_mode) != 0o600


def test_each_enter_sends_the_next_step(tmp_path: Path, talker: tuple[str, Talker]) -> None:
    url, _ = talker
    file = tmp_path / "a.jsonl"
    assert run(tmp_path, "record", f"{url}/", "--out", str(file)).returncode == 0
    steps = len(read_recording(file).streams[0].down) + 2
    with replaying(tmp_path, file, "--speed", "step") as (origin, process):
        assert process.stdin is not None
        process.stdin.write("\n" * steps)
        process.stdin.flush()
        assert b"data: 1" in ask(origin, "GET", "/")[2]
