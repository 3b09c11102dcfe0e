"""Who is measured when."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def in_turn(sides: Sequence[T], number: int) -> list[T]:
    """The sides of a round, each time beginning with another: whoever comes first finds other caches than the last."""
    start = number % len(sides) if sides else 0
    return [*sides[start:], *sides[:start]]
