"""One side of the protocol: messages in, events and messages out; no socket, no clock, no task.

`now` is milliseconds of any clock that never goes back. extension/src/rpc/core.ts is the same in TypeScript, and
tests/vectors/rpc holds both to it.
"""

import math
from typing import Literal

from longwire.rpc import events as event
from longwire.rpc.errors import Phase, RpcError, WireError
from longwire.rpc.incoming import TakenEnd, TakenItem
from longwire.rpc.link import CoreOptions, Link
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
    hello_text,
    read_message,
    size_of,
    written,
)
from longwire.rpc.outgoing import Item, SendOptions
from longwire.rpc.receiving import Receiving
from longwire.rpc.requests import Requests
from longwire.rpc.sending import Sendable, Sending


class Core:
    """The connection with one other side, over one socket after the other."""

    def __init__(self, options: CoreOptions) -> None:
        self._options = options
        self._link = Link()
        self._sending = Sending(options, self._link)
        self._receiving = Receiving(options, self._link)
        # The token of the other side before a connection was lost.
        self._resuming: str | None = None
        self._hello_by = math.inf
        self._detached_until = math.inf
        self._pong: str | None = None
        self._requests = Requests(options.max_requests, self._link)

    @property
    def state(self) -> Literal["idle", "open", "detached", "closed"]:
        """`detached`: the connection was lost, and streams wait for the next one."""
        return self._link.state

    @property
    def extended(self) -> bool | None:
        """Whether the other side is one of ours; None until that is known."""
        return self._link.extended

    @property
    def token(self) -> str:
        """This side's own."""
        return self._options.token

    @property
    def other_token(self) -> str | None:
        """The other side's; None as long as none is known."""
        return self._link.other.peer if self._link.other else self._resuming

    @property
    def keeps(self) -> bool:
        """Streams wait for another connection when this one is lost."""
        other = self._link.other
        kept = other is not None and other.resumable if self._link.extended else self._resuming is not None
        return self._options.resumable and kept

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of everything."""
        return {
            "outgoing": len(self._sending),
            "requests": len(self._requests),
            **self._receiving.counts,
        }

    def events(self) -> list[event.Event]:
        """What happened since the last call."""
        return self._link.events()

    @property
    def has_events(self) -> bool:
        """Whether something did."""
        return self._link.has_events

    # The connection

    def opened(self, now: float) -> None:
        """There is a socket, the first one or the next."""
        self._resuming = self.other_token
        self._link.state = "open"
        self._link.extended = None
        self._link.other = None
        self._hello_by = now + self._options.hello_timeout_ms
        self._detached_until = math.inf
        if self._options.role == "connect":
            self._say_hello(now)
        else:
            # A peer of any kind answers that, and so shows which one it is; it must not wait for us to speak first.
            self._link.control(written({"category": "ping", "timestamp": round(now)}))

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
            self._receiving.received(),
            self._sending.ids,
        )
        self._link.control(hello_text(hello, round(now)))

    def receive(self, data: str | bytes, now: float) -> None:
        """A message came, inflated."""
        if self._link.state != "open":
            return
        size = size_of(data)
        if size > self._options.max_message_bytes:
            self._link.tell(event.CloseSocket(1009, "message too large"))
            return
        message = read_message(data)
        if isinstance(message, Hello):
            self._on_hello(message, now)
            return
        # Both kinds ping.
        if self._link.extended is None and not isinstance(message, Ping):
            self._decide(extended=False)
        self._on_message(message, size, now)

    def _on_hello(self, hello: Hello, now: float) -> None:
        if self._link.extended is not None:
            self._link.tell(event.CloseSocket(1002, "hello came late"))
            return
        self._link.other = hello
        if self._options.role == "accept" and hello.resume is not None:
            self._link.tell(event.ResumeAsked(hello))
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
        self._link.drop_controls()
        self._link.other = hello
        self._say_hello(now, resumed=True)
        self._decide(extended=True)
        self._resume_streams(hello)

    def _resume_streams(self, hello: Hello) -> None:
        self._receiving.resumed(set(hello.sending))
        self._sending.resumed(hello)

    def _decide(self, *, extended: bool) -> None:
        self._link.extended = extended
        self._hello_by = math.inf
        if not extended:
            self._receiving.drop_credit()
        resuming = self._resuming is not None
        if resuming and not extended:
            self._end_all(RpcError("RESUME_FAILED", phase="resuming"))
        self._sending.begin()
        answered = self._link.other is not None and self._link.other.resumed is True
        resumed = resuming and (self._options.role == "accept" or answered)
        self._link.tell(event.Ready(extended, resumed))

    def closed(self, code: int, reason: str, now: float, *, final: bool) -> None:
        """The socket is gone. `final`: no other one will come."""
        if self._link.state == "closed":
            return
        phase: Phase = "closing" if final and code == 1000 else "connecting" if self._link.extended is None else "open"
        said = f"code {code}, {reason}" if reason else f"code {code}"
        error = RpcError(
            "CONNECTION_CLOSED",
            f"Connection closed ({said})",
            phase=phase,
            close_code=code,
            close_reason=reason,
        )
        self._link.drop_controls()
        self._pong = None
        self._receiving.drop_credit()
        for request_id in self._requests.take_asked():
            self._link.tell(event.Answered(request_id, None, error))
        for request_id in self._requests.take_served():
            self._link.tell(event.RequestCancelled(request_id))
        if not final and self.keeps:
            if self._link.state != "detached":
                self._detached_until = now + self._options.resume_timeout_ms
            self._link.state = "detached"
            self._hello_by = math.inf
            self._link.tell(event.Detached())
            return
        self._end_all(error)
        if final:
            self._link.state = "closed"
        else:  # with a next one, streams begin anew on it
            self._forget()

    def _forget(self) -> None:
        self._link.state = "idle"
        self._link.extended = None
        self._link.other = None
        self._resuming = None
        self._hello_by = math.inf
        self._detached_until = math.inf

    def _end_all(self, error: RpcError) -> None:
        self._sending.end_all(error)
        self._receiving.end_all(error)

    # Clocks

    def deadline(self, now: float) -> float:
        """When `tick` is to be called, milliseconds; math.inf: never."""
        at = min(self._hello_by, self._detached_until, self._requests.deadline, self._receiving.deadline)
        if self._link.extended is None or self._link.state != "open":
            return at
        return min(at, self._sending.deadline(now))

    def tick(self, now: float) -> None:
        """Whatever has waited too long is over."""
        if now >= self._hello_by:
            self._decide(extended=False)
        if now >= self._detached_until and self._link.state == "detached":
            text = "Connection closed, and not resumed in time"
            self._end_all(RpcError("CONNECTION_CLOSED", text, phase="resuming"))
            self._forget()
            self._link.tell(event.Expired())
        for request_id in self._requests.expired(now):
            self._link.tell(event.Answered(request_id, None, RpcError("REQUEST_TIMEOUT")))
            self._tell_cancelled(request_id)
        self._receiving.tick(now)

    # Messages

    def _on_message(self, message: Message, size: int, now: float) -> None:
        match message:
            case Data():
                self._receiving.on_data(message, size, now)
            case End():
                self._receiving.on_end(message, now)
            case Ping():
                self._pong = written({"category": "pong", "timestamp": message.timestamp})
            case Request():
                self._requests.on_request(message)
            case Response():
                if self._requests.answered(message.request_id):
                    self._link.tell(event.Answered(message.request_id, message.data, message.error))
            case RemoteError():
                self._on_remote_error(message)
            case Bad():
                self._receiving.on_bad(message.text, message.stream_id)
            case CancelRequest() if self._link.extended:
                if self._requests.served(message.request_id):
                    self._link.tell(event.RequestCancelled(message.request_id))
            case Credit() | CancelStream() | StreamClosed() if self._link.extended:
                self._sending.on_word(message)
            case _:
                pass

    def _on_remote_error(self, message: RemoteError) -> None:
        if message.request_id is not None and self._requests.answered(message.request_id):
            self._link.tell(event.Answered(message.request_id, None, message.error))
        else:
            self._link.tell(event.Violation(message.error))

    # What this side sends

    def open(self, stream_id: str, options: SendOptions) -> None:
        """Begin a stream.

        Raises:
            RpcError: STREAM_ID_IN_USE, TOO_MANY_STREAMS, CONNECTION_CLOSED.
        """
        self._assert_alive()
        self._sending.open(stream_id, options)

    def _assert_alive(self) -> None:
        if self._link.state == "closed":
            raise RpcError("CONNECTION_CLOSED", phase="closing")

    def is_sending(self, stream_id: str) -> bool:
        """Whether the id is taken."""
        return self._sending.has(stream_id)

    def wants(self, stream_id: str) -> bool:
        """Whether an item of the stream should be asked for."""
        return self._sending.wants(stream_id)

    def push(self, stream_id: str, item: Item, now: float) -> None:
        """Another item of it."""
        self._sending.push(stream_id, item, now)

    def end(self, stream_id: str, error: RpcError | None, told: WireError | None = None) -> None:
        """No item comes any more: it is over, or failed, of which the other side is `told`. What waits goes first."""
        self._sending.close(stream_id, error, told, drop=False)

    def abort(self, stream_id: str, error: RpcError) -> None:
        """What waits is not sent any more."""
        self._sending.close(stream_id, error, None, drop=True)

    def next(self, now: float, *, writable: bool) -> Sendable | None:
        """The next message for the socket; `writable`: it has room for more than control messages."""
        if self._link.state != "open":
            return None
        control = self._link.next_control() or self._take_pong() or self._receiving.next_credit()
        if control is not None:
            return Sendable(control, deflatable=False)
        if self._link.extended is None or not writable:
            return None
        request = self._requests.next()
        if request is not None:
            return Sendable(request, self._sending.deflatable(request))
        return self._sending.next(now)

    def _take_pong(self) -> str | None:
        pong, self._pong = self._pong, None
        return pong

    # What this side receives

    def claim(self, stream_id: str, window: int) -> None:
        """Somebody reads it.

        Raises:
            RpcError: STREAM_ID_IN_USE, TOO_MANY_STREAMS, CONNECTION_CLOSED.
        """
        self._assert_alive()
        self._receiving.claim(stream_id, window)

    def take(self, stream_id: str) -> TakenItem | TakenEnd | None:
        """The next item of a stream that was claimed, its end, or None as long as there is neither."""
        return self._receiving.take(stream_id)

    def cancel(self, stream_id: str) -> None:
        """The reader wants no more."""
        self._receiving.cancel(stream_id)

    # Requests

    def request(self, request_id: str, data: str, deadline: float) -> None:
        """Ask; `data` is JSON.

        Raises:
            RpcError: TOO_MANY_REQUESTS, CONNECTION_CLOSED.
        """
        self._assert_alive()
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
        if self._link.extended and self._link.state == "open":
            self._link.control(written({"category": "cancel", "requestId": request_id}))

    def respond(self, request_id: str, data: str | None, error: WireError | None) -> None:
        """Answer a request with JSON, or with an error."""
        self._requests.respond(request_id, data, error)

    def handled(self) -> None:
        """A handler is done with what nobody answers."""
        self._requests.handled()

    def ignore(self, request_id: str) -> None:
        """Answer nothing: a peer that knows no better waits until its patience is over."""
        self._requests.ignore(request_id)
