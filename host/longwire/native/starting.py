"""How a host comes to its daemon: it connects, and starts one where none listens.

Two hosts at once start one daemon: the one that holds `starting` does, the other waits. A daemon of another version is
told to take no new hosts; it gives up its place and finishes what it has. All of it has one deadline.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from longwire import __version__
from longwire.daemon.address import Address, UnsafeAddress, own_address, prepare_folder
from longwire.daemon.client import DaemonMute, NoDaemonThere, connect, retire
from longwire.daemon.connected import Connected
from longwire.daemon.peer import ForeignPeer
from longwire.native.own_system import SYSTEM
from longwire.native.startup import DAEMON_ARGUMENT, NotStartedApart
from longwire.storage.file_locks import lock_now

if TYPE_CHECKING:
    import subprocess

# The extension waits ten seconds for WELCOME.
REACH_S: Final = 8.0
_LOOK_AGAIN_S: Final = 0.01
# How long one that is there may take to answer: less than a host has to end after its browser.
_ANSWER_S: Final = 1.0
# Windows has the last one only.
_LOCK_FLAGS: Final = (
    os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NOINHERIT", 0)
)
# A daemon that ends as soon as it runs is not started for ever.
_MAX_STARTS: Final = 3


class DaemonNotReached(Exception):
    """There is no daemon to be had. The text says why and what to do."""


class NobodyWaits(Exception):
    """Whoever the daemon was for is gone meanwhile."""


def reach_daemon(address: Address | None = None, *, wanted: Callable[[], bool] = lambda: True) -> Connected:
    """Connected to the daemon of this user and version, which was started if none ran. It blocks.

    `wanted` is asked again and again.

    Raises:
        DaemonNotReached: none came in `REACH_S`, or it is not safe to speak to what is there.
        NobodyWaits: it is wanted no more.
    """
    try:
        address = address or own_address()
        prepare_folder(address.folder)
        return _Reaching(address, time.monotonic() + REACH_S, wanted).run()
    except (UnsafeAddress, ForeignPeer) as unsafe:
        raise DaemonNotReached(f"the daemon for durable requests is not reached: {unsafe}") from None


class _Reaching:
    def __init__(self, address: Address, ends_at: float, wanted: Callable[[], bool]) -> None:
        self._address = address
        self._ends_at = ends_at
        self._wanted = wanted
        self._lock: IO[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._nobody_there = False
        self._why = "it did not come up"

    def run(self) -> Connected:
        try:
            while True:
                connected = self._connect()
                if connected is not None:
                    return connected
                if not self._wanted():
                    raise NobodyWaits
                if time.monotonic() >= self._ends_at:
                    raise DaemonNotReached(
                        f"the daemon for durable requests is not reached: {self._why}; `longwire logs` says more"
                    )
                self._go_on()
        finally:
            if self._lock is not None:
                self._lock.close()

    def _connect(self) -> Connected | None:
        self._nobody_there = False
        try:
            connected, greeting = connect(self._address.socket, "host", _ANSWER_S)
        except NoDaemonThere:
            self._nobody_there = True
            return None
        except DaemonMute as mute:
            self._why = str(mute)
            return None
        if greeting.serves:
            return connected
        connected.close()
        self._why = greeting.why or f"it is of the version {greeting.version} and has not given up its place"
        if greeting.version != __version__:
            retire(self._address)
        return None

    def _go_on(self) -> None:
        """Wait for the one that is there. Else take the lock; then, after another look, start one; then wait for it."""
        if not self._nobody_there:
            time.sleep(_LOOK_AGAIN_S)
        elif self._lock is None:
            self._lock = try_lock(self._address.starting)
            if self._lock is None:
                time.sleep(_LOOK_AGAIN_S)
        elif self._process is None:
            if self._starts == _MAX_STARTS:
                raise DaemonNotReached("the daemon for durable requests ends as soon as it runs; see `longwire logs`")
            self._starts += 1
            try:
                self._process = start_daemon()
            except NotStartedApart as why:
                raise DaemonNotReached(f"the daemon for durable requests is not started: {why}") from None
        elif (code := self._process.poll()) is None:
            time.sleep(_LOOK_AGAIN_S)
        elif code == 0:
            # It listened, or another had the place; and yet nobody answered just now, or nobody for us.
            self._process = None
            time.sleep(_LOOK_AGAIN_S)
        else:
            raise DaemonNotReached("the daemon for durable requests did not start; `longwire logs` says why")


def try_lock(path: Path) -> IO[bytes] | None:
    """Hold the lock that is this file, until it is closed or the process ends; None if another has it.

    Raises:
        UnsafeAddress: the file cannot be opened.
    """
    try:
        file = os.fdopen(os.open(path, _LOCK_FLAGS, 0o600), "r+b", 0)
    except OSError as error:
        raise UnsafeAddress(f"{path} cannot be opened: {error.strerror}") from None
    if not lock_now(file.fileno(), exclusive=True):
        file.close()
        return None
    return file


def daemon_command() -> list[str]:
    """What is started: this very program, isolated as a browser's launcher has it."""
    if getattr(sys, "frozen", False):
        return [sys.executable, DAEMON_ARGUMENT]
    return [sys.executable, "-I", "-c", "from longwire.native.main import main; main()", DAEMON_ARGUMENT]


def start_daemon() -> "subprocess.Popen[bytes]":
    """Start it, with nothing of this process but its environment. What is returned may end with 0 once it listens.

    No descriptor of the host's goes to it: one that held the host's output open would keep a dead port looking alive.

    Raises:
        NotStartedApart: the system does not let it outlive this process.
    """
    # A frozen program would take the new one for a part of itself.
    return SYSTEM.start_apart(daemon_command(), {**os.environ, "PYINSTALLER_RESET_ENVIRONMENT": "1"})
