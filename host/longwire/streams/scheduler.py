"""Which frame leaves next: control first, then data by round robin.

The round is one queue of streams, and a turn is one chunk: as much as the stream has, its credit and the limit of the
moment allow. A stream whose turn was short saves nothing up for the next one.

The writer asks for one step at a time. A step is every control message that waits, and behind them one chunk, or the
small ones of several streams that are together no more than one: a write of its own for each would cost more than all
else that is done for it. A control message that comes while a step is being written waits for that step.
"""

from collections import deque

from longwire.protocol.limits import CHUNK_ALONE_BYTES, CHUNK_SHARED_BYTES, MIB, READ_AHEAD_BYTES
from longwire.streams.stream import Stream

# Control messages that may wait, and their bytes, before nothing is done that makes more of them: a page cannot make
# answers pile up without bound. What is over by then is one frame (of a STATUS or a head) and a small one per stream.
MAX_CONTROL_MESSAGES = 4096
MAX_CONTROL_BYTES = 8 * MIB


class Scheduler:
    """Control messages and streams in, steps out. Knows nothing of time or of the pipe."""

    def __init__(self) -> None:
        self._control: deque[bytes] = deque()
        self._control_bytes = 0
        self._round: deque[Stream] = deque()
        self.live_streams = 0  # set by the connection: alone means that nobody else could want the pipe
        self._spent: set[Stream] = set()  # live, and with nothing ready until their pages read on

    @property
    def backlogged(self) -> bool:
        """Whether so many control messages wait that there must not be more: the other end does not read."""
        return len(self._control) > MAX_CONTROL_MESSAGES or self._control_bytes > MAX_CONTROL_BYTES

    @property
    def idle(self) -> bool:
        """Whether there is nothing to send."""
        return not self._control and not self._round

    @property
    def chunk_limit(self) -> int:
        """Bytes of body in one chunk now."""
        return CHUNK_ALONE_BYTES if self.live_streams <= 1 else CHUNK_SHARED_BYTES

    @property
    def read_ahead(self) -> int:
        """Bytes that each stream may hold ready for the pipe now: a chunk, and less where very many could at once."""
        return min(self.chunk_limit, READ_AHEAD_BYTES // max(1, self.live_streams - len(self._spent)))

    def forget(self, stream: Stream) -> None:
        """`stream` is over and its slot free."""
        self._spent.discard(stream)

    def add_control(self, frame: bytes) -> None:
        """Queue a frame that overtakes all data."""
        self._control.append(frame)
        self._control_bytes += len(frame)

    def offer(self, stream: Stream) -> None:
        """Let `stream` take part in the round, if it has something to send and does not already."""
        if not stream.spent:
            self._spent.discard(stream)
        if stream.sendable:
            if stream.terminal_next:
                self.add_control(stream.take())
            elif not stream.queued:
                stream.queued = True
                self._round.append(stream)

    def next_step(self) -> tuple[list[bytes], list[Stream]]:
        """The frames of the next write, and the streams whose chunks are the last of them, each with one.

        Both are empty when there is nothing to send.
        """
        frames = list(self._control)
        self._control.clear()
        self._control_bytes = 0
        limit = self.chunk_limit
        room = CHUNK_SHARED_BYTES
        taken: list[Stream] = []
        for _ in range(len(self._round)):
            stream = self._round[0]
            # Aborted or out of credit since it was queued: it comes back through `offer`.
            if stream.sendable:
                room -= stream.ready
                if taken and room < 0:
                    break
                frames.append(stream.take(limit))
                taken.append(stream)
            self._round.popleft()
            stream.queued = False
        for stream in taken:
            if stream.spent:
                self._spent.add(stream)
            self.offer(stream)
        return frames, taken
