"""Where suspensions outlive the host: one small file in the user's state folder, its owner's alone.

All hosts of a user write it, one at a time, under the folder's lock; readers need none, because it is only ever
replaced as a whole.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longwire.policy.locations import state_folder
from longwire.policy.matching import MAX_PATTERN_CHARS
from longwire.policy.suspensions import MAX_SUSPENSIONS, Suspension, UnusableState, without
from longwire.storage.files import write_atomically
from longwire.storage.lock import exclusive
from longwire.storage.own_files import UnusableFile, read_own_file

FILE_NAME: Final = "suspended.json"
MAX_FILE_BYTES: Final = 4 * 1024 * 1024
# The holder of the lock writes one small file. If it takes longer than this, that process or the disk hangs.
LOCK_PATIENCE_S: Final = 0.5
_OWNER_ONLY: Final = 0o600

Text = Annotated[str, Field(min_length=1, max_length=MAX_PATTERN_CHARS)]


# From what is suspended to what shall be.
_Change: TypeAlias = Callable[[tuple[Suspension, ...]], list[Suspension]]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)

    grant: Text
    fingerprint: Text
    secret: Text
    source: Text
    page: Text | None
    since: Text


class _Contents(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True, defer_build=True)

    version: Literal[1]
    suspended: Annotated[list[_Entry], Field(max_length=MAX_SUSPENSIONS)]


class SuspensionFile:
    """A `Storage`. `path` is the file; its folder is made when something is to be written."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or state_folder() / FILE_NAME

    def signature(self) -> object:
        """See `Storage`. A file that is replaced is another inode."""
        try:
            status = os.stat(self.path)  # noqa: PTH116  (before every piece: a Path costs more than the call)
        except OSError as error:
            return error.errno
        return (status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode, status.st_uid)

    def read(self) -> tuple[Suspension, ...]:
        """See `Storage`. Without a file nothing is suspended."""
        fix = f"find out what it holds, delete it, and look at `longwire logs` for what was found: {self.path}"
        try:
            data = read_own_file(self.path, MAX_FILE_BYTES)
        except UnusableFile as problem:
            raise UnusableState(str(problem), fix) from None
        if data is None:
            return ()
        try:
            contents = _Contents.model_validate_json(data)
        except (ValidationError, RecursionError):
            raise UnusableState(f"{self.path} is damaged", fix) from None
        return tuple(Suspension(**entry.model_dump()) for entry in contents.suspended)

    def add(self, suspensions: Iterable[Suspension]) -> None:
        """See `Storage`. What cannot be read is replaced: nobody could tell what it said."""
        self._change(lambda known: list({each.key: each for each in (*known, *suspensions)}.values()))

    def release(self, grant: str) -> list[Suspension]:
        """Take out all of one grant; gives them back.

        Raises:
            UnusableState: it cannot be read or written.
        """
        released: list[Suspension] = []

        def change(known: tuple[Suspension, ...]) -> list[Suspension]:
            kept, taken = without(known, grant)
            released.extend(taken)
            return kept

        self._change(change, damaged_is_empty=False)
        return released

    def _change(self, change: _Change, *, damaged_is_empty: bool = True) -> None:
        folder = self.path.parent
        try:
            with exclusive(folder, _make_own_folder, patience_s=LOCK_PATIENCE_S):
                known = self._known(damaged_is_empty=damaged_is_empty)
                entries = [_Entry.model_validate(asdict(each)) for each in change(known)[-MAX_SUSPENSIONS:]]
                text = _Contents(version=1, suspended=entries).model_dump_json(indent=2)
                write_atomically(self.path, f"{text}\n".encode(), _OWNER_ONLY)
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnusableState(
                f"{self.path} cannot be written: {reason}", f"make {folder} yours and writable, with space on its disk"
            ) from None

    def _known(self, *, damaged_is_empty: bool) -> tuple[Suspension, ...]:
        try:
            return self.read()
        except UnusableState:
            if damaged_is_empty:
                return ()
            raise


def _make_own_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
