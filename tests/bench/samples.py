"""What is made of samples."""

import statistics
from collections.abc import Sequence


def percentile(samples: Sequence[float], percent: int) -> float:
    """By rank."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def jain(shares: Sequence[float]) -> float:
    """Jain's index of fairness: 1 if all got the same, 1/n if one got all. 0 where nobody got anything.

    R. Jain, D. Chiu, W. Hawe, "A quantitative measure of fairness", DEC-TR-301, 1984.
    """
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 0.0


def ratios(mine: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Round by round. Raises ValueError if they had not as many."""
    return [here / there for here, there in zip(mine, theirs, strict=True)]


def best(by_name: dict[str, list[float]]) -> str:
    """The name of the samples with the highest median."""
    return max(by_name, key=lambda name: statistics.median(by_name[name]))
