"""Secrets that a command prints, in a real host: a server that takes the newest token only, and a page that asks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host_process import PAGE, HostProcess, environment, grant, write_policy
from tests.unit.home import run_command
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

TOKEN = "lw-canary-printed-8d2e4b6f0a"


class Tokens:
    """A server that takes the token with the number `valid`, and what it was sent."""

    def __init__(self) -> None:
        self.valid = 2
        self.sent: list[str | None] = []

    async def __call__(self, request: Request) -> None:
        token = request.header("authorization")
        self.sent.append(token)
        if token == f"Bearer {TOKEN}-{self.valid}":
            await bodies.respond(request.connection, b"an answer")
        else:
            await request.connection.send(bodies.head(401, [("Content-Length", "0")]))


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def server(tokens: Tokens) -> Iterator[ThreadedServer]:
    with ThreadedServer(lambda: Server(tokens)) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def policy(home: Path, server: ThreadedServer, script: str) -> str:
    tool = home / "tool"
    tool.write_text(f"#!/bin/sh\ncd '{home}'\necho run >>runs\n{script}\n")
    tool.chmod(0o700)
    inject = 'inject = { Authorization = "Bearer {secret:token}" }'
    return grant(server.url("/"), more=f"{inject}\n[secret.token]\ncommand = ['{tool}', 'argument']")


def runs(home: Path) -> int:
    file = home / "runs"
    return len(file.read_text().splitlines()) if file.exists() else 0


def status(host: HostProcess, stream: int, url: str) -> int:
    host.start(stream, url)
    code: int = host.expect("STREAM_HEADERS")["status"]
    host.body(stream)
    return code


COUNTED = f"printf '{TOKEN}-%s' \"$(wc -l <runs | tr -d ' ')\""


def test_a_refused_token_is_asked_for_anew_with_the_next_request_and_no_request_is_sent_twice(
    home: Path, server: ThreadedServer, tokens: Tokens
) -> None:
    with HostProcess(home, policy(home, server, COUNTED)) as host:
        host.hello()
        assert [status(host, stream, server.url("/a")) for stream in (1, 2, 3)] == [401, 200, 200]
        assert tokens.sent == [f"Bearer {TOKEN}-1", f"Bearer {TOKEN}-2", f"Bearer {TOKEN}-2"]
        assert runs(home) == 2
        # No more often than every ten seconds, however many requests are refused.
        tokens.valid = 9
        assert [status(host, stream, server.url("/a")) for stream in (4, 5, 6)] == [401, 401, 401]
        assert runs(home) == 2
    log = "".join(file.read_text() for file in (home / "state" / "longwire").glob("host-*"))
    assert log
    assert TOKEN not in log
    assert "argument" not in log


def test_a_command_that_fails_is_told_without_what_it_said(home: Path, server: ThreadedServer, tokens: Tokens) -> None:
    script = f"echo {TOKEN}; echo {TOKEN} >&2; exit 5"
    with HostProcess(home, policy(home, server, script)) as host:
        host.hello()
        host.start(1, server.url("/a"))
        error = host.expect("STREAM_ERROR")
        assert (error["code"], error["retryable"]) == ("SECRET_UNAVAILABLE", False)
        assert "has a command that ended with exit code 5" in error["message"]
        assert str(home) not in error["message"]
        host.close_input()
        said = host.stderr() + str(error)
    assert tokens.sent == []
    log = "".join(file.read_text() for file in (home / "state" / "longwire").glob("host-*"))
    assert f"command {home / 'tool'}" in log
    assert TOKEN not in log + said


def test_a_host_that_ends_leaves_no_command_behind(home: Path, server: ThreadedServer) -> None:
    os.mkfifo(home / "held")
    with HostProcess(home, policy(home, server, "exec 3>held; sleep 600")) as host:
        host.hello()
        host.start(1, server.url("/a"))
        with (home / "held").open("rb") as held:  # opens when the command does
            host.close_input()
            assert held.read() == b""  # nothing holds it any more


def test_only_who_wants_to_know_has_it_run(home: Path, server: ThreadedServer) -> None:
    text = policy(home, server, COUNTED)
    with HostProcess(home, text) as host:
        host.hello()
        host.send(type="STATUS_REQUEST", request=1, page=PAGE)
        host.expect("STATUS")
    write_policy(home, text)
    user = environment(home)
    assert run_command(user, "policy", "validate").code == 0
    assert runs(home) == 0
    listed = run_command(user, "secret", "list")
    assert f"token\tcommand\t{home / 'tool'}\tready\ttest" in listed.out
    assert runs(home) == 1
    asked = ("policy", "check", "--page", str(PAGE["origin"]), "--url", server.url("/a"))
    assert "allowed" in run_command(user, *asked).out
    assert runs(home) == 2
    (home / "tool").write_text("#!/bin/sh\nexit 3\n")
    done = run_command(user, *asked)
    assert done.code == 1
    assert "ended with exit code 3" in done.out
    assert f"run {home / 'tool'} by hand" in done.out
    assert "ended with exit code 3" in run_command(user, "secret", "list").out
    (home / "tool").unlink()
    assert f"has no command {home / 'tool'}" in run_command(user, "policy", "validate").out
    done = run_command(user, "secret", "set", "token")
    assert done.code == 1
    assert "is not Longwire's to set" in done.err
