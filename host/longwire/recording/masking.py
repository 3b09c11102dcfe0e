"""Bodies without their credentials: each byte of one becomes `*`, so that sizes, pieces and times stay as they were."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Set
from itertools import accumulate
from typing import Final, Literal, NamedTuple

from longwire.recording.credentials import rules

# What is held back of a body until more has come: a credential may be cut anywhere. A longer one is not found whole.
REQUEST_HOLD_BYTES: Final = 64 * 1024
RESPONSE_HOLD_BYTES: Final = 4 * 1024
_JSON_FIELD: Final = re.compile(r'"((?:[^"\\]|\\.){1,64})"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)', re.DOTALL)
# JSON inside a text of JSON, as the arguments of a tool call are.
_NESTED_FIELD: Final = re.compile(r'\\"([^"\\]{1,64})\\"\s*:\s*\\"([^"\\]*)')
_FORM_FIELD: Final = re.compile(r"(?:^|&)([^=&\s]{1,64})=([^&\s]+)")
_PART_OF_FORM: Final = re.compile(r'name="([^"]{1,64})"[^\r\n]*(?:\r\n[^\r\n]+)*\r\n\r\n(.*?)(?=\r\n--|\Z)', re.DOTALL)


class Timed(NamedTuple):
    """Bytes, and when they came. `masked`: some of them are others now."""

    data: bytes
    t: float
    masked: bool = False


class Masking:
    """One body, or one message of a socket. Memory: what is held back, and a piece."""

    def __init__(self, way: Literal["up", "down"], needles: Set[str], content_type: str) -> None:
        """`needles`: what the stream's heads had; may grow until the first `push`."""
        self._way = way
        self._needles = needles
        self._is_text = _is_text(content_type)
        self._is_form = "x-www-form-urlencoded" in content_type.lower()
        self._is_parts = "multipart/" in content_type.lower()
        self._held: list[Timed] = []
        self._held_bytes = 0

    def push(self, data: bytes, t: float) -> list[Timed]:
        """Take a piece; gives those in which nothing can be found any more."""
        self._held.append(Timed(data, t))
        self._held_bytes += len(data)
        hold = REQUEST_HOLD_BYTES if self._way == "up" else RESPONSE_HOLD_BYTES
        hold = max(hold, *(len(needle) for needle in self._needles), 0) if self._needles else hold
        # By halves: what is looked through again is as much as what was let go.
        return self._give(self._held_bytes - hold) if self._held_bytes >= 2 * hold else []

    def end(self) -> list[Timed]:
        """Nothing comes any more."""
        return self._give(self._held_bytes)

    def _give(self, limit: int) -> list[Timed]:
        """Those that end within the first `limit` bytes, masked."""
        self._mask()
        given: list[Timed] = []
        while self._held and len(self._held[0].data) <= limit:
            piece = self._held.pop(0)
            given.append(piece)
            limit -= len(piece.data)
            self._held_bytes -= len(piece.data)
        return given

    def _mask(self) -> None:
        text = b"".join(piece.data for piece in self._held).decode("latin-1")  # a character is a byte
        spans = sorted(span for span in self._found(text) if span[1] > span[0])
        if not spans:
            return
        ends = list(accumulate(len(piece.data) for piece in self._held))
        for start, end in spans:
            for index in range(bisect_right(ends, start), len(self._held)):
                piece, begin = self._held[index], ends[index] - len(self._held[index].data)
                if begin >= end:
                    break
                low, high = max(start - begin, 0), min(end - begin, len(piece.data))
                data = piece.data[:low] + b"*" * (high - low) + piece.data[high:]
                self._held[index] = Timed(data, piece.t, masked=True)

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        for needle in self._needles:
            known = needle.encode().decode("latin-1")
            at = text.find(known)
            while at >= 0:
                yield at, at + len(known)
                at = text.find(known, at + 1)
        if not self._is_text:
            return
        yield from (found.span() for found in rules().shapes.finditer(text))
        for form in (_JSON_FIELD, _NESTED_FIELD):
            yield from (found.span(2) for found in form.finditer(text) if self._is_credential(found[1]))
        if self._way == "up" and self._is_form:
            yield from (found.span(2) for found in _FORM_FIELD.finditer(text) if self._is_credential(found[1]))
        if self._way == "up" and self._is_parts:
            yield from (found.span(2) for found in _PART_OF_FORM.finditer(text) if self._is_credential(found[1]))

    def _is_credential(self, name: str) -> bool:
        if self._way == "down":
            return rules().response_fields.search(name) is not None
        return bool(rules().request_fields.search(name)) and not rules().harmless_fields.search(name)


def _is_text(content_type: str) -> bool:
    """Where names and shapes mean something; an unknown type may be text."""
    kind = content_type.partition(";")[0].strip().lower()
    return not kind.startswith(("image/", "audio/", "video/", "font/")) and kind not in (
        "application/octet-stream",
        "application/zip",
        "application/gzip",
        "application/pdf",
        "application/wasm",
    )
