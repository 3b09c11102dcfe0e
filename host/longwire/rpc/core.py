"""One side of the protocol: messages in, events and messages out; no socket, no clock, no task.

`now` is milliseconds of any clock that never goes back. extension/src/rpc/core.ts is the same in TypeScript, and
tests/vectors/rpc holds both to it.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, Literal

from longwire.rpc import events as event
from longwire.rpc.errors import Phase, RpcError, WireError, wire_error
from longwire.rpc.incoming import Incoming, TakenEnd, TakenItem
from longwire.rpc.messages import (
    Bad,
    CancelRequest,
    CancelStream,
    Credit,
    Data,
    End,
    Hello,
    Message,
    Ping,
    RemoteError,
    Request,
    Response,
    StreamClosed,
    end_text,
    hello_text,
    read_message,
    size_of,
    written,
)
from longwire.rpc.outgoing import Item, Outgoing, SendOptions
from longwire.rpc.requests import Requests
from longwire.rpc.schedule import Schedule

# Messages smaller than that are not worth deflating.
DEFLATE_FROM: Final = 1024
# Answers to a side that asks and does not read.
MAX_CONTROLS: Final = 20_000
# Ids that were closed here while the other side may still send.
MAX_CLOSED_IDS: Final = 1024


@dataclass(frozen=True)
class CoreOptions:
    """What a side is made of: milliseconds and bytes. `token`: its own, of 128 random bits."""

    # `connect` says hello at once, `accept` answers it.
    role: Literal["connect", "accept"]
    token: str
    window: int = 64 * 1024
    max_message_bytes: int = 16 * 1024 * 1024
    max_streams: int = 1024
    max_requests: int = 256
    # Of streams that nobody has asked for, together.
    max_unclaimed_bytes: int = 8 * 1024 * 1024
    unclaimed_timeout_ms: float = 10_000
    # Of a stream of a plain peer, which knows no credit.
    max_plain_bytes: int = 16 * 1024 * 1024
    hello_timeout_ms: float = 10_000
    resume_timeout_ms: float = 30_000
    resumable: bool = False
    deflate: bool = True


@dataclass(frozen=True, slots=True)
class Sendable:
    """A message to send; `deflatable` if it may be worth it."""

    data: str | bytes
    deflatable: bool


class Core:
    """The connection with one other side, over one socket after the other."""

    def __init__(self, options: CoreOptions) -> None:
        self._options = options
        self.state: Literal["idle", "open", "detached", "closed"] = "idle"
        # None until it is known whom one speaks to.
        self.extended: bool | None = None
        self._other: Hello | None = None
        # The token of the other side before a connection was lost.
        self._resuming: str | None = None
        self._hello_by = math.inf
        self._detached_until = math.inf
        self._controls: deque[str] = deque()
        self._pong: str | None = None
        self._credit_for: dict[str, None] = {}
        self._outgoing: dict[str, Outgoing] = {}
        self._incoming: dict[str, Incoming] = {}
        self._unclaimed: dict[Incoming, None] = {}
        self._unclaimed_bytes = 0
        # Whether the other side is to be told once more.
        self._closed_ids: dict[str, bool] = {}
        self._requests = Requests()
        self._schedule = Schedule()
        self._events: list[event.Event] = []

    @property
    def token(self) -> str:
        """This side's own."""
        return self._options.token

    @property
    def other_token(self) -> str | None:
        """The other side's; None as long as none is known."""
        return self._other.peer if self._other else self._resuming

    @property
    def keeps(self) -> bool:
        """Streams wait for another connection when this one is lost."""
        other = self._other
        kept = other is not None and other.resumable if self.extended else self._resuming is not None
        return self._options.resumable and kept

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of everything."""
        return {
            "outgoing": len(self._outgoing),
            "incoming": len(self._incoming),
            "requests": len(self._requests),
            "unclaimed_bytes": self._unclaimed_bytes,
            "closed_ids": len(self._closed_ids),
        }

    def events(self) -> list[event.Event]:
        """What happened since the last call."""
        happened, self._events = self._events, []
        return happened

    @property
    def has_events(self) -> bool:
        """Whether something did."""
        return bool(self._events)

    def _tell(self, happened: event.Event) -> None:
        self._events.append(happened)

    # The connection

    def opened(self, now: float) -> None:
        """There is a socket, the first one or the next."""
        self._resuming = self.other_token
        self.state = "open"
        self.extended = None
        self._other = None
        self._hello_by = now + self._options.hello_timeout_ms
        self._detached_until = math.inf
        if self._options.role == "connect":
            self._say_hello(now)
        else:
            # A peer of any kind answers that, and so shows which one it is; it must not wait for us to speak first.
            self._control(written({"category": "ping", "timestamp": round(now)}))

    def _say_hello(self, now: float, *, resumed: bool | None = None) -> None:
        own = self._options
        hello = Hello(
            own.token,
            own.window,
            own.max_message_bytes,
            own.deflate,
            own.resumable,
            self._resuming if own.role == "connect" else None,
            resumed,
            self._received_streams(),
            list(self._outgoing),
        )
        self._control(hello_text(hello, round(now)))

    def _received_streams(self) -> dict[str, tuple[int, int]]:
        for incoming in self._incoming.values():
            if incoming.credit_due:  # credit that was not told any more
                incoming.grant()
        return {each.stream_id: (each.received, each.limit) for each in self._incoming.values() if not each.ended}

    def receive(self, data: str | bytes, now: float) -> None:
        """A message came, inflated."""
        if self.state != "open":
            return
        size = size_of(data)
        if size > self._options.max_message_bytes:
            self._tell(event.CloseSocket(1009, "message too large"))
            return
        message = read_message(data)
        if isinstance(message, Hello):
            self._on_hello(message, now)
            return
        # Both kinds ping.
        if self.extended is None and not isinstance(message, Ping):
            self._decide(extended=False)
        self._on_message(message, size, now)

    def _on_hello(self, hello: Hello, now: float) -> None:
        if self.extended is not None:
            self._tell(event.CloseSocket(1002, "hello came late"))
            return
        self._other = hello
        if self._options.role == "accept" and hello.resume is not None:
            self._tell(event.ResumeAsked(hello))
            return
        if self._options.role == "accept":
            self._say_hello(now)
        self._decide(extended=True)
        if self._options.role != "connect" or self._resuming is None:
            return
        if hello.resumed:
            self._resume_streams(hello)
        else:
            self._end_all(RpcError("RESUME_FAILED", phase="resuming"))

    def refuse_resume(self, now: float) -> None:
        """The answer to ResumeAsked: this side begins anew, and the other one's streams end."""
        self._say_hello(now, resumed=False)
        self._decide(extended=True)

    def resume(self, hello: Hello, now: float) -> None:
        """This side kept its streams: they go on over the socket on which another one was asked for them."""
        self.opened(now)
        self._controls.clear()
        self._other = hello
        self._say_hello(now, resumed=True)
        self._decide(extended=True)
        self._resume_streams(hello)

    def _resume_streams(self, hello: Hello) -> None:
        for stream_id in self._closed_ids:
            self._closed_ids[stream_id] = True
        there = set(hello.sending)
        for incoming in self._incoming.values():
            if not incoming.ended and incoming.stream_id not in there and incoming.received > 0:
                self._end_incoming(incoming, RpcError("RESUME_FAILED", phase="resuming"))
        for outgoing in list(self._outgoing.values()):
            told = hello.received.get(outgoing.stream_id)
            items, limit = told or (0, hello.window)
            if told is None and (outgoing.known or outgoing.state == "closed"):
                # What it had once and does not name is over there: it has all of it, or wants no more.
                self._end_outgoing(outgoing, outgoing.error if outgoing.state == "closed" else RpcError("CANCELLED"))
                continue
            if not outgoing.resume(items, limit):
                outgoing.close(RpcError("RESUME_FAILED", phase="resuming"), drop=True)
            self._schedule.add(outgoing)

    def _decide(self, *, extended: bool) -> None:
        self.extended = extended
        self._hello_by = math.inf
        if not extended:
            self._credit_for.clear()
        resuming = self._resuming is not None
        if resuming and not extended:
            self._end_all(RpcError("RESUME_FAILED", phase="resuming"))
        for outgoing in self._outgoing.values():
            if extended and self._other is not None:
                outgoing.begin(self._other.window)
            self._schedule.add(outgoing)
        answered = self._other is not None and self._other.resumed is True
        resumed = resuming and (self._options.role == "accept" or answered)
        self._tell(event.Ready(extended, resumed))

    def closed(self, code: int, reason: str, now: float, *, final: bool) -> None:
        """The socket is gone. `final`: no other one will come."""
        if self.state == "closed":
            return
        phase: Phase = "closing" if final and code == 1000 else "connecting" if self.extended is None else "open"
        said = f"code {code}, {reason}" if reason else f"code {code}"
        error = RpcError(
            "CONNECTION_CLOSED",
            f"Connection closed ({said})",
            phase=phase,
            close_code=code,
            close_reason=reason,
        )
        self._controls.clear()
        self._pong = None
        self._credit_for.clear()
        for request_id in self._requests.take_asked():
            self._tell(event.Answered(request_id, None, error))
        for request_id in self._requests.take_served():
            self._tell(event.RequestCancelled(request_id))
        if not final and self.keeps:
            if self.state != "detached":
                self._detached_until = now + self._options.resume_timeout_ms
            self.state = "detached"
            self._hello_by = math.inf
            self._tell(event.Detached())
            return
        self._end_all(error)
        if final:
            self.state = "closed"
        else:  # with a next one, streams begin anew on it
            self._forget()

    def _forget(self) -> None:
        self.state = "idle"
        self.extended = None
        self._other = None
        self._resuming = None
        self._hello_by = math.inf
        self._detached_until = math.inf

    def _control(self, text: str) -> None:
        self._controls.append(text)
        if len(self._controls) == MAX_CONTROLS:
            self._tell(event.CloseSocket(1008, "too many messages unread"))

    def _end_all(self, error: RpcError) -> None:
        for outgoing in list(self._outgoing.values()):
            self._end_outgoing(outgoing, error)
        for incoming in list(self._incoming.values()):
            if incoming.claimed:
                self._end_incoming(incoming, error)
            else:
                self._forget_incoming(incoming)
        self._closed_ids.clear()

    def _end_outgoing(self, outgoing: Outgoing, error: RpcError | None) -> None:
        del self._outgoing[outgoing.stream_id]
        self._schedule.remove(outgoing)
        self._tell(event.Sent(outgoing.stream_id, error))

    def _end_incoming(self, incoming: Incoming, error: RpcError | None) -> None:
        if not incoming.ended:
            incoming.close(error)
            self._credit_for.pop(incoming.stream_id, None)
            self._tell(event.Readable(incoming.stream_id))

    def _forget_incoming(self, incoming: Incoming) -> None:
        del self._incoming[incoming.stream_id]
        self._credit_for.pop(incoming.stream_id, None)
        self._leave_unclaimed(incoming)

    def _leave_unclaimed(self, incoming: Incoming) -> None:
        if incoming in self._unclaimed:
            del self._unclaimed[incoming]
            self._unclaimed_bytes -= incoming.waiting

    # Clocks

    def deadline(self, now: float) -> float:
        """When `tick` is to be called, milliseconds; math.inf: never."""
        at = min(self._hello_by, self._detached_until, self._requests.deadline)
        # The oldest is the first.
        for incoming in self._unclaimed:
            at = min(at, incoming.expires)
            break
        return at if self.extended is None or self.state != "open" else min(at, self._schedule.deadline(now))

    def tick(self, now: float) -> None:
        """Whatever has waited too long is over."""
        if now >= self._hello_by:
            self._decide(extended=False)
        if now >= self._detached_until and self.state == "detached":
            text = "Connection closed, and not resumed in time"
            self._end_all(RpcError("CONNECTION_CLOSED", text, phase="resuming"))
            self._forget()
            self._tell(event.Expired())
        for request_id in self._requests.expired(now):
            self._tell(event.Answered(request_id, None, RpcError("REQUEST_TIMEOUT")))
            self._tell_cancelled(request_id)
        for incoming in list(self._unclaimed):
            if now < incoming.expires:
                break
            self._expire(incoming, RpcError("UNCLAIMED"))

    def _expire(self, incoming: Incoming, error: RpcError) -> None:
        self._forget_incoming(incoming)
        if not incoming.ended:
            self._refuse(incoming.stream_id, error)
        self._tell(event.Unclaimed(incoming.stream_id, incoming.received))

    def _refuse(self, stream_id: str, error: RpcError | None) -> None:
        """Tell the other side to stop; what it still sends is not known."""
        self._closed_ids[stream_id] = False
        if len(self._closed_ids) > MAX_CLOSED_IDS:
            del self._closed_ids[next(iter(self._closed_ids))]
        if self.extended and self.state == "open":
            self._tell_cancel(stream_id, error)

    def _tell_cancel(self, stream_id: str, error: RpcError | None) -> None:
        told = {} if error is None else {"error": wire_error(error).as_json()}
        self._control(written({"type": "StreamCancel", "streamId": stream_id, **told}))

    # Messages

    def _on_message(self, message: Message, size: int, now: float) -> None:
        match message:
            case Data():
                self._on_data(message, size, now)
            case End():
                self._on_end(message, now)
            case Ping():
                self._pong = written({"category": "pong", "timestamp": message.timestamp})
            case Request():
                self._on_request(message)
            case Response():
                if self._requests.answered(message.request_id):
                    self._tell(event.Answered(message.request_id, message.data, message.error))
            case RemoteError():
                self._on_remote_error(message)
            case Bad():
                self._on_bad(message.text, message.stream_id)
            case CancelRequest() | Credit() | CancelStream() | StreamClosed() if self.extended:
                self._on_word(message)
            case _:
                pass

    def _on_remote_error(self, message: RemoteError) -> None:
        if message.request_id is not None and self._requests.answered(message.request_id):
            self._tell(event.Answered(message.request_id, None, message.error))
        else:
            self._tell(event.Violation(message.error))

    def _on_word(self, message: CancelRequest | Credit | CancelStream | StreamClosed) -> None:
        if isinstance(message, CancelRequest):
            if self._requests.served(message.request_id):
                self._tell(event.RequestCancelled(message.request_id))
            return
        outgoing = self._outgoing.get(message.stream_id)
        if outgoing is None:  # a word about a stream that is over came too late, and is none
            return
        match message:
            case Credit():
                outgoing.credit(message.received, message.limit)
                self._schedule.add(outgoing)
            case StreamClosed():
                if outgoing.state == "closed":
                    self._end_outgoing(outgoing, outgoing.error)
            case CancelStream():
                if outgoing.state != "closed":
                    cancelled = wire_error(RpcError("CANCELLED"))
                    self._control(end_text(outgoing.stream_id, cancelled, outgoing.count))
                self._end_outgoing(outgoing, message.error or RpcError("CANCELLED"))

    def _on_bad(self, text: str, stream_id: str | None) -> None:
        error = RpcError("BAD_MESSAGE", text)
        self._tell(event.Violation(error))
        incoming = None if stream_id is None else self._incoming.get(stream_id)
        if incoming is not None:
            self._break_off(incoming, error)

    def _break_off(self, incoming: Incoming, error: RpcError) -> None:
        """The other side is at fault: the reader gets the error, and the sender is told."""
        if incoming.ended:
            return
        if not incoming.claimed:
            self._expire(incoming, error)
            return
        self._refuse(incoming.stream_id, error)
        self._end_incoming(incoming, error)

    def _on_data(self, message: Data, size: int, now: float) -> None:
        stream_id, index, extended = message.stream_id, message.index, self.extended is True
        if extended and index is None:
            self._on_bad("A message has no index", stream_id)
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
            self._tell(event.Readable(incoming.stream_id))

    def _on_late(self, stream_id: str) -> None:
        """The stream that came under this id has not been read to its end; or it was broken off, and this came late."""
        if stream_id in self._closed_ids:
            return
        error = RpcError("STREAM_ID_IN_USE")
        self._tell(event.Violation(error))
        if self.extended:
            self._tell_cancel(stream_id, error)

    def _begin(self, stream_id: str, index: int, now: float) -> Incoming | None:
        """A stream of which nobody knew; None: it is none, or none that may be."""
        again = self._closed_ids.get(stream_id)
        if again is not None:
            self._closed_ids[stream_id] = False
            if again and self.extended:
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

    def _on_end(self, message: End, now: float) -> None:
        stream_id, count, extended = message.stream_id, message.count, self.extended is True
        if extended and count is None:
            self._on_bad("An end has no count", stream_id)
            return
        if extended:
            self._control(written({"type": "StreamClosed", "streamId": stream_id}))
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
            self._tell(event.Readable(stream_id))

    # What this side sends

    def open(self, stream_id: str, options: SendOptions) -> None:
        """Begin a stream.

        Raises:
            RpcError: STREAM_ID_IN_USE, TOO_MANY_STREAMS, CONNECTION_CLOSED.
        """
        self._assert_alive()
        if stream_id in self._outgoing:
            raise RpcError("STREAM_ID_IN_USE")
        if len(self._outgoing) >= self._options.max_streams:
            raise RpcError("TOO_MANY_STREAMS")
        outgoing = Outgoing(stream_id, options)
        if self._other is not None:
            outgoing.begin(self._other.window)
        self._outgoing[stream_id] = outgoing
        self._tell(event.Wanted(stream_id))

    def _assert_alive(self) -> None:
        if self.state == "closed":
            raise RpcError("CONNECTION_CLOSED", phase="closing")

    def is_sending(self, stream_id: str) -> bool:
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

    def end(self, stream_id: str, error: RpcError | None, told: WireError | None = None) -> None:
        """No item comes any more: it is over, or failed, of which the other side is `told`. What waits goes first."""
        self._close(stream_id, error, told, drop=False)

    def abort(self, stream_id: str, error: RpcError) -> None:
        """What waits is not sent any more."""
        self._close(stream_id, error, None, drop=True)

    def _close(self, stream_id: str, error: RpcError | None, told: WireError | None, *, drop: bool) -> None:
        outgoing = self._outgoing.get(stream_id)
        if outgoing is not None and (outgoing.state == "open" or (outgoing.state == "closing" and drop)):
            outgoing.close(error, drop=drop, told=told)
            self._schedule.add(outgoing)

    def next(self, now: float, *, writable: bool) -> Sendable | None:
        """The next message for the socket; `writable`: it has room for more than control messages."""
        if self.state != "open":
            return None
        control = self._controls.popleft() if self._controls else self._take_pong() or self._next_credit()
        if control is not None:
            return Sendable(control, deflatable=False)
        if self.extended is None or not writable:
            return None
        request = self._requests.next()
        if request is not None:
            return Sendable(request, self._deflatable(request))
        while (outgoing := self._schedule.next(now)) is not None:
            message = self._next_of(outgoing, now)
            if message is not None:
                return message
        return None

    def _take_pong(self) -> str | None:
        pong, self._pong = self._pong, None
        return pong

    def _next_credit(self) -> str | None:
        # Before hello it would be the first word; and a plain peer knows none.
        while self.extended and self._credit_for:
            stream_id = next(iter(self._credit_for))
            del self._credit_for[stream_id]
            incoming = self._incoming.get(stream_id)
            if incoming is not None and incoming.credit_due:
                received, limit = incoming.received, incoming.grant()
                credit = {"type": "StreamCredit", "streamId": stream_id, "received": received, "limit": limit}
                return written(credit)
        return None

    def _next_of(self, outgoing: Outgoing, now: float) -> Sendable | None:
        extended = self.extended is True
        if not extended and outgoing.next_is_bytes:
            outgoing.close(RpcError("BINARY_UNSUPPORTED"), drop=True)
        before = outgoing.wants
        composed = outgoing.next(now, extended=extended)
        if composed is None:
            return self._last_of(outgoing, extended=extended)
        size = size_of(composed.data)
        if size > (self._options if self._other is None else self._other).max_message_bytes:
            text = f"An item makes a message of {size} bytes, more than the other side takes"
            outgoing.close(RpcError("TOO_LARGE", text), drop=True)
            self._schedule.add(outgoing)
            return None
        if extended and self._options.resumable:
            outgoing.keep(composed)
        self._schedule.add(outgoing)
        if not before and outgoing.wants:
            self._tell(event.Wanted(outgoing.stream_id))
        return Sendable(composed.data, outgoing.options.compress and self._deflatable(composed.data))

    def _last_of(self, outgoing: Outgoing, *, extended: bool) -> Sendable:
        outgoing.state = "closed"
        error = None if outgoing.error is None else outgoing.told or wire_error(outgoing.error)
        if not extended:  # a plain peer confirms nothing
            self._end_outgoing(outgoing, outgoing.error)
        text = end_text(outgoing.stream_id, error, outgoing.count if extended else None)
        return Sendable(text, deflatable=False)

    def _deflatable(self, data: str | bytes) -> bool:
        other = self._other
        return self._options.deflate and other is not None and other.deflate and len(data) >= DEFLATE_FROM

    # What this side receives

    def claim(self, stream_id: str, window: int) -> None:
        """Somebody reads it.

        Raises:
            RpcError: STREAM_ID_IN_USE, TOO_MANY_STREAMS, CONNECTION_CLOSED.
        """
        self._assert_alive()
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
        self._tell(event.Readable(stream_id))

    def _credit_if_due(self, incoming: Incoming) -> None:
        # What is claimed before its first item came begins with more, too: the sender has the id by then.
        if self.extended is not False and incoming.credit_due:
            self._credit_for[incoming.stream_id] = None

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

    # Requests

    def request(self, request_id: str, data: str, deadline: float) -> None:
        """Ask; `data` is JSON.

        Raises:
            RpcError: TOO_MANY_REQUESTS, CONNECTION_CLOSED.
        """
        self._assert_alive()
        if len(self._requests) >= self._options.max_requests:
            raise RpcError("TOO_MANY_REQUESTS")
        self._requests.ask(request_id, data, deadline)

    def notify(self, request_id: str, data: str) -> None:
        """Say what nobody answers."""
        self._assert_alive()
        self._requests.notify(request_id, data)

    def cancel_request(self, request_id: str) -> None:
        """Nobody waits for the answer any more."""
        if self._requests.answered(request_id):
            self._tell_cancelled(request_id)

    def _tell_cancelled(self, request_id: str) -> None:
        if self.extended and self.state == "open":
            self._control(written({"category": "cancel", "requestId": request_id}))

    def _on_request(self, message: Request) -> None:
        if not message.notify:
            refused = self._requests.serve(message.request_id, self._options.max_requests)
            if refused == "again":
                self._on_bad("A request has the id of one that is not answered yet", None)
                return
            if refused == "unread":
                self._tell(event.CloseSocket(1008, "too many answers unread"))
                return
            if refused == "many":
                self._answer(message.request_id, None, wire_error(RpcError("TOO_MANY_REQUESTS")))
                return
        self._tell(event.Requested(message.request_id, message.data, message.notify))

    def respond(self, request_id: str, data: str | None, error: WireError | None) -> None:
        """Answer a request with JSON, or with an error."""
        if self._requests.served(request_id):
            self._answer(request_id, data, error)

    def ignore(self, request_id: str) -> None:
        """Answer nothing: a peer that knows no better waits until its patience is over."""
        if self._requests.served(request_id) and self.extended:
            self._answer(request_id, None, wire_error(RpcError("NO_ANSWER")))

    def _answer(self, request_id: str, data: str | None, error: WireError | None) -> None:
        answer: dict[str, Any]
        if error is None:
            self._requests.respond(request_id, data or "null")
            return
        if self.extended:
            answer = {"category": "response", "requestId": request_id, "error": error.as_json()}
        else:
            answer = {"category": "error", "error": error.message, "details": {"requestId": request_id}}
        self._requests.fail(answer)
