"""How settings of a policy are said to people."""

from collections.abc import Iterator
from typing import Final

_UNITS: Final = (("h", 3_600_000), ("m", 60_000), ("s", 1000))


def listed(name: str, values: Iterator[str], otherwise: str = "") -> Iterator[tuple[str, str]]:
    """Several values below each other, under one name."""
    first = next(values, otherwise)
    yield name, first
    for value in values:
        yield "", value


def truth(*, value: bool) -> str:
    """As it is written in the file."""
    return "true" if value else "false"


def duration(milliseconds: int) -> str:
    """As it is written in the file: the largest unit that leaves no rest."""
    return next(
        (f"{milliseconds // each}{unit}" for unit, each in _UNITS if not milliseconds % each), f"{milliseconds}ms"
    )
