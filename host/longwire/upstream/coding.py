"""What a content coding is to `decoding`: undone in bounded steps."""

from typing import Final, Protocol

from longwire.protocol.limits import KIB
from longwire.upstream.account import MEMBER_COST, Account

STEP_BYTES: Final = 64 * KIB


class DecodeError(Exception):
    """A coded stream is corrupt. Never leaves `decoding`."""


class Coding(Protocol):
    """One content coding being undone. Bytes fed are held until steps have used them."""

    def feed(self, data: bytes) -> None:
        """Take more coded bytes; only when `step` has said None."""

    async def step(self, limit: int) -> bytes | None:
        """Do a bounded piece of work: up to about `limit` decoded bytes and never more than STEP_BYTES, b"" if there
        were none yet, None if it needs more to go on.
        """

    def finish(self) -> None:
        """Raise DecodeError unless everything fed makes a whole coded stream, or nothing was fed at all."""


class Members:
    """What gzip and zstd share: a coded stream is one or more members (frames), each complete in itself.

    What follows a whole member begins the next one. Where it cannot be one, all the rest is ignored.
    """

    def __init__(self, account: Account, index: int) -> None:
        self._account = account
        self._index = index
        self._input = b""
        self._inside = False  # a member has begun and not ended
        self._whole = False  # at least one has ended
        self._ignoring = False

    def feed(self, data: bytes) -> None:
        if not self._ignoring:
            self._input += data  # at most a part of a member's head is held when more is fed

    async def step(self, limit: int) -> bytes | None:
        if not self._inside:
            if self._whole and self._input and not self._follows(self._input):
                self._ignoring, self._input = True, b""
            if not self._input or not self._begin(self._input):
                return None
            self._account.work(MEMBER_COST)
            self._inside = True
        made, self._input, ended = self._work(self._input, limit)
        if ended:
            self._inside, self._whole = False, True
            return made
        # Without output and without input left there is nothing to do until more is fed.
        return made if made or self._input else None

    def finish(self) -> None:
        if self._inside or self._input:
            raise DecodeError

    def _follows(self, head: bytes) -> bool:
        """Whether what comes after a whole member is another, or may yet be one."""
        return True

    def _begin(self, head: bytes) -> bool:
        """Make a fresh decompressor; False if `head` is too short to know which."""
        raise NotImplementedError

    def _work(self, data: bytes, limit: int) -> tuple[bytes, bytes, bool]:
        """Decompress one step of the current member: what came out, what is left of `data`, whether it ended."""
        raise NotImplementedError
