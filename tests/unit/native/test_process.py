"""The process that a browser starts: its stdio, its end, and what it refuses."""

import hashlib
import json
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from longwire.assets import extension_id
from longwire.native.caller import caller_is_ours
from longwire.protocol.limits import EXIT_DEADLINE_MS, MAX_FRAME_TO_HOST
from tests.host_process import ENTRY, HostProcess, grant, greeted_host
from tests.patience import PATIENCE_S
from tests.upstreams import bodies
from tests.upstreams.app import make_app
from tests.upstreams.server import Server
from tests.upstreams.threaded import ThreadedServer

# A print, a C-level write and a child process, all after the host took its descriptors.
NOISY = """
from longwire.native import descriptors
claim = descriptors.claim_stdio
def noisy():
    taken = claim()
    import os, subprocess
    print("print goes to stderr", flush=True)
    os.write(1, b"so does a write to descriptor 1\\n")
    subprocess.run(["/bin/echo", "and a child's output"], check=True)
    return taken
descriptors.claim_stdio = noisy
"""


def test_nothing_but_frames_reaches_stdout(tmp_path: Path) -> None:
    with HostProcess(tmp_path, entry=NOISY + ENTRY) as host:
        assert host.hello()["type"] == "WELCOME"
        host.close_input()
        assert host.next() is None
        said = host.stderr()
    for noise in ("print goes", "so does a write", "a child's output"):
        assert noise in said


@pytest.mark.parametrize(
    "argv", [[], ["chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/"], ["https://evil.example/"]]
)
def test_another_caller_is_refused(tmp_path: Path, argv: list[str]) -> None:
    with HostProcess(tmp_path, argv=argv) as host:
        assert host.next() is None
        assert host.process.wait(PATIENCE_S) == 2
        assert "started by a browser" in host.stderr()


def test_a_caller_counts_where_its_family_names_it_and_in_no_family_that_is_not_served() -> None:
    ours, other = extension_id(), "a" * 32

    assert caller_is_ours(["host", f"chrome-extension://{ours}/", "--parent-window=0"])
    assert caller_is_ours(["host", f"chrome-extension://{other}/"], [other])
    assert not caller_is_ours(["host", f"chrome-extension://{other}/"])
    assert not caller_is_ours(["host", "--parent-window=0", f"chrome-extension://{ours}/"])
    # As Firefox names an extension.
    assert not caller_is_ours(["host", "/hosts/com.longwire.host.json", ours])


@pytest.fixture
def silent_server() -> socket.socket:
    """Accepts by its backlog and never says a word."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    server.settimeout(PATIENCE_S)
    return server


def test_the_host_is_gone_soon_after_end_of_input_with_every_socket_closed(
    tmp_path: Path, silent_server: socket.socket
) -> None:
    url = f"http://127.0.0.1:{silent_server.getsockname()[1]}/"
    with silent_server, greeted_host(tmp_path, grant(url)) as host:
        for stream_id in range(1, 11):
            host.start(stream_id, url)
        peers = [silent_server.accept()[0] for _ in range(10)]
        began = time.monotonic()
        host.close_input()
        assert host.process.wait(PATIENCE_S) == 0
        took_ms = (time.monotonic() - began) * 1000
        for peer in peers:
            peer.settimeout(PATIENCE_S)
            while peer.recv(65536):
                pass
            peer.close()
    # Within the deadline on a machine with something to spare; one that does not see the end never ends.
    assert took_ms < 10 * EXIT_DEADLINE_MS


def test_an_oversize_frame_is_fatal_with_a_fix_and_no_traceback(tmp_path: Path) -> None:
    with HostProcess(tmp_path) as host:
        host.hello()
        host.feed((MAX_FRAME_TO_HOST + 1).to_bytes(4, "little"))
        fatal = host.expect("FATAL")
        assert host.next() is None
        assert host.process.wait(PATIENCE_S) == 0
        assert "Traceback" not in host.stderr()
    assert fatal["fix"]


@pytest.fixture
def upstream() -> Iterator[ThreadedServer]:
    """A server with random bodies."""
    with ThreadedServer(lambda: Server(make_app().routes)) as server:
        yield server


def log_files(home: Path) -> list[Path]:
    return sorted((home / "state" / "longwire").glob("host-*.jsonl"))


def assert_streams(host: HostProcess, upstream: ThreadedServer, stream_id: int, size: int = 1_000_000) -> None:
    """A body goes through whole."""
    host.start(stream_id, upstream.server.url(f"/bytes?size={size}&seed=s"))
    body, end = host.body(stream_id)
    assert (end["type"], hashlib.sha256(body).hexdigest()) == ("STREAM_END", bodies.digest("s", size))


def test_two_hosts_at_once_share_a_home_and_neither_knows_of_the_other(
    tmp_path: Path, upstream: ThreadedServer
) -> None:
    policy = grant(upstream.server.url("/"))
    with greeted_host(tmp_path, policy) as first, greeted_host(tmp_path, policy) as second:
        # The same id in both, and the second one's stream runs from end to end inside the first one's.
        first.start(1, upstream.server.url("/endless"))
        first.expect("STREAM_CHUNK")
        assert_streams(second, upstream, 1)
        second.close_input()
        assert second.process.wait(PATIENCE_S) == 0
        assert_streams(first, upstream, 2)
    logs = [[json.loads(line) for line in log.read_text().splitlines()] for log in log_files(tmp_path)]
    ends = [[(line["stream"], line["outcome"]) for line in log if line["event"] in ("end", "abort")] for log in logs]
    assert sorted(ends) == [[(1, "completed")], [(2, "completed"), (1, "aborted")]]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process is changed by prlimit")
def test_a_full_disk_for_the_log_loses_lines_and_no_stream(tmp_path: Path, upstream: ThreadedServer) -> None:
    with greeted_host(tmp_path, grant(upstream.server.url("/"))) as host:
        process = psutil.Process(host.process.pid)
        (log,) = log_files(tmp_path)
        # The kernel refuses every byte beyond, in the middle of a line, as a full disk does.
        process.rlimit(psutil.RLIMIT_FSIZE, (log.stat().st_size + 100, psutil.RLIM_INFINITY))
        for stream_id in range(1, 11):
            assert_streams(host, upstream, stream_id)
        process.rlimit(psutil.RLIMIT_FSIZE, (psutil.RLIM_INFINITY, psutil.RLIM_INFINITY))
        assert_streams(host, upstream, 11)
    assert host.process.returncode == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (lost,) = [line for line in lines if line["event"] == "log lines lost"]
    assert lost["count"] > 10
    assert [line["stream"] for line in lines if line["event"] == "end"] == [11]


def test_a_folder_for_the_log_that_cannot_be_made_does_not_stop_the_host(tmp_path: Path) -> None:
    blocked = tmp_path / "state"
    blocked.write_text("a file where the folder should be")
    with HostProcess(tmp_path) as host:
        assert host.hello()["type"] == "WELCOME"


def test_a_start_is_no_more_work_than_a_page_can_wait_for(tmp_path: Path) -> None:
    """In processor time, of which a busy machine takes no more than an idle one: usual are 0.2 to 0.4 s."""
    with HostProcess(tmp_path) as host:
        host.hello()
        spent = psutil.Process(host.process.pid).cpu_times()
    assert spent.user + spent.system < 1.5
