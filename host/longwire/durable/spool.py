"""The bytes of one response, in files: written at one end, read from anywhere, thrown away from the beginning.

A spool is a folder of *segments*, each named after the offset of its first byte. Trimming deletes whole segments, so
`first` may be below what was asked for; it is always the first byte that can be read. Nothing is read back into
memory but what a reader asks for.
"""

import errno
import os
import stat
from bisect import bisect_right
from contextlib import suppress
from pathlib import Path
from typing import Final

from longwire.durable.open_files import OpenFiles, is_own, open_own
from longwire.storage.files import keep_name

SEGMENT_BYTES: Final = 1024 * 1024
_NAME_DIGITS: Final = 16  # of an offset below 2^53
PART_SUFFIX: Final = ".part"


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
        self._gone = False

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

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Write at the end: all of it, or nothing.

        Raises:
            SpoolFull: the disk is full, or fails.
        """
        if self._gone:
            raise SpoolFull("the request was forgotten")
        rest = memoryview(data)
        end, segments = self._end, len(self._starts)
        try:
            while rest:
                size = self._write(rest[: self._room()])
                self._end += size
                rest = rest[size:]
        except OSError as error:
            self._take_back(end, segments)
            raise SpoolFull(_disk_says(error)) from None

    def read(self, offset: int, limit: int) -> bytes:
        """What there is from `offset` on, `limit` bytes at most. Empty at the end, and nowhere else.

        Raises:
            SpoolGap: it is kept no longer.
            SpoolLost: it cannot be read.
            ValueError: it is beyond the end.
        """
        if self._gone:
            raise SpoolLost("the request was forgotten")
        if offset < self.first:
            raise SpoolGap(self.first)
        if offset > self._end:
            raise ValueError(f"there are {self._end} bytes")
        rest = min(limit, self._end - offset)
        pieces: list[bytes] = []
        segment = bisect_right(self._starts, offset) - 1
        while rest > 0:
            start = self._starts[segment]
            size = min(rest, self._end_of(segment) - offset)
            pieces.append(self._read(start, size, offset - start))
            offset += size
            rest -= size
            segment += 1
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def trim(self, below: int) -> int:
        """Delete the segments that have only bytes below that offset; gives back how many bytes went."""
        first = self.first
        segments = 0
        while segments < len(self._starts) and self._end_of(segments) <= below:
            segments += 1
        gone = self._starts[:segments]
        del self._starts[:segments]  # first, so that `sync` does not look for them
        self._drop(gone)
        return self.first - first

    def sync(self) -> None:
        """Have what was written until now survive a loss of power. May run in a thread, beside everything else.

        Raises:
            SpoolFull: the disk fails.
        """
        end, starts = self._end, tuple(self._starts)
        if end == self._synced or not starts:
            return
        try:
            for start, following in zip(starts, (*starts[1:], end), strict=True):
                if start < end and following > self._synced:
                    self._sync_segment(start)
            keep_name(self.folder / "segments")
            keep_name(self.folder)
        except OSError as error:
            raise SpoolFull(_disk_says(error)) from None
        self._synced = end

    def close(self) -> None:
        """Close its files. It may be used again, and opens them again."""
        for start in self._starts:
            self._files.close(self._path(start))

    def discard(self) -> None:
        """Its files are about to be deleted: nothing can be read or written from now on."""
        self._gone = True
        self.close()

    def _path(self, start: int) -> str:
        return f"{self.folder}/{start:0{_NAME_DIGITS}d}{PART_SUFFIX}"

    def _end_of(self, segment: int) -> int:
        return self._starts[segment + 1] if segment + 1 < len(self._starts) else self._end

    def _room(self) -> int:
        """Of the last segment; a new one is begun where there is none."""
        if not self._starts:
            self.folder.mkdir(mode=0o700, exist_ok=True)
        if not self._starts or self._end - self._starts[-1] >= self._segment_bytes:
            self._starts.append(self._end)
        return self._segment_bytes - (self._end - self._starts[-1])

    def _write(self, data: memoryview) -> int:
        start = self._starts[-1]
        size = self._files.write(self._path(start), data, self._end - start)
        if size == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return size

    def _read(self, start: int, size: int, offset: int) -> bytes:
        try:
            data = self._files.read(self._path(start), size, offset)
        except OSError as error:
            raise SpoolLost(_disk_says(error)) from None
        if len(data) != size:
            raise SpoolLost("a file of the response is shorter than what was written")
        return data

    def _take_back(self, end: int, segments: int) -> None:
        """As if an append had not begun."""
        self._end = end
        begun = self._starts[segments:]
        del self._starts[segments:]
        self._drop(begun)
        if self._starts:
            # If the disk does not even do this, the record's count of bytes is what is believed later on.
            with suppress(OSError):
                self._files.truncate(self._path(self._starts[-1]), end - self._starts[-1])

    def _drop(self, starts: list[int]) -> None:
        for start in starts:
            path = self._path(start)
            self._files.close(path)
            # What the disk keeps all the same goes with the folder.
            with suppress(OSError):
                os.unlink(path)  # noqa: PTH108  (before every trimmed segment: a Path costs more than the call)

    def _sync_segment(self, start: int) -> None:
        try:
            descriptor = open_own(self._path(start), os.O_RDWR)  # Windows writes nothing through that is only read
        except FileNotFoundError:
            if start in self._starts:
                raise
            return  # trimmed meanwhile
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _find(self, end: int) -> None:
        """Take the segments that lie there, if they are one piece that comes up to `end`."""
        try:
            sizes = self._sizes()
        except OSError as error:
            raise SpoolLost(_disk_says(error)) from None
        starts = sorted(start for start in sizes if start < end)
        for start, following in zip(starts, (*starts[1:], end), strict=False):
            exact = following != end  # what an append left behind that failed does not count
            if sizes[start] < following - start or (exact and sizes[start] != following - start):
                raise SpoolLost("the files of the response do not fit together")
        self._starts = starts

    def _sizes(self) -> dict[int, int]:
        sizes: dict[int, int] = {}
        try:
            if not is_own(os.stat(self.folder, follow_symlinks=False)):  # noqa: PTH116
                raise SpoolLost("the folder of the response is not this user's alone")
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    status = entry.stat(follow_symlinks=False)
                    number, _, suffix = entry.name.partition(".")
                    if not number.isdecimal() or f".{suffix}" != PART_SUFFIX or not stat.S_ISREG(status.st_mode):
                        raise SpoolLost("the folder of the response holds what is no part of one")
                    sizes[int(number)] = status.st_size
        except FileNotFoundError:
            pass  # nothing was written, or all of it was trimmed
        return sizes


def _disk_says(error: OSError) -> str:
    """The system's own words: they name no path."""
    return os.strerror(error.errno or errno.EIO)
