"""Content-Encoding undone in bounded steps, with proof that the coded stream was whole.

The shape: `Decoder.feed` takes coded bytes, `Decoder.step` does one bounded piece of work, `Decoder.finish` is
asked at the end of the body and objects if the coding was not at its own end. What any coding holds back is
bounded by its format (gzip 32 KiB, brotli 16 MiB, zstd 8 MiB by our limit) and what a step produces by STEP_BYTES.
"""

import sys
import zlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import brotli

from longwire.protocol.errors import ErrorCode, Phase, StreamError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

# What is asked for. The order is that of browsers; a server is free in its choice.
ACCEPT_ENCODING: Final = "gzip, deflate, br, zstd"

STEP_BYTES: Final = 64 * 1024
# brotli grows its output in blocks of 32 KiB, 64 KiB, … and may fill the block that crosses the limit. Just under the
# first block, a step stays inside it.
_BROTLI_LIMIT: Final = 32_000
# RFC 9659: a zstd content coding needs no larger window than 8 MiB.
_ZSTD_WINDOW_LOG: Final = 23

# Nobody means more than two; each one multiplies what a few bytes can turn into.
MAX_CODINGS: Final = 3
# A bomb is cheap for the server and endless for everyone else. zstd reaches 32,000 on zeros alone, gzip 1,030; what
# goes far beyond for long is not data.
MAX_RATIO: Final = 100_000
RATIO_FREE_BYTES: Final = 64 * 1024 * 1024


class DecodeError(Exception):
    """Inside this module: a coded stream is corrupt. Never leaves it."""


class Coding(Protocol):
    """One content coding being undone. Bytes fed are held until steps have used them."""

    def feed(self, data: bytes) -> None:
        """Take more coded bytes; only when `step` has said None."""

    def step(self) -> bytes | None:
        """Do a bounded piece of work: decoded bytes, b"" if there were none yet, None if it needs more to go on."""

    def finish(self) -> None:
        """Raise DecodeError unless everything fed makes a whole coded stream, or nothing was fed at all."""


class Decoder:
    """All codings of one body, the last applied first undone. Without any it hands on what it is fed."""

    def __init__(self, codings: Sequence[Coding]) -> None:
        self._codings = codings
        self._plain: bytes | None = None
        self._fed_bytes = 0
        self._made_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take coded bytes; only when `step` has said None."""
        self._fed_bytes += len(data)
        if self._codings:
            self._codings[0].feed(data)
        else:
            self._plain = data

    def step(self) -> bytes | None:
        """Do a bounded piece of work: at most STEP_BYTES (or what was fed, without codings), b"" if nothing came out
        yet, None if it needs more to go on.

        Raises:
            StreamError: DECODE_FAILED, phase `body`.
        """
        if not self._codings:
            data, self._plain = self._plain, None
            return data
        try:
            return self._step(len(self._codings) - 1)
        except DecodeError:
            raise _failed("the body is not what its Content-Encoding says") from None

    def finish(self) -> None:
        """Prove that every coding is at its end. Call it when the body is, and `step` has said None.

        Raises:
            StreamError: DECODE_FAILED, phase `body`.
        """
        try:
            for coding in self._codings:
                coding.finish()
        except DecodeError:
            raise _failed("the body ended inside its Content-Encoding") from None

    def _step(self, last: int) -> bytes | None:
        # From the end towards the network: whoever can still make something of what it has goes first.
        for index in range(last, -1, -1):
            made = self._codings[index].step()
            if made is None:
                continue
            self._made_bytes += len(made)
            if self._made_bytes > RATIO_FREE_BYTES and self._made_bytes > MAX_RATIO * self._fed_bytes:
                raise _failed("the body expands out of all proportion")
            if index == last:
                return made
            if made:
                self._codings[index + 1].feed(made)
            return b""
        return None


class _Members:
    """What gzip and zstd share: a coded stream is one or more members (frames), each complete in itself.

    Trailing bytes begin the next member, so garbage after the last one is a corrupt member.
    """

    def __init__(self) -> None:
        self._input = b""
        self._inside = False  # a member has begun and not ended

    def feed(self, data: bytes) -> None:
        self._input = data

    def step(self) -> bytes | None:
        if not self._inside:
            if not self._input:
                return None
            self._begin()
            self._inside = True
        made, self._input, ended = self._work(self._input)
        if ended:
            self._inside = False
            return made
        # Without output and without input left there is nothing to do until more is fed.
        return made if made or self._input else None

    def finish(self) -> None:
        if self._inside or self._input:
            raise DecodeError

    def _begin(self) -> None:
        """Make a fresh decompressor."""
        raise NotImplementedError

    def _work(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """Decompress one step of the current member: what came out, what is left of `data`, whether it ended."""
        raise NotImplementedError


class _Gzip(_Members):
    """RFC 1952, any number of members; zlib checks CRC and length of each."""

    def _begin(self) -> None:
        self._object = zlib.decompressobj(16 + zlib.MAX_WBITS)

    def _work(self, data: bytes) -> tuple[bytes, bytes, bool]:
        return _inflate(self._object, data)


class _Zstd(_Members):
    """RFC 8878, any number of frames, skippable ones included."""

    def _begin(self) -> None:
        self._object = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})

    def _work(self, data: bytes) -> tuple[bytes, bytes, bool]:
        try:
            made = self._object.decompress(data, STEP_BYTES)
        except zstd.ZstdError:
            raise DecodeError from None
        if self._object.eof:
            return made, self._object.unused_data, True
        return made, b"", False  # the object keeps what it did not use


class _Deflate:
    """RFC 9110 section 8.4.1.2 says zlib format; many servers send raw deflate, so the first two bytes decide."""

    def __init__(self) -> None:
        self._input = b""
        self._object: zlib._Decompress | None = None

    def feed(self, data: bytes) -> None:
        self._input += data  # at most one byte is held when more is fed

    def step(self) -> bytes | None:
        if self._object is None:
            if len(self._input) < 2:
                return None
            # RFC 1950 section 2.2: method 8, and the 16-bit header is a multiple of 31. A raw stream does not begin
            # so: its lowest bits would be a stored block whose padding is not zero.
            is_zlib = self._input[0] & 0x0F == 8 and int.from_bytes(self._input[:2], "big") % 31 == 0
            self._object = zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)
        if self._object.eof:
            if self._input:
                raise DecodeError
            return None
        made, self._input, ended = _inflate(self._object, self._input)
        return made if made or self._input or ended else None

    def finish(self) -> None:
        if self._input or (self._object is not None and not self._object.eof):
            raise DecodeError


class _Brotli:
    """RFC 7932."""

    def __init__(self) -> None:
        self._object = brotli.Decompressor()
        self._input = b""
        self._fed = False
        # Whether the last call gave nothing. `can_accept_more_data` alone is about input: it says yes as well when
        # all input is used and output is still to come.
        self._drained = True

    def feed(self, data: bytes) -> None:
        self._fed = True
        self._input = data

    def step(self) -> bytes | None:
        if self._object.is_finished():
            if self._input:
                raise DecodeError
            return None
        if not self._input and self._drained and self._object.can_accept_more_data():
            return None
        data, self._input = self._input, b""
        try:
            # Input that did not fit is kept inside and used by further calls with none.
            made: bytes = self._object.process(data, output_buffer_limit=_BROTLI_LIMIT)
        except brotli.error:
            raise DecodeError from None
        self._drained = not made
        return made

    def finish(self) -> None:
        if self._fed and not self._object.is_finished():
            raise DecodeError


_CODINGS: Final[dict[str, Callable[[], Coding]]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,  # RFC 9110 section 8.4.1.3
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstd,
}


def make_decoder(headers: Sequence[tuple[str, str]], *, has_body: bool) -> Decoder:
    """The decoder for a response with these header pairs (names in lower case).

    A body in a coding that is not known here is handed on as it is, as browsers do; Content-Encoding tells the page.
    `has_body` is False for HEAD, 204 and 304, whose Content-Encoding is about a body that is not sent.

    Raises:
        StreamError: DECODE_FAILED, more than MAX_CODINGS codings; phase `headers`.
    """
    names = [part.strip().lower() for name, value in headers if name == "content-encoding" for part in value.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if not has_body or any(name not in _CODINGS for name in names):
        return Decoder(())
    if len(names) > MAX_CODINGS:
        raise StreamError(
            ErrorCode.DECODE_FAILED,
            f"the server applied more than {MAX_CODINGS} content codings to one body",
            Phase.HEADERS,
        )
    return Decoder([_CODINGS[name]() for name in reversed(names)])


def _inflate(decompressor: "zlib._Decompress", data: bytes) -> tuple[bytes, bytes, bool]:
    try:
        made = decompressor.decompress(data, STEP_BYTES)
    except zlib.error:
        raise DecodeError from None
    if decompressor.eof:
        return made, decompressor.unused_data, True
    return made, decompressor.unconsumed_tail, False


def _failed(text: str) -> StreamError:
    return StreamError(ErrorCode.DECODE_FAILED, f"{text}; the server must be fixed", Phase.BODY)
