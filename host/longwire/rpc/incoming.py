"""A stream that this side receives."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longwire.rpc.errors import RpcError
from longwire.rpc.messages import ITEM_COST


@dataclass(frozen=True, slots=True)
class TakenItem:
    """An item, as a reader gets it."""

    item: Any


@dataclass(frozen=True, slots=True)
class TakenEnd:
    """The end of the stream."""

    error: RpcError | None


class Incoming:
    """What came and was not read, and the credit for more."""

    def __init__(self, stream_id: str, window: int) -> None:
        self.stream_id = stream_id
        self._window = window
        # Items, and with the last of each message its cost.
        self._queue: deque[tuple[Any, int]] = deque()
        self.received = 0
        # Of all that came, and of what was taken.
        self._cost = 0
        self._taken = 0
        # Up to which the other side may send.
        self.limit = window
        self._end: TakenEnd | None = None
        # Somebody reads it; until then it waits until `expires`.
        self.claimed = False
        self.expires = math.inf

    @property
    def waiting(self) -> int:
        """Bytes that wait to be read."""
        return self._cost - self._taken

    @property
    def ended(self) -> bool:
        """Nothing comes any more; what came may still be there."""
        return self._end is not None

    @property
    def open(self) -> bool:
        """Whether a message may come now, by the credit that was given."""
        return self._cost < self.limit

    def add(self, items: Sequence[Any], size: int) -> None:
        """`size`: bytes of the message."""
        cost = size + len(items) * ITEM_COST
        last = len(items) - 1
        self._queue.extend((item, cost if at == last else 0) for at, item in enumerate(items))
        self.received += len(items)
        self._cost += cost

    def close(self, error: RpcError | None) -> None:
        """With an error, too, what waits is read first."""
        self._end = self._end or TakenEnd(error)

    def take(self) -> TakenItem | TakenEnd | None:
        """The next item, the end, or None: neither is there."""
        if not self._queue:
            return self._end
        item, cost = self._queue.popleft()
        self._taken += cost
        return TakenItem(item)

    def claim(self, window: int) -> None:
        """Somebody reads it."""
        self.claimed = True
        self.expires = math.inf
        self._window = max(self._window, window)

    @property
    def credit_due(self) -> bool:
        """Whether the other side is to be told of more credit: when a quarter of the window can be given."""
        return self._end is None and self.claimed and self._taken + self._window - self.limit >= self._window / 4

    def grant(self) -> int:
        """Give it."""
        self.limit = self._taken + self._window
        return self.limit
