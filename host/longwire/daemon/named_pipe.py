"""A client's end of a named pipe: on Windows it stands in the place of a socket, with the same errors.

A pipe has no path. In the daemon's folder lies a file instead, in the socket's place and under its name, that says what
the pipe is called: a name of chance, which nobody else can have taken before. So what is true of sockets' files (who
finds them, what moves them to another name, what is left of the dead) is true of these.

Whose process serves a pipe is asked twice: who owns the pipe, which nobody can give away, and who the process is that
made it, whose number another may have by now.
"""

import errno
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from longwire.daemon.address import NO_UID
from longwire.daemon.peer import ForeignPeer, Peer
from longwire.storage.opening import NEW_FLAGS
from longwire.win32.api import Api, CallFailed, own_api
from longwire.win32.files import open_shared
from longwire.win32.pipes import BUFFER_BYTES, Carrier, PipeDenied, open_pipe, server_of
from longwire.win32.users import own_user, owner_of, user_of

_NAME: Final = re.compile(rb"longwire-[0-9a-f]{32}\n")
_NAME_BYTES: Final = 42
_PIPES: Final = "\\\\.\\pipe\\"


class NamedPipe:
    """Blocks for `settimeout` seconds at most. What it does not say of itself is as a socket has it."""

    def __init__(self, api: Api | None = None) -> None:
        self._api = api or own_api()
        self._carrier: Carrier | None = None
        self._timeout: float | None = None
        self._rest = b""
        self._ended = False
        # Whether the other end said that nothing more comes. One that died did not.
        self.ended_in_order = False

    def settimeout(self, value: float | None, /) -> None:
        """As a socket's."""
        self._timeout = value

    def connect(self, address: str, /) -> None:
        """To the pipe that the file at `address` names.

        Raises:
            FileNotFoundError: there is no such file.
            ConnectionRefusedError: nobody serves the pipe, or the file names none: a loss of power left it empty.
            TimeoutError: whoever does has no end that is free.
            ForeignPeer: the pipe is not for this user.
        """
        name = read_name(self._api, Path(address))
        try:
            self._carrier = Carrier(self._api, open_pipe(self._api, name, self._timeout))
        except PipeDenied as denied:
            raise ForeignPeer(denied.strerror) from None

    def own_peer(self) -> Peer:
        """Who serves it, if it is this user.

        Raises:
            ForeignPeer: it is not, or Windows does not tell.
        """
        handle = self._connected().handle
        with told():
            own = own_user(self._api)
            pid = server_of(self._api, handle)
            for user in (owner_of(self._api, handle), user_of(self._api, pid)):
                if user != own:
                    raise ForeignPeer(f"a process of the user {user} is at the other end")
        return Peer(NO_UID, pid)

    def sendall(self, data: bytes, /) -> None:
        """As a socket's."""
        if data:  # one without a byte would be the end
            self._connected().write(data, self._timeout)

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """As a socket's."""
        if not self._rest:
            piece = memoryview(bytearray(BUFFER_BYTES))
            self._rest = bytes(piece[: self._read(piece)])
        data = self._rest[:bufsize]
        if not flags & socket.MSG_PEEK:
            self._rest = self._rest[len(data) :]
        return data

    def recv_into(self, buffer: memoryview, /) -> int:
        """As a socket's."""
        if not self._rest:
            return self._read(buffer)
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def give_up(self) -> tuple[int, bytes]:
        """The handle, and what was read and not taken. Both are the caller's from now on."""
        return self._connected().give_up(), self._rest

    def close(self) -> None:
        """As a socket's."""
        if self._carrier is not None:
            self._carrier.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _connected(self) -> Carrier:
        if self._carrier is None:
            raise ConnectionResetError("not connected")
        return self._carrier

    def _read(self, into: memoryview) -> int:
        if self._ended:
            return 0
        count = 0
        with suppress(ConnectionResetError):
            count = self._connected().read(into, self._timeout)
            self.ended_in_order = not count
        self._ended = not count
        return count


@contextmanager
def told() -> Iterator[None]:
    """Where Windows does not tell whose a process is, it is nobody's that is to be believed.

    Raises:
        ForeignPeer: in place of CallFailed.
    """
    try:
        yield
    except CallFailed as failed:
        raise ForeignPeer(f"Windows does not tell whose process is at the other end: {failed.strerror}") from None


def new_name() -> str:
    """Of a pipe that there has never been."""
    return f"{_PIPES}longwire-{secrets.token_hex(16)}"


def write_name(path: Path, name: str) -> None:
    """Have it found there.

    Raises:
        OSError: the file cannot be made.
    """
    descriptor = os.open(path, NEW_FLAGS, 0o600)
    try:
        os.write(descriptor, f"{name.removeprefix(_PIPES)}\n".encode())
    finally:
        os.close(descriptor)


def read_name(api: Api, path: Path) -> str:
    """Raises as `NamedPipe.connect`, and other OSErrors."""
    descriptor = open_shared(api, str(path), os.O_RDONLY)
    try:
        said = os.read(descriptor, _NAME_BYTES + 1)
    finally:
        os.close(descriptor)
    # Nothing else: a path with another machine in it would be one to a pipe there.
    if _NAME.fullmatch(said) is None:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "it names no pipe of Longwire's", str(path))
    return f"{_PIPES}{said.decode().removesuffix(chr(10))}"
