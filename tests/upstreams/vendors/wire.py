"""What a service sends, as data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Streamed piece by piece. Every one but the first has a character of more than one byte, to be cut in two.
TEXTS = ("Hello", ", wörld", " and 🌍", " and 日本語", " — done…")
WHOLE_TEXT = "".join(TEXTS)

JSON = (("Content-Type", "application/json"),)


@dataclass(frozen=True)
class Piece:
    """Bytes that go out at once, and the text that they make a client show."""

    data: bytes
    shows: str = ""


@dataclass(frozen=True)
class Answer:
    """A response that is not streamed."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = JSON


@dataclass(frozen=True)
class Wire:
    """One service. `name` is the first segment of its paths, the name of its grant and of its secret."""

    name: str
    media_type: str
    whole: Answer
    pieces: tuple[Piece, ...]
    # An error in the documented form, instead of an answer.
    refusal: Answer
    # The same inside a stream; empty where the format has none.
    failure: bytes = b""
    # What may come before the first event, to keep the connection open: a comment, a ping.
    early: bytes = b""
    # The request header that carries the key, and what stands before the key in it.
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    headers: tuple[tuple[str, str], ...] = ()
    # Events have ids, 0 and up as the pieces, and `Last-Event-ID` says where to go on.
    resumes: bool = False


def compact(value: Any) -> str:
    """JSON as services send it: no spaces, and characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_answer(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON response."""
    return Answer(status, compact(value).encode(), (*JSON, *(headers or {}).items()))


def event(value: Any, *, kind: str | None = None, event_id: int | None = None) -> bytes:
    """One event of an event stream; `value` as JSON, unless it is text."""
    lines = [f"event: {kind}"] if kind is not None else []
    lines += [f"id: {event_id}"] if event_id is not None else []
    lines += [f"data: {value if isinstance(value, str) else compact(value)}"]
    return ("\n".join(lines) + "\n\n").encode()


def cut_in_characters(pieces: Sequence[Piece]) -> list[Piece]:
    """The same bytes, cut inside the first long character of each piece: its first half goes out with the piece before.

    That piece shows its own text all the same, so a client has got half a character when it does.
    """
    data = [piece.data for piece in pieces]
    for index in range(1, len(data)):
        start = next((at for at, byte in enumerate(data[index]) if byte >= 0x80), None)
        if start is not None:
            data[index - 1] += data[index][: start + 1]
            data[index] = data[index][start + 1 :]
    return [Piece(part, piece.shows) for part, piece in zip(data, pieces, strict=True)]
