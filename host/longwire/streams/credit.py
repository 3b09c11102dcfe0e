"""Byte credit: how much of a body may be on its way to a page.

    credit = consumed + window - sent          and always          sent <= consumed + window

The page says what it consumed; the host owns the window. A window is a floor of its own plus a loan from two pools, one
per frame of a tab and one per host. It doubles when a full window was consumed and the window was what held the stream
back, so a token stream never borrows; a loan goes back when the stream ends or stops draining.
"""

from collections import Counter
from collections.abc import Hashable

from longwire.protocol.limits import (
    FRAME_POOL_BYTES,
    HOST_POOL_BYTES,
    WINDOW_FLOOR_BYTES,
    WINDOW_MAX_BYTES,
)


class BadAck(ValueError):
    """An acknowledgement that decreases or runs ahead of what was sent. The text is for people."""


class CreditPools:
    """What all streams of a host may borrow above their floors, in bytes.

    A frame may borrow up to `frame_bytes`, and never more than what it leaves for others in the host's pool. So however
    many frames hold stalled readers, the next one still finds something, and the first finds half of the pool.
    """

    def __init__(self, frame_bytes: int = FRAME_POOL_BYTES, host_bytes: int = HOST_POOL_BYTES) -> None:
        self._frame_bytes = frame_bytes
        self._host_bytes = host_bytes
        self._lent: Counter[Hashable] = Counter()
        self._lent_total = 0

    @property
    def lent_bytes(self) -> int:
        """Sum of all loans."""
        return self._lent_total

    def lent_to(self, frame: Hashable) -> int:
        """Sum of the loans of one frame's streams."""
        return self._lent[frame]

    def borrow(self, frame: Hashable, wanted: int) -> int:
        """Lend up to `wanted` bytes to a stream of `frame`; returns what was lent, possibly 0."""
        of_frame = self._lent[frame]
        # After lending x: of_frame + x <= free - x. The half is what makes the last borrower leave room for the next.
        fair = (self._host_bytes - self._lent_total - of_frame) // 2
        lent = max(0, min(wanted, self._frame_bytes - of_frame, fair))
        self._lent[frame] += lent
        self._lent_total += lent
        return lent

    def borrow_all(self, frame: Hashable, wanted: int) -> bool:
        """Lend exactly `wanted` bytes to a stream of `frame`, or nothing; whether it did."""
        lent = self.borrow(frame, wanted)
        if lent < wanted:
            self.repay(frame, lent)
        return lent == wanted

    def repay(self, frame: Hashable, amount: int) -> None:
        """Take `amount` bytes back from a stream of `frame`."""
        self._lent[frame] -= amount
        self._lent_total -= amount
        if not self._lent[frame]:
            del self._lent[frame]


class Window:
    """One stream's credit. Offsets and sizes are plain body bytes."""

    def __init__(
        self,
        pools: CreditPools,
        frame: Hashable,
        floor: int = WINDOW_FLOOR_BYTES,
        ceiling: int = WINDOW_MAX_BYTES,
    ) -> None:
        self._pools = pools
        self._frame = frame
        self._floor = floor
        self._ceiling = ceiling
        self._loan = 0
        self.sent = 0
        self.consumed = 0
        self._doubled_at = 0  # `consumed` at the last change of the window
        self._held_back = False  # whether the window, not the upstream, was the limit since then
        self._consumed_at_tick = 0

    @property
    def size(self) -> int:
        """The window: floor plus loan."""
        return self._floor + self._loan

    @property
    def credit(self) -> int:
        """How many bytes may be sent now. Never negative."""
        return self.consumed + self.size - self.sent

    @property
    def outstanding(self) -> int:
        """Bytes sent and not yet consumed."""
        return self.sent - self.consumed

    def on_sent(self, size: int) -> None:
        """Count `size` bytes as sent.

        Raises:
            ValueError: more than the credit; a defect of the caller.
        """
        if size > self.credit:
            raise ValueError(f"{size} bytes against a credit of {self.credit}")
        self.sent += size
        if self.credit == 0:
            self._held_back = True

    def on_consumed(self, consumed: int) -> None:
        """Take the page's absolute offset, and let the window grow if it was earned.

        Raises:
            BadAck: the offset decreases, or lies beyond what was sent.
        """
        if consumed < self.consumed:
            raise BadAck(f"STREAM_ACK went back from {self.consumed} to {consumed}")
        if consumed > self.sent:
            raise BadAck(f"STREAM_ACK of {consumed} bytes, but only {self.sent} were sent")
        self.consumed = consumed
        if self._held_back and consumed - self._doubled_at >= self.size:
            wanted = min(self.size * 2, self._ceiling) - self.size
            self._loan += self._pools.borrow(self._frame, wanted)
            self._settle()

    def tick(self) -> None:
        """Called about once a second: what a stream borrowed and does not use goes back while it does not drain.

        The floor stays free above what is outstanding. A page that consumed everything may owe an acknowledgement of
        less than its batch; the next chunk reaches it through that room and tells it the smaller window.
        """
        if self.consumed == self._consumed_at_tick:
            self._repay(self._loan - self.outstanding)
        self._consumed_at_tick = self.consumed

    def close(self) -> None:
        """Give the whole loan back; the stream sends nothing more."""
        self._repay(self._loan)

    def _repay(self, amount: int) -> None:
        if amount > 0:
            self._loan -= amount
            self._pools.repay(self._frame, amount)
            self._settle()

    def _settle(self) -> None:
        self._doubled_at = self.consumed
        self._held_back = self.credit == 0
