"""A client's end of a named pipe, in the place of a socket: whom it speaks to, and the errors of a socket."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from longwire.daemon.address import NO_UID
from longwire.daemon.named_pipe import NamedPipe, new_name, write_name
from longwire.daemon.peer import ForeignPeer, own_peer
from longwire.win32.api import CallFailed
from longwire.win32.pipes import Carrier, create_instance
from tests.patience import PATIENCE_S
from tests.unit.win32.made_up import ME, OTHER, MadeUpWindows


class Served:
    """A pipe that the test serves, and the file that names it."""

    def __init__(self, windows: MadeUpWindows, path: Path, sid: str = ME) -> None:
        name = new_name()
        self.end = Carrier(windows.api, create_instance(windows.api, name, sid, first=True))
        write_name(path, name)


@pytest.fixture
def windows() -> Iterator[MadeUpWindows]:
    made_up = MadeUpWindows()
    yield made_up
    assert not made_up.handles and not made_up.memory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "n.sock"


def connected(windows: MadeUpWindows, path: Path) -> NamedPipe:
    pipe = NamedPipe(windows.api)
    pipe.settimeout(PATIENCE_S)
    pipe.connect(str(path))
    return pipe


def test_its_peer_is_this_user_by_the_pipe_and_by_the_process(windows: MadeUpWindows, path: Path) -> None:
    served = Served(windows, path)
    with connected(windows, path) as pipe:
        assert own_peer(pipe) == (NO_UID, 100)
    served.end.close()


def test_a_pipe_of_another_user_is_not_believed_whatever_process_has_the_number(
    windows: MadeUpWindows, path: Path
) -> None:
    """They let us in, and the number of the process that made it is one of ours by now."""
    windows.pid = 200
    served = Served(windows, path)
    windows.pid = 100
    windows.users[200] = ME
    with connected(windows, path) as pipe, pytest.raises(ForeignPeer, match=OTHER):
        own_peer(pipe)
    served.end.close()


def test_a_process_of_another_user_is_not_believed_whoever_owns_the_pipe(windows: MadeUpWindows, path: Path) -> None:
    served = Served(windows, path)
    windows.users[100] = OTHER
    windows.users[300] = ME
    windows.pid = 300
    with connected(windows, path) as pipe, pytest.raises(ForeignPeer, match=OTHER):
        own_peer(pipe)
    served.end.close()


@pytest.mark.parametrize("name", ["GetSecurityInfo", "OpenProcess", "OpenProcessToken", "GetNamedPipeServerProcessId"])
def test_what_windows_does_not_tell_is_not_believed(windows: MadeUpWindows, path: Path, name: str) -> None:
    served = Served(windows, path)
    with connected(windows, path) as pipe:
        windows.fails[name] = 5
        with pytest.raises(ForeignPeer, match=f"does not tell .*{name} failed with error 5"):
            own_peer(pipe)
    served.end.close()


def test_a_pipe_that_is_not_for_us_and_one_that_nobody_serves(windows: MadeUpWindows, path: Path) -> None:
    windows.pid = 200
    served = Served(windows, path, OTHER)
    windows.pid = 100
    with pytest.raises(ForeignPeer, match="another user's"):
        connected(windows, path)
    served.end.close()
    with pytest.raises(ConnectionRefusedError):
        connected(windows, path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        connected(windows, path)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\\\\other-machine\\pipe\\longwire-" + b"0" * 32 + b"\n",
        b"longwire-" + b"0" * 31 + b"/\n",
        b"longwire-" + b"0" * 32,
        b"longwire-" + b"0" * 32 + b"\nmore",
    ],
)
def test_a_file_that_names_something_else_is_not_followed(windows: MadeUpWindows, path: Path, said: bytes) -> None:
    path.write_bytes(said)
    with pytest.raises(ConnectionRefusedError, match="names no pipe"):
        connected(windows, path)


def test_two_names_are_never_the_same_and_a_file_is_never_written_over(path: Path) -> None:
    assert len({new_name() for _ in range(100)}) == 100
    write_name(path, new_name())
    with pytest.raises(FileExistsError):
        write_name(path, new_name())


def test_bytes_come_and_go_as_by_a_socket(windows: MadeUpWindows, path: Path) -> None:
    served = Served(windows, path)
    with connected(windows, path) as pipe:
        pipe.sendall(b"")  # would be the end
        pipe.sendall(b"up")
        into = memoryview(bytearray(10))
        assert served.end.read(into, PATIENCE_S) == 2
        served.end.write(b"one\ntwo", PATIENCE_S)
        assert [pipe.recv(100, socket.MSG_PEEK), pipe.recv(100, socket.MSG_PEEK)] == [b"one\ntwo"] * 2
        assert pipe.recv(4) == b"one\n"
        assert bytes(into[: pipe.recv_into(into)]) == b"two"
        served.end.write(b"three", PATIENCE_S)
        assert bytes(into[: pipe.recv_into(into)]) == b"three"
        pipe.settimeout(0.01)
        with pytest.raises(TimeoutError):
            pipe.recv(1)
    served.end.close()


@pytest.mark.parametrize("in_order", [True, False])
def test_an_end_in_order_is_told_from_a_death(windows: MadeUpWindows, path: Path, in_order: bool) -> None:
    served = Served(windows, path)
    with connected(windows, path) as pipe:
        served.end.write(b"last", PATIENCE_S)
        if in_order:
            served.end.write(b"", PATIENCE_S)
        served.end.close()
        assert [pipe.recv(10), pipe.recv(10), pipe.recv(10)] == [b"last", b"", b""]
        assert pipe.ended_in_order == in_order
        with pytest.raises(ConnectionResetError):
            pipe.sendall(b"x")


def test_an_input_that_fails_is_no_end(windows: MadeUpWindows, path: Path) -> None:
    served = Served(windows, path)
    with connected(windows, path) as pipe:
        windows.fails["ReadFile"] = 1450
        with pytest.raises(CallFailed):
            pipe.recv(1)
    served.end.close()


def test_one_that_was_never_connected_is_closed_without_ado() -> None:
    pipe = NamedPipe(MadeUpWindows().api)
    with pytest.raises(ConnectionResetError):
        pipe.sendall(b"x")
    pipe.close()


def test_the_handle_is_given_up_with_what_was_read_before(windows: MadeUpWindows, path: Path) -> None:
    served = Served(windows, path)
    pipe = connected(windows, path)
    served.end.write(b"line\nrest", PATIENCE_S)
    pipe.recv(5)
    handle, rest = pipe.give_up()
    pipe.close()
    assert rest == b"rest" and handle in windows.handles
    windows.api.close(handle)
    served.end.close()


def test_whoever_waits_for_an_end_that_is_free_gets_the_next(windows: MadeUpWindows, path: Path) -> None:
    served = Served(windows, path)
    first = connected(windows, path)
    found: list[NamedPipe] = []
    waiting = threading.Thread(target=lambda: found.append(connected(windows, path)))
    waiting.start()
    (name,) = windows.pipes
    second = create_instance(windows.api, name, ME, first=False)
    waiting.join(PATIENCE_S)
    for pipe in (first, *found):
        pipe.close()
    assert len(found) == 1
    windows.api.close(second)
    served.end.close()


def test_a_name_is_written_as_bytes(path: Path) -> None:
    name = new_name()
    write_name(path, name)
    assert path.read_bytes() == name.rpartition("\\")[2].encode() + b"\n"
    assert path.stat().st_mode & 0o777 == 0o600
