"""What is carried: random bytes, an LLM's event stream, JSON records. Made once, in memory, and sent over and over.

A pool is larger than anything that a compressor looks back over (deflate 32 KiB) or that is compressed by itself
(a chunk, 256 KiB), so that sending it again makes nothing smaller. How well the pools compress is part of the report.
"""

import functools
import json
import os
import random
import string
import zlib
from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeAlias, get_args

from longwire.protocol.limits import KIB, MIB

Kind: TypeAlias = Literal["random", "text", "json"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
TYPES: Final[dict[Kind, str]] = {
    "random": "application/octet-stream",
    "text": "text/event-stream",
    "json": "application/json",
}
POOL_BYTES: Final = 16 * MIB
# Of which the ratio is told: what is packed by itself.
SAMPLE_BYTES: Final = 64 * KIB
_PIECE: Final = 256 * KIB
_WORDS: Final = 6000
_LETTERS: Final = string.ascii_letters + string.digits


@functools.cache
def pool(kind: Kind) -> bytes:
    """POOL_BYTES of that kind; text and records are the same in every run, random bytes in none."""
    if kind == "random":
        return os.urandom(POOL_BYTES)
    source = random.Random(15)
    make = _MAKERS[kind]
    words = vocabulary(source)
    made: list[bytes] = []
    left = POOL_BYTES
    while left > 0:
        piece = make(source, words, len(made))
        made.append(piece)
        left -= len(piece)
    return b"".join(made)[:POOL_BYTES]


def ratio(kind: Kind) -> float:
    """How many times smaller a chunk of it becomes: zlib level 1, each SAMPLE_BYTES by themselves."""
    plain = pool(kind)[:MIB]
    packed = sum(len(zlib.compress(plain[at : at + SAMPLE_BYTES], 1)) for at in range(0, len(plain), SAMPLE_BYTES))
    return len(plain) / packed


def pieces(kind: Kind, size: int) -> Iterator[memoryview]:
    """`size` bytes of it, as large pieces that cost nothing to make."""
    view = memoryview(pool(kind))
    sent = 0
    while sent < size:
        at = sent % POOL_BYTES
        piece = view[at : min(at + _PIECE, at + size - sent)]
        sent += len(piece)
        yield piece


def vocabulary(source: random.Random) -> list[str]:
    """Thousands of words, of lengths as in English."""
    lengths = source.choices(range(2, 12), [9, 20, 19, 14, 11, 9, 7, 5, 4, 2], k=_WORDS)
    letters, weights = "etaoinshrdlucmfwypvbgkjqxz", range(26, 0, -1)
    return ["".join(source.choices(letters, weights, k=length)) for length in lengths]


def token(source: random.Random, words: list[str]) -> str:
    """A word, those of low rank much more often, as in an answer."""
    return " " + words[min(len(words) - 1, int(source.paretovariate(0.5)) - 1)]


def event_data(source: random.Random, words: list[str], answer: str) -> str:
    """The data of one event as a chat service sends it that was asked for likelihoods, with its padding."""
    text = token(source, words)
    others = [{"token": word, "logprob": _logprob(source)} for word in (token(source, words) for _ in range(4))]
    delta = {
        "id": f"chatcmpl-{answer}",
        "object": "chat.completion.chunk",
        "created": 1795000000,
        "model": "some-model-2026-08-06",
        "choices": [
            {
                "index": 0,
                "delta": {"content": text},
                "logprobs": {"token": text, "logprob": _logprob(source), "top_logprobs": others},
                "finish_reason": None,
            },
        ],
        "obfuscation": "".join(source.choices(_LETTERS, k=source.randrange(12, 36))),
    }
    return json.dumps(delta, separators=(",", ":"))


def _logprob(source: random.Random) -> float:
    return round(-source.expovariate(0.8), 9)


def _event(source: random.Random, words: list[str], number: int) -> bytes:
    # An answer of some hundred tokens, then the next one.
    answer = "".join(random.Random(number // 400).choices(_LETTERS, k=29))
    return f"id: {number}\ndata: {event_data(source, words, answer)}\n\n".encode()


def _record(source: random.Random, words: list[str], number: int) -> bytes:
    record = {
        "id": f"{source.getrandbits(128):032x}",
        "number": number,
        "customer": {"name": token(source, words).strip().title(), "email": f"{token(source, words)[1:]}@example.test"},
        "amount": round(source.uniform(1, 9999), 2),
        "currency": source.choice(["EUR", "USD", "GBP"]),
        "created_at": f"2026-{source.randrange(1, 13):02}-{source.randrange(1, 29):02}T10:00:00Z",
        "tags": [token(source, words).strip() for _ in range(source.randrange(4))],
        "note": "".join(token(source, words) for _ in range(source.randrange(4, 20))).strip(),
    }
    return (json.dumps(record, separators=(",", ":")) + "\n").encode()


_MAKERS: Final[dict[Kind, Callable[[random.Random, list[str], int], bytes]]] = {"text": _event, "json": _record}
