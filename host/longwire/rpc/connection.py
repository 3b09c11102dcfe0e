"""The connection with the other side, over one socket after the other: hello, loss, and going on where it broke.

    idle ──► open ──► detached ──► open       a next socket, and streams go on
                 └──► idle                    a next socket, and streams begin anew
                 └──► closed                  none

Which kind of peer the other side is shows by its first message; until then nothing but control messages go.
"""

import math

from longwire.rpc import events as event
from longwire.rpc.errors import Phase, RpcError
from longwire.rpc.link import CoreOptions, Link
from longwire.rpc.messages import Hello, hello_text, written
from longwire.rpc.receiving import Receiving
from longwire.rpc.requests import Requests
from longwire.rpc.sending import Sending


class Connection:
    """Of one core, whose streams and requests it begins, resumes and ends."""

    def __init__(
        self, options: CoreOptions, link: Link, sending: Sending, receiving: Receiving, requests: Requests
    ) -> None:
        self._options = options
        self._link = link
        self._sending = sending
        self._receiving = receiving
        self._requests = requests
        # The token of the other side before a connection was lost.
        self._resuming: str | None = None
        self._hello_by = math.inf
        self._detached_until = math.inf

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
        resume = self._resuming if own.role == "connect" else None
        # Only these say how much has come and may come: credit that another one granted would never be told.
        told = resume is not None or resumed is True
        hello = Hello(
            own.token,
            own.window,
            own.max_message_bytes,
            own.deflate,
            own.resumable,
            resume,
            resumed,
            self._receiving.received() if told else {},
            self._sending.ids if told else [],
        )
        self._link.control(hello_text(hello, round(now)))

    def on_hello(self, hello: Hello, now: float) -> None:
        """The other side is one of ours, or says so too late."""
        if self._link.extended is not None:
            self._link.tell(event.CloseSocket(1002, "hello came late"))
            return
        self._link.other = hello
        if self._options.role == "accept" and hello.resume is not None:
            self._link.tell(event.ResumeAsked(hello))
            return
        if self._options.role == "accept":
            self._say_hello(now)
        self.decide(extended=True)
        if self._options.role != "connect" or self._resuming is None:
            return
        if hello.resumed:
            self._resume_streams(hello)
        else:
            self._end_all(RpcError("RESUME_FAILED", phase="resuming"))

    def refuse_resume(self, now: float) -> None:
        """The answer to ResumeAsked: this side begins anew, and the other one's streams end."""
        self._say_hello(now, resumed=False)
        self.decide(extended=True)

    def resume(self, hello: Hello, now: float) -> None:
        """This side kept its streams: they go on over the socket on which another one was asked for them."""
        self.opened(now)
        self._link.drop_controls()
        self._link.other = hello
        self._say_hello(now, resumed=True)
        self.decide(extended=True)
        self._resume_streams(hello)

    def _resume_streams(self, hello: Hello) -> None:
        self._receiving.resumed(set(hello.sending))
        self._sending.resumed(hello)

    def decide(self, *, extended: bool) -> None:
        """It is known what the other side is."""
        self._link.extended = extended
        self._hello_by = math.inf
        resuming = self._resuming is not None
        if resuming and not extended:
            self._end_all(RpcError("RESUME_FAILED", phase="resuming"))
        self._sending.begin()
        answered = self._link.other is not None and self._link.other.resumed is True
        resumed = resuming and (self._options.role == "accept" or answered)
        if not extended:  # it keeps nothing
            self._resuming = None
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

    @property
    def deadline(self) -> float:
        """When `tick` is to be called, milliseconds; math.inf: never."""
        return min(self._hello_by, self._detached_until)

    def tick(self, now: float) -> None:
        """Who says nothing is a plain peer, and who does not come back is gone."""
        if now >= self._hello_by:
            self.decide(extended=False)
        if now >= self._detached_until and self._link.state == "detached":
            text = "Connection closed, and not resumed in time"
            self._end_all(RpcError("CONNECTION_CLOSED", text, phase="resuming"))
            self._forget()
            self._link.tell(event.Expired())
