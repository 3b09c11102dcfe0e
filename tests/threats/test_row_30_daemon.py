"""Row 30: another local user speaks to the daemon, or puts something in its place. A real daemon; real users where
this one may become another, and the kernel's word injected otherwise.
"""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from longwire.assets import extension_id
from tests.daemons import (
    address_in,
    asked,
    daemon_home,
    daemon_of,
    durable_grant,
    durable_host,
    entry,
    wait_ended,
)
from tests.host_process import HostProcess, environment, write_policy
from tests.patience import PATIENCE_S

NOBODY = 65534
# Where this user may not become another: from now on the kernel names another one.
FOREIGN = "import longwire.daemon.peer as p, os\nreal = p.peer_of\np.peer_of = lambda s: p.Peer(os.getuid() + 1, 7)\n"
FOREIGN_TO_DAEMON = f"import sys\nif '--daemon' in sys.argv:\n    {FOREIGN.replace(chr(10), chr(10) + '    ')}\n"
SPEAK = """
import os, socket, sys
uid = int(sys.argv[2])
if os.getuid() != uid:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
    s.sendall(b'{"longwire": "0.1.0", "protocol": 2, "as": "admin"}\\n{"do": "list"}\\n')
    print(s.recv(4096))
except OSError as error:
    print(type(error).__name__)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with daemon_home() as folder:
        yield folder


def speak_as(uid: int, path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-c", SPEAK, str(path), str(uid)],
        capture_output=True, text=True, timeout=PATIENCE_S, check=True, cwd="/",
    )  # fmt: skip
    return done.stdout.strip()


def test_nothing_of_the_daemon_is_open_to_others_and_nothing_listens_on_the_network(home: Path) -> None:
    before = os.umask(0)
    try:
        with durable_host(home) as host:
            host.hello()
            address = address_in(home)
            daemon = daemon_of(home)
            assert stat.S_IMODE(address.folder.lstat().st_mode) == 0o700
            files = list(address.folder.glob(f"{address.name}*"))
            assert {stat.S_IMODE(each.lstat().st_mode) for each in files} == {0o600}
            assert {each.lstat().st_uid for each in files} == {os.getuid()}
            assert daemon.net_connections("inet") == []
            kept = home / "state" / "longwire" / "durable"
            assert stat.S_IMODE(kept.stat().st_mode) == 0o700
            assert {stat.S_IMODE(each.stat().st_mode) & 0o077 for each in kept.rglob("*")} <= {0}
    finally:
        os.umask(before)


def test_another_user_gets_no_word_out_of_it_even_where_the_folder_lets_them_in(home: Path) -> None:
    """Twice kept out: by the folder; and by the kernel's word for who they are, if the folder were open."""
    if os.getuid() == 0:
        with durable_host(home) as host:
            host.hello()
            address = address_in(home)
            assert speak_as(NOBODY, address.socket) == "PermissionError"
            assert "longwire" in speak_as(0, address.socket)
            opened = [
                address.folder,
                *(each for each in address.folder.parents if home in each.parents or each == home),
            ]
            modes = {each: stat.S_IMODE(each.stat().st_mode) for each in (*opened, *home.parents, address.socket)}
            try:
                for each, mode in modes.items():
                    each.chmod(mode | (0o666 if each == address.socket else 0o001))
                said = speak_as(NOBODY, address.socket)
            finally:
                for each, mode in modes.items():
                    each.chmod(mode)
            assert said in ("b''", "ConnectionResetError", "BrokenPipeError")
        refused = [line for line in log_of(home) if "refused peer" in line]
        assert any(f"user id {NOBODY}" in line for line in refused)
    else:
        with HostProcess(home, durable_grant(), entry(f"{SHORT_PATIENCE}{FOREIGN_TO_DAEMON}")) as host:
            assert host.process.wait(PATIENCE_S) == 1
        assert any("refused peer" in line for line in log_of(home))


SHORT_PATIENCE = "from longwire.native import starting; starting.REACH_S = 3.0\n"


def log_of(home: Path) -> list[str]:
    return [
        line for each in (home / "state" / "longwire").glob("host-*.jsonl") for line in each.read_text().splitlines()
    ]


def test_a_daemon_refuses_whom_the_kernel_calls_another_user(home: Path) -> None:
    with HostProcess(home, durable_grant(), entry(SHORT_PATIENCE + FOREIGN_TO_DAEMON)) as host:
        assert host.next() is None
        assert host.process.wait(PATIENCE_S) == 1
    assert any("refused peer" in line and f"user id {os.getuid() + 1}" in line for line in log_of(home))
    # It greets nobody, so it is ended by its process.
    for process in psutil.process_iter(["cmdline", "environ"]):
        if "--daemon" in (process.info["cmdline"] or []) and (process.info["environ"] or {}).get("HOME") == str(home):
            process.kill()
            wait_ended(process)


def test_a_host_says_nothing_to_a_daemon_of_another_user(home: Path) -> None:
    write_policy(home, durable_grant())
    with durable_host(home) as first:
        first.hello()
        host = HostProcess(
            home,
            entry=entry("import sys\nif '--daemon' not in sys.argv:\n    " + FOREIGN.replace("\n", "\n    ") + "\n"),
        )
        with host:
            assert host.next() is None
            assert host.process.wait(PATIENCE_S) == 1
            assert f"user id {os.getuid() + 1} is at the other end" in host.stderr()
        assert asked(home, do="status")["connections"] == 1


@pytest.mark.parametrize("what", ["a link to a folder", "open to others", "a file"])
def test_a_folder_that_others_could_have_made_is_told_of_and_nothing_is_started_there(home: Path, what: str) -> None:
    # Near, so that it is in the home and not in the folder that all tests share.
    runtime = Path(f"/tmp/lw-row30-{os.getpid()}")
    runtime.mkdir(mode=0o700)
    try:
        folder = runtime / "longwire"
        if what == "a link to a folder":
            (runtime / "theirs").mkdir(mode=0o700)
            folder.symlink_to(runtime / "theirs")
        elif what == "a file":
            folder.write_text("")
        else:
            folder.mkdir()
            folder.chmod(0o755)
        write_policy(home, durable_grant())
        done = subprocess.run(
            [sys.executable, "-I", "-c", entry(""), f"chrome-extension://{extension_id()}/"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
            env=environment(home) | {"XDG_RUNTIME_DIR": str(runtime)},
        )  # fmt: skip
        assert done.returncode == 1
        assert str(folder) in done.stderr and ("chmod 700" in done.stderr or "remove it" in done.stderr)
        assert not [each for each in runtime.rglob("*") if stat.S_ISSOCK(each.lstat().st_mode)]
    finally:
        subprocess.run(["rm", "-rf", str(runtime)], check=True)


def test_a_link_in_the_sockets_place_is_refused(home: Path) -> None:
    address = address_in(home)
    address.folder.mkdir(parents=True, exist_ok=True)
    address.folder.chmod(0o700)
    theirs = home / "theirs.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(theirs))
        listening.listen()
        address.socket.symlink_to(theirs)
        with durable_host(home) as host:
            assert host.process.wait(PATIENCE_S) == 1
            assert f"{address.socket} is no socket: remove it" in host.stderr()
        listening.settimeout(0)
        with pytest.raises(BlockingIOError):
            listening.accept()
    address.socket.unlink()
