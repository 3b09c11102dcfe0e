"""Where what was spent outlives the host: a small file for each provider and `pages` entry, its owner's alone.

All hosts of a user write them, one at a time, under the lock of their folder, which holds nothing else.
"""

import hashlib
import itertools
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longwire.policy.budget_ledger import MAX_TRACKS, SLICES, Amount, Ledger, Track
from longwire.policy.locations import Source, state_folder
from longwire.policy.matching import MAX_PATTERN_CHARS
from longwire.policy.suspensions import UnusableState
from longwire.storage.files import keep_name, write_atomically
from longwire.storage.lock import exclusive
from longwire.storage.own_files import UnusableFile, read_own_file

FOLDER_NAME: Final = "budgets"
MAX_FILE_BYTES: Final = 1024 * 1024
# Others hold the lock for one small file each, and there may be some hundred of them.
LOCK_PATIENCE_S: Final = 10.0
_OWNER_ONLY: Final = 0o600
_SUFFIX: Final = ".json"
_MAX_CURRENCIES: Final = 64

_Text = Annotated[str, Field(min_length=1, max_length=MAX_PATTERN_CHARS)]
_Count = Annotated[int, Field(ge=0)]
_Currency = Annotated[str, Field(max_length=16)]
# Number, requests, tokens, costs. Whole numbers, as in `Amount`.
_Slice = Annotated[
    tuple[_Count, _Count, _Count, Annotated[dict[_Currency, _Count], Field(max_length=_MAX_CURRENCIES)]],
    Field(strict=False),
]

# What is done to a ledger. It gets ids for new tracks, and must not raise.
Act: TypeAlias = Callable[[Ledger, Iterator[str]], None]


class BudgetKey(NamedTuple):
    """Whose budget it is: the policy file that has the provider, the provider, and the entry of a grant's `pages`."""

    source: Source
    provider: str
    pages: str


class BusyFiles(UnusableState):
    """Other hosts held the lock for too long. It may be free in a moment."""


class _Entry(BaseModel):
    model_config = ConfigDict(strict=True, hide_input_in_errors=True, defer_build=True)


class _Track(_Entry):
    id: _Text
    window_ms: Annotated[int, Field(ge=1)]
    wanted_ms: _Count
    slices: Annotated[list[_Slice], Field(max_length=SLICES + 2)]


class _Contents(_Entry):
    version: Literal[1]
    source: Source
    provider: _Text
    pages: _Text
    time_ms: _Count
    ahead_ms: _Count
    tracks: Annotated[list[_Track], Field(max_length=4 * MAX_TRACKS)]


class BudgetFiles:
    """Of one user. `folder` is made when something is to be written."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or state_folder() / FOLDER_NAME

    def change(self, key: BudgetKey, acts: Sequence[Act]) -> None:
        """Do these to one ledger, one after the other, and write it down once. Blocks.

        Raises:
            UnusableState: it cannot be read or written: then none of them was done. BusyFiles: may pass by itself.
        """
        path = self._path(key)
        try:
            with exclusive(self.folder, _make_own_folder, patience_s=LOCK_PATIENCE_S):
                found = self._read(path)
                ledger = Ledger() if found is None else found[1]
                ids = map(secrets.token_hex, itertools.repeat(8))
                for act in acts:
                    act(ledger, ids)
                write_atomically(path, _written(key, ledger), _OWNER_ONLY)
                keep_name(path)
                if found is None:
                    self._sweep(ledger.clock_ms, path)
        except TimeoutError:
            raise BusyFiles(f"other hosts keep {self.folder} locked", "try again") from None
        except OSError as error:
            raise _unwritable(self.folder, error) from None

    def all(self) -> tuple[list[tuple[BudgetKey, Ledger]], list[UnusableState]]:
        """Every ledger as it was last written, and what is wrong with those that cannot be read.

        Raises:
            UnusableState: the folder cannot be read.
        """
        ledgers: list[tuple[BudgetKey, Ledger]] = []
        problems: list[UnusableState] = []
        for path in self._paths():
            try:
                found = self._read(path)
            except UnusableState as problem:
                problems.append(problem)
            else:
                ledgers += [] if found is None else [found]
        return sorted(ledgers, key=lambda each: each[0]), problems

    def reset(self, provider: str) -> list[BudgetKey]:
        """Forget what was spent of one provider, for all pages; gives back for whom that was.

        A file that cannot be read is nobody's, and stays.

        Raises:
            UnusableState: one cannot be removed.
        """
        forgotten: list[BudgetKey] = []
        if not self.folder.is_dir():
            return forgotten
        try:
            with exclusive(self.folder, patience_s=LOCK_PATIENCE_S):
                for path in self._paths():
                    key = self._key_of(path)
                    if key is not None and key.provider == provider:
                        path.unlink()
                        forgotten.append(key)
        except TimeoutError:
            raise BusyFiles(f"other hosts keep {self.folder} locked", "try again") from None
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        return sorted(forgotten)

    def _path(self, key: BudgetKey) -> Path:
        name = hashlib.sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return self.folder / f"{name}{_SUFFIX}"

    def _paths(self) -> list[Path]:
        try:
            return sorted(path for path in self.folder.iterdir() if path.suffix == _SUFFIX and path.name[0] != ".")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unwritable(self.folder, error) from None

    def _key_of(self, path: Path) -> BudgetKey | None:
        try:
            found = self._read(path)
        except UnusableState:
            return None
        return None if found is None else found[0]

    def _sweep(self, clock_ms: int, new: Path) -> None:
        """Remove ledgers that count nothing any more. Each new one has it done, so there are never more than in use."""
        for path in self._paths():
            # One that cannot be read stays: it keeps its provider closed until somebody has looked at it.
            with suppress(UnusableState, OSError):
                found = None if path == new else self._read(path)
                if found is not None:
                    found[1].advance(clock_ms)
                    if found[1].empty:
                        path.unlink(missing_ok=True)

    def _read(self, path: Path) -> tuple[BudgetKey, Ledger] | None:
        try:
            data = read_own_file(path, MAX_FILE_BYTES)
        except UnusableFile as problem:
            raise UnusableState(str(problem), _fix(path)) from None
        if data is None:
            return None
        try:
            contents = _Contents.model_validate_json(data)
        except (ValidationError, RecursionError):
            raise _damaged(path) from None
        key = BudgetKey(contents.source, contents.provider, contents.pages)
        if path != self._path(key):
            raise _damaged(path)
        tracks = [
            Track(
                each.id,
                each.window_ms,
                each.wanted_ms,
                {
                    number: Amount(requests, tokens, costs)
                    for number, requests, tokens, costs in sorted(each.slices, key=lambda one: one[0])
                },
            )
            for each in contents.tracks
        ]
        return key, Ledger(contents.time_ms, contents.ahead_ms, tracks)


def _written(key: BudgetKey, ledger: Ledger) -> bytes:
    tracks: list[dict[str, Any]] = [
        {
            "id": track.id,
            "window_ms": track.window_ms,
            "wanted_ms": track.wanted_ms,
            "slices": [
                (number, spent.requests, spent.tokens, spent.costs) for number, spent in sorted(track.slices.items())
            ],
        }
        for track in ledger.tracks
    ]
    contents = _Contents.model_validate(
        {"version": 1, **key._asdict(), "time_ms": ledger.time_ms, "ahead_ms": ledger.ahead_ms, "tracks": tracks}
    )
    return f"{contents.model_dump_json()}\n".encode()


def _make_own_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _fix(path: Path) -> str:
    return f"find out what it holds, and delete it: what was spent until now is then forgotten: {path}"


def _damaged(path: Path) -> UnusableState:
    return UnusableState(f"{path} is damaged", _fix(path))


def _unwritable(folder: Path, error: OSError) -> UnusableState:
    reason = error.strerror or os.strerror(error.errno or 0)
    return UnusableState(
        f"{folder} cannot be written: {reason}", f"make {folder} yours and writable, with space on its disk"
    )
