"""Named pipes on the event loop: clients one after the other, bytes both ways, and nothing lost or left over."""

import ast
import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from longwire.daemon.address import NO_UID
from longwire.daemon.named_pipe import NamedPipe
from longwire.daemon.peer import ForeignPeer, own_peer
from longwire.engine.channel import ChannelLost
from longwire.native import pipe_channel
from longwire.native.pipe_channel import READ_BYTES, PipeChannel
from longwire.native.pipe_listener import PipeEnd, PipeListener
from longwire.native.windows import Windows
from longwire.win32.api import CallFailed
from longwire.win32.pipes import BUFFER_BYTES
from tests.patience import PATIENCE_S
from tests.unit.win32.made_up import OTHER, MadeUpWindows
from tests.unit.win32.made_up_ends import End
from tests.unit.win32.made_up_loop import MadeUpProactor, patch_loop

FIRST_INSTANCE = 0x00080000


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[MadeUpWindows]:
    made_up = MadeUpWindows()
    patch_loop(made_up, monkeypatch)
    yield made_up
    assert not made_up.handles and not made_up.memory and not made_up.pipes


@pytest.fixture
def listener(windows: MadeUpWindows, tmp_path: Path) -> Iterator[PipeListener]:
    listening = PipeListener(windows.api)
    listening.bind(str(tmp_path / "n.sock"))
    listening.listen(64)
    yield listening
    listening.close()


def client(windows: MadeUpWindows, tmp_path: Path) -> NamedPipe:
    pipe = NamedPipe(windows.api)
    pipe.settimeout(PATIENCE_S)
    pipe.connect(str(tmp_path / "n.sock"))
    return pipe


async def pair(windows: MadeUpWindows, listener: PipeListener, tmp_path: Path) -> tuple[PipeChannel, NamedPipe]:
    pipe = client(windows, tmp_path)
    return PipeChannel(await listener.accept()), pipe


# --- listening -----------------------------------------------------------------------------------------------


async def test_one_client_after_the_other_is_accepted_and_each_is_looked_at(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path
) -> None:
    for _ in range(3):
        async with anyio.create_task_group() as tasks:
            accepted: list[PipeEnd] = []

            async def accept(into: list[PipeEnd] = accepted) -> None:
                into.append(await listener.accept())

            tasks.start_soon(accept)
            await anyio.lowlevel.checkpoint()
            pipe = client(windows, tmp_path)
        assert own_peer(accepted[0]) == (NO_UID, 100)
        for each in (accepted[0], pipe):
            each.close()
    made = windows.called("CreateNamedPipeW")
    assert len(made) == 4, "the next is there before one is given back"
    assert [bool(call[1] & FIRST_INSTANCE) for call in made] == [True, False, False, False]


async def test_a_process_of_another_user_that_got_there_is_not_served(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path
) -> None:
    windows.users[300] = windows.users[100]
    windows.pid = 300
    pipe = client(windows, tmp_path)
    windows.pid = 100
    end = await listener.accept()
    windows.users[300] = OTHER
    with pytest.raises(ForeignPeer, match=OTHER):
        own_peer(end)
    for name in ("GetNamedPipeClientProcessId", "OpenProcess", "OpenProcessToken"):
        windows.fails = {name: 5}
        with pytest.raises(ForeignPeer, match=f"{name} failed with error 5"):
            own_peer(end)
    for each in (end, pipe):
        each.close()


async def test_a_client_that_went_away_again_is_passed_over(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path
) -> None:
    client(windows, tmp_path).close()
    async with anyio.create_task_group() as tasks:
        accepted: list[PipeEnd] = []

        async def accept() -> None:
            accepted.append(await listener.accept())

        tasks.start_soon(accept)
        while len(windows.called("CreateNamedPipeW")) < 2:
            await anyio.lowlevel.checkpoint()
        pipe = client(windows, tmp_path)
    for each in (accepted[0], pipe):
        each.close()


async def test_a_client_is_not_lost_where_no_other_end_can_be_made_and_the_next_call_says_so(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path
) -> None:
    pipe = client(windows, tmp_path)
    windows.fails["CreateNamedPipeW"] = 1450
    end = await listener.accept()
    with pytest.raises(CallFailed, match="CreateNamedPipeW"):
        await listener.accept()
    windows.fails.clear()
    second = client_later(windows, tmp_path)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(second)
        other = await listener.accept()
    for each in (end, other, pipe):
        each.close()


def client_later(windows: MadeUpWindows, tmp_path: Path) -> Any:
    async def connect() -> None:
        while not windows.pipes or not next(iter(windows.pipes.values())).free:
            await anyio.lowlevel.checkpoint()
        client(windows, tmp_path).close()

    return connect


async def test_accepting_that_is_cancelled_goes_on_later(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path
) -> None:
    with anyio.move_on_after(0):
        await listener.accept()
    pipe = client(windows, tmp_path)
    end = await listener.accept()
    for each in (end, pipe):
        each.close()


async def test_accepting_ends_with_the_listener(listener: PipeListener) -> None:
    async with anyio.create_task_group() as tasks:
        refused: list[OSError] = []

        async def accept() -> None:
            try:
                await listener.accept()
            except OSError as error:
                refused.append(error)

        tasks.start_soon(accept)
        await anyio.lowlevel.checkpoint()
        accepting = listener._accepting
        listener.close()
    assert len(refused) == 1
    assert accepting is not None and accepting.cancelled(), "else the loop of Windows waits for it at its end"


async def test_an_end_that_fails_is_told_and_replaced(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(22, "no")

    with monkeypatch.context() as patched:
        patched.setattr(MadeUpProactor, "accept_pipe", fails)
        with pytest.raises(OSError, match="no"):
            await listener.accept()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client_later(windows, tmp_path))
        (await listener.accept()).close()


async def test_a_listener_that_is_closed_accepts_nobody(windows: MadeUpWindows, tmp_path: Path) -> None:
    listener = PipeListener(windows.api)
    assert listener.fileno() >= 0, "like a socket that is not bound yet"
    listener.bind(str(tmp_path / "n.sock"))
    listener.close()
    listener.close()
    assert listener.fileno() < 0
    with pytest.raises(OSError, match="closed"):
        await listener.accept()


async def test_a_pipe_whose_name_cannot_be_written_down_is_none(windows: MadeUpWindows, tmp_path: Path) -> None:
    (tmp_path / "n.sock").write_bytes(b"another's")
    listener = PipeListener(windows.api)
    with pytest.raises(FileExistsError):
        listener.bind(str(tmp_path / "n.sock"))
    assert not windows.pipes


# --- a channel -----------------------------------------------------------------------------------------------


async def test_bytes_come_and_go_and_the_end_is_an_end(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path
) -> None:
    channel, pipe = await pair(windows, listener, tmp_path)
    pipe.sendall(b"up")
    assert await channel.receive() == b"up"
    assert channel.write_at_once(b"down") == 0
    await channel.write(b"")
    await channel.write(b"down")
    assert pipe.recv(10) == b"down"
    channel.put_back(b"again")
    assert await channel.receive() == b"again"
    big = bytes(range(256)) * 1024
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, pipe.sendall, big)
        got = b""
        while len(got) < len(big):
            piece = await channel.receive()
            assert 0 < len(piece) <= READ_BYTES
            got += piece
    assert got == big
    pipe.close()
    assert [await channel.receive() for _ in range(2)] == [b"", b""]
    with pytest.raises(ChannelLost):
        await channel.write(b"x")
    channel.drop()
    assert await channel.receive() == b""
    with pytest.raises(ChannelLost):
        await channel.write(b"x")


async def test_a_receive_that_is_cancelled_loses_nothing(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path
) -> None:
    channel, pipe = await pair(windows, listener, tmp_path)
    with anyio.move_on_after(0.01) as waited:
        await channel.receive()
    assert waited.cancelled_caught
    pipe.sendall(b"first")
    pipe.sendall(b"second")
    assert [await channel.receive(), await channel.receive()] == [b"first", b"second"]
    channel.drop()
    pipe.close()


async def test_a_write_that_is_cancelled_is_carried_out_and_the_next_comes_after_it(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path
) -> None:
    channel, pipe = await pair(windows, listener, tmp_path)
    await channel.write(bytes(BUFFER_BYTES))
    with anyio.move_on_after(0.01) as waited:
        await channel.write(b"cancelled")
    assert waited.cancelled_caught
    (end,) = [each for each in windows.handles.values() if isinstance(each, End) and each.writers]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(channel.write, b"next")
        await anyio.lowlevel.checkpoint()
        assert len(end.writers) == 1, "no more than one is under way"
        got = b""
        while len(got) < BUFFER_BYTES + 13:
            got += await anyio.to_thread.run_sync(pipe.recv, 1 << 16)
    assert got == bytes(BUFFER_BYTES) + b"cancelledn" + b"ext"
    channel.drop()
    pipe.close()


async def test_closing_tells_the_other_end_from_a_death(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path
) -> None:
    channel, pipe = await pair(windows, listener, tmp_path)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(channel.close)
        await anyio.lowlevel.checkpoint()
        assert await anyio.to_thread.run_sync(pipe.recv, 10) == b""
        pipe.sendall(b"late")
        pipe.close()
    assert pipe.ended_in_order and not Windows(windows.api).died(pipe)
    channel, pipe = await pair(windows, listener, tmp_path)
    channel.drop()
    assert await anyio.to_thread.run_sync(pipe.recv, 10) == b""
    assert Windows(windows.api).died(pipe)
    pipe.close()


async def test_closing_does_not_wait_for_an_end_that_does_not_come(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipe_channel, "CLOSE_S", 0.01)
    channel, pipe = await pair(windows, listener, tmp_path)
    with anyio.fail_after(PATIENCE_S):
        await channel.close()
        await channel.close()
    pipe.close()


async def test_dropping_it_ends_what_waits(windows: MadeUpWindows, listener: PipeListener, tmp_path: Path) -> None:
    channel, pipe = await pair(windows, listener, tmp_path)
    await channel.write(bytes(BUFFER_BYTES))
    received: list[bytes] = []
    async with anyio.create_task_group() as tasks:

        async def receive() -> None:
            received.append(await channel.receive())

        async def write() -> None:
            with pytest.raises(ChannelLost):
                await channel.write(b"no room")

        tasks.start_soon(receive)
        tasks.start_soon(write)
        await anyio.lowlevel.checkpoint()
        channel.drop()
    assert received == [b""]
    pipe.close()


async def test_an_input_or_output_that_fails_is_a_channel_that_is_lost(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, pipe = await pair(windows, listener, tmp_path)

    def fails(*_: object) -> None:
        raise OSError(22, "no")

    monkeypatch.setattr(MadeUpProactor, "recv_into", fails)
    monkeypatch.setattr(MadeUpProactor, "send", fails)
    with pytest.raises(ChannelLost, match=r"the input failed \(error 22\)"):
        await channel.receive()
    assert await channel.receive() == b""
    with pytest.raises(ChannelLost, match=r"closed the output \(error 22\)"):
        await channel.write(b"x")
    channel.drop()
    pipe.close()


async def test_a_clients_end_becomes_a_channel_with_what_it_had_read(
    windows: MadeUpWindows, listener: PipeListener, tmp_path: Path
) -> None:
    channel, pipe = await pair(windows, listener, tmp_path)
    await channel.write(b"line\nrest")
    assert pipe.recv(5) == b"line\n"
    theirs = Windows(windows.api).channel(pipe)
    assert await theirs.receive() == b"rest"
    await theirs.write(b"back")
    assert await channel.receive() == b"back"
    for each in (channel, theirs):
        each.drop()


# --- asyncio -------------------------------------------------------------------------------------------------


def test_the_loop_of_windows_still_has_what_is_asked_of_it() -> None:
    """Its source is there on every system."""
    folder = Path(inspect.getfile(asyncio)).parent
    tree = ast.parse((folder / "windows_events.py").read_text())
    (proactor,) = [each for each in tree.body if isinstance(each, ast.ClassDef) and each.name == "IocpProactor"]
    takes = {
        each.name: [argument.arg for argument in each.args.args]
        for each in proactor.body
        if isinstance(each, ast.FunctionDef)
    }
    assert takes["accept_pipe"] == ["self", "pipe"]
    assert takes["recv_into"][:3] == ["self", "conn", "buf"] and takes["send"][:3] == ["self", "conn", "buf"]
    assert "self._proactor = proactor" in (folder / "proactor_events.py").read_text()
    handles = ast.parse((folder / "windows_utils.py").read_text())
    (handle,) = [each for each in handles.body if isinstance(each, ast.ClassDef) and each.name == "PipeHandle"]
    assert {"fileno", "close"} <= {each.name for each in handle.body if isinstance(each, ast.FunctionDef)}


async def test_the_proactor_is_that_of_the_running_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = SimpleNamespace(_proactor=object())
    from longwire.native.pipe_listener import own_proactor

    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    assert own_proactor() is loop._proactor
