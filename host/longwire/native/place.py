"""The daemon's place: the lock that makes it the only one of its user, and the socket where hosts find it.

It gives up the place when it retires, and goes on listening under its own name, where the next daemon finds it.
"""

import stat
import time
from contextlib import suppress
from typing import IO, Final

from longwire.daemon.address import Address, UnsafeAddress, is_socket, prepare_folder
from longwire.daemon.connected import unconnected
from longwire.daemon.peer import ForeignPeer
from longwire.native.own_system import SYSTEM
from longwire.native.starting import try_lock

# One that is just ending closes its sockets first.
PATIENCE_S: Final = 5.0
_LOOK_AGAIN_S: Final = 0.02
# Hosts that connect while this process does something else: a browser's profiles at its start.
_BACKLOG: Final = 64


class PlaceTaken(Exception):
    """Another daemon has it."""


class Place:
    """Take it with `take`, then `listen`; `listener` is the socket, which does not block."""

    def __init__(self, address: Address, owner: str) -> None:
        self.address = address
        self.owner = owner
        self.listener = SYSTEM.unbound()
        self._lock: IO[bytes] | None = None
        self._inode = -1
        self._path = address.retired(owner)

    @property
    def retired(self) -> bool:
        """Whether it was given up."""
        return self._path == self.address.retired(self.owner)

    @property
    def listening(self) -> bool:
        """Whether who connects is served."""
        return self.listener.fileno() >= 0

    @property
    def found(self) -> bool:
        """Whether the socket is still there: a session's end takes its folder away, and processes may outlive it."""
        try:
            return self._inode == self._path.lstat().st_ino
        except OSError:
            return False

    def take(self, patience_s: float = PATIENCE_S) -> None:
        """Become the one.

        Raises:
            PlaceTaken: another has not given it up in `patience_s`.
            UnsafeAddress: the folder is not this user's alone.
        """
        prepare_folder(self.address.folder)
        ends_at = time.monotonic() + patience_s
        while (lock := try_lock(self.address.lock)) is None:
            if time.monotonic() >= ends_at:
                raise PlaceTaken("another daemon runs")
            time.sleep(_LOOK_AGAIN_S)
        self._lock = lock
        self._remove_left_over()

    def listen(self) -> None:
        """Be found. Only once everything is there to serve: a host waits for an answer no longer than it must.

        Raises:
            OSError: the socket cannot be made.
        """
        self.listener.bind(str(self._path))
        self._path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        self.listener.listen(_BACKLOG)
        self.listener.settimeout(0)
        self._inode = self._path.lstat().st_ino
        # Only now: whoever finds it there can connect.
        self._path = self._path.replace(self.address.socket)

    def retire(self) -> None:
        """Let another daemon have it. Who finds this one by its owner is served."""
        retired = self.address.retired(self.owner)
        if self.found:
            self._path.replace(retired)
        self._path = retired
        self._release()

    def leave(self) -> None:
        """Listen no more. Idempotent."""
        if self.listening:
            found = self.found  # else it is another's by now
            self.listener.close()
            with suppress(OSError):
                if found:
                    self._path.unlink()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _remove_left_over(self) -> None:
        """Of daemons that died. One that retired and lives still listens."""
        with suppress(FileNotFoundError):
            if not is_socket(self.address.socket.lstat()):
                raise UnsafeAddress(f"{self.address.socket} is no socket: remove it")
            self.address.socket.unlink()
        for path in self.address.folder.glob(f"{self.address.name}.*.sock"):
            with unconnected() as asking, suppress(OSError):
                asking.settimeout(0)
                try:
                    asking.connect(str(path))
                except (ConnectionRefusedError, ForeignPeer):  # Windows: its pipe is another's by now
                    path.unlink()
