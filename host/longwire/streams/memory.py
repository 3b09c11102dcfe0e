"""Decoder memory: what the streams' content decoders may hold of plain bytes for their windows.

A server says how large a window a decoder must keep, up to 16 MiB for a body of thirty bytes, and it is kept as long as
nobody reads. So it belongs to the stream, and is lent before there is a decoder. As with byte credit, every stream has
a floor of its own, which is enough for gzip and deflate; the rest comes from what tab frame, tab and host have left.
"""

from collections.abc import Hashable

from longwire.fair_pool import FairPool
from longwire.protocol.limits import DECODER_FLOOR_BYTES, DECODER_FRAME_POOL_BYTES, DECODER_HOST_POOL_BYTES


class DecoderPools:
    """What all streams of a host may hold for decoding above their floors, in bytes.

    A tab may hold no more than it leaves for the others, and a frame of a tab no more than its own bound.
    """

    def __init__(self, frame_bytes: int = DECODER_FRAME_POOL_BYTES, host_bytes: int = DECODER_HOST_POOL_BYTES) -> None:
        self._tabs = FairPool(host_bytes)
        self._frames = FairPool(host_bytes, frame_bytes)

    @property
    def lent_bytes(self) -> int:
        """Sum of all loans."""
        return self._tabs.lent

    def borrow(self, tab: Hashable, tab_frame: Hashable, size: int) -> bool:
        """Lend `size` bytes to a stream of `tab_frame`, all or nothing; whether it did."""
        if not self._tabs.borrow_all(tab, size):
            return False
        if not self._frames.borrow_all(tab_frame, size):
            self._tabs.repay(tab, size)
            return False
        return True

    def repay(self, tab: Hashable, tab_frame: Hashable, size: int) -> None:
        """Take `size` bytes back from a stream of `tab_frame`."""
        self._tabs.repay(tab, size)
        self._frames.repay(tab_frame, size)


class DecoderLoan:
    """One stream's share."""

    def __init__(
        self, pools: DecoderPools, tab: Hashable, tab_frame: Hashable, floor: int = DECODER_FLOOR_BYTES
    ) -> None:
        self._pools = pools
        self._tab = tab
        self._tab_frame = tab_frame
        self._floor = floor
        self._lent = 0

    def hold(self, size: int) -> bool:
        """Let the stream's decoders hold `size` bytes together, more or fewer than before.

        Returns:
            False if that is too much for tab frame, tab or host; what was held before stays. Fewer is never too much.
        """
        wanted = size if size > self._floor else 0
        more = wanted - self._lent
        if more > 0 and not self._pools.borrow(self._tab, self._tab_frame, more):
            return False
        if more < 0:
            self._pools.repay(self._tab, self._tab_frame, -more)
        self._lent = wanted
        return True

    def close(self) -> None:
        """Give everything back."""
        self.hold(0)
