"""What decoding one body costs: memory, asked for before it is used, and work in proportion to what was sent."""

from collections.abc import Awaitable, Callable
from typing import Final

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import DECODER_FRAME_POOL_BYTES, DECODER_HOST_POOL_BYTES, KIB, MIB
from longwire.upstream.model import DecoderMemory

# Decoded bytes for each received one. zstd reaches 32,000 on zeros alone, gzip 1,030: what goes far beyond for long is
# not data but a bomb, cheap for the server and expensive for everyone else.
MAX_RATIO: Final = 100_000
RATIO_FREE_BYTES: Final = 64 * MIB
# What decodes to nothing is work as well, and no reader's credit holds it back: it counts in the ratio as many bytes.
# What comes straight from the network never reaches the limit by it: each of its bytes allows for MAX_RATIO. It is for
# the server that packs a million empty members into a hundred bytes.
MEMBER_COST: Final = 128 * KIB  # of each member (frame) that begins: a decoder is made, 1 µs for gzip, 20 µs for zstd
EMPTY_STEP_COST: Final = 4 * KIB  # of each step without a byte for the reader
LOST_BYTE_COST: Final = 400  # of each byte that went into a coding beyond those that came out: an empty block is one

# Does a piece of work in a thread; see `Turns.aside`.
Aside = Callable[[Callable[[], bytes]], Awaitable[bytes]]


class Account:
    """What decoding one body has cost so far. Its codings are numbered, the one nearest to the network first."""

    def __init__(self, memory: DecoderMemory, codings: int, aside: Aside) -> None:
        self._memory = memory
        # For work that takes longer than a turn of the event loop.
        self.aside = aside
        self._held = [0] * codings
        self._fed = [0] * codings
        self._made = [0] * codings
        self._lost = [0] * codings
        self._cost = 0

    def hold(self, index: int, name: str, size: int) -> None:
        """Have `size` bytes for the decoder of this coding.

        Raises:
            StreamError: LIMIT_EXCEEDED.
        """
        self._held[index] = size
        if not self._memory.hold(sum(self._held)):
            raise StreamError(
                ErrorCode.LIMIT_EXCEEDED,
                f"to decode this {name} body takes {shown(size)} of memory, as its head says; with what other streams "
                f"hold, that is more than one page may have ({shown(DECODER_FRAME_POOL_BYTES)}) or all pages together "
                f"({shown(DECODER_HOST_POOL_BYTES)}). Read or end some of those (cancel, abort) and try again, or have "
                "the server use gzip",
                Phase.BODY,
            )

    def fed(self, index: int, size: int) -> None:
        """A coding was given so many bytes."""
        self._fed[index] += size

    def made(self, index: int, size: int) -> None:
        """A coding made so many bytes, possibly none."""
        self._made[index] += size
        self.work(size or EMPTY_STEP_COST)

    def drained(self, index: int) -> None:
        """A coding has made all it can of what it was given."""
        lost = self._fed[index] - self._made[index]
        if lost > self._lost[index]:
            self.work((lost - self._lost[index]) * LOST_BYTE_COST)
            self._lost[index] = lost

    def work(self, cost: int) -> None:
        """Count work, in bytes made or what stands for them.

        Raises:
            StreamError: DECODE_FAILED, out of all proportion.
        """
        self._cost += cost
        if self._cost > RATIO_FREE_BYTES and self._cost > MAX_RATIO * self._fed[0]:
            raise failed("the body expands out of all proportion, into bytes or into empty parts")

    def close(self) -> None:
        """Give the memory back."""
        self._held = [0] * len(self._held)
        self._memory.hold(0)


def failed(text: str) -> StreamError:
    """The server's body cannot be decoded."""
    return StreamError(ErrorCode.DECODE_FAILED, f"{text}; the server must be fixed", Phase.BODY)


def shown(size: int) -> str:
    """A size for people."""
    return f"{size / MIB:.1f} MiB" if size >= MIB else f"{-(-size // KIB)} KiB"
