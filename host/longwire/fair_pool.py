"""What several share without any of them being able to take it all: no borrower has more than it leaves for the others.

The first takes half of the pool at most, the next half of what is left, and so on: however much the others hold,
the next one finds something. Bytes of credit, memory of decoders and large socket buffers are lent by this rule.
"""

from collections import Counter
from collections.abc import Hashable


class FairPool:
    """Lends up to `size` units in all, and to one borrower `each` at most. What a unit is, is the caller's business."""

    def __init__(self, size: int, each: int | None = None) -> None:
        self._size = size
        self._each = size if each is None else each
        self._loans: Counter[Hashable] = Counter()
        self._lent = 0

    @property
    def lent(self) -> int:
        """Sum of all loans."""
        return self._lent

    def lent_to(self, borrower: Hashable) -> int:
        """Sum of one borrower's loans."""
        return self._loans[borrower]

    def borrow(self, borrower: Hashable, wanted: int) -> int:
        """Lend up to `wanted` units; returns how many, possibly 0."""
        had = self._loans[borrower]
        # After lending x: had + x <= free - x.
        fair = (self._size - self._lent - had) // 2
        lent = max(0, min(wanted, self._each - had, fair))
        if lent:
            self._loans[borrower] += lent
            self._lent += lent
        return lent

    def borrow_all(self, borrower: Hashable, wanted: int) -> bool:
        """Lend exactly `wanted` units or none; whether it did."""
        lent = self.borrow(borrower, wanted)
        if lent < wanted:
            self.repay(borrower, lent)
        return lent == wanted

    def repay(self, borrower: Hashable, amount: int) -> None:
        """Take `amount` units back."""
        self._loans[borrower] -= amount
        self._lent -= amount
        if not self._loans[borrower]:
            del self._loans[borrower]
