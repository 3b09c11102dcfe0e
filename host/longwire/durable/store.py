"""All durable requests of a user, in one folder that the daemons of that user share.

    OWNER.lock   held by a daemon for as long as it lives
    ID.json      a record
    ID/          its spool

A request is *claimed*: its record is on disk, with its name, before its first byte is sent. A record whose daemon died
while it ran is *unknown* from then on, and its bytes are deleted; it keeps its key until it is forgotten.
"""

from collections.abc import Callable
from pathlib import Path
from time import time
from typing import Final

from longwire.durable.open_files import OpenFiles
from longwire.durable.record import Key, Record
from longwire.durable.spool import SEGMENT_BYTES, Spool

FOLDER_NAME: Final = "durable"
LOCK_PATIENCE_S: Final = 10.0


class StoreUnusable(Exception):
    """The folder or a record cannot be used. `text` is for people of this machine and names paths; so does `fix`."""

    def __init__(self, text: str, fix: str) -> None:
        super().__init__(text)
        self.text = text
        self.fix = fix


class KeyTaken(Exception):
    """There is a request under this key. What cannot be read of it has the state UNKNOWN."""

    def __init__(self, record: Record) -> None:
        super().__init__("the key is taken")
        self.record = record


class KeyRefused(StoreUnusable):
    """What lies under this key was written by a newer Longwire, and is left alone."""


class Store:
    """Open the folder as `owner` (a name of its own for each daemon); it is made. Its methods block for the disk.

    `claim`, `save`, `delete`, `adopt` and `retire` may run in threads, one at a time; the rest is of one thread.

    Raises:
        StoreUnusable: the folder is not this user's alone, a link, or cannot be written to; the owner is alive.
    """

    def __init__(self, folder: Path, owner: str, *, now_ms: Callable[[], int] = lambda: int(time() * 1000)) -> None:
        self.folder = folder
        self.owner = owner
        self._now_ms = now_ms
        self._files = OpenFiles()

    def find(self, key: Key) -> Record | None:
        """The request under this key, another daemon's too. What cannot be read of one has the state UNKNOWN.

        Raises:
            KeyRefused: a newer Longwire wrote it.
            StoreUnusable: the disk fails.
        """
        raise NotImplementedError

    def records(self) -> list[Record]:
        """Every request that can be read, another daemon's too, the eldest first."""
        raise NotImplementedError

    def claim(self, record: Record) -> None:
        """Write down a request that is about to be sent. After this its key is taken, whatever happens.

        Raises:
            KeyTaken: there is one.
            KeyRefused: a newer Longwire has one.
            StoreUnusable: it cannot be written.
        """
        raise NotImplementedError

    def save(self, record: Record) -> None:
        """Write down what became of a request of this owner. One that was deleted stays deleted.

        Raises:
            StoreUnusable: it cannot be written.
        """
        raise NotImplementedError

    def delete(self, key_id: str) -> bool:
        """Forget a request with its bytes: its key is free. False where there is none.

        Raises:
            KeyRefused: a newer Longwire wrote it.
            StoreUnusable: another living daemon carries it out, or the disk fails.
        """
        raise NotImplementedError

    def expired(self, now_ms: int) -> list[Record]:
        """What this owner has kept for long enough."""
        raise NotImplementedError

    def adopt(self) -> list[Record]:
        """Look at what others left: take over what has ended and is nobody's, and make unknown what a dead one ran.

        Gives back what was taken over or made unknown.

        Raises:
            StoreUnusable: the disk fails.
        """
        raise NotImplementedError

    def retire(self) -> None:
        """Leave to others all that has ended, and what ends from now on."""
        raise NotImplementedError

    def spool(self, key_id: str, segment_bytes: int = SEGMENT_BYTES) -> Spool:
        """The bytes of a request of this owner. Always the same object for as long as the request is there.

        Raises:
            KeyError: there is no such request of this owner.
        """
        raise NotImplementedError

    def is_alive(self, owner: str) -> bool:
        """Whether the daemon of that name lives."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the files, and let go of the owner's lock. What still runs is unknown to whoever opens it next."""
        raise NotImplementedError
