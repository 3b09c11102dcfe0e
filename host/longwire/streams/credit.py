"""Byte credit: how much of a body may be on its way to a page.

    credit = consumed + window - sent          and always          sent <= consumed + window

The page says what it consumed; the host owns the window. A window is a floor of its own plus a loan from the host's
pool, which bounds what the streams of one frame of a tab may borrow. It doubles when a full window was consumed and the
window was what held the stream back, so a token stream never borrows; a loan goes back when the stream ends or stops
draining.
"""

from collections.abc import Hashable

from longwire.fair_pool import FairPool
from longwire.protocol.limits import WINDOW_FLOOR_BYTES, WINDOW_MAX_BYTES


class BadAck(ValueError):
    """An acknowledgement that decreases or runs ahead of what was sent. The text is for people."""


class Window:
    """One stream's credit. Offsets and sizes are plain body bytes."""

    def __init__(
        self,
        pool: FairPool,
        tab_frame: Hashable,
        floor: int = WINDOW_FLOOR_BYTES,
        ceiling: int = WINDOW_MAX_BYTES,
    ) -> None:
        self._pool = pool
        self._tab_frame = tab_frame
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
            self._loan += self._pool.borrow(self._tab_frame, wanted)
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
            self._pool.repay(self._tab_frame, amount)
            self._settle()

    def _settle(self) -> None:
        self._doubled_at = self.consumed
        self._held_back = self.credit == 0
