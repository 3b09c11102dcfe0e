"""Answers of language models that somebody mutilated: whatever comes, they have one end, and the same in any split."""

import random
from typing import Final

from longwire.generation.parts import Failed, Finished, Part
from longwire.protocol.limits import MAX_MESSAGE_CHARS
from tests.unit.generation.vectors import VECTORS, Vector, as_event


class Broken(Exception):
    """Something that must hold did not."""


_PARTS: Final = (
    *(b"\r", b"\n", b"\r\n", b"\n\n", b":", b"{", b"}", b"[", b"]", b'"', b",", b"null", b"0", b"1e999", b"true"),
    *(b"data: ", b"data", b"event: error\n", b"[DONE]", b"\xef\xbb\xbf", b"\xff", b"\\ud83c", b"\\u0000", b"\\", b"\0"),
    *(b'"error":{"message":"x"},', b'"error":"x",', b'"index":0,', b'"done":true,', b'"type":"error",'),
    *(b'"choices":[],', b'"finish_reason":"stop",', b'"usage":{},', b'"arguments":"{}",', b'"content":7,', b"{" * 200),
)  # fmt: skip


def answer(rng: random.Random) -> str:
    """One answer, with damage, in one piece and in many."""
    vector = rng.choice(VECTORS)
    body = bytearray(vector.body)
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        start = rng.randint(0, len(body))
        end = min(len(body), start + rng.choice((0, 0, 1, 5, 40)))
        body[start:end] = b"".join(rng.choice(_PARTS) for _ in range(rng.randint(0, 2)))
    parts = _decoded(vector, bytes(body), [])
    cuts = sorted(rng.randint(0, len(body)) for _ in range(rng.randint(1, 6)))
    if _decoded(vector, bytes(body), cuts) != parts:
        raise Broken("another split gives other parts")
    ends = [part for part in parts if isinstance(part, Finished | Failed)]
    if ends != parts[-1:]:
        raise Broken(f"{len(ends)} ends")
    for part in parts:
        if not all(text.isprintable() and len(text) <= MAX_MESSAGE_CHARS for text in _words(part)):
            raise Broken("words that may not be shown")
    return str(as_event(parts[-1])["type"])


def _words(part: Part) -> list[str]:
    return [part.failure.message] if isinstance(part, Failed) else []


def _decoded(vector: Vector, body: bytes, cuts: list[int]) -> list[Part]:
    decoder = vector.decoder()
    pieces = (body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True))
    return [*(part for piece in pieces for part in decoder.receive(piece)), *decoder.end()]
