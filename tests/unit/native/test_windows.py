"""Host and daemon as on Windows, as far as a made-up one goes: the same daemon, by pipes; and processes apart."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import orjson
import pytest
from anyio import from_thread
from anyio.lowlevel import current_token

from longwire.daemon import address as addresses
from longwire.daemon import client as clients
from longwire.daemon.address import NO_UID, Address, UnsafeAddress, check_folder, check_socket, own_address
from longwire.daemon.client import NoDaemonThere, ask, ask_at, connect, statuses
from longwire.daemon.named_pipe import NamedPipe, new_name, write_name
from longwire.daemon.peer import ForeignPeer
from longwire.durable.store import Store
from longwire.folders import durable_folder
from longwire.native import elsewhere, guests, pipe, place, showing, starting, watcher
from longwire.native.elsewhere import elsewhere_at
from longwire.native.place import Place
from longwire.native.serving import Daemon
from longwire.native.starting import DaemonNotReached, reach_daemon
from longwire.native.startup import NotStartedApart
from longwire.native.windows import Windows
from longwire.protocol.frames import frame
from longwire.protocol.limits import PROTOCOL_VERSION
from longwire.win32.pipes import create_instance
from tests.daemons import environ_of
from tests.patience import PATIENCE_S
from tests.unit.win32.made_up import OTHER, MadeUpWindows
from tests.unit.win32.made_up_loop import patch_loop

CREATE_BREAKAWAY_FROM_JOB, DETACHED_PROCESS, CREATE_NEW_PROCESS_GROUP = 0x01000000, 0x8, 0x200
HELLO = {"type": "HELLO", "protocol": PROTOCOL_VERSION, "extension": "0.0.0"}
OWNER = "a" * 16


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeUpWindows]:
    """This process is on it: whatever asks for the system gets this one."""
    made_up = MadeUpWindows()
    patch_loop(made_up, monkeypatch)
    system = Windows(made_up.api)
    for module in (elsewhere, guests, pipe, place, showing, starting, watcher):
        monkeypatch.setattr(module, "SYSTEM", system)
    real = addresses.is_socket
    for name, value in {
        "own_uid": lambda: NO_UID,
        "is_socket": lambda status: real(status, "win32"),
    }.items():
        monkeypatch.setattr(addresses, name, value)
    monkeypatch.setattr(place, "is_socket", addresses.is_socket)
    for module in (clients, place):
        monkeypatch.setattr(module, "unconnected", lambda: NamedPipe(made_up.api))
    yield made_up
    assert not made_up.handles and not made_up.memory and not made_up.pipes


@pytest.fixture
def address(windows: MadeUpWindows, tmp_path: Path) -> Iterator[Address]:
    with environ_of(tmp_path):
        yield own_address()


async def in_thread(act: Callable[[], Any]) -> Any:
    with anyio.fail_after(PATIENCE_S):
        return await anyio.to_thread.run_sync(act)


class Living:
    """A daemon in this process, which ends with the block or before."""

    def __init__(self, address: Address, owner: str = OWNER) -> None:
        self.place = Place(address, owner)
        self.place.take()
        self.daemon = Daemon(self.place, Store(durable_folder(), owner), linger_s=PATIENCE_S)
        self.ended = anyio.Event()
        self._ready = anyio.Event()
        self._tasks = anyio.create_task_group()

    async def _run(self) -> None:
        await self.daemon.run(self._ready.set, ())
        self.place.leave()
        self.ended.set()

    async def __aenter__(self) -> "Living":
        await self._tasks.__aenter__()
        self._tasks.start_soon(self._run)
        with anyio.fail_after(PATIENCE_S):
            await self._ready.wait()
        return self

    async def __aexit__(self, *error: Any) -> None:
        self.daemon._end("the test is over")
        await self._tasks.__aexit__(*error)


# --- the daemon, by pipes ------------------------------------------------------------------------------------


async def test_a_daemon_answers_commands_and_serves_a_host(address: Address) -> None:
    async with Living(address) as living:
        status = await in_thread(lambda: ask({"do": "status"}, address))
        assert (status["pid"], status["owner"]) == (os.getpid(), OWNER)
        connected, greeting = await in_thread(lambda: connect(address.socket, "host"))
        assert greeting.serves and isinstance(connected, NamedPipe)
        connected.settimeout(PATIENCE_S)
        await in_thread(lambda: connected.sendall(frame(orjson.dumps(HELLO))))
        assert b"WELCOME" in await in_thread(lambda: connected.recv(65536))
        (found,) = await in_thread(lambda: statuses(address))
        assert found[1]["connections"] == 1
        assert await in_thread(lambda: ask({"do": "stop"}, address)) == {"stopping": True}
        with anyio.fail_after(PATIENCE_S):
            await living.ended.wait()
        await in_thread(lambda: until_end(connected))
        connected.close()
    with pytest.raises(NoDaemonThere):
        ask({"do": "status"}, address)
    assert not list(address.folder.glob("*.sock"))


def until_end(connected: NamedPipe) -> None:
    while connected.recv(65536):
        pass


async def test_another_user_gets_no_word(windows: MadeUpWindows, address: Address) -> None:
    async with Living(address):
        windows.pid = 200
        with pytest.raises(ForeignPeer, match="another user's"):
            await in_thread(lambda: ask({"do": "list"}, address))
        windows.pid = 100


async def test_one_that_got_to_the_pipe_all_the_same_is_refused_by_whom_it_is(
    windows: MadeUpWindows, address: Address
) -> None:
    async with Living(address):
        windows.users[100], own = OTHER, windows.users[100]
        windows.users[300] = own
        windows.pid = 300
        with pytest.raises(ForeignPeer, match=OTHER):
            await in_thread(lambda: ask({"do": "list"}, address))
        windows.users[100] = own
        windows.pid = 100


async def test_who_has_the_place_retires_and_is_found_by_its_owner(address: Address) -> None:
    channels: list[Any] = []

    async def look_for(owner: str) -> None:
        channels.append(await elsewhere_at(address)(owner))

    async with Living(address) as living:
        connected, _ = await in_thread(lambda: connect(address.socket, "host"))
        await in_thread(lambda: ask({"do": "retire"}, address))
        assert living.place.retired and living.place.found
        assert not address.socket.exists() and address.retired(OWNER).exists()
        assert (await in_thread(lambda: ask_at(address.retired(OWNER), {"do": "status"})))["retired"]
        async with anyio.create_task_group() as tasks:
            for owner in (OWNER, "b" * 16):
                tasks.start_soon(look_for, owner)
        assert sum(each is not None for each in channels) == 1
        connected.close()


def test_what_a_daemon_left_that_died_is_removed(windows: MadeUpWindows, address: Address) -> None:
    died = Place(address, OWNER)
    died.take()
    died.listen()
    died.listener.close()
    died._release()
    write_name(address.retired("b" * 16), new_name())
    address.retired("d" * 16).touch()  # after a loss of power
    theirs = new_name()
    windows.pid = 200
    another = create_instance(windows.api, theirs, OTHER, first=True)
    windows.pid = 100
    write_name(address.retired("e" * 16), theirs)
    after = Place(address, "c" * 16)
    after.take()
    assert not list(address.folder.glob("*.sock"))
    after.leave()
    windows.api.close(another)


# --- where it is ---------------------------------------------------------------------------------------------


def test_it_is_in_the_state_folder_whatever_a_session_gives(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/r")
    assert own_address().folder == address.folder and address.folder.parts[-2:] == ("longwire", "run")


def test_what_leads_elsewhere_is_no_folder_and_no_socket_of_ours(address: Address, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    check_folder(tmp_path / "real")
    (tmp_path / "real" / "n.sock").write_bytes(b"")
    check_socket(tmp_path / "real" / "n.sock")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "l.sock").symlink_to(tmp_path / "real" / "n.sock")
    with pytest.raises(UnsafeAddress, match="link"):
        check_folder(tmp_path / "link")
    with pytest.raises(UnsafeAddress, match="no socket"):
        check_socket(tmp_path / "real" / "l.sock")


@pytest.mark.parametrize("looks_like", [0o040700, 0o100600])
def test_a_junction_looks_like_a_folder_and_is_none(
    address: Address, monkeypatch: pytest.MonkeyPatch, looks_like: int
) -> None:
    class Junction:
        st_mode = looks_like
        st_reparse_tag = 0xA0000003

    monkeypatch.setattr(addresses, "_looked_at", lambda _: Junction())
    for check in (check_folder, check_socket):
        with pytest.raises(UnsafeAddress):
            check(address.folder)


# --- a process apart -----------------------------------------------------------------------------------------


class Started:
    """What `Popen` is called with; it may refuse."""

    def __init__(self, refuses: OSError | None = None, gives: Any = "process") -> None:
        self.refuses = refuses
        self.gives = gives
        self.calls = 0
        self.options: dict[str, Any] = {}
        self.command: list[str] = []

    def __call__(self, command: list[str], **options: Any) -> Any:
        self.command, self.options = command, options
        self.calls += 1
        if self.refuses:
            raise self.refuses
        return self.gives


def refusal(winerror: int) -> OSError:
    """As Python raises it there."""
    error = OSError(errno.EACCES, "no")
    error.winerror = winerror  # type: ignore[attr-defined,unused-ignore]
    return error


def test_a_daemon_leaves_the_browsers_job_and_gets_no_handle_of_the_host() -> None:
    started = Started()
    process: Any = Windows(MadeUpWindows().api, started).start_apart(["/x/python", "--daemon"], {"A": "B"})
    assert process == "process" and started.command == ["/x/python", "--daemon"]
    flags = started.options.pop("creationflags")
    assert flags == CREATE_BREAKAWAY_FROM_JOB | DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
    assert started.options == {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "close_fds": True,
        "cwd": "/",
        "env": {"A": "B"},
    }


def test_a_job_that_lets_nobody_out_is_told_with_what_to_do(
    windows: MadeUpWindows, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not started in the job: it would end with the browser, and what it promised is that it does not."""
    system = Windows(windows.api, Started(refusal(5)))
    with pytest.raises(NotStartedApart, match="JOB_OBJECT_LIMIT_BREAKAWAY_OK"):
        system.start_apart(["/x"], {})
    monkeypatch.setattr(starting, "SYSTEM", system)
    with pytest.raises(DaemonNotReached, match="is not started: Windows does not let it outlive the browser"):
        reach_daemon(address)
    with pytest.raises(OSError, match="no"):
        Windows(windows.api, Started(refusal(2))).start_apart(["/x"], {})


async def test_a_host_whose_daemon_is_just_coming_up_waits_for_it(
    windows: MadeUpWindows, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the process that was started is the daemon itself, and goes on."""

    polled = anyio.Event()
    token = current_token()

    class Running:
        def poll(self) -> None:
            from_thread.run_sync(polled.set, token=token)

    starts = Started(gives=Running())
    monkeypatch.setattr(starting, "SYSTEM", Windows(windows.api, starts))
    found: list[Any] = []

    async def reach() -> None:
        found.append(await in_thread(lambda: reach_daemon(address)))

    async with anyio.create_task_group() as waiting:
        waiting.start_soon(reach)
        with anyio.fail_after(PATIENCE_S):
            await polled.wait()
        async with Living(address):
            while not found:
                await anyio.lowlevel.checkpoint()
            found[0].close()
    assert starts.calls == 1


def test_nothing_is_left_to_do_in_a_process_that_was_started_apart() -> None:
    Windows(MadeUpWindows().api).leave_parent()()


# --- the host as a pipe --------------------------------------------------------------------------------------


async def test_a_host_passes_on_bytes_both_ways_and_ends_with_the_daemon(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    from_browser, browser_writes = os.pipe()
    browser_reads, to_browser = os.pipe()
    codes: list[int] = []
    async with Living(address) as living:
        connected, _ = await in_thread(lambda: connect(address.socket, "host"))
        host = pipe.Pipe(from_browser, to_browser, connected)

        async def run() -> None:
            codes.append(await anyio.to_thread.run_sync(host.run))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            os.write(browser_writes, frame(orjson.dumps(HELLO)))
            assert b"WELCOME" in await in_thread(lambda: os.read(browser_reads, 65536))
            living.daemon._end("the test wants it")
        connected.close()
    assert codes == [1], "what ran was the daemon's; as on every other system"
    (up,) = [each for each in threading.enumerate() if each.name == "longwire-up"]
    os.close(browser_writes)
    up.join(PATIENCE_S)
    assert ended == [0], "and so it would have, had the browser closed"
    for descriptor in (from_browser, browser_reads, to_browser):
        os.close(descriptor)


def test_a_daemon_that_takes_nothing_more_is_told_from_one_that_does(windows: MadeUpWindows, tmp_path: Path) -> None:
    from tests.unit.native.test_named_pipe import Served, connected

    served = Served(windows, tmp_path / "n.sock")
    ours = connected(windows, tmp_path / "n.sock")
    system = Windows(windows.api)
    assert system.pass_on(ours, memoryview(b"data"), 0) is True
    served.end.close()
    assert system.pass_on(ours, memoryview(b"data"), 0) is False
    ours.close()


def test_an_input_whose_writer_is_gone_is_known_by_its_handle(windows: MadeUpWindows, tmp_path: Path) -> None:
    from tests.unit.native.test_named_pipe import Served, connected

    served = Served(windows, tmp_path / "n.sock")
    ours = connected(windows, tmp_path / "n.sock")
    handle = ours._connected().handle
    windows.api.handle_of = lambda _: handle
    system = Windows(windows.api)
    assert not system.writer_is_gone(0)
    served.end.close()
    assert system.writer_is_gone(0)
    ours.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there it is the other way round")
def test_elsewhere_it_is_not_what_a_host_gets() -> None:
    from longwire.native.own_system import SYSTEM

    assert not isinstance(SYSTEM, Windows)
