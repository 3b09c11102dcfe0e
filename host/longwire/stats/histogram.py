"""Percentiles of durations, within 1.6 % of the truth, in a number of counters that does not grow with their count.

Buckets as HdrHistogram has them: one for each millisecond up to 128, and 64 for each doubling above that.
"""

import math
from collections import Counter
from typing import Final

_EXACT: Final = 128
_PER_DOUBLING: Final = 64
_SHIFT: Final = _PER_DOUBLING.bit_length()  # bits that are told apart


class Histogram:
    """Of whole numbers from 0; here milliseconds."""

    __slots__ = ("_buckets", "count", "most", "total")

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        self.total = 0
        self.most = 0

    def add(self, value: int) -> None:
        """One more. Not below 0."""
        self._buckets[_bucket(value)] += 1
        self.count += 1
        self.total += value
        self.most = max(self.most, value)

    def percentile(self, percent: float) -> int | None:
        """The smallest value that so many percent do not exceed (nearest rank); None of nothing.

        Never above the largest that was added.
        """
        left = max(1, math.ceil(self.count * percent / 100))
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return min(_highest(bucket), self.most)
        return None

    @property
    def buckets(self) -> int:
        """How many counters there are."""
        return len(self._buckets)


def _bucket(value: int) -> int:
    if value < _EXACT:
        return value
    doublings = value.bit_length() - _SHIFT
    return doublings * _PER_DOUBLING + (value >> doublings)


def _highest(bucket: int) -> int:
    """The largest value of a bucket."""
    if bucket < _EXACT:
        return bucket
    doublings = bucket // _PER_DOUBLING - 1
    return ((bucket - doublings * _PER_DOUBLING + 1) << doublings) - 1
