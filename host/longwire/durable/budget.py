"""How many bytes and keys the pages of one entry hold: `max_bytes` is a sum, and so is the number of keys.

Counted by the name of a grant and the pattern of an entry, so that a policy read again does not forget what is held.
What another daemon of the same user still holds is told to it like everything else.
"""

from typing import Final

from longwire.durable.record import Entry
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import MAX_DURABLE_KEYS

KIB: Final = 1024
MIN_SEGMENT_BYTES: Final = 16 * KIB
MAX_SEGMENT_BYTES: Final = 4096 * KIB
# So much of `max_bytes` may be waiting for the rest of its segment to be read, before it can go.
_SEGMENTS: Final = 16


def segment_bytes(max_bytes: int) -> int:
    """How long the segments of a spool are where `max_bytes` is the bound: many in it, so that trimming is fine."""
    return min(max(max_bytes // _SEGMENTS, MIN_SEGMENT_BYTES), MAX_SEGMENT_BYTES)


class Share:
    """What one request holds of its entry's sum. Ends with `leave`, which may be called again."""

    def __init__(self, sum_: "_Sum", key_id: str, held: int) -> None:
        self._sum = sum_
        self._id = key_id
        self._left = False
        self.held = held

    def room(self, max_bytes: int) -> int:
        """How many bytes more the entry takes now, 0 or more."""
        return max(0, max_bytes - self._sum.held)

    def take(self, size: int) -> None:
        """`size` bytes more are kept, however much room there is."""
        if not self._left:
            self.held += size
            self._sum.held += size

    def give(self, size: int) -> None:
        """`size` bytes are kept no longer."""
        self.take(-size)

    def leave(self) -> None:
        """The request is gone, with all that it held."""
        if not self._left:
            self.give(self.held)
            self._left = True
            del self._sum.shares[self._id]


class _Sum:
    __slots__ = ("held", "shares")

    def __init__(self) -> None:
        self.held = 0
        self.shares: dict[str, Share] = {}


class Budget:
    """Of all entries."""

    def __init__(self) -> None:
        self._sums: dict[Entry, _Sum] = {}

    def join(self, entry: Entry, key_id: str, held: int = 0, *, anyway: bool = False) -> Share:
        """Count a request. `anyway`: one that is there already, however many there are.

        Raises:
            StreamError: LIMIT_EXCEEDED, the entry has its number of keys.
        """
        sum_ = self._sums.get(entry)
        if sum_ is None:
            self._forget_empty()
            sum_ = self._sums[entry] = _Sum()
        known = sum_.shares.get(key_id)
        if known is not None:
            known.leave()
        elif len(sum_.shares) >= MAX_DURABLE_KEYS and not anyway:
            raise StreamError(
                ErrorCode.LIMIT_EXCEEDED,
                f'the grant "{entry.grant}" has its {MAX_DURABLE_KEYS} durable requests for these pages: '
                "forget one with `longwire.durable.forget(key)`",
                Phase.POLICY,
                retryable=False,
            )
        share = sum_.shares[key_id] = Share(sum_, key_id, held)
        sum_.held += held
        return share

    def held(self, entry: Entry) -> int:
        """The sum of an entry, in bytes."""
        sum_ = self._sums.get(entry)
        return 0 if sum_ is None else sum_.held

    def keys(self, entry: Entry) -> int:
        """How many requests an entry has."""
        sum_ = self._sums.get(entry)
        return 0 if sum_ is None else len(sum_.shares)

    def _forget_empty(self) -> None:
        self._sums = {entry: sum_ for entry, sum_ in self._sums.items() if sum_.shares}
