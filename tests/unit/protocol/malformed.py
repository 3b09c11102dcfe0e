"""Malformed input of every kind in the protocol, seeded, and what the host's decoder makes of it.

    python -m tests.unit.protocol.malformed --count 1000000 [--seed N]

Whatever comes in, one of four things comes out; anything else, a traceback above all, is a finding.
"""

import argparse
import json
import random
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from rich.console import Console
from rich.progress import track
from rich.table import Table

from longwire.protocol.errors import FrameError
from longwire.protocol.frames import BadMessage, FrameDecoder, parse_to_host
from longwire.protocol.limits import MAX_FRAME_TO_HOST, MAX_MESSAGE_CHARS
from tests.unit.protocol.samples import CANARY, TO_HOST_NAMES, broken, sample


class Outcome(StrEnum):
    """What the host's end of the native hop may say to bytes."""

    MESSAGE = "message"
    BAD_MESSAGE = "bad message"
    FRAME_ERROR = "frame error"
    INCOMPLETE = "incomplete"


class UndefinedOutcome(Exception):
    """The decoder did something that the protocol does not know."""


@dataclass(frozen=True)
class Case:
    """Bytes on the channel, and the outcomes that are right for them."""

    data: bytes
    allowed: frozenset[Outcome]
    # The field that the error must name and the stream that it must blame, if it is about a field.
    field: str | None = None
    stream_id: int | None = None


_BAD: Final = frozenset({Outcome.BAD_MESSAGE})
_EITHER: Final = frozenset({Outcome.MESSAGE, Outcome.BAD_MESSAGE})


def framed(payload: bytes) -> bytes:
    """`payload` as a browser frames it."""
    return struct.pack("=I", len(payload)) + payload


def _valid(rng: random.Random) -> dict[str, Any]:
    return sample(rng, rng.choice(TO_HOST_NAMES))


def _payload(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode("utf-8")


def _with_value(rng: random.Random, raw: bytes) -> bytes:
    """A valid message in which one value is replaced by the raw text `raw`."""
    message = _valid(rng)
    name = rng.choice(list(message))
    hole = "\x00hole"
    return _payload({**message, name: hole}).replace(json.dumps(hole).encode(), raw)


# --- kinds ------------------------------------------------------------------------------------------------------


def _zero_length(rng: random.Random) -> Case:
    return Case(struct.pack("=I", 0) + rng.randbytes(rng.randint(0, 9)), frozenset({Outcome.FRAME_ERROR}))


def _oversize_length(rng: random.Random) -> Case:
    size = rng.choice((MAX_FRAME_TO_HOST + 1, 2**31, 2**32 - 1, rng.randint(MAX_FRAME_TO_HOST + 1, 2**32 - 1)))
    return Case(struct.pack("=I", size) + b"{}", frozenset({Outcome.FRAME_ERROR}))


def _truncated(rng: random.Random) -> Case:
    whole = framed(_payload(_valid(rng)))
    return Case(whole[: rng.randint(1, len(whole) - 1)], frozenset({Outcome.INCOMPLETE}))


def _noise(rng: random.Random) -> Case:
    return Case(rng.randbytes(rng.randint(1, 64)), frozenset(Outcome))


def _framed_noise(rng: random.Random) -> Case:
    return Case(framed(rng.randbytes(rng.randint(1, 64))), _BAD)


def _invalid_utf8(rng: random.Random) -> Case:
    bad = rng.choice((b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"))
    return Case(framed(_with_value(rng, b'"' + bad + b'"')), _BAD)


def _not_json(rng: random.Random) -> Case:
    payload = _payload(_valid(rng))
    text = rng.choice((payload[:-1], payload + b"}", b"\xef\xbb\xbf" + payload, payload * 2, b" ", b"{'type':1}"))
    return Case(framed(text), _BAD)


def _not_an_object(rng: random.Random) -> Case:
    value: object = rng.choice((None, True, 0, -1, 1.5, "", "HELLO", [], [_valid(rng)], [[]]))
    return Case(framed(_payload(value)), _BAD)


def _too_deep(rng: random.Random) -> Case:
    depth = rng.choice((250, 1_000, 1_025, 20_000, 500_000))
    shape = rng.choice((b"[" * depth + b"]" * depth, b"[" * depth, b'{"a":' * min(depth, 100_000)))
    return Case(framed(_with_value(rng, shape)[: MAX_FRAME_TO_HOST - 4]), _BAD)


def _not_a_number(rng: random.Random) -> Case:
    number = rng.choice((b"NaN", b"Infinity", b"-Infinity", b"nan", b"1e999", b"-1e999", b"0x10", b"01", b"1.", b"+1"))
    return Case(framed(_with_value(rng, number)), _BAD)


def _huge_number(rng: random.Random) -> Case:
    number = rng.choice((b"9" * 30, b"-" + b"9" * 30, b"9" * 5_000, b"1.0", b"1e3", b"9007199254740993"))
    return Case(framed(_with_value(rng, number)), _BAD)


def _lone_surrogate(rng: random.Random) -> Case:
    escape = rng.choice((b"\\ud800", b"\\udfff", b"\\udc00\\ud800"))
    return Case(framed(_with_value(rng, b'"' + escape + b'"')), _BAD)


def _unknown_type(rng: random.Random) -> Case:
    kind: object = rng.choice((CANARY, "", "hello", "WELCOME", "STREAM_CHUNK", "__proto__", None, 1, ["HELLO"], {}))
    return Case(framed(_payload({**_valid(rng), "type": kind})), _BAD)


def _no_type(rng: random.Random) -> Case:
    message = _valid(rng)
    del message["type"]
    return Case(framed(_payload(message)), _BAD)


def _wrong_field(rng: random.Random) -> Case:
    fault = broken(rng, rng.choice(TO_HOST_NAMES))
    of_type = fault.path == ("type",)
    # A wrong tag of a nested union is a fault of the field that holds the union.
    nested_tag = len(fault.path) > 1 and fault.path[-1] == "kind" and fault.fault != "unknown field"
    step = fault.path[-2] if nested_tag else fault.path[-1]
    # A long name is shown up to the length that its whole path may have.
    named = None if of_type else ascii(str(step)[:60])[1:-1]
    blamed = None if of_type or "id" in fault.path else fault.message.get("id")
    return Case(framed(_payload(fault.message)), _BAD, named, blamed)


def _several_wrong_fields(rng: random.Random) -> Case:
    message = {**_valid(rng), **{f"x{number}": CANARY for number in range(rng.randint(2, 300))}}
    return Case(framed(_payload(message)), _BAD)


def _duplicate_key(rng: random.Random) -> Case:
    payload = _payload(_valid(rng))
    return Case(framed(payload[:-1] + b',"type":"STREAM_PONG","id":7}'), _BAD)


def _null(rng: random.Random) -> Case:
    # Right where the field is optional.
    return Case(framed(_with_value(rng, b"null")), _EITHER)


def _mutated(rng: random.Random) -> Case:
    payload = bytearray(_payload(_valid(rng)))
    for _ in range(rng.randint(1, 8)):
        payload[rng.randrange(len(payload))] = rng.randrange(256)
    return Case(framed(bytes(payload)), _EITHER)


def _spliced(rng: random.Random) -> Case:
    one, other = _payload(_valid(rng)), _payload(_valid(rng))
    return Case(framed(one[: rng.randint(1, len(one))] + other[rng.randrange(len(other)) :]), _EITHER)


def _well_formed(rng: random.Random) -> Case:
    return Case(framed(_payload(_valid(rng))), frozenset({Outcome.MESSAGE}))


KINDS: Final[dict[str, Callable[[random.Random], Case]]] = {
    "zero length": _zero_length,
    "oversize length": _oversize_length,
    "truncated": _truncated,
    "noise": _noise,
    "framed noise": _framed_noise,
    "invalid UTF-8": _invalid_utf8,
    "not JSON": _not_json,
    "not an object": _not_an_object,
    "too deep": _too_deep,
    "not a number": _not_a_number,
    "huge number": _huge_number,
    "lone surrogate": _lone_surrogate,
    "unknown type": _unknown_type,
    "no type": _no_type,
    "wrong field": _wrong_field,
    "several wrong fields": _several_wrong_fields,
    "duplicate key": _duplicate_key,
    "null": _null,
    "mutated": _mutated,
    "spliced": _spliced,
    "well formed": _well_formed,
}

# --- running ----------------------------------------------------------------------------------------------------


def outcome_of(case: Case, rng: random.Random) -> Outcome:
    """Feed the case in random pieces and say what came of it.

    Raises:
        UndefinedOutcome: an exception that is not the protocol's, an outcome that is not right for this case, or an
            error that is too long, not printable, repeats a value, fails to name the field, or blames the wrong stream.
    """
    try:
        outcome, error = _decoded(case.data, rng)
    except Exception as unknown:
        raise UndefinedOutcome(f"{type(unknown).__name__}: {unknown}"[:300]) from unknown
    if outcome not in case.allowed:
        raise UndefinedOutcome(f"{outcome} instead of {', '.join(sorted(case.allowed))}: {error}")
    if error is not None:
        _judge(error, case)
    return outcome


def _judge(error: FrameError, case: Case) -> None:
    text = error.text
    if len(text) > MAX_MESSAGE_CHARS or not text.isprintable() or CANARY in text:
        raise UndefinedOutcome(f"a text that may not be shown: {text!r}")
    if case.field is not None and case.field not in text:
        raise UndefinedOutcome(f"the field {case.field} is not named: {text}")
    if case.stream_id is not None and not (isinstance(error, BadMessage) and error.stream_id == case.stream_id):
        raise UndefinedOutcome(f"the stream {case.stream_id} is not blamed: {text}")


def _decoded(data: bytes, rng: random.Random) -> tuple[Outcome, FrameError | None]:
    decoder = FrameDecoder()
    outcome = Outcome.INCOMPLETE
    for piece in _pieces(data, rng):
        try:
            for payload in decoder.feed(piece):
                parse_to_host(payload)
                outcome = Outcome.MESSAGE
        except BadMessage as error:
            return Outcome.BAD_MESSAGE, error
        except FrameError as error:
            return Outcome.FRAME_ERROR, error
    return Outcome.INCOMPLETE if decoder.mid_frame else outcome, None


def _pieces(data: bytes, rng: random.Random) -> Iterator[bytes]:
    cuts = sorted(rng.randint(0, len(data)) for _ in range(rng.randint(0, 3)))
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        yield data[start:end]


def run(indices: Iterator[int] | range, seed: int) -> tuple[Counter[tuple[str, Outcome]], list[str]]:
    """Run one case per index, the kinds in turn. Gives counts per kind and outcome, and the findings."""
    counts: Counter[tuple[str, Outcome]] = Counter()
    findings: list[str] = []
    kinds = list(KINDS.items())
    for index in indices:
        kind, make = kinds[index % len(kinds)]
        # Each case has its own generator, so that a finding can be run again by its index alone.
        rng = random.Random(f"{seed}:{index}")
        case = make(rng)
        try:
            counts[kind, outcome_of(case, rng)] += 1
        except UndefinedOutcome as error:
            findings.append(f"{kind}, seed {seed}, index {index}: {error}")
    return counts, findings


def main(arguments: list[str] | None = None) -> int:
    """The command. Returns 1 if there was any finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.unit.protocol.malformed", description=__doc__)
    parser.add_argument("--count", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    console = Console()
    indices = track(range(options.count), "malformed input", console=console, disable=not console.is_terminal)
    counts, findings = run(iter(indices), options.seed)
    table = Table("kind", *Outcome, title=f"{options.count:,} inputs, seed {options.seed}")
    for kind in KINDS:
        table.add_row(kind, *(f"{counts[kind, outcome]:,}" for outcome in Outcome))
    table.add_row("all", *(f"{sum(counts[kind, outcome] for kind in KINDS):,}" for outcome in Outcome))
    console.print(table)
    for finding in findings[:20]:
        console.print(finding, markup=False)
    console.print(f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
