"""Hosts whose policy grants durable requests, and the daemon behind them: real processes, in a home of each test."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from longwire import __version__
from longwire.daemon.address import Address, own_address, prepare_folder
from longwire.daemon.client import NoDaemonThere, ask, receive_line
from longwire.daemon.lines import MAX_GREETING_BYTES, Greeting, greeting_line
from longwire.native.starting import try_lock
from longwire.protocol.limits import PROTOCOL_VERSION
from tests.host_process import PAGE, HostProcess, environment, grant
from tests.patience import PATIENCE_S

DURABLE = 'durable = { max_bytes = "64MiB", keep = "1h", detached = "30m" }'
# The page of a browser's profile, as its worker says.
PROFILED = PAGE | {"profile": "p" * 32}
_STARTS_ITSELF = """
import sys
from longwire.native import starting
starting.daemon_command = lambda: [*sys.orig_argv[:4], "--daemon"]
from longwire.native.main import main
main()
"""


def entry(prelude: str) -> str:
    """A host that is changed by `prelude`, and so is the daemon that it starts."""
    return prelude + _STARTS_ITSELF


def durable_grant(*destinations: str) -> str:
    """A policy whose one grant lets requests outlive their page."""
    return grant(*(destinations or ("http://127.0.0.1:1/",)), more=DURABLE)


@contextmanager
def environ_of(home: Path) -> Iterator[None]:
    """This process, for a moment, with the folders of a host in `home`."""
    before = dict(os.environ)
    os.environ.update(environment(home))
    os.environ.pop("XDG_RUNTIME_DIR", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def address_in(home: Path) -> Address:
    """Where the daemon of that home is."""
    with environ_of(home):
        return own_address()


def asked(home: Path, **question: Any) -> dict[str, Any]:
    """What the daemon answers."""
    return ask(question, address_in(home), PATIENCE_S)


def daemon_of(home: Path) -> psutil.Process:
    """The process."""
    return psutil.Process(asked(home, do="status")["pid"])


def descriptors_of(process: psutil.Process) -> list[str]:
    """What its descriptors lead to."""
    folder = Path(f"/proc/{process.pid}/fd")
    found = []
    for each in folder.iterdir():
        with suppress(FileNotFoundError):
            found.append(str(each.readlink()))
    return sorted(found)


def wait_ended(process: psutil.Process) -> None:
    """Until it is gone, or nothing is left of it but its number."""
    with suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            with suppress(psutil.TimeoutExpired):
                process.wait(0.05)


@contextmanager
def daemon_home() -> Iterator[Path]:
    """A home whose daemons are ended at the end, retired ones too. Its path is short: the sockets fit into it."""
    with TemporaryDirectory(prefix="lw-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        try:
            yield home
        finally:
            end_daemons(home)


def end_daemons(home: Path) -> None:
    """Those of that home, in order."""
    address = address_in(home)
    for path in [address.socket, *address.folder.glob(f"{address.name}.*.sock")]:
        with suppress(NoDaemonThere):
            process = psutil.Process(ask({"do": "status"}, address_of(path), PATIENCE_S)["pid"])
            process.terminate()
            wait_ended(process)
    remove_files(address)


def remove_files(address: Address) -> None:
    """The folder is not the test's own where its path is too long for a socket's."""
    for path in address.folder.glob(f"{address.name}.*"):
        path.unlink()


def address_of(path: Path) -> Address:
    """An address whose socket is this one, a retired daemon's too."""
    return Address(path.parent, path.name.removesuffix(".sock"))


class ScriptedDaemon:
    """A daemon that a test plays: it is found and greeted as one, and what comes after that is the test's."""

    def __init__(self, home: Path) -> None:
        self._address = address = address_in(home)
        prepare_folder(address.folder)
        self._lock = try_lock(address.lock)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(address.socket))
        self.listener.listen()
        self.listener.settimeout(PATIENCE_S)

    def accept(self, version: str = __version__) -> socket.socket:
        """The next host, after the lines of both. The socket blocks."""
        connected, _ = self.listener.accept()
        connected.settimeout(PATIENCE_S)
        receive_line(connected, MAX_GREETING_BYTES)
        connected.sendall(greeting_line(Greeting(version, PROTOCOL_VERSION, os.getpid(), "0" * 16, serves=True)))
        connected.settimeout(None)
        return connected

    def __enter__(self) -> "ScriptedDaemon":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        assert self._lock is not None
        self._lock.close()
        remove_files(self._address)


def durable_host(home: Path, *destinations: str, prelude: str | None = None) -> HostProcess:
    """A host that finds a durable grant."""
    policy = durable_grant(*destinations)
    return HostProcess(home, policy) if prelude is None else HostProcess(home, policy, entry(prelude))
