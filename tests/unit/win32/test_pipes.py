"""Named pipes: who gets at one, bytes and the end in both directions, waiting that ends, and no failure that leaks."""

import os
import threading
from collections.abc import Callable, Iterator

import pytest

from longwire.win32 import api as w
from longwire.win32.api import CallFailed
from longwire.win32.pipes import (
    BUFFER_BYTES,
    Carrier,
    PipeDenied,
    client_of,
    create_instance,
    open_pipe,
    other_end_closed,
    server_of,
)
from longwire.win32.users import owner_of
from tests.patience import PATIENCE_S
from tests.unit.win32.made_up import ME, MadeUpWindows

NAME = "\\\\.\\pipe\\longwire-1"
FIRST_INSTANCE, REJECT_REMOTE = 0x00080000, 0x8
WAIT_TIMEOUT = 0x102
IDENTIFICATION, AS_IT_IS = 0x00110000, 0x00130000


@pytest.fixture
def windows() -> Iterator[MadeUpWindows]:
    made_up = MadeUpWindows()
    yield made_up
    assert not made_up.handles and not made_up.memory and not made_up.pipes


def pair(windows: MadeUpWindows) -> tuple[Carrier, Carrier]:
    server = create_instance(windows.api, NAME, ME, first=True)
    return Carrier(windows.api, server), Carrier(windows.api, open_pipe(windows.api, NAME, 1.0))


def read(carrier: Carrier, size: int = 1 << 16, timeout_s: float | None = PATIENCE_S) -> bytes:
    piece = memoryview(bytearray(size))
    return bytes(piece[: carrier.read(piece, timeout_s)])


# --- who gets at it ------------------------------------------------------------------------------------------


def test_a_pipe_is_its_users_alone_on_this_machine_alone_and_nobody_had_its_name_before(windows: MadeUpWindows) -> None:
    first = create_instance(windows.api, NAME, ME, first=True)
    second = create_instance(windows.api, NAME, ME, first=False)
    assert windows.pipes[NAME].security == f"O:{ME}D:P(A;;GA;;;{ME})"
    made = windows.called("CreateNamedPipeW")
    assert [call[1] & FIRST_INSTANCE for call in made] == [FIRST_INSTANCE, 0]
    assert all(call[2] & REJECT_REMOTE for call in made)
    with pytest.raises(CallFailed, match="CreateNamedPipeW failed with error 5"):
        create_instance(windows.api, NAME, ME, first=True)
    for handle in (first, second):
        windows.api.close(handle)


def test_whoever_serves_may_ask_who_the_client_is_and_not_act_as_it(windows: MadeUpWindows) -> None:
    server, client = pair(windows)
    flags = windows.called("CreateFileW")[0][5]
    assert flags & AS_IT_IS == IDENTIFICATION
    assert client_of(windows.api, server.handle) == 100 == server_of(windows.api, client.handle)
    assert owner_of(windows.api, client.handle) == ME
    for each in (server, client):
        each.close()


def test_another_user_is_kept_out(windows: MadeUpWindows) -> None:
    server = create_instance(windows.api, NAME, ME, first=True)
    windows.pid = 200
    with pytest.raises(PipeDenied, match="another user's"):
        open_pipe(windows.api, NAME, 1.0)
    windows.api.close(server)


# --- waiting -------------------------------------------------------------------------------------------------


def test_nobody_there_is_told_at_once_and_one_that_is_busy_is_waited_for(windows: MadeUpWindows) -> None:
    with pytest.raises(ConnectionRefusedError):
        open_pipe(windows.api, NAME, None)
    server, client = pair(windows)
    with pytest.raises(TimeoutError):
        open_pipe(windows.api, NAME, 0.01)
    opened: list[int] = []
    waiting = threading.Thread(target=lambda: opened.append(open_pipe(windows.api, NAME, PATIENCE_S)))
    waiting.start()
    another = create_instance(windows.api, NAME, ME, first=False)
    waiting.join(PATIENCE_S)
    for handle in (another, *opened):
        windows.api.close(handle)
    assert len(opened) == 1
    for each in (server, client):
        each.close()


def test_one_that_is_always_taken_by_others_is_not_waited_for_for_ever(windows: MadeUpWindows) -> None:
    windows.fails["CreateFileW"] = w.PIPE_BUSY
    create = create_instance(windows.api, NAME, ME, first=True)
    with pytest.raises(TimeoutError):
        open_pipe(windows.api, NAME, 0.02)
    windows.api.close(create)


# --- bytes ---------------------------------------------------------------------------------------------------


def test_bytes_go_both_ways_however_they_are_cut(windows: MadeUpWindows) -> None:
    server, client = pair(windows)
    client.write(b"up", PATIENCE_S)
    server.write(b"down and more", PATIENCE_S)
    assert read(server) == b"up"
    assert [read(client, 4), read(client, 4), read(client)] == [b"down", b" and", b" more"]
    server.write(b"a", PATIENCE_S)
    server.write(b"b", PATIENCE_S)
    assert [read(client), read(client)] == [b"a", b"b"]
    for each in (server, client):
        each.close()


def test_a_message_without_a_byte_is_an_end_and_a_death_is_not(windows: MadeUpWindows) -> None:
    server, client = pair(windows)
    server.write(b"last", PATIENCE_S)
    server.write(b"", PATIENCE_S)
    assert [read(client), read(client)] == [b"last", b""]
    client.write(b"late", PATIENCE_S)
    assert read(server) == b"late", "and the other direction goes on"
    server.write(b"not yet read", PATIENCE_S)
    server.close()
    assert read(client) == b"not yet read"
    with pytest.raises(ConnectionResetError):
        read(client)
    with pytest.raises(ConnectionResetError):
        client.write(b"x", PATIENCE_S)
    client.close()
    with pytest.raises(ConnectionResetError):
        read(client)


def test_reading_and_writing_wait_beside_each_other(windows: MadeUpWindows) -> None:
    server, client = pair(windows)
    data = os.urandom(4 * BUFFER_BYTES)
    got: list[bytes] = []

    def write() -> None:
        for at in range(0, len(data), 60000):
            client.write(data[at : at + 60000], None)

    reading, writing = threading.Thread(target=lambda: got.append(read(client))), threading.Thread(target=write)
    for each in (reading, writing):
        each.start()
    came = b""
    while len(came) < len(data):
        came += read(server, 5000)
    server.write(b"answer", PATIENCE_S)
    for each in (reading, writing):
        each.join(PATIENCE_S)
    assert came == data and got == [b"answer"]
    for end in (server, client):
        end.close()


def test_what_does_not_come_ends_and_what_comes_later_is_not_lost(windows: MadeUpWindows) -> None:
    server, client = pair(windows)
    with pytest.raises(TimeoutError):
        read(client, timeout_s=0.01)
    server.write(b"later", PATIENCE_S)
    assert read(client) == b"later"
    server.write(bytes(BUFFER_BYTES), PATIENCE_S)
    with pytest.raises(TimeoutError):
        server.write(b"no room", 0.01)
    assert len(read(client)) == BUFFER_BYTES
    server.write(b"room", PATIENCE_S)
    assert read(client) == b"room"
    for each in (server, client):
        each.close()


def test_what_came_just_as_the_time_was_over_is_not_lost(windows: MadeUpWindows) -> None:
    server, client = pair(windows)

    def late(event: int, milliseconds: int) -> int:
        del windows.WaitForSingleObject
        server.write(b"just in time", PATIENCE_S)
        return WAIT_TIMEOUT

    windows.WaitForSingleObject = late  # type: ignore[method-assign]
    assert read(client, timeout_s=0.01) == b"just in time"
    for each in (server, client):
        each.close()


def test_the_memory_of_a_read_is_given_back_only_once_the_kernel_is_done(windows: MadeUpWindows) -> None:
    """Whatever happens meanwhile: here it is waiting itself that fails."""
    server, client = pair(windows)

    def interrupted(event: int, milliseconds: int) -> int:
        raise KeyboardInterrupt

    windows.WaitForSingleObject = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        read(client)
    assert [name for name, _ in windows.calls[-2:]] == ["CancelIoEx", "GetOverlappedResult"]
    assert not windows._results, "no read is under way"
    for each in (server, client):
        each.close()


def test_an_end_is_known_once_all_was_read(windows: MadeUpWindows) -> None:
    server, client = pair(windows)
    assert not other_end_closed(windows.api, client.handle)
    server.write(b"rest", PATIENCE_S)
    server.close()
    assert not other_end_closed(windows.api, client.handle)
    read(client)
    assert other_end_closed(windows.api, client.handle)
    windows.fails["PeekNamedPipe"] = 5
    assert not other_end_closed(windows.api, client.handle), "not everything that fails is an end"
    client.close()


# --- failures ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ConvertStringSecurityDescriptorToSecurityDescriptorW", "CreateNamedPipeW"])
def test_an_end_that_cannot_be_made_leaves_nothing(windows: MadeUpWindows, name: str) -> None:
    windows.fails[name] = 87
    with pytest.raises(CallFailed, match=f"{name} failed with error 87"):
        create_instance(windows.api, NAME, ME, first=True)


@pytest.mark.parametrize("name", ["CreateFileW", "SetNamedPipeHandleState"])
def test_one_that_cannot_be_opened_leaves_nothing(windows: MadeUpWindows, name: str) -> None:
    server = create_instance(windows.api, NAME, ME, first=True)
    windows.fails[name] = 87
    with pytest.raises(CallFailed, match=f"{name} failed with error 87"):
        open_pipe(windows.api, NAME, 1.0)
    windows.api.close(server)


def test_waiting_that_fails_is_told(windows: MadeUpWindows) -> None:
    server, client = pair(windows)
    windows.fails["WaitNamedPipeW"] = 87
    with pytest.raises(CallFailed, match="WaitNamedPipeW failed with error 87"):
        open_pipe(windows.api, NAME, 1.0)
    for each in (server, client):
        each.close()


def test_a_carrier_without_events_closes_what_it_was_given(windows: MadeUpWindows) -> None:
    server = create_instance(windows.api, NAME, ME, first=True)
    windows.fails["CreateEventW"] = 1450
    with pytest.raises(CallFailed, match="CreateEventW"):
        Carrier(windows.api, server)


@pytest.mark.parametrize("name", ["ReadFile", "WriteFile"])
def test_reads_and_writes_that_fail_are_told(windows: MadeUpWindows, name: str) -> None:
    server, client = pair(windows)
    windows.fails[name] = 1450
    with pytest.raises(CallFailed, match=f"{name} failed with error 1450"):
        client.write(b"x", 1.0) if name == "WriteFile" else read(client)
    for each in (server, client):
        each.close()


def test_a_write_that_was_taken_in_part_is_no_write(windows: MadeUpWindows) -> None:
    server, client = pair(windows)
    real = windows.GetOverlappedResult

    def less(handle: int, overlapped: object, count: object, wait: int) -> int:
        done = real(handle, overlapped, count, wait)
        count._obj.value -= 1  # type: ignore[attr-defined]
        return done

    windows.GetOverlappedResult = less  # type: ignore[method-assign]
    with pytest.raises(ConnectionResetError, match="a part"):
        client.write(b"xy", 1.0)
    for each in (server, client):
        each.close()


def test_an_end_that_does_not_tell_whose_it_is_is_an_error(windows: MadeUpWindows) -> None:
    server, client = pair(windows)
    asking: dict[str, Callable[[], object]] = {
        "GetNamedPipeClientProcessId": lambda: client_of(windows.api, server.handle),
        "GetNamedPipeServerProcessId": lambda: server_of(windows.api, client.handle),
        "GetSecurityInfo": lambda: owner_of(windows.api, client.handle),
    }
    for name, ask in asking.items():
        windows.fails = {name: 6}
        with pytest.raises(CallFailed, match=f"{name} failed with error 6"):
            ask()
    for each in (server, client):
        each.close()
