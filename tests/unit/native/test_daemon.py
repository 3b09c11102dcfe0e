"""The daemon: real hosts start it, several browsers have it at once, and it ends when it should and no sooner."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest

from longwire import __version__
from longwire.assets import extension_id
from longwire.daemon.client import NoDaemonThere, ask, connect
from longwire.durable.store import Store
from longwire.protocol.frames import frame
from longwire.protocol.limits import PROTOCOL_VERSION
from tests.daemons import (
    PROFILED,
    address_in,
    address_of,
    asked,
    daemon_home,
    daemon_of,
    descriptors_of,
    durable_grant,
    durable_host,
    entry,
    wait_ended,
)
from tests.host_process import PAGE, HostProcess, environment, grant, write_policy
from tests.patience import PATIENCE_S
from tests.unit.durable.samples import ended, request
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

SHORT_LINGER = "from longwire.native import daemon; daemon.LINGER_S = 0.3\n"
CALLER = f"chrome-extension://{extension_id()}/"
HELLO = {"type": "HELLO", "protocol": PROTOCOL_VERSION, "extension": "0.0.0"}
OTHER_VERSION = "import longwire; longwire.__version__ = '0.0.1'\n"


@pytest.fixture
def home() -> Iterator[Path]:
    with daemon_home() as folder:
        yield folder


@pytest.fixture(scope="module")
def upstream() -> Iterator[ThreadedServer]:
    with ThreadedServer(lambda: Server(make_app().routes)) as server:
        yield server


def log_lines(home: Path) -> list[dict[str, Any]]:
    files = sorted((home / "state" / "longwire").glob("host-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def events(home: Path, name: str) -> list[dict[str, Any]]:
    return [line for line in log_lines(home) if line["event"] == name]


def wait_for(condition: Any) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends, "it did not come to be"
        time.sleep(0.02)  # of another process, which tells nobody


def no_daemon(home: Path) -> bool:
    try:
        asked(home, do="status")
    except NoDaemonThere:
        return True
    return False


# --- its process ---------------------------------------------------------------------------------------------


def test_it_is_tied_to_nothing_of_the_host_that_started_it(home: Path) -> None:
    leaked, other_end = os.pipe()
    os.set_inheritable(other_end, True)
    write_policy(home, durable_grant())
    # A browser whose descriptors leak into its hosts.
    started = subprocess.Popen(
        [sys.executable, "-I", "-c", entry(""), CALLER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
        cwd=home,
        env=environment(home),
    )
    os.close(other_end)
    wait_for(lambda: not no_daemon(home))
    daemon = daemon_of(home)
    assert started.stdin is not None and started.stdout is not None
    started.stdin.close()
    assert started.wait(PATIENCE_S) == 0
    # End of file although the daemon lives: it has none of the host's pipes, and not what leaked.
    assert started.stdout.read() == b"" and os.read(leaked, 1) == b""
    started.stdout.close()
    os.close(leaked)
    assert daemon.is_running() and daemon.cwd() == "/"
    assert os.getsid(daemon.pid) not in (os.getsid(0), daemon.pid)
    assert daemon.ppid() != started.pid
    found = descriptors_of(daemon)
    assert found.count("/dev/null") == 3
    rest = {each.partition(":")[0] for each in found if each != "/dev/null"}
    state = str(home / "state" / "longwire")
    assert {each for each in rest if not each.startswith((state, str(address_in(home).folder)))} <= {
        "socket",
        "anon_inode",
    }
    assert daemon.rlimit(psutil.RLIMIT_CORE)[0] <= 1
    assert daemon.uids().real == os.getuid()


def test_two_hosts_at_once_start_one(home: Path) -> None:
    # Written once: a host that starts while the file is written again may find it empty, and do all by itself.
    write_policy(home, durable_grant())
    with ExitStack() as hosts:
        both = [hosts.enter_context(HostProcess(home)) for _ in range(4)]
        for host in both:
            host.hello()
        assert asked(home, do="status")["connections"] == 4
    assert len(events(home, "daemon started")) == 1


def test_a_host_that_is_killed_as_it_starts_one_leaves_the_next_no_puzzle(home: Path) -> None:
    """At several moments of its start, and without a browser that waits: then it need not even start one."""
    write_policy(home, durable_grant())
    for delay_s in (0.05, 0.15, 0.3, 0.6):
        started = subprocess.Popen(
            [sys.executable, "-I", "-c", entry(""), CALLER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=environment(home),
        )
        time.sleep(delay_s)  # where in its start that is, differs
        started.kill()
        started.wait()
        assert started.stdin is not None
        started.stdin.close()
    with durable_host(home) as host:
        host.hello()
        assert asked(home, do="status")["connections"] == 1


def test_without_a_durable_grant_there_is_none(home: Path) -> None:
    with HostProcess(home, grant("http://127.0.0.1:1/")) as host:
        host.hello()
        assert no_daemon(home)


# --- several browsers ----------------------------------------------------------------------------------------


def test_several_browsers_are_served_at_once_and_each_hears_of_the_policy(home: Path, upstream: ThreadedServer) -> None:
    with durable_host(home, upstream.server.url("/")) as first, durable_host(home, upstream.server.url("/")) as second:
        digest = first.hello()["policy"]["digest"]
        assert second.hello()["policy"]["digest"] == digest
        # The same id in both, and the second's stream runs from end to end inside the first's.
        first.start(1, upstream.server.url("/endless"))
        first.expect("STREAM_CHUNK")
        second.start(1, upstream.server.url("/bytes?size=1000000&seed=s"))
        body, end = second.body(1)
        assert (len(body), end["type"]) == (1_000_000, "STREAM_END")
        write_policy(home, durable_grant(upstream.server.url("/bytes")))
        assert first.expect("POLICY")["policy"]["digest"] == second.expect("POLICY")["policy"]["digest"] != digest
        assert first.body(1)[1]["code"] == "POLICY_DENIED"
        second.close_input()
        assert second.process.wait(PATIENCE_S) == 0
        first.start(2, upstream.server.url("/bytes?size=1000&seed=s"))
        assert first.body(2)[1]["type"] == "STREAM_END"
    wait_for(lambda: len(events(home, "connection over")) == 2)
    # Each connection's lines say whose they are.
    ends = {line["connection"]: line["outcome"] for line in log_lines(home) if line.get("outcome") == "completed"}
    assert set(ends) == {1, 2}


def test_a_connection_that_was_never_greeted_is_a_start_that_failed_whoever_else_was(home: Path) -> None:
    with durable_host(home) as greeted, durable_host(home) as other:
        greeted.hello()
        other.close_input()
        assert other.process.wait(PATIENCE_S) == 0
        wait_for(lambda: events(home, "start failed"))
    wait_for(lambda: events(home, "connection over"))
    assert len(events(home, "start failed")) == 1


def test_a_grants_limit_counts_across_browsers(home: Path, upstream: ThreadedServer) -> None:
    policy = durable_grant(upstream.server.url("/")) + "limits = { streams = 1 }\n"
    with HostProcess(home, policy) as first, HostProcess(home) as second:
        first.hello()
        second.hello()
        first.start(1, upstream.server.url("/endless"))
        first.expect("STREAM_CHUNK")
        second.start(1, upstream.server.url("/endless"))
        assert second.expect("STREAM_ERROR")["code"] == "LIMIT_EXCEEDED"


def test_a_thousand_connections_leave_descriptors_and_threads_as_they_were(home: Path) -> None:
    with durable_host(home) as host:
        host.hello()
        daemon = daemon_of(home)
        address = address_in(home)

        def come_and_go() -> None:
            assert asked(home, do="status")["pid"] == daemon.pid
            connected, _ = connect(address.socket, "host", PATIENCE_S)
            with connected:
                connected.sendall(frame(orjson.dumps(HELLO)))
                assert b"WELCOME" in connected.recv(65536)

        for _ in range(20):
            come_and_go()
        before = (len(descriptors_of(daemon)), daemon.num_threads())
        for _ in range(500):
            come_and_go()
        wait_for(lambda: asked(home, do="status")["connections"] == 1)
        wait_for(lambda: (len(descriptors_of(daemon)), daemon.num_threads()) <= before)


def test_no_more_browsers_than_the_daemon_has_memory_for_and_the_next_is_told(home: Path) -> None:
    one = "import sys\nif '--daemon' in sys.argv:\n    from longwire.native import guests; guests.MAX_HOSTS = 1\n"
    full = "from longwire.native import starting; starting.REACH_S = 0.5\n"
    with durable_host(home, prelude=one) as first:
        first.hello()
        with durable_host(home, prelude=full) as second:
            assert second.process.wait(PATIENCE_S) == 1
            assert "serves 1 browsers already" in second.stderr()
        first.close_input()
        assert first.process.wait(PATIENCE_S) == 0
        with durable_host(home, prelude=full) as third:
            third.hello()


def test_who_says_nothing_or_nonsense_gets_nothing_and_keeps_nothing(home: Path) -> None:
    with durable_host(home) as host:
        host.hello()
        daemon = daemon_of(home)
        before = len(descriptors_of(daemon))
        silent = socket.socket(socket.AF_UNIX)
        silent.connect(str(address_in(home).socket))
        for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"{}\n", b"x" * 100_000, b'{"as": "host"}\n'):
            with socket.socket(socket.AF_UNIX) as talking:
                talking.settimeout(PATIENCE_S)
                talking.connect(str(address_in(home).socket))
                with suppress(ConnectionError):
                    talking.sendall(nonsense)
                    assert talking.recv(1) == b""
        silent.settimeout(PATIENCE_S)
        assert silent.recv(1) == b"", "and whoever says nothing is not waited for"
        silent.close()
        assert "does not know" in asked(home, do="dance")["error"]
        wait_for(lambda: len(descriptors_of(daemon)) <= before)
        assert len(events(home, "refused peer")) == 5
        host.start(1, "http://127.0.0.1:1/")
        assert host.body(1)[1]["type"] == "STREAM_ERROR"


# --- durable requests ----------------------------------------------------------------------------------------


def test_a_request_goes_on_without_its_host_and_another_browser_start_finds_it(
    home: Path, upstream: ThreadedServer
) -> None:
    url = upstream.server.url("/bytes?size=300000&seed=s")
    with durable_host(home, upstream.server.url("/")) as host:
        host.hello()
        host.start(1, url, page=PROFILED, durable={"key": "answer"})
        host.expect("STREAM_CHUNK")
        host.process.kill()
        host.process.wait()
    with durable_host(home, upstream.server.url("/")) as host:
        host.hello()
        host.start(1, url, page=PROFILED, durable={"key": "answer"})
        body, end = host.body(1)
        assert (len(body), end["type"]) == (300_000, "STREAM_END")
        (listed,) = asked(home, do="list")["requests"]
        assert (listed["key"], listed["state"], listed["bytes"]) == ("answer", "ended", 300_000)
        assert asked(home, do="status")["kept"] == 1
        assert asked(home, do="forget", id=listed["id"]) == {"forgot": True}
        assert asked(home, do="forget", id=listed["id"]) == {"forgot": False}


def test_what_one_browser_switched_off_ends_there_and_in_no_other(home: Path, upstream: ThreadedServer) -> None:
    url, other = upstream.server.url("/endless"), PROFILED | {"profile": "q" * 32}
    with (
        durable_host(home, upstream.server.url("/")) as mine,
        durable_host(home, upstream.server.url("/")) as theirs,
    ):
        for host, page in ((mine, PROFILED), (theirs, other)):
            host.send(**HELLO, knows=["takes"])
            assert host.expect("WELCOME")["takes"] == ["SWITCHES"]
            host.start(1, url, page=page, durable={"key": "answer"})
            host.expect("STREAM_CHUNK")
        assert asked(home, do="status")["connections"] == 2
        mine.send(type="SWITCHES", enabled=True, pages=["https://elsewhere.example:443"], profile=PROFILED["profile"])
        ended = mine.expect("STREAM_ERROR")
        assert (ended["code"], "administrator of this browser" in ended["message"]) == ("POLICY_DENIED", True)
        wait_for(lambda: len(asked(home, do="list")["requests"]) == 1)
        (left,) = asked(home, do="list")["requests"]
        assert (left["profile"], left["state"], left["readers"]) == (other["profile"], "running", 1)
        mine.start(2, url, page=PROFILED, durable={"key": "answer"})
        assert mine.expect("STREAM_ERROR")["code"] == "POLICY_DENIED"
        assert asked(home, do="forget", id=left["id"]) == {"forgot": True}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, "stop"], ids=["killed", "SIGTERM", "stopped"])
def test_what_ran_when_it_died_is_unknown(home: Path, upstream: ThreadedServer, how: signal.Signals | str) -> None:
    url = upstream.server.url("/endless")
    with durable_host(home, upstream.server.url("/")) as host:
        host.hello()
        host.start(1, url, page=PROFILED, durable={"key": "answer"})
        host.expect("STREAM_CHUNK")
        daemon = daemon_of(home)
        if isinstance(how, str):
            assert asked(home, do=how) == {"stopping": True}
        else:
            daemon.send_signal(how)
        wait_ended(daemon)
        assert host.process.wait(PATIENCE_S) == 1
        assert "the daemon is gone" in host.stderr()
    if how != signal.SIGKILL:
        (over,) = events(home, "daemon over")
        assert over["reason"] == ("stopped by a command" if isinstance(how, str) else "ended by SIGTERM")
        assert over["unknown"] == 1
        assert not address_in(home).socket.exists()
    with durable_host(home, upstream.server.url("/")) as host:
        host.hello()
        host.start(1, url, page=PROFILED, durable={"key": "answer"})
        assert host.expect("STREAM_ERROR")["code"] == "DURABLE_UNKNOWN"


def test_a_host_by_itself_makes_way_for_a_pipe_once_the_policy_has_durable_requests(
    home: Path, upstream: ThreadedServer
) -> None:
    url = upstream.server.url("/bytes?size=1000&seed=s")
    with HostProcess(home, grant(upstream.server.url("/"))) as host:
        host.hello()
        host.start(1, url, page=PROFILED, durable={"key": "answer"})
        refused = host.expect("STREAM_ERROR")
        assert refused["code"] == "POLICY_DENIED" and "durable = {" in refused["message"]
        host.start(2, upstream.server.url("/endless"))
        host.expect("STREAM_CHUNK")
        write_policy(home, durable_grant(upstream.server.url("/")))
        host.expect("POLICY")
        host.start(3, url, page=PROFILED, durable={"key": "answer"})
        refused = host.body(3)[1]
        assert (refused["code"], refused["retryable"]) == ("HOST_UNAVAILABLE", True)
        # Not while one lives; and then with all that was to be said.
        host.start(4, url)
        assert host.body(4)[1]["type"] == "STREAM_END"
        host.send(type="STREAM_ABORT", id=2, reason="signal")
        assert host.body(2)[1]["type"] == "STREAM_ABORTED"
        assert host.next() is None
        assert host.process.wait(PATIENCE_S) == 0
    assert no_daemon(home)
    with HostProcess(home) as host:
        host.hello()
        host.start(1, url, page=PROFILED, durable={"key": "answer"})
        assert host.body(1)[1]["type"] == "STREAM_END"


def test_a_state_folder_that_cannot_be_used_refuses_what_is_durable_and_nothing_else(
    home: Path, upstream: ThreadedServer
) -> None:
    state = home / "state" / "longwire"
    state.mkdir(parents=True)
    (state / "durable").write_text("no folder")
    url = upstream.server.url("/bytes?size=1000&seed=s")
    with durable_host(home, upstream.server.url("/")) as host:
        host.hello()
        host.start(1, url, page=PROFILED, durable={"key": "answer"})
        assert host.body(1)[1]["code"] == "HOST_UNAVAILABLE"
        host.start(2, url)
        assert host.body(2)[1]["type"] == "STREAM_END"
    assert events(home, "nothing is durable")


def test_what_a_command_printed_is_not_kept_for_longer_than_a_browser_is_there(
    home: Path, upstream: ThreadedServer
) -> None:
    tool, runs = home / "tool", home / "runs"
    tool.write_text(f"#!/bin/sh\necho run >>'{runs}'\necho lw-canary-token\n")
    tool.chmod(0o700)
    secret = f'inject = {{ Authorization = "Bearer {{secret:token}}" }}\n[secret.token]\ncommand = ["{tool}"]\n'
    write_policy(home, durable_grant(upstream.server.url("/")) + secret)
    url = upstream.server.url("/bytes?size=1000&seed=s")
    for browsers in (1, 2):
        with HostProcess(home) as host:
            host.hello()
            for number, key in ((1, "one"), (2, "two")):
                host.start(number, url, page=PROFILED, durable={"key": f"{key} of {browsers}"})
                assert host.body(number)[1]["type"] == "STREAM_END"
            daemon = daemon_of(home)
        assert runs.read_text().count("run") == browsers
        wait_for(lambda: asked(home, do="status")["connections"] == 0)
        assert daemon_of(home) == daemon, "it is there for what it keeps"


# --- its end, and the next one -------------------------------------------------------------------------------


def test_it_ends_by_itself_when_nobody_is_connected_and_leaves_nothing_where_it_listened(home: Path) -> None:
    with durable_host(home, prelude=SHORT_LINGER) as host:
        host.hello()
        daemon = daemon_of(home)
    wait_ended(daemon)
    assert events(home, "daemon over")[0]["reason"] == "nobody is connected, and nothing is kept"
    assert not address_in(home).socket.exists()


def test_it_stays_as_long_as_something_runs_or_is_kept(home: Path, upstream: ThreadedServer) -> None:
    with durable_host(home, upstream.server.url("/"), prelude=SHORT_LINGER) as host:
        host.hello()
        host.start(1, upstream.server.url("/bytes?size=1000&seed=s"), page=PROFILED, durable={"key": "answer"})
        assert host.body(1)[1]["type"] == "STREAM_END"
        daemon = daemon_of(home)
    time.sleep(1.0)  # three lingers: what does not happen cannot be waited for
    assert daemon_of(home) == daemon
    (kept,) = asked(home, do="list")["requests"]
    assert asked(home, do="forget", id=kept["id"]) == {"forgot": True}
    wait_ended(daemon)


def test_a_list_has_what_was_kept_from_the_first_moment_on(home: Path) -> None:
    now_ms, store = int(time.time() * 1000), Store(home / "state" / "longwire" / "durable", "earlier")
    facts = {"origin": PAGE["origin"], "url": "http://127.0.0.1:1/", "method": "GET", "started_ms": now_ms}
    for number in range(150):
        record = request(f"answer-{number}", "earlier", **facts)
        store.claim(record)
        store.save(ended(record, 0, now_ms))
    store.close()
    with durable_host(home):
        while True:
            with suppress(NoDaemonThere):
                listed = asked(home, do="list")["requests"]
                break
    assert len(listed) == 150


def test_a_daemon_whose_socket_was_taken_away_leaves_its_place_to_the_next(
    home: Path, upstream: ThreadedServer
) -> None:
    """As a session's end does with all of its folder, although processes outlive it."""
    url = upstream.server.url("/bytes?size=1000&seed=s")
    with durable_host(home, upstream.server.url("/")) as host:
        host.hello()
        host.start(1, url, page=PROFILED, durable={"key": "answer"})
        assert host.body(1)[1]["type"] == "STREAM_END"
        daemon = daemon_of(home)
        shutil.rmtree(address_in(home).folder)
        # A host without a stream leaves with it, so that its pages find what they have by way of the next one.
        assert host.next() is None
        assert host.process.wait(PATIENCE_S) == 0
        assert events(home, "retired")
        with durable_host(home, upstream.server.url("/")) as other:
            other.hello()
            assert daemon_of(home) != daemon
            other.start(1, url, page=PROFILED, durable={"key": "answer"})
            assert other.body(1)[1]["type"] == "STREAM_END"
            wait_ended(daemon)
            assert asked(home, do="status")["connections"] == 1


def test_a_daemon_that_was_killed_is_replaced(home: Path) -> None:
    for _ in range(2):
        with durable_host(home) as host:
            host.hello()
            daemon = daemon_of(home)
            daemon.kill()
            wait_ended(daemon)
            assert host.process.wait(PATIENCE_S) == 1


def test_a_daemon_that_cannot_start_is_told_of_at_once(home: Path) -> None:
    broken = "import sys\nif '--daemon' in sys.argv: sys.modules['structlog'] = None\n"
    with durable_host(home, prelude=broken) as host:
        assert host.process.wait(PATIENCE_S) == 1
        assert "did not start" in host.stderr()
    reasons = [line["reason"] for line in events(home, "start failed")]
    assert any("structlog" in reason for reason in reasons) and any("did not start" in reason for reason in reasons)


def test_a_host_of_another_version_gets_a_daemon_of_its_own_and_the_old_one_finishes(
    home: Path, upstream: ThreadedServer
) -> None:
    slow = upstream.server.url("/endless")
    short = upstream.server.url("/bytes?size=1000&seed=s")
    with durable_host(home, upstream.server.url("/"), prelude=OTHER_VERSION) as old:
        old.hello()
        old.start(1, slow)
        old.expect("STREAM_CHUNK")
        old.start(2, short, page=PROFILED, durable={"key": "ended"})
        assert old.body(2)[1]["type"] == "STREAM_END"
        old.start(3, slow, page=PROFILED, durable={"key": "runs"})
        old_daemon = daemon_of(home)
        old_owner = asked(home, do="status")["owner"]
        with durable_host(home, upstream.server.url("/")) as new:
            new.hello()
            status = asked(home, do="status")
            assert status["longwire"] == __version__ and status["pid"] != old_daemon.pid
            # The old one goes on for whose streams live, and has what runs; what had ended is the new one's.
            old.start(4, short)
            assert old.body(4)[1]["type"] == "STREAM_END"
            there = asked_at(address_in(home).retired(old_owner), do="status")
            assert (there["longwire"], there["retired"], there["running"]) == ("0.0.1", True, 1)
            new.start(1, short, page=PROFILED, durable={"key": "ended"})
            assert new.body(1)[1]["type"] == "STREAM_END"
            # The new one serves its keys by asking it.
            new.start(2, slow, page=PROFILED, durable={"key": "runs"})
            assert new.expect("STREAM_HEADERS")["id"] == 2
            assert new.expect("STREAM_CHUNK")["offset"] == 0
            new.send(type="STREAM_ABORT", id=2, reason="signal")
            assert new.body(2)[1]["type"] == "STREAM_ABORTED"
            wait_for(lambda: asked_at(address_in(home).retired(old_owner), do="status")["connections"] == 1)
            # One that runs keeps the old daemon, without a browser too; then it ends by itself.
            for stream in (1, 3):
                old.send(type="STREAM_ABORT", id=stream, reason="signal")
            assert old.process.wait(PATIENCE_S) == 0, "its next host is of the version that has the place"
            runs = next(each for each in asked(home, do="list")["requests"] if each["key"] == "runs")
            assert asked_at(address_in(home).retired(old_owner), do="forget", id=runs["id"]) == {"forgot": True}
            wait_ended(old_daemon)
    assert any(line["reason"] == "retired, and nothing runs any more" for line in events(home, "daemon over"))
    assert not list(address_in(home).folder.glob(f"{address_in(home).name}.{old_owner}.sock"))


def asked_at(path: Path, **question: Any) -> dict[str, Any]:
    """Of a retired one."""
    return ask(question, address_of(path), PATIENCE_S)
