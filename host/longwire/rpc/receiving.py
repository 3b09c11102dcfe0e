"""All streams that a side receives, those that nobody has asked for among them."""

import math
from typing import Final

from longwire.rpc import events as event
from longwire.rpc.errors import RpcError, wire_error
from longwire.rpc.incoming import Incoming, TakenEnd, TakenItem
from longwire.rpc.link import CoreOptions, Link
from longwire.rpc.messages import Data, End, written

# Ids that were closed here while the other side may still send.
MAX_CLOSED_IDS: Final = 1024


class Receiving:
    """Their table, their credit, and what becomes of those that are not received."""

    def __init__(self, options: CoreOptions, link: Link) -> None:
        self._options = options
        self._link = link
        self._incoming: dict[str, Incoming] = {}
        self._unclaimed: dict[Incoming, None] = {}
        self._unclaimed_bytes = 0
        self._credit_for: dict[str, None] = {}
        # Whether the other side is to be told once more.
        self._closed_ids: dict[str, bool] = {}

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of everything."""
        return {
            "incoming": len(self._incoming),
            "unclaimed_bytes": self._unclaimed_bytes,
            "closed_ids": len(self._closed_ids),
        }

    def claim(self, stream_id: str, window: int) -> None:
        """Somebody reads it.

        Raises:
            RpcError: STREAM_ID_IN_USE, TOO_MANY_STREAMS.
        """
        incoming = self._incoming.get(stream_id)
        if incoming is not None and incoming.claimed:
            raise RpcError("STREAM_ID_IN_USE")
        if incoming is None:
            if len(self._incoming) >= self._options.max_streams:
                raise RpcError("TOO_MANY_STREAMS")
            self._closed_ids.pop(stream_id, None)
            incoming = self._incoming[stream_id] = Incoming(stream_id, self._options.window)
        else:
            self._leave_unclaimed(incoming)
        incoming.claim(window)
        self._credit_if_due(incoming)
        self._link.tell(event.Readable(stream_id))

    def take(self, stream_id: str) -> TakenItem | TakenEnd | None:
        """The next item of a stream that was claimed, its end, or None as long as there is neither."""
        incoming = self._incoming.get(stream_id)
        if incoming is None:
            return None
        taken = incoming.take()
        if isinstance(taken, TakenEnd):
            self._forget_incoming(incoming)
        else:
            self._credit_if_due(incoming)
        return taken

    def cancel(self, stream_id: str, error: RpcError | None = None) -> None:
        """The reader wants no more."""
        incoming = self._incoming.get(stream_id)
        if incoming is not None:
            self._forget_incoming(incoming)
            if not incoming.ended:
                self._refuse(stream_id, error)

    def _credit_if_due(self, incoming: Incoming) -> None:
        # What is claimed before its first item came begins with more, too: the sender has the id by then.
        if self._link.extended is not False and incoming.credit_due:
            self._credit_for[incoming.stream_id] = None

    def next_credit(self) -> str | None:
        """Some stream's, if credit is to be given."""
        # Before hello it would be the first word; and a plain peer knows none.
        while self._link.extended and self._credit_for:
            stream_id = next(iter(self._credit_for))
            del self._credit_for[stream_id]
            incoming = self._incoming.get(stream_id)
            if incoming is not None and incoming.credit_due:
                received, limit = incoming.received, incoming.grant()
                credit = {"type": "StreamCredit", "streamId": stream_id, "received": received, "limit": limit}
                return written(credit)
        return None

    def on_data(self, message: Data, size: int, now: float) -> None:
        """Items came, in a message of `size` bytes."""
        stream_id, index, extended = message.stream_id, message.index, self._link.extended is True
        if extended and index is None:
            self.on_bad("A message has no index", stream_id)
            return
        incoming = self._incoming.get(stream_id) or self._begin(stream_id, index or 0, now)
        if incoming is None:
            return
        if incoming.ended:
            self._on_late(stream_id)
        elif extended and index != incoming.received:
            text = f"Item {incoming.received} should have come, and {index} did"
            self._break_off(incoming, RpcError("BAD_INDEX", text))
        elif extended and not incoming.open:
            self._break_off(incoming, RpcError("FLOW_VIOLATION"))
        else:
            self._add(incoming, message, size, extended=extended)

    def _add(self, incoming: Incoming, message: Data, size: int, *, extended: bool) -> None:
        before = incoming.waiting
        incoming.add(message.items, size)
        if not incoming.claimed:
            self._unclaimed_bytes += incoming.waiting - before
            if self._unclaimed_bytes > self._options.max_unclaimed_bytes:
                self._expire(incoming, RpcError("UNCLAIMED"))
        elif not extended and incoming.waiting > self._options.max_plain_bytes:
            self._break_off(incoming, RpcError("BUFFER_FULL"))
        else:
            self._link.tell(event.Readable(incoming.stream_id))

    def on_end(self, message: End, now: float) -> None:
        """A stream is over."""
        stream_id, count, extended = message.stream_id, message.count, self._link.extended is True
        if extended and count is None:
            self.on_bad("An end has no count", stream_id)
            return
        if extended:
            self._link.control(written({"type": "StreamClosed", "streamId": stream_id}))
        if self._closed_ids.pop(stream_id, None) is not None:
            return
        incoming = self._incoming.get(stream_id) or self._begin(stream_id, count or 0, now)
        if incoming is None or incoming.ended:
            return
        missing = extended and message.error is None and count != incoming.received
        text = f"{incoming.received} items came of {count}"
        incoming.close(RpcError("BAD_INDEX", text) if missing else message.error)
        self._credit_for.pop(stream_id, None)
        if incoming.claimed:
            self._link.tell(event.Readable(stream_id))

    def on_bad(self, text: str, stream_id: str | None) -> None:
        """A message cannot be read, of a stream if it is known of which."""
        error = RpcError("BAD_MESSAGE", text)
        self._link.tell(event.Violation(error))
        incoming = None if stream_id is None else self._incoming.get(stream_id)
        if incoming is not None:
            self._break_off(incoming, error)

    def _on_late(self, stream_id: str) -> None:
        """The stream that came under this id has not been read to its end; or it was broken off, and this came late."""
        if stream_id in self._closed_ids:
            return
        error = RpcError("STREAM_ID_IN_USE")
        self._link.tell(event.Violation(error))
        if self._link.extended:
            self._tell_cancel(stream_id, error)

    def _begin(self, stream_id: str, index: int, now: float) -> Incoming | None:
        """A stream of which nobody knew; None: it is none, or none that may be."""
        again = self._closed_ids.get(stream_id)
        if again is not None:
            self._closed_ids[stream_id] = False
            if again and self._link.extended:
                self._tell_cancel(stream_id, None)
            return None
        if index > 0:  # of a stream that was forgotten
            return None
        if len(self._incoming) >= self._options.max_streams:
            self._refuse(stream_id, RpcError("TOO_MANY_STREAMS"))
            return None
        incoming = Incoming(stream_id, self._options.window)
        incoming.expires = now + self._options.unclaimed_timeout_ms
        self._unclaimed[incoming] = None
        self._incoming[stream_id] = incoming
        return incoming

    def _break_off(self, incoming: Incoming, error: RpcError) -> None:
        """The other side is at fault: the reader gets the error, and the sender is told."""
        if incoming.ended:
            return
        if not incoming.claimed:
            self._expire(incoming, error)
            return
        self._refuse(incoming.stream_id, error)
        self._end_incoming(incoming, error)

    def _end_incoming(self, incoming: Incoming, error: RpcError | None) -> None:
        if not incoming.ended:
            incoming.close(error)
            self._credit_for.pop(incoming.stream_id, None)
            self._link.tell(event.Readable(incoming.stream_id))

    def _forget_incoming(self, incoming: Incoming) -> None:
        del self._incoming[incoming.stream_id]
        self._credit_for.pop(incoming.stream_id, None)
        self._leave_unclaimed(incoming)

    def _leave_unclaimed(self, incoming: Incoming) -> None:
        if incoming in self._unclaimed:
            del self._unclaimed[incoming]
            self._unclaimed_bytes -= incoming.waiting

    def _expire(self, incoming: Incoming, error: RpcError) -> None:
        self._forget_incoming(incoming)
        if not incoming.ended:
            self._refuse(incoming.stream_id, error)
        self._link.tell(event.Unclaimed(incoming.stream_id, incoming.received))

    def _refuse(self, stream_id: str, error: RpcError | None) -> None:
        """Tell the other side to stop; what it still sends is not known."""
        self._closed_ids[stream_id] = False
        if len(self._closed_ids) > MAX_CLOSED_IDS:
            del self._closed_ids[next(iter(self._closed_ids))]
        if self._link.extended and self._link.state == "open":
            self._tell_cancel(stream_id, error)

    def _tell_cancel(self, stream_id: str, error: RpcError | None) -> None:
        told = {} if error is None else {"error": wire_error(error).as_json()}
        self._link.control(written({"type": "StreamCancel", "streamId": stream_id, **told}))

    # The connection, and the clock

    def received(self) -> dict[str, tuple[int, int]]:
        """What came of each, and how much may come, for the next connection."""
        for incoming in self._incoming.values():
            if incoming.credit_due:  # credit that was not told any more
                incoming.grant()
        return {each.stream_id: (each.received, each.limit) for each in self._incoming.values() if not each.ended}

    def resumed(self, there: set[str]) -> None:
        """There is another connection, and on its other side these streams."""
        for stream_id in self._closed_ids:
            self._closed_ids[stream_id] = True
        for incoming in self._incoming.values():
            if not incoming.ended and incoming.stream_id not in there and incoming.received > 0:
                self._end_incoming(incoming, RpcError("RESUME_FAILED", phase="resuming"))

    def end_all(self, error: RpcError) -> None:
        """The connection is gone."""
        for incoming in list(self._incoming.values()):
            if incoming.claimed:
                self._end_incoming(incoming, error)
            else:
                self._forget_incoming(incoming)
        self._closed_ids.clear()

    @property
    def deadline(self) -> float:
        """When the first of those that nobody receives expires: the oldest."""
        return next((incoming.expires for incoming in self._unclaimed), math.inf)

    def tick(self, now: float) -> None:
        """What has waited too long is over."""
        for incoming in list(self._unclaimed):
            if now < incoming.expires:
                break
            self._expire(incoming, RpcError("UNCLAIMED"))
