"""Content-Encoding undone in bounded steps, with proof that the coded stream was whole.

The shape: `Decoder.feed` takes coded bytes, `Decoder.step` does one bounded piece of work, `Decoder.finish` is
asked at the end of the body and objects if the coding was not at its own end. What a decoder holds is read from the
head of the coded stream (`windows`) and asked of the stream's memory before there is a decoder; what a step produces is
bounded by STEP_BYTES, and all steps together by what was sent.
"""

from collections.abc import Sequence
from typing import Final

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import KIB
from longwire.upstream.account import Account, Aside, failed
from longwire.upstream.coding import STEP_BYTES, Coding, DecodeError
from longwire.upstream.codings import CODINGS
from longwire.upstream.model import DecoderMemory

# What is asked for. The order is that of browsers; a server is free in its choice.
ACCEPT_ENCODING: Final = "gzip, deflate, br, zstd"
# What is asked for where the page's streams hold so much that a window of BOOKED_BYTES might not be had.
SMALL_CODINGS: Final = "gzip, deflate"
# Enough for every zstd body, and for brotli with windows up to 4 MiB, which is what its library makes unasked.
BOOKED_BYTES: Final = 8704 * KIB

# What one coding hands to the next at once: it is held there while nobody reads.
_INNER_STEP_BYTES: Final = 16 * KIB
# Nobody means more than two; each one multiplies what a few bytes can turn into.
MAX_CODINGS: Final = 3


class Decoder:
    """All codings of one body, the last applied first undone. Without any it hands on what it is fed."""

    def __init__(self, codings: Sequence[Coding], account: Account) -> None:
        self._codings = codings
        self._account = account
        self._plain: bytes | None = None

    @property
    def codes(self) -> bool:
        """Whether there is anything to undo."""
        return bool(self._codings)

    def feed(self, data: bytes) -> None:
        """Take coded bytes; only when `step` has said None."""
        if self._codings:
            self._account.fed(0, len(data))
            self._codings[0].feed(data)
        else:
            self._plain = data

    async def step(self, wanted: int = STEP_BYTES) -> bytes | None:
        """Do a bounded piece of work: about `wanted` bytes at most and never more than STEP_BYTES (or what was fed,
        without codings), b"" if nothing came out yet, None if it needs more to go on.

        Raises:
            StreamError: DECODE_FAILED; LIMIT_EXCEEDED, the coding asks for memory that is not to be had. Phase `body`.
        """
        if not self._codings:
            data, self._plain = self._plain, None
            return data
        try:
            return await self._step(len(self._codings) - 1, min(wanted, STEP_BYTES))
        except DecodeError:
            raise failed("the body is not what its Content-Encoding says") from None

    def finish(self) -> None:
        """Prove that every coding is at its end. Call it when the body is, and `step` has said None.

        Raises:
            StreamError: DECODE_FAILED, phase `body`.
        """
        try:
            for coding in self._codings:
                coding.finish()
        except DecodeError:
            raise failed("the body ended inside its Content-Encoding") from None

    def close(self) -> None:
        """Release the decoders and their memory; nothing is decoded afterwards. Not while a `step` is on."""
        self._codings = ()
        self._plain = None
        self._account.close()

    async def _step(self, last: int, wanted: int) -> bytes | None:
        # From the plain end towards the network: a coding that can still make bytes of what it has goes first.
        for index in range(last, -1, -1):
            made = await self._codings[index].step(wanted if index == last else _INNER_STEP_BYTES)
            if made is None:
                self._account.drained(index)
                continue
            self._account.made(index, len(made))
            if index == last:
                return made
            if made:
                self._account.fed(index + 1, len(made))
                self._codings[index + 1].feed(made)
            return b""
        return None


def make_decoder(headers: Sequence[tuple[str, str]], memory: DecoderMemory, aside: Aside, *, has_body: bool) -> Decoder:
    """The decoder for a response with these header pairs (names in lower case).

    A body in a coding that is not known here is handed on as it is, as browsers do; Content-Encoding tells the page.
    It holds what it needs of `memory`, and nothing of it once closed.
    `aside` does the work of long steps away from the event loop: see `Turns.aside`.
    `has_body` is False for HEAD, 204, 205 and 304, whose Content-Encoding is about a body that is not sent.

    Raises:
        StreamError: DECODE_FAILED, more than MAX_CODINGS codings; phase `headers`.
    """
    names = [part.strip().lower() for name, value in headers if name == "content-encoding" for part in value.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if not has_body or not names or any(name not in CODINGS for name in names):
        memory.hold(0)
        return Decoder((), Account(memory, 0, aside))
    if len(names) > MAX_CODINGS:
        raise StreamError(
            ErrorCode.DECODE_FAILED,
            f"the server applied more than {MAX_CODINGS} content codings to one body",
            Phase.HEADERS,
        )
    account = Account(memory, len(names), aside)
    return Decoder([CODINGS[name](account, index) for index, name in enumerate(reversed(names))], account)
