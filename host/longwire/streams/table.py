"""All streams of one connection: who exists, how many there may be, and which ids are past."""

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Final

from longwire.fair_pool import FairPool
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import (
    FRAME_POOL_BYTES,
    HOST_POOL_BYTES,
    INLINE_POOL_BYTES,
    MAX_STREAMS_PER_HOST,
    MAX_STREAMS_PER_TAB_FRAME,
    MIB,
    RESERVED_STREAMS,
    UPLOAD_WINDOW_BYTES,
    WINDOW_FLOOR_BYTES,
)
from longwire.streams.memory import DecoderLoan, DecoderPools
from longwire.streams.packing import Packer
from longwire.streams.stream import Stream

# What the windows of streamed request bodies may have together above a floor of their own, up to UPLOAD_WINDOW_BYTES
# each; and what those that are sent fast have above that. A tab has no more of either than it leaves.
UPLOAD_POOL_BYTES: Final = 48 * MIB
WIDE_UPLOAD_POOL_BYTES: Final = 16 * MIB


class StreamTable:
    """Streams by id. A slot is taken by `open` and free again only after `remove`, when its socket is closed.

    The worker counts ids upwards, so one number tells a finished id from one that never was.
    """

    def __init__(
        self,
        per_frame: int = MAX_STREAMS_PER_TAB_FRAME,
        per_host: int = MAX_STREAMS_PER_HOST,
        reserved: int = RESERVED_STREAMS,
    ) -> None:
        self.credit = FairPool(HOST_POOL_BYTES, FRAME_POOL_BYTES)
        self.decoders = DecoderPools()
        self.packs = False  # whether the extension undoes compressed chunks
        self._bodies = FairPool(INLINE_POOL_BYTES)
        self._body_of: dict[int, int] = {}
        self._uploads = FairPool(UPLOAD_POOL_BYTES)
        self._upload_of: dict[int, int] = {}
        self._wide_uploads = FairPool(WIDE_UPLOAD_POOL_BYTES)
        self._wide_upload_of: dict[int, int] = {}
        self._per_frame = per_frame
        self._per_host = per_host
        self._reserved = reserved
        self._streams: dict[int, Stream] = {}
        self._of_frame: Counter[Hashable] = Counter()
        self._tab_of: dict[int, Hashable] = {}
        self._highest_id = 0

    def __len__(self) -> int:
        return len(self._streams)

    def __iter__(self) -> Iterator[Stream]:
        return iter(tuple(self._streams.values()))

    def get(self, stream_id: int) -> Stream | None:
        """The stream, or None for an id that is past or never was: a late frame is ignored, never fatal."""
        return self._streams.get(stream_id)

    def open(self, stream_id: int, tab_frame: Hashable, tab: Hashable, body_bytes: int = 0) -> Stream:
        """Accept a stream of `tab_frame`, one of the frames of `tab`, and `body_bytes` of an inline body with it.

        Raises:
            StreamError: PROTOCOL for an id that was used before, LIMIT_EXCEEDED for one too many.
        """
        if stream_id <= self._highest_id:
            message = f"STREAM_START with id {stream_id}, which is not above {self._highest_id}"
            raise StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
        self._highest_id = stream_id
        if len(self._streams) >= self._per_host:
            raise self._full(self._per_host, "all pages together")
        if self._of_frame[tab_frame] >= self._per_frame:
            raise self._full(self._per_frame, "one frame of a page")
        free = self._per_host - len(self._streams)
        # No `FairPool`: all but the last slots go without asking for a tab's share, and the very last one goes, too.
        if free <= self._reserved and (of_tab := self._count(tab)) >= free:
            raise self._full(of_tab, "one tab while so few are left for the others")
        self._take_body(stream_id, tab, body_bytes)
        packer = Packer() if self.packs else None
        stream = Stream(stream_id, tab_frame, self.credit, DecoderLoan(self.decoders, tab, tab_frame), packer)
        self._streams[stream_id] = stream
        self._of_frame[tab_frame] += 1
        self._tab_of[stream_id] = tab
        return stream

    def upload_window(self, stream: Stream, size: int | None) -> int:
        """How much of the stream's request body, of `size` bytes if that is known, the host may hold. Once."""
        wanted = UPLOAD_WINDOW_BYTES if size is None else min(size, UPLOAD_WINDOW_BYTES)
        lent = self._uploads.borrow(self._tab_of[stream.id], max(0, wanted - WINDOW_FLOOR_BYTES))
        self._upload_of[stream.id] = lent
        return WINDOW_FLOOR_BYTES + lent

    def widen_upload(self, stream: Stream, wanted: int) -> int:
        """How many of `wanted` more bytes of the stream's request body the host may hold from now on, possibly 0."""
        if stream.id not in self._upload_of:  # over
            return 0
        lent = self._wide_uploads.borrow(self._tab_of[stream.id], wanted)
        self._wide_upload_of[stream.id] = self._wide_upload_of.get(stream.id, 0) + lent
        return lent

    def body_gone(self, stream: Stream) -> None:
        """The host no longer holds the stream's inline body."""
        self._bodies.repay(self._tab_of[stream.id], self._body_of.pop(stream.id, 0))

    def _take_body(self, stream_id: int, tab: Hashable, size: int) -> None:
        if not self._bodies.borrow_all(tab, size):
            message = (
                f"the request bodies that wait to be sent or answered take up what one tab may have of the "
                f"{INLINE_POOL_BYTES // MIB} MiB for all pages; wait for an answer, or send the body as a stream"
            )
            raise StreamError(ErrorCode.LIMIT_EXCEEDED, message, Phase.POLICY)
        if size:
            self._body_of[stream_id] = size

    def _count(self, tab: Hashable) -> int:
        return sum(each == tab for each in self._tab_of.values())

    @staticmethod
    def _full(limit: int, whom: str) -> StreamError:
        message = f"{limit} streams are open, which is the limit for {whom}; end one (cancel, abort) and try again"
        return StreamError(ErrorCode.LIMIT_EXCEEDED, message, Phase.POLICY)

    def remove(self, stream: Stream) -> None:
        """Free the slot."""
        stream.window.close()
        stream.decoders.close()
        self.body_gone(stream)
        self._uploads.repay(self._tab_of[stream.id], self._upload_of.pop(stream.id, 0))
        self._wide_uploads.repay(self._tab_of[stream.id], self._wide_upload_of.pop(stream.id, 0))
        del self._streams[stream.id], self._tab_of[stream.id]
        self._of_frame[stream.tab_frame] -= 1
        if not self._of_frame[stream.tab_frame]:
            del self._of_frame[stream.tab_frame]
