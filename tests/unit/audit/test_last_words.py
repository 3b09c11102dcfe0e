"""Whatever ends a host says why, in its log and to the doctor: real processes, ended in every way before WELCOME."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from longwire.assets import extension_id
from longwire.doctor.checks.starts import check_starts
from longwire.doctor.finding import Finding, State
from longwire.doctor.patient import Patient
from longwire.install.browsers import browser_table
from longwire.install.surroundings import Surroundings
from longwire.protocol.limits import PROTOCOL_VERSION
from tests.host_process import ENTRY, HostProcess, environment
from tests.patience import PATIENCE_S

SECRET = "sk-never-to-be-written"
FAILING = f"""
from longwire.native import process
def fail(*_):
    raise RuntimeError("{SECRET}")
process.LivePolicy = fail
"""


def log_of(home: Path) -> list[dict[str, Any]]:
    """All lines."""
    files = sorted((home / "state" / "longwire").glob("host-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def doctor(home: Path) -> Finding:
    """What it says of the starts in this home."""
    here = Surroundings("linux", str(home), str(home / "config"), home / "data", which=lambda _: None)
    (finding,) = check_starts(Patient(here, browser_table(), (), home, logs=home / "state" / "longwire"))
    return finding


def assert_told(home: Path, reason: str) -> dict[str, Any]:
    """The log's one line about a start that failed says so, and the doctor too. Gives the line."""
    (line,) = [line for line in log_of(home) if line["event"] in ("start failed", "refused caller")]
    assert reason in line["reason"] and line["level"] == "error"
    finding = doctor(home)
    assert finding.state is State.WARN and reason in finding.what and finding.fix
    return line


def closed(host: HostProcess) -> None:
    host.close_input()


def greeted(host: HostProcess) -> None:
    host.hello()


def no_hello(host: HostProcess) -> None:
    host.send(type="STREAM_PONG", seq=1)


def another_version(host: HostProcess) -> None:
    host.send(type="HELLO", protocol=PROTOCOL_VERSION + 1, extension="9.9.9")


@pytest.mark.parametrize(
    ("act", "entry", "code", "reason"),
    [
        (closed, ENTRY, 0, "the browser closed the input before HELLO"),
        (no_hello, ENTRY, 0, "before HELLO"),
        (another_version, ENTRY, 0, f"speaks protocol {PROTOCOL_VERSION + 1}"),
        (closed, "import sys; sys.modules['structlog'] = None\n" + ENTRY, 1, "ModuleNotFoundError (structlog)"),
        (closed, "import sys; sys.modules['platformdirs'] = None\n" + ENTRY, 1, "ModuleNotFoundError (platformdirs)"),
        # Loaded after WELCOME.
        (greeted, "import sys; sys.modules['h11'] = None\n" + ENTRY, 1, "ModuleNotFoundError (h11)"),
        (closed, FAILING + ENTRY, 1, "RuntimeError"),
        (closed, "import os; os.close(0)\n" + ENTRY, 1, "OSError"),
    ],
)
def test_a_start_that_fails_says_why(
    tmp_path: Path, act: Callable[[HostProcess], None], entry: str, code: int, reason: str
) -> None:
    with HostProcess(tmp_path, entry=entry) as host:
        act(host)
        assert host.process.wait(PATIENCE_S) == code
        said = host.stderr()
    assert_told(tmp_path, reason)
    assert "Traceback" not in said
    assert SECRET not in said + json.dumps(log_of(tmp_path))
    assert code == 0 or reason in said


def test_a_caller_that_is_not_the_extension_is_named_if_it_is_one(tmp_path: Path) -> None:
    other = "chrome-extension://abcdefghijklmnopabcdefghijklmnop/"
    with HostProcess(tmp_path, argv=[other]) as host:
        assert host.process.wait(PATIENCE_S) == 2
    assert_told(tmp_path, f"started by {other}, not by the Longwire extension")


def test_input_that_breaks_rather_than_ends_is_told(tmp_path: Path) -> None:
    """A file that may only be written in the place of the pipe: reading it is an error, and not the end."""
    written = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    try:
        host = subprocess.run(
            [sys.executable, "-I", "-c", ENTRY, f"chrome-extension://{extension_id()}/"],
            stdin=written,
            stdout=subprocess.PIPE,
            env=environment(tmp_path),
            timeout=PATIENCE_S,
            check=False,
        )
    finally:
        os.close(written)
    assert (host.returncode, host.stdout) == (0, b"")
    assert_told(tmp_path, "the input failed (EBADF)")


def test_output_that_was_closed_before_welcome_is_told(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-I", "-c", ENTRY, f"chrome-extension://{extension_id()}/"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(tmp_path),
    ) as host:
        assert host.stdin is not None and host.stdout is not None
        host.stdout.close()
        hello = json.dumps({"type": "HELLO", "protocol": PROTOCOL_VERSION, "extension": "0"}).encode()
        host.stdin.write(len(hello).to_bytes(4, sys.byteorder) + hello)
        host.stdin.flush()
        assert host.wait(PATIENCE_S) == 0
    assert_told(tmp_path, "the browser closed the output (EPIPE)")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("welcomed", [False, True], ids=["before WELCOME", "after it"])
def test_a_signal_that_ends_the_host_is_named(tmp_path: Path, number: signal.Signals, welcomed: bool) -> None:
    with HostProcess(tmp_path) as host:
        host.hello() if welcomed else wait_for_line(tmp_path, "started")
        host.process.send_signal(number)
        assert host.process.wait(PATIENCE_S) == 128 + number
    if not welcomed:
        assert_told(tmp_path, f"ended by {number.name}")
        return
    last = log_of(tmp_path)[-1]
    assert (last["event"], last["reason"]) == ("ended", f"ended by {number.name}")
    assert doctor(tmp_path).state is State.OK


def test_a_host_that_was_killed_while_it_started_is_known_by_what_it_did_not_say(tmp_path: Path) -> None:
    with HostProcess(tmp_path) as host:
        wait_for_line(tmp_path, "started")
        assert doctor(tmp_path).state is State.OK, "it still runs"
        host.process.kill()
        host.process.wait(PATIENCE_S)
    finding = doctor(tmp_path)
    assert finding.state is State.WARN and "without a word" in finding.what


def test_starts_that_went_well_are_counted(tmp_path: Path) -> None:
    with HostProcess(tmp_path) as host:
        host.hello()
    finding = doctor(tmp_path)
    assert finding.state is State.OK and "(1 in the log)" in finding.what
    assert log_of(tmp_path)[-1]["reason"] == "the browser closed the input"


def wait_for_line(home: Path, event: str) -> None:
    """Until the log has it; twenty seconds at most."""
    over = time.monotonic() + 20
    while event not in (line["event"] for line in log_of(home)):
        assert time.monotonic() < over
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="what another process may dump is read by prlimit")
def test_a_host_that_crashes_leaves_no_core_dump_although_the_browser_may(tmp_path: Path) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        host = HostProcess(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    with host:
        host.hello()
        soft, hard = psutil.Process(host.process.pid).rlimit(psutil.RLIMIT_CORE)
        assert 0 <= soft == hard <= 1
        host.process.send_signal(signal.SIGSEGV)
        ended = os.waitid(os.P_PID, host.process.pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None and ended.si_code == os.CLD_KILLED, "and not CLD_DUMPED"
    assert list(tmp_path.glob("core*")) == []
