"""A stream that this side sends: what waits, what may go, and what the other side may want once more."""

import math
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, TypeAlias

from longwire.rpc.errors import RpcError, WireError
from longwire.rpc.messages import ITEM_COST, data_bytes, data_text, size_of

# An item as it waits: JSON, or bytes.
Item: TypeAlias = str | bytes
# A batch goes when it has so many bytes, however few items they are.
BATCH_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class SendOptions:
    """How a stream is sent; `docs/rpc.md` explains each. `rate` is bytes a second, `batch_delay_ms` milliseconds."""

    urgency: int = 3
    rate: float = math.inf
    batch_items: int = 1
    batch_delay_ms: float = 10
    compress: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be."""
        if not 0 <= self.urgency <= 7:
            raise ValueError("urgency is 0 to 7")
        if not self.rate > 0:
            raise ValueError("rate is a number of bytes a second above 0")
        if self.batch_items < 1:
            raise ValueError("batch_items is a whole number above 0")
        if not self.batch_delay_ms >= 0:
            raise ValueError("the delay of a batch is not below 0")


@dataclass(frozen=True, slots=True)
class Composed:
    """One message of a stream; `index` is that of its first item."""

    data: str | bytes
    index: int
    items: int
    cost: int


class Outgoing:
    """Its queue, its credit, its clocks."""

    def __init__(self, stream_id: str, options: SendOptions) -> None:
        self.stream_id = stream_id
        self.options = options
        self._waiting: deque[Item] = deque()
        self._waiting_bytes = 0
        # Of those that wait, how many are bytes: they go alone.
        self._waiting_raw = 0
        self._waiting_since = 0.0
        # Sent and not known to have come; to be sent once more, on a new connection.
        self._kept: deque[Composed] = deque()
        self._again: deque[Composed] = deque()
        # Items that have been put into messages.
        self.count = 0
        # Cost of all messages that were sent, and up to which this may grow: a message may begin below it.
        self._sent = 0
        self._limit: float = math.inf
        # By the rate, no message may go before.
        self._send_at = -math.inf
        # The other side has said something of it.
        self.known = False
        # `open`: items may come; `closing`: the terminal message is to go; `closed`: it has gone.
        self.state: Literal["open", "closing", "closed"] = "open"
        # What it ends with, and what the other side is told of it, if that is something else.
        self.error: RpcError | None = None
        self.told: WireError | None = None

    @property
    def wants(self) -> bool:
        """Whether another item should be asked for."""
        if self.state != "open":
            return False
        if not self._waiting:
            return True
        if len(self._waiting) >= self.options.batch_items or self._waiting_bytes >= BATCH_BYTES:
            return False
        return self._waiting_raw == 0

    def push(self, item: Item, now: float) -> None:
        """Another item."""
        if not self._waiting:
            self._waiting_since = now
        self._waiting.append(item)
        self._waiting_bytes += len(item)
        self._waiting_raw += isinstance(item, bytes)

    def close(self, error: RpcError | None, *, drop: bool, told: WireError | None = None) -> None:
        """No item comes any more, and those that wait are sent first, unless they are to be dropped."""
        self.state = "closing"
        self.error = error
        self.told = told
        if drop:
            self._waiting.clear()
            self._waiting_bytes = self._waiting_raw = 0
            self._again.clear()

    @property
    def due(self) -> bool:
        """Whether it has something to send, were there credit and room."""
        return self.state == "closing" or bool(self._again) or bool(self._waiting)

    def send_at(self, now: float) -> float | None:
        """When a message of it may go as far as it knows; None: not before something else happens."""
        if self.state == "closing" and not self._waiting and not self._again:
            return now
        if not self.due or self._sent >= self._limit:
            return None
        full = bool(self._again) or self.state == "closing" or not self.wants
        return max(self._send_at, now if full else self._waiting_since + self.options.batch_delay_ms)

    def next(self, now: float, *, extended: bool) -> Composed | None:
        """The next message; None: the terminal one."""
        composed = self._again.popleft() if self._again else self._compose(extended=extended)
        if composed is not None:
            self._sent += composed.cost
            self._send_at = max(self._send_at, now) + composed.cost / self.options.rate * 1000
        return composed

    def _compose(self, *, extended: bool) -> Composed | None:
        if not self._waiting:
            return None
        first = self._waiting[0]
        items = 1
        if isinstance(first, str) and extended:
            for item in islice(self._waiting, 1, self.options.batch_items):
                if not isinstance(item, str):
                    break
                items += 1
        taken = [self._waiting.popleft() for _ in range(items)]
        self._waiting_bytes -= sum(map(len, taken))
        index = self.count
        self.count += items
        data: str | bytes
        if isinstance(first, str):
            texts = [item for item in taken if isinstance(item, str)]
            data = data_text(self.stream_id, texts, index if extended else None)
        else:
            self._waiting_raw -= 1
            data = data_bytes(self.stream_id, first, index)
        return Composed(data, index, items, size_of(data) + items * ITEM_COST)

    @property
    def next_is_bytes(self) -> bool:
        """The next message is one that a plain peer cannot read."""
        return bool(self._waiting) and isinstance(self._waiting[0], bytes)

    def keep(self, composed: Composed) -> None:
        """It may be wanted once more."""
        self._kept.append(composed)

    def credit(self, received: int, limit: int) -> None:
        """The other side has so many items, and lets so much come."""
        self.known = True
        self._limit = limit if self._limit == math.inf else max(self._limit, limit)
        while self._kept and self._kept[0].index + self._kept[0].items <= received:
            self._kept.popleft()

    def begin(self, limit: int) -> None:
        """The credit that it begins with."""
        if self._limit == math.inf:
            self._limit = limit

    def resume(self, received: int, limit: int) -> bool:
        """A new connection, on which the other side has so many items. False: what it lacks is not kept."""
        self.credit(received, limit)
        lost = [*self._kept, *self._again]
        if (lost[0].index if lost else self.count) != received:
            return False
        self._sent -= sum(composed.cost for composed in self._kept)
        self._again = deque(lost)
        self._kept.clear()
        if self.state == "closed":
            self.state = "closing"
        return True
