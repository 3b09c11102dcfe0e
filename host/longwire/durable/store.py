"""All durable requests of a user, in one folder that the daemons of that user share.

    OWNER.lock   held by a daemon for as long as it lives
    ID.json      a record
    ID/          its spool

A request is *claimed*: its record is on disk, with its name, before its first byte is sent. A record whose daemon died
while it ran is *unknown* from then on, without its bytes; it keeps its key until it is forgotten. Every change is made
under the folder's lock, as a whole: a process that is killed leaves the state before or after it.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock, Thread
from time import time
from typing import Final

from longwire.durable.open_files import OpenFiles, is_own
from longwire.durable.owners import OwnerLives, OwnerLock, is_alive, lock_path, owners_in
from longwire.durable.record import NOBODY, OWNER_PATTERN, Key, Record, RecordState
from longwire.durable.record_files import (
    Unreadable,
    ids_in,
    is_id,
    read_record,
    record_path,
    remove_record,
    remove_spool,
    write_record,
    write_through,
)
from longwire.durable.spool import SEGMENT_BYTES, Spool, SpoolLost
from longwire.storage.files import keep_name, missing_folders
from longwire.storage.lock import exclusive

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

    `claim`, `save`, `delete`, `adopt` and `retire` may run in threads. `now_ms` is the time since 1970.

    Raises:
        StoreUnusable: the folder is not this user's alone, a link, or cannot be written to; the owner is alive.
    """

    def __init__(self, folder: Path, owner: str, *, now_ms: Callable[[], int] = lambda: int(time() * 1000)) -> None:
        if re.fullmatch(OWNER_PATTERN, owner) is None:
            raise ValueError("the name of an owner is 1 to 64 letters, digits, dots, underscores and hyphens")
        self.folder = folder
        self.owner = owner
        self._now_ms = now_ms
        self._files = OpenFiles()
        self._own: dict[str, Record] = {}
        self._spools: dict[str, Spool] = {}
        self._retired = False
        self._lock = RLock()
        self._depth = 0
        with self._folder_locked():
            try:
                self._held = OwnerLock(folder, owner)
            except OwnerLives:
                raise StoreUnusable(
                    f"another process holds {lock_path(folder, owner)}", "end the other daemon: longwire durable stop"
                ) from None
            try:
                self.adopt()
            except BaseException:
                self._held.release()
                raise

    def find(self, key: Key) -> Record | None:
        """The request under this key, another daemon's too. What cannot be read of one has the state UNKNOWN.

        Raises:
            KeyRefused: a newer Longwire wrote it.
            StoreUnusable: the disk fails.
        """
        known = self._own.get(key.id)
        return self._found_by_others(key) if known is None else known

    def records(self) -> list[Record]:
        """Every request that can be read, another daemon's too, the eldest first.

        Raises:
            StoreUnusable: the disk fails.
        """
        return self._listed()[0]

    def unreadable(self) -> list[Unreadable]:
        """The records that nothing can be made of.

        Raises:
            StoreUnusable: the disk fails.
        """
        return self._listed()[1]

    def claim(self, record: Record) -> None:
        """Write down a request that is about to be sent. After this its key is taken, whatever happens.

        Raises:
            KeyTaken: there is one.
            KeyRefused: a newer Longwire has one.
            StoreUnusable: it cannot be written.
        """
        if record.owner != self.owner:
            raise ValueError("a request is claimed for oneself")
        with self._folder_locked():
            if not self._held.is_there:
                # Somebody removed the folder. Without a lock in it, this one would be taken for dead.
                gone, self._held = self._held, OwnerLock(self.folder, self.owner)
                gone.release()
            known = self.find(record.key)
            if known is not None:
                raise KeyTaken(known)
            remove_spool(self.folder / record.id)
            try:
                write_record(self.folder, record)
            except OSError:
                # Nothing is sent, so nothing is to be kept of it.
                with suppress(OSError):
                    remove_record(self.folder, record.id)
                raise
            self._own[record.id] = record

    def save(self, record: Record) -> None:
        """Write down what became of a request of this owner. One that was deleted stays deleted.

        Raises:
            StoreUnusable: it cannot be written. It is known in this process all the same.
        """
        with self._lock:
            if not record.follows(self._own.get(record.id)):
                return
            self._own[record.id] = record
        with self._folder_locked():
            known, path = self._own.get(record.id), record_path(self.folder, record.id)
            if not record.follows(known) or not os.path.lexists(path):
                return
            if self._retired and record.state != RecordState.RUNNING:
                self._leave(record, through=True)
            else:
                write_record(self.folder, record)

    def delete(self, key_id: str) -> bool:
        """Forget a request with its bytes: its key is free. False where there is none.

        Raises:
            KeyRefused: a newer Longwire wrote it.
            StoreUnusable: it is another living daemon's, or the disk fails.
        """
        if not is_id(key_id):
            return False
        with self._folder_locked():
            known = self._own.get(key_id) or read_record(self.folder, key_id)
            if isinstance(known, Unreadable) and known.why == "newer":
                raise _refused(known)
            if isinstance(known, Record) and known.owner != self.owner and is_alive(self.folder, known.owner):
                raise StoreUnusable(f"{known.owner} has this request", "ask the daemon of that name")
            remove_record(self.folder, key_id)
            self._own.pop(key_id, None)
            spool = self._spools.pop(key_id, None)
            if spool is not None:
                spool.discard()
            remove_spool(self.folder / key_id)
            return known is not None

    def expired(self, now_ms: int) -> list[Record]:
        """What this owner has kept for long enough."""
        known = [(record.deadline_ms, record) for record in list(self._own.values())]
        return [record for deadline, record in known if deadline is not None and deadline <= now_ms]

    def adopt(self) -> list[Record]:
        """Look at what others left: take over what has ended and is nobody's, and make unknown what a dead one ran.

        Gives back what was taken over or made unknown.

        Raises:
            StoreUnusable: the disk fails.
        """
        adopted: list[Record] = []
        if self._retired:
            return adopted
        with self._folder_locked():
            ids = ids_in(self.folder)
            alive: dict[str, bool] = {}
            for key_id in ids:
                if key_id in self._own:
                    continue
                record = read_record(self.folder, key_id)
                if not isinstance(record, Record):
                    continue
                if record.owner not in alive:
                    alive[record.owner] = record.owner != self.owner and is_alive(self.folder, record.owner)
                if not alive[record.owner]:
                    adopted.append(self._take_over(record))
            self._sweep(set(ids))
        if adopted:
            # A daemon that starts does not wait for the disk a thousand times. What a loss of power spoils meanwhile
            # is damaged, and so unknown: never free.
            names = [record.id for record in adopted]
            Thread(target=write_through, args=(self.folder, names), name="durable-records", daemon=True).start()
        return adopted

    def retire(self) -> None:
        """Leave to others all that has ended, and what ends from now on. What runs is still this owner's.

        Raises:
            StoreUnusable: the disk fails. What was not left is left by this owner's end.
        """
        with self._folder_locked():
            self._retired = True
            for record in list(self._own.values()):
                if record.state != RecordState.RUNNING:
                    self._leave(record, through=False)

    def spool(self, key_id: str, segment_bytes: int = SEGMENT_BYTES) -> Spool:
        """The bytes of a request of this owner. Always the same object for as long as the request is there.

        Raises:
            KeyError: there is no such request of this owner, or it is unknown.
            SpoolLost: the files were damaged.
        """
        spool = self._spools.get(key_id)
        if spool is None:
            record = self._own[key_id]
            if record.state == RecordState.UNKNOWN:
                raise KeyError(key_id)
            spool = self._spools[key_id] = Spool(
                self.folder / key_id,
                files=self._files,
                segment_bytes=segment_bytes,
                end=record.bytes if record.over else None,
            )
        return spool

    def is_alive(self, owner: str) -> bool:
        """Whether the daemon of that name lives.

        Raises:
            StoreUnusable: its lock cannot be looked at.
        """
        try:
            return owner == self.owner or is_alive(self.folder, owner)
        except OSError as error:
            raise _unusable(self.folder, error) from None

    def close(self) -> None:
        """Close the files, and let go of the owner's lock. What still runs is unknown to whoever opens it next."""
        self._files.close_all()
        self._held.release()

    def _found_by_others(self, key: Key) -> Record | None:
        try:
            found = read_record(self.folder, key.id)
            if isinstance(found, Record) and not is_alive(self.folder, found.owner):
                self.adopt()
                found = read_record(self.folder, key.id)
        except OSError as error:
            raise _unusable(self.folder, error) from None
        if not isinstance(found, Unreadable):
            return found
        if found.why == "newer":
            raise _refused(found)
        return Record.unreadable(key, self.owner)

    def _listed(self) -> tuple[list[Record], list[Unreadable]]:
        records = list(self._own.values())
        known = {record.id for record in records}
        unreadable: list[Unreadable] = []
        try:
            found = [read_record(self.folder, key_id) for key_id in ids_in(self.folder) if key_id not in known]
        except FileNotFoundError:
            found = []
        except OSError as error:
            raise _unusable(self.folder, error) from None
        for each in found:
            if isinstance(each, Record):
                records.append(each)
            elif each is not None:
                unreadable.append(each)
        return sorted(records, key=lambda record: (record.started_ms, record.id)), unreadable

    def _take_over(self, record: Record) -> Record:
        """What nobody has. Its bytes go before anything else is written, if they are of no use."""
        changes: dict[str, object] = {"owner": self.owner}
        if record.state == RecordState.RUNNING or not self._is_whole(record):
            remove_spool(self.folder / record.id)
            changes |= {"state": RecordState.UNKNOWN, "ended_ms": self._now_ms(), "bytes": 0}
            changes |= {"head": None, "ending": None, "failure": None}
        elif record.ended_ms is not None:
            # By a clock that was wrong: else it would be kept until that time comes.
            changes["ended_ms"] = min(record.ended_ms, self._now_ms())
        record = record.model_copy(update=changes)
        write_record(self.folder, record, through=False)
        self._own[record.id] = record
        return record

    def _is_whole(self, record: Record) -> bool:
        if record.over:
            try:
                Spool(self.folder / record.id, files=self._files, end=record.bytes)
            except SpoolLost:
                return False
        return True

    def _leave(self, record: Record, *, through: bool) -> None:
        # If the old one comes back after a loss of power, its owner is dead, which is the same.
        write_record(self.folder, record.model_copy(update={"owner": NOBODY}), through=through)
        self._own.pop(record.id, None)
        self._spools.pop(record.id, None)

    def _sweep(self, ids: set[str]) -> None:
        """Remove what changes left behind that were not finished, and the locks of the dead."""
        for owner in owners_in(self.folder):
            with suppress(OSError):
                if owner != self.owner and not is_alive(self.folder, owner):
                    lock_path(self.folder, owner).unlink(missing_ok=True)
        with os.scandir(self.folder) as entries:
            names = [entry.name for entry in entries]
        for name in names:
            # Every other name is somebody else's business.
            if is_id(name) and name not in ids:
                remove_spool(self.folder / name)
            elif name.startswith(".") and is_id(name[1:].partition(".")[0]):
                (self.folder / name).unlink(missing_ok=True)

    @contextmanager
    def _folder_locked(self) -> Iterator[None]:
        try:
            with self._lock:
                if self._depth:  # the lock is no one's twice, not even of one process
                    yield
                    return
                made = missing_folders(self.folder)
                with exclusive(self.folder, _make_own_folder, patience_s=LOCK_PATIENCE_S):
                    for each in made:
                        keep_name(Path(each))
                    self._depth += 1
                    try:
                        yield
                    finally:
                        self._depth -= 1
        except TimeoutError:
            raise StoreUnusable(f"another process keeps {self.folder} locked", "try again") from None
        except OSError as error:
            raise _unusable(self.folder, error) from None


def _make_own_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    status = folder.stat(follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode):
        raise StoreUnusable(f"{folder} is a link, or no folder", "remove it")
    if not is_own(status):
        raise StoreUnusable(
            f"{folder} is not this user's alone", f"chmod 700 {folder}, or remove it if it is another's"
        )


def _unusable(folder: Path, error: OSError) -> StoreUnusable:
    reason = error.strerror or os.strerror(error.errno or 0)
    return StoreUnusable(
        f"{folder} cannot be used: {reason}", f"make {folder} yours and writable, with space on its disk"
    )


def _refused(found: Unreadable) -> KeyRefused:
    return KeyRefused(found.text, "update Longwire, or forget the request with the version that made it")
