"""Row 12: the guard ends no stream by chance, of whatever kind. What it costs is in the benchmark."""

import base64
import random
import string
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from longwire.policy.reflection import ReflectionScanner
from longwire.policy.secrets import Secret
from tests.printed import say

MIB = 1024 * 1024
PIECE_BYTES = 64 * 1024
ROOT = Path(__file__).resolve().parents[2]
_BASE62 = string.ascii_letters + string.digits
_letters = random.Random("keys")


def _key(alphabet: str, length: int, before: str = "") -> str:
    return before + "".join(_letters.choices(alphabet, k=length))


# Of each kind of secret one, all looked for at once.
SECRETS = {
    "Anthropic": _key(_BASE62 + "-_", 95, "sk-ant-api03-"),
    "OpenAI": _key(_BASE62, 20, "sk-") + _key(_BASE62, 20, "T3BlbkFJ"),
    "GitHub": _key(_BASE62, 36, "ghp_"),
    "hexadecimal": _key("0123456789abcdef", 64),
    "digits": _key(string.digits, 20),
    "base64": base64.b64encode(_letters.randbytes(32)).decode(),
    "password": _key(string.printable[:94], 20),
    "token": _key(_BASE62, 300, "eyJhbGciOiJIUzI1NiJ9.") + _key(_BASE62 + "-_", 43, "."),
}
_WORDS = [word for path in sorted((ROOT / "docs").glob("*.md")) for word in path.read_text(encoding="utf-8").split()]


def _text(rng: random.Random) -> bytes:
    return " ".join(rng.choices(_WORDS, k=160_000)).encode()[:MIB]


def _json(rng: random.Random) -> bytes:
    rows = [
        {
            "id": rng.getrandbits(53),
            "key": rng.randbytes(16).hex(),
            "token": base64.b64encode(rng.randbytes(48)).decode(),
            "price": rng.random(),
            "note": " ".join(rng.choices(_WORDS, k=12)),
        }
        for _ in range(4_500)
    ]
    return orjson.dumps(rows)[:MIB]


BODIES: dict[str, Callable[[random.Random], bytes]] = {
    "random": lambda rng: rng.randbytes(MIB),
    "base64": lambda rng: base64.b64encode(rng.randbytes(MIB * 3 // 4)),
    "hex": lambda rng: rng.randbytes(MIB // 2).hex().encode(),
    "JSON": _json,
    "text": _text,
}


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("size_mib", [4, pytest.param(1024, marks=pytest.mark.long)])
def test_no_stream_ends_by_chance(kind: str, size_mib: int) -> None:
    rng = random.Random(f"{kind} {size_mib}")
    scanner = ReflectionScanner([Secret(name, value) for name, value in SECRETS.items()])
    hits = []
    scanned = 0
    for _ in range(size_mib):
        body = BODIES[kind](rng)
        pieces = [body[start : start + PIECE_BYTES] for start in range(0, len(body), PIECE_BYTES)]
        hits += [name for piece in pieces if (name := scanner.feed(piece))]
        scanned += len(body)
    say(f"{kind}: {scanned / MIB:.0f} MiB, hits by chance: {len(hits)}")
    assert hits == []
