"""All streams that a side sends: which may go, what is sent of them, and what the other side says of them."""

from dataclasses import dataclass
from typing import Final

from longwire.rpc import events as event
from longwire.rpc.errors import RpcError, WireError, wire_error
from longwire.rpc.link import CoreOptions, Link
from longwire.rpc.messages import CancelStream, Credit, Hello, StreamClosed, end_text, size_of
from longwire.rpc.outgoing import Item, Outgoing, SendOptions
from longwire.rpc.schedule import Schedule

# Messages smaller than that are not worth deflating.
DEFLATE_FROM: Final = 1024


@dataclass(frozen=True, slots=True)
class Sendable:
    """A message to send; `deflatable` if it may be worth it."""

    data: str | bytes
    deflatable: bool


class Sending:
    """Their table, and whose turn it is."""

    def __init__(self, options: CoreOptions, link: Link) -> None:
        self._options = options
        self._link = link
        self._outgoing: dict[str, Outgoing] = {}
        self._schedule = Schedule()

    def __len__(self) -> int:
        return len(self._outgoing)

    # What the application says

    def open(self, stream_id: str, options: SendOptions) -> None:
        """Begin a stream.

        Raises:
            RpcError: STREAM_ID_IN_USE, TOO_MANY_STREAMS.
        """
        if stream_id in self._outgoing:
            raise RpcError("STREAM_ID_IN_USE")
        if len(self._outgoing) >= self._options.max_streams:
            raise RpcError("TOO_MANY_STREAMS")
        outgoing = Outgoing(stream_id, options)
        if self._link.other is not None:
            outgoing.begin(self._link.other.window)
        self._outgoing[stream_id] = outgoing
        self._link.tell(event.Wanted(stream_id))

    def has(self, stream_id: str) -> bool:
        """Whether the id is taken."""
        return stream_id in self._outgoing

    def wants(self, stream_id: str) -> bool:
        """Whether an item of the stream should be asked for."""
        outgoing = self._outgoing.get(stream_id)
        return outgoing is not None and outgoing.wants

    def push(self, stream_id: str, item: Item, now: float) -> None:
        """Another item of it."""
        outgoing = self._outgoing.get(stream_id)
        if outgoing is not None and outgoing.state == "open":
            outgoing.push(item, now)
            self._schedule.add(outgoing)

    def close(self, stream_id: str, error: RpcError | None, told: WireError | None, *, drop: bool) -> None:
        """No item comes any more; `drop`: what waits is not sent either."""
        outgoing = self._outgoing.get(stream_id)
        if outgoing is not None and (outgoing.state == "open" or (outgoing.state == "closing" and drop)):
            outgoing.close(error, drop=drop, told=told)
            self._schedule.add(outgoing)

    # What goes

    def next(self, now: float) -> Sendable | None:
        """The next message of any stream."""
        while (outgoing := self._schedule.next(now)) is not None:
            message = self._next_of(outgoing, now)
            if message is not None:
                return message
        return None

    def _next_of(self, outgoing: Outgoing, now: float) -> Sendable | None:
        extended = self._link.extended is True
        if not extended and outgoing.next_is_bytes:
            outgoing.close(RpcError("BINARY_UNSUPPORTED"), drop=True)
        before = outgoing.wants
        composed = outgoing.next(now, extended=extended)
        if composed is None:
            return self._last_of(outgoing, extended=extended)
        size = size_of(composed.data)
        if size > (self._options if self._link.other is None else self._link.other).max_message_bytes:
            text = f"An item makes a message of {size} bytes, more than the other side takes"
            outgoing.close(RpcError("TOO_LARGE", text), drop=True)
            self._schedule.add(outgoing)
            return None
        if extended and self._options.resumable:
            outgoing.keep(composed)
        self._schedule.add(outgoing)
        if not before and outgoing.wants:
            self._link.tell(event.Wanted(outgoing.stream_id))
        return Sendable(composed.data, outgoing.options.compress and self.deflatable(composed.data))

    def _last_of(self, outgoing: Outgoing, *, extended: bool) -> Sendable:
        outgoing.state = "closed"
        error = None if outgoing.error is None else outgoing.told or wire_error(outgoing.error)
        if not extended:  # a plain peer confirms nothing
            self._end(outgoing, outgoing.error)
        text = end_text(outgoing.stream_id, error, outgoing.count if extended else None)
        return Sendable(text, deflatable=False)

    def deflatable(self, data: str | bytes) -> bool:
        """Whether a message, of a stream or not, may be worth it."""
        other = self._link.other
        return self._options.deflate and other is not None and other.deflate and len(data) >= DEFLATE_FROM

    # What the other side says

    def on_word(self, message: Credit | CancelStream | StreamClosed) -> None:
        """Of one of the streams."""
        outgoing = self._outgoing.get(message.stream_id)
        if outgoing is None:  # a word about a stream that is over came too late, and is none
            return
        match message:
            case Credit():
                outgoing.credit(message.received, message.limit)
                self._schedule.add(outgoing)
            case StreamClosed():
                if outgoing.state == "closed":
                    self._end(outgoing, outgoing.error)
            case CancelStream():
                if outgoing.state != "closed":
                    cancelled = wire_error(RpcError("CANCELLED"))
                    self._link.control(end_text(outgoing.stream_id, cancelled, outgoing.count))
                self._end(outgoing, message.error or RpcError("CANCELLED"))

    # The connection, and the clock

    @property
    def ids(self) -> list[str]:
        """Of all of them, for the next connection."""
        return list(self._outgoing)

    def begin(self) -> None:
        """It is known whom one speaks to."""
        for outgoing in self._outgoing.values():
            if self._link.extended and self._link.other is not None:
                outgoing.begin(self._link.other.window)
            self._schedule.add(outgoing)

    def resumed(self, hello: Hello) -> None:
        """There is another connection, on which the other side has so much of each."""
        for outgoing in list(self._outgoing.values()):
            told = hello.received.get(outgoing.stream_id)
            items, limit = told or (0, hello.window)
            if told is None and (outgoing.known or outgoing.state == "closed"):
                # What it had once and does not name is over there: it has all of it, or wants no more.
                self._end(outgoing, outgoing.error if outgoing.state == "closed" else RpcError("CANCELLED"))
                continue
            if not outgoing.resume(items, limit):
                outgoing.close(RpcError("RESUME_FAILED", phase="resuming"), drop=True)
            self._schedule.add(outgoing)

    def end_all(self, error: RpcError) -> None:
        """The connection is gone."""
        for outgoing in list(self._outgoing.values()):
            self._end(outgoing, error)

    def _end(self, outgoing: Outgoing, error: RpcError | None) -> None:
        del self._outgoing[outgoing.stream_id]
        self._schedule.remove(outgoing)
        self._link.tell(event.Sent(outgoing.stream_id, error))

    def deadline(self, now: float) -> float:
        """When the first of those that wait for a clock may go."""
        return self._schedule.deadline(now)
