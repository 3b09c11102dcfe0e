"""What the boundary costs: one decision, and the reflection guard per MiB of body. Both are the host's alone."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from longwire.policy import Locations, PolicyStore, ReflectionScanner, Secret
from longwire.protocol.records import Page
from tests.bench.figures import Row

MIB = 1024 * 1024
PIECE_BYTES = 64 * 1024
GRANTS = 100
PAGE = Page(origin="https://chat.example.com", tab=1, frame=0, document="d", private=False)
URL = "https://api.example.com/v1/chat/completions?stream=true"
# One without a character that anybody escapes, one with a few, one that begins with one.
SECRETS = {
    "letters and digits": "skproj" + "aB3dE5gH7jK9mN1p" * 3,
    "with hyphens": "sk-proj-" + "aB3dE5gH7jK9mN1p" * 3,
    "base64": "/Qz8" + "aB3+E5gH7/K9mN1p" * 3 + "==",
}


def policy_costs(rounds: int, folder: Path) -> list[Row]:
    """Microseconds of one decision, files looked at again included; milliseconds of the guard per MiB."""
    return [*_decisions(rounds, folder), *_guard(rounds)]


def _decisions(rounds: int, folder: Path) -> list[Row]:
    file = folder / "policy.toml"
    file.write_text("version = 1\n" + "".join(map(_grant, range(GRANTS))))
    store = PolicyStore(Locations(folder / "none.toml", file))

    def last() -> None:
        store.current().decide(PAGE, "POST", URL)

    def unlike() -> None:
        store.current()

    note = f"the last of {GRANTS} grants"
    return [
        Row("one decision", "us", _microseconds(last, rounds), note),
        Row("of it: whether a file changed", "us", _microseconds(unlike, rounds), "lstat of every folder above both"),
    ]


def _guard(rounds: int) -> list[Row]:
    noise = os.urandom(MIB)
    events = (b'data: {"delta":{"content":"Hello, w\\u00f6rld / 100%"}}\n\n' * (MIB // 50))[:MIB]
    return [
        Row(f"guard per MiB, {kind}", "ms", [_scan(secret, body) for _ in range(rounds)], name)
        for name, secret in SECRETS.items()
        for kind, body in (("noise", noise), ("events", events))
    ]


def _grant(number: int) -> str:
    wanted = number == GRANTS - 1
    return f"""
[[grant]]
name = "grant {number}"
pages = ["https://chat.example.com", "http://localhost:5173"]
destinations = ["https://{"api" if wanted else f"api{number}"}.example.com/v1/"]
methods = ["GET", "POST"]
"""


def _microseconds(act: Callable[[], None], rounds: int, times: int = 200) -> list[float]:
    samples = []
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            act()
        samples.append((time.perf_counter() - began) / times * 1e6)
    return samples


def _scan(secret: str, body: bytes) -> float:
    scanner = ReflectionScanner([Secret("key", secret)])
    pieces = [body[start : start + PIECE_BYTES] for start in range(0, len(body), PIECE_BYTES)]
    began = time.perf_counter()
    assert not any(scanner.feed(piece) for piece in pieces)
    return (time.perf_counter() - began) * 1000
