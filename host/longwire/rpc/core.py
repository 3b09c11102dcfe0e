"""One side of the protocol: messages in, events and messages out; no socket, no clock, no task.

`now` is milliseconds of any clock that never goes back. extension/src/rpc/core.ts is the same in TypeScript, and
tests/vectors/rpc holds both to it.
"""

from typing import Literal

from longwire.rpc import events as event
from longwire.rpc.connection import Connection
from longwire.rpc.errors import RpcError, WireError
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
        self._requests = Requests(options.max_requests, self._link)
        self._connection = Connection(options, self._link, self._sending, self._receiving, self._requests)

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
        return self._connection.other_token

    @property
    def keeps(self) -> bool:
        """Streams wait for another connection when this one is lost."""
        return self._connection.keeps

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
        self._connection.opened(now)

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
            self._connection.on_hello(message, now)
            return
        # Both kinds ping.
        if self._link.extended is None and not isinstance(message, Ping):
            self._connection.decide(extended=False)
        self._on_message(message, size, now)

    def refuse_resume(self, now: float) -> None:
        """The answer to ResumeAsked: this side begins anew, and the other one's streams end."""
        self._connection.refuse_resume(now)

    def resume(self, hello: Hello, now: float) -> None:
        """This side kept its streams: they go on over the socket on which another one was asked for them."""
        self._connection.resume(hello, now)

    def closed(self, code: int, reason: str, now: float, *, final: bool) -> None:
        """The socket is gone. `final`: no other one will come."""
        self._connection.closed(code, reason, now, final=final)

    # Clocks

    def deadline(self, now: float) -> float:
        """When `tick` is to be called, milliseconds; math.inf: never."""
        at = min(self._connection.deadline, self._requests.deadline, self._receiving.deadline)
        if self._link.extended is None or self._link.state != "open":
            return at
        return min(at, self._sending.deadline(now))

    def tick(self, now: float) -> None:
        """Whatever has waited too long is over."""
        self._connection.tick(now)
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
                self._link.pong(written({"category": "pong", "timestamp": message.timestamp}))
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
        control = self._link.next_control() or self._receiving.next_credit()
        if control is not None:
            return Sendable(control, deflatable=False)
        if self._link.extended is None or not writable:
            return None
        request = self._requests.next()
        if request is not None:
            return Sendable(request, self._sending.deflatable(request))
        return self._sending.next(now)

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
