"""Where the daemon is found, and who may be at the other end."""

import os
import socket
import struct
import threading
from pathlib import Path

import anyio
import pytest

from longwire import __version__
from longwire.daemon.address import (
    MAX_SOCKET_PATH_BYTES,
    Address,
    UnsafeAddress,
    check_folder,
    check_socket,
    own_address,
    prepare_folder,
)
from longwire.daemon.client import DaemonMute, NoDaemonThere, ask, connect
from longwire.daemon.lines import BadLine, Greeting, Hail, greeting_line, hail_line, read_greeting, read_hail
from longwire.daemon.peer import ForeignPeer, own_peer, peer_of
from longwire.engine.channel import Channel
from longwire.folders import runtime_folder
from longwire.native.elsewhere import elsewhere_at
from longwire.native.place import Place, PlaceTaken
from tests.daemons import environ_of
from tests.patience import PATIENCE_S

ME = os.getuid()


class Reporting:
    """A socket by which the system says what it is told to."""

    def __init__(self, answer: bytes | OSError) -> None:
        self.answer = answer

    def getsockopt(self, *_: int) -> bytes:
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


# --- where ---------------------------------------------------------------------------------------------------


def test_it_is_in_the_sessions_folder_or_else_in_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/r")
    assert own_address().folder == Path("/r/longwire")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "not absolute")
    monkeypatch.setenv("XDG_STATE_HOME", "/s")
    assert runtime_folder(2**31, "linux") is None and runtime_folder(ME, "darwin") is None
    assert own_address(2**31).folder == Path("/s/longwire/run")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / ("long" * 30)))
    assert own_address(2**31).folder == Path(f"/tmp/longwire-{2**31}")


def test_every_socket_has_a_path_that_a_socket_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    for length in range(1, 120):
        monkeypatch.setenv("XDG_RUNTIME_DIR", "/" + "r" * length)
        address = own_address()
        assert len(os.fsencode(address.retired("0123456789abcdef"))) <= MAX_SOCKET_PATH_BYTES


def test_another_home_has_another_daemon(tmp_path: Path) -> None:
    names = set()
    for home in (tmp_path / "a", tmp_path / "b"):
        with environ_of(home):
            names.add(own_address().name)
    assert len(names) == 2


# --- who could be behind it ----------------------------------------------------------------------------------


def test_a_folder_is_made_for_its_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        prepare_folder(tmp_path / "state" / "run")
    finally:
        os.umask(before)
    assert (tmp_path / "state" / "run").stat().st_mode & 0o777 == 0o700
    prepare_folder(tmp_path / "state" / "run")


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o740, 0o702, 0o720, 0o777, 0o755])
def test_a_folder_that_others_get_into_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(UnsafeAddress, match=f"chmod 700 {folder}"):
        prepare_folder(folder)


@pytest.mark.parametrize(
    ("mode", "safe"), [(0o755, True), (0o775, False), (0o757, False), (0o1777, True), (0o700, True)]
)
def test_the_folder_above_keeps_others_from_putting_another_there(tmp_path: Path, mode: int, safe: bool) -> None:
    above = tmp_path / "above"
    above.mkdir()
    (above / "run").mkdir(mode=0o700)
    above.chmod(mode)
    if safe:
        check_folder(above / "run")
    else:
        with pytest.raises(UnsafeAddress, match=f"chmod go-w {above}"):
            check_folder(above / "run")


def test_links_files_and_what_belongs_to_others_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").write_text("")
    for name in ("link", "file"):
        with pytest.raises(UnsafeAddress, match="link or a file"):
            prepare_folder(tmp_path / name)
    with pytest.raises(UnsafeAddress, match=f"belongs to user id {ME}"):
        check_folder(tmp_path / "real", uid=ME + 1)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "real" / "s"))
    listening.close()
    check_socket(tmp_path / "real" / "s")
    with pytest.raises(UnsafeAddress, match=f"belongs to user id {ME}"):
        check_socket(tmp_path / "real" / "s", uid=ME + 1)
    (tmp_path / "real" / "l").symlink_to(tmp_path / "real" / "s")
    for path in (tmp_path / "real" / "l", tmp_path / "file"):
        with pytest.raises(UnsafeAddress, match="no socket"):
            check_socket(path)


def test_the_peer_is_whom_the_kernel_says_on_every_system() -> None:
    mine, other = socket.socketpair(socket.AF_UNIX)
    with mine, other:
        assert own_peer(mine) == (ME, os.getpid())
        with pytest.raises(ForeignPeer, match=f"user id {ME}"):
            own_peer(mine, uid=ME + 1)
    xucred = struct.pack("=IIh", 0, 501, 1) + bytes(66)
    for platform in ("darwin", "freebsd14"):
        assert peer_of(Reporting(xucred), platform) == (501, 0)  # type: ignore[arg-type]
    unknown = [("darwin", b""), ("linux", OSError(92, "no")), ("linux", b"short"), ("sunos5", xucred)]
    for platform, answer in unknown:
        with pytest.raises(ForeignPeer, match="does not tell"):
            peer_of(Reporting(answer), platform)  # type: ignore[arg-type]


# --- the lines -----------------------------------------------------------------------------------------------


def test_lines_are_read_as_they_are_written() -> None:
    hail = Hail("1.2", 2, "admin")
    assert read_hail(hail_line(hail)) == hail
    for greeting in (Greeting("1.2", 2, 7, "abc", serves=True), Greeting("1", 1, 1, "", serves=False, why="full")):
        assert read_greeting(greeting_line(greeting)) == greeting


@pytest.mark.parametrize(
    "said", [b"", b"x\n", b"[]\n", b"{}\n", b'{"longwire": 1, "protocol": 2, "as": "host"}\n', b"[" * 4000, b"\xff\n"]
)
def test_what_is_no_line_is_refused(said: bytes) -> None:
    with pytest.raises(BadLine):
        read_hail(said)
    with pytest.raises(BadLine):
        read_greeting(said)


# --- connecting ----------------------------------------------------------------------------------------------


@pytest.fixture
def address(tmp_path: Path) -> Address:
    with environ_of(tmp_path):
        found = Address(tmp_path / "r", "n")
    prepare_folder(found.folder)
    return found


def test_nothing_there_and_a_socket_that_is_left_over_are_the_same(address: Address) -> None:
    for _ in range(2):
        with pytest.raises(NoDaemonThere):
            ask({"do": "status"}, address)
        if not address.socket.exists():
            left_over = socket.socket(socket.AF_UNIX)
            left_over.bind(str(address.socket))
            left_over.close()


def test_one_that_says_nothing_is_told_of_by_its_process(address: Address) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(address.socket))
        listening.listen()
        with pytest.raises(DaemonMute, match=rf"\(process {os.getpid()}\) does not answer"):
            connect(address.socket, "admin", 0.05)
        with pytest.raises(ForeignPeer):
            # Everything of the path is ours; who listens is not.
            connect_as_other(address)


def connect_as_other(address: Address) -> None:
    """As `connect`, for a user who owns the folder and not the process."""
    connected = socket.socket(socket.AF_UNIX)
    with connected:
        connected.connect(str(address.socket))
        own_peer(connected, ME + 1)


def test_one_has_the_place_at_a_time_and_the_next_cleans_up_after_one_that_died(address: Address) -> None:
    first = Place(address, "a" * 16)
    first.take()
    first.listen()
    second = Place(address, "b" * 16)
    with pytest.raises(PlaceTaken):
        second.take(0.05)
    first.retire()
    assert first.retired and address.retired("a" * 16).exists() and not address.socket.exists()
    second.take(0.05)
    second.listen()
    assert address.retired("a" * 16).exists(), "who retired and lives is still found"
    first.leave()
    second.leave()
    assert not list(address.folder.glob("*.sock"))
    # As after SIGKILL.
    died, finishing = Place(address, "c" * 16), Place(address, "d" * 16)
    for place in (finishing, died):
        place.take()
        place.listen()
        if place is finishing:
            place.retire()
        place.listener.close()
    died._release()
    third = Place(address, "e" * 16)
    third.take()
    assert not list(address.folder.glob("*.sock"))
    third.leave()
    for place in (second, third):
        place.listener.close()


async def test_another_daemon_is_found_by_its_owner_where_it_retired_and_where_it_has_the_place(
    address: Address,
) -> None:
    place = Place(address, "a" * 16)
    place.take()
    place.listen()
    listener = place.listener
    assert isinstance(listener, socket.socket)
    listener.settimeout(PATIENCE_S)
    said: list[bytes] = []
    ends: list[bytes] = []

    def answer() -> None:
        for _ in range(3):
            connected, _ = listener.accept()
            connected.settimeout(PATIENCE_S)
            said.append(connected.recv(4096))
            connected.sendall(greeting_line(Greeting(__version__, 2, 1, "a" * 16, serves=True)))
            ends.append(connected.recv(1))
            connected.close()

    answering = threading.Thread(target=answer)
    answering.start()
    elsewhere = elsewhere_at(address)

    async def ask(owner: str) -> None:
        """In a task of its own, with whose end the channel ends."""
        found.append(await elsewhere(owner))

    found: list[Channel | None] = []
    for owner in ("b" * 16, "a" * 16, "a" * 16):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, owner)
        if found[-1] is not None and not place.retired:
            place.retire()
    answering.join(PATIENCE_S)
    assert [each is not None for each in found] == [False, True, True] and ends == [b""] * 3
    assert [read_hail(each).role for each in said] == ["daemon"] * 3
    place.leave()
