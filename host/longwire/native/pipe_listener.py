"""Listening at a named pipe, as at a socket: at any time one end of it waits for the next client.

The event loop of Windows waits for clients and for bytes (`IocpProactor`, what asyncio's own pipes are made of). Those
that it makes itself have no access list, so they are made here and handed to it. A test looks whether the Python that
runs it still has the three calls.
"""

import asyncio
import errno
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, cast

from longwire.daemon.address import NO_UID
from longwire.daemon.named_pipe import new_name, told, write_name
from longwire.daemon.peer import ForeignPeer, Peer
from longwire.win32.api import Api
from longwire.win32.pipes import client_of, create_instance
from longwire.win32.users import own_user, user_of

_CLOSED: Final = -1


class PipeHandle(Protocol):
    """As `asyncio.windows_utils.PipeHandle`."""

    def fileno(self) -> int:
        """The handle. Raises ValueError once it is closed."""
        ...

    def close(self) -> None:
        """Idempotent."""
        ...


class Proactor(Protocol):
    """What is needed of `asyncio.IocpProactor`. A future that is cancelled cancels what the system does."""

    def accept_pipe(self, pipe: PipeHandle) -> "asyncio.Future[Any]":
        """Until a client has connected."""
        ...

    def recv_into(self, conn: PipeHandle, buf: bytearray) -> "asyncio.Future[int]":
        """How many bytes came; 0 at the end."""
        ...

    def send(self, conn: PipeHandle, buf: bytes) -> "asyncio.Future[int]":
        """All of it, as one message."""
        ...


def own_proactor() -> Proactor:
    """Of the running loop."""
    return cast("Proactor", asyncio.get_running_loop()._proactor)  # type: ignore[attr-defined]  # noqa: SLF001


def wrapped(handle: int) -> PipeHandle:
    """A handle as the loop wants it, which owns it."""
    from asyncio.windows_utils import PipeHandle as OfLoop  # type: ignore[attr-defined,unused-ignore]

    return cast("PipeHandle", OfLoop(handle))


class PipeEnd:
    """One end of a pipe, connected. Owns the handle until `take`."""

    def __init__(self, api: Api, handle: int) -> None:
        self.pipe = wrapped(handle)
        self._api = api

    def own_peer(self) -> Peer:
        """Whose process connected, if it is this user's. Nobody else could: see `pipes.owner_only`.

        Raises:
            ForeignPeer: it is not, or Windows does not tell.
        """
        with told():
            pid = client_of(self._api, self.pipe.fileno())
            user = user_of(self._api, pid)
            if user != own_user(self._api):
                raise ForeignPeer(f"a process of the user {user} is at the other end")
        return Peer(NO_UID, pid)

    def close(self) -> None:
        """Idempotent."""
        self.pipe.close()


class PipeListener:
    """`bind` it to a path in the daemon's folder: see `daemon.named_pipe` for what lies there. Of one event loop."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._name = ""
        self._sid = ""
        self._waiting: PipeEnd | None = None
        self._accepting: asyncio.Future[Any] | None = None
        self._closed = False

    def fileno(self) -> int:
        """Like a socket's: negative once it is closed."""
        return _CLOSED if self._closed else 0

    def settimeout(self, value: float | None, /) -> None:
        """It never blocks."""

    def bind(self, address: str, /) -> None:
        """Make the pipe, and the file that names it.

        Raises:
            OSError: it cannot be made.
        """
        self._name, self._sid = new_name(), own_user(self._api)
        self._waiting = self._new_end(first=True)
        try:
            write_name(Path(address), self._name)
        except BaseException:
            self._waiting.close()
            self._waiting = None
            raise

    def listen(self, backlog: int, /) -> None:
        """It does already. Who finds no end free waits for the next one, however many they are."""

    async def accept(self) -> PipeEnd:
        """The next client. Before it is given back, another end waits.

        Raises:
            OSError: it cannot be accepted, or no other end be made.
        """
        while True:
            if self._waiting is None and not self._closed:
                self._waiting = self._new_end(first=False)
            end = self._waiting
            if end is None:
                raise OSError(errno.EBADF, "the pipe is closed")
            try:
                await self._connected(end)
            except OSError as error:
                self._waiting = None
                end.close()
                if self._closed or not isinstance(error, ConnectionError):
                    raise
                continue  # a client connected and went away again
            self._waiting = None
            with suppress(OSError):  # the next call tries again, and says so
                self._waiting = self._new_end(first=False)
            return end

    def close(self) -> None:
        """Idempotent."""
        self._closed = True
        if self._accepting is not None:
            self._accepting.cancel()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.close()

    async def _connected(self, end: PipeEnd) -> None:
        """Until a client has. Where whoever waits is cancelled, the system goes on; the next call takes that up."""
        if self._accepting is None:
            self._accepting = own_proactor().accept_pipe(end.pipe)
        await asyncio.wait([self._accepting])
        accepting, self._accepting = self._accepting, None
        if accepting.cancelled():
            raise OSError(errno.EBADF, "the pipe is closed")
        accepting.result()

    def _new_end(self, *, first: bool) -> PipeEnd:
        return PipeEnd(self._api, create_instance(self._api, self._name, self._sid, first=first))
