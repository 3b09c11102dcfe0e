"""The bytes of one response, in files: written at one end, read from anywhere, thrown away from the beginning.

A spool is a folder of *segments*, each named after the offset of its first byte. Trimming deletes whole segments, so
`first` may be below what was asked for; it is always the first byte that can be read. Nothing is read back into
memory but what a reader asks for.
"""

from pathlib import Path
from typing import Final

from longwire.durable.open_files import OpenFiles

SEGMENT_BYTES: Final = 1024 * 1024
_NAME_DIGITS: Final = 16  # of an offset below 2^53
_SUFFIX: Final = ".part"


class SpoolFull(Exception):
    """The disk took nothing of an append. What was written before can be read. `text` is for people, without paths."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class SpoolGap(Exception):
    """Bytes that are kept no longer. `first` is the first one that is."""

    def __init__(self, first: int) -> None:
        super().__init__(f"kept from {first} on")
        self.first = first


class SpoolLost(Exception):
    """Bytes that should be there are not, or cannot be read: the files were damaged, or the disk fails."""


class Spool:
    """One response. Of one thread, except for `sync`.

    `folder` is made with the first byte. With `end` it is one that was written before, whose body had so many bytes.
    `files` is what spools share.

    Raises:
        SpoolLost: there is less in the folder than `end` says, or what lies there is no spool.
    """

    def __init__(
        self,
        folder: Path,
        *,
        files: OpenFiles | None = None,
        segment_bytes: int = SEGMENT_BYTES,
        end: int | None = None,
    ) -> None:
        self.folder = folder
        self._files = OpenFiles() if files is None else files
        self._segment_bytes = segment_bytes
        self._starts: list[int] = []
        self._end = 0
        if end is not None:
            self._find(end)
            self._end = end
        self._synced = self._end

    @property
    def first(self) -> int:
        """The first byte that can be read; `end` where there is none."""
        return self._starts[0] if self._starts else self._end

    @property
    def end(self) -> int:
        """How many bytes there have been."""
        return self._end

    @property
    def kept(self) -> int:
        """How many bytes lie in the files."""
        return self._end - self.first

    def append(self, data: bytes | memoryview) -> None:
        """Write at the end: all of it, or nothing.

        Raises:
            SpoolFull: the disk is full, or fails.
        """
        raise NotImplementedError

    def read(self, offset: int, limit: int) -> bytes:
        """What there is from `offset` on, `limit` bytes at most. Empty at the end, and nowhere else.

        Raises:
            SpoolGap: it is kept no longer.
            SpoolLost: it cannot be read.
            ValueError: it is beyond the end.
        """
        raise NotImplementedError

    def trim(self, below: int) -> int:
        """Delete the segments that have only bytes below that offset; gives back how many bytes went."""
        raise NotImplementedError

    def sync(self) -> None:
        """Have what was written until now survive a loss of power. May run in a thread, beside everything else.

        Raises:
            SpoolFull: the disk fails.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Close its files. It may be used again, and opens them again."""
        raise NotImplementedError

    def _find(self, end: int) -> None:
        raise NotImplementedError
