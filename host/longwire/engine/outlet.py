"""Where the answer of an exchange goes: to the page that asked, or into the spool of a durable request.

Outlet.stream      what an exchange and its kind see of the stream
PageOutlet         the stream of a connection, and that connection's way out
"""

from collections.abc import Callable
from typing import Protocol

from longwire.protocol.errors import Phase, StreamError
from longwire.protocol.messages import StreamHeaders
from longwire.protocol.records import Completeness, Timings
from longwire.streams.connection import Connection
from longwire.streams.counters import Counters
from longwire.streams.memory import DecoderLoan
from longwire.streams.state import State
from longwire.streams.stream import Stream
from longwire.streams.upload import Upload


class WayOut(Protocol):
    """How what the connection has to send leaves. See `sending.Sender`."""

    def soon(self) -> None:
        """There is something."""
        ...

    def at_once(self) -> None:
        """There is something, and it should leave from here if it can."""
        ...

    async def room(self) -> None:
        """Wait until a large message may be queued: at once, but where the browser does not read."""
        ...


class OutgoingStream(Protocol):
    """What an exchange sees of its stream. `streams.stream.Stream` is one; a spool has another."""

    id: int
    decoders: DecoderLoan
    upload: Upload | None  # of a request body that comes as a stream
    counters: Counters
    when_over: Callable[[], None] | None  # called once, when the last of it has left, or never does

    @property
    def state(self) -> State:
        """Where it stands."""
        ...

    @property
    def phase(self) -> Phase:
        """Where an error would find it that does not come from its exchange."""
        ...

    @property
    def pushed(self) -> int:
        """Bytes of the body so far."""
        ...

    @property
    def spent(self) -> bool:
        """Whether only whoever reads it can let it go on."""
        ...


class Outlet(Protocol):
    """What an exchange does to its stream. What comes after the end has no effect."""

    # Why the exchange is over where all is, for the log.
    gone: str

    @property
    def stream(self) -> OutgoingStream:
        """What it does it to."""
        ...

    def wants(self) -> int:
        """How many more bytes may be pushed now."""
        ...

    def taken(self) -> int:
        """How many bytes of the body whoever reads it says to have taken."""
        ...

    def allowed(self, grant: str) -> None:
        """The policy lets the request be carried out, by that grant."""
        ...

    async def may_begin(self) -> None:
        """Wait until the response's head may be queued."""
        ...

    def headers(self, head: StreamHeaders) -> None:
        """The response's head."""
        ...

    def push(self, data: bytes) -> None:
        """The next bytes of the body."""
        ...

    def finish(self, completeness: Completeness, timings: Timings) -> None:
        """The body is whole."""
        ...

    def fail(self, error: StreamError) -> None:
        """The end is a failure, behind what was pushed."""
        ...

    def fail_now(self, error: StreamError) -> None:
        """The end is a failure that overtakes what was pushed."""
        ...

    def waits_out(self, error: StreamError) -> bool:
        """Whether it stops instead of ending with `error`, which may pass, until it is let go on or ended."""
        ...

    def body_gone(self) -> None:
        """The request body is held no longer."""
        ...

    def acknowledge_body(self, consumed: int, window: int) -> None:
        """Upload credit."""
        ...

    def ask_body_again(self, again: int) -> None:
        """The request body is wanted once more, from its first byte."""
        ...


class PageOutlet:
    """To the page that asked. See `Outlet`."""

    gone = "the channel to the browser is gone"

    def __init__(self, stream: Stream, connection: Connection, way_out: WayOut) -> None:
        self.stream = stream
        self._connection = connection
        self._way_out = way_out

    def wants(self) -> int:
        """Within the page's credit and the read-ahead."""
        return self.stream.wants(self._connection.read_ahead)

    def taken(self) -> int:
        """What the page acknowledged."""
        return self.stream.window.consumed

    def allowed(self, grant: str) -> None:
        """See `Outlet`."""
        self._connection.allowed(self.stream, grant)

    async def may_begin(self) -> None:
        """At once, but where the browser does not read."""
        await self._way_out.room()

    def headers(self, head: StreamHeaders) -> None:
        """See `Outlet`."""
        self._connection.headers(self.stream, head)
        self._way_out.soon()

    def push(self, data: bytes) -> None:
        """See `Outlet`."""
        self._connection.push(self.stream, data)
        self._way_out.at_once()

    def finish(self, completeness: Completeness, timings: Timings) -> None:
        """See `Outlet`."""
        self._connection.finish(self.stream, completeness, timings)
        self._way_out.soon()

    def fail(self, error: StreamError) -> None:
        """See `Outlet`."""
        self._connection.fail(self.stream, error)
        self._way_out.soon()

    def fail_now(self, error: StreamError) -> None:
        """See `Outlet`."""
        self._connection.fail_now(self.stream, error)
        self._way_out.soon()

    def waits_out(self, error: StreamError) -> bool:
        """Never: whoever reads it may ask again."""
        return False

    def body_gone(self) -> None:
        """See `Outlet`."""
        self._connection.body_gone(self.stream)

    def acknowledge_body(self, consumed: int, window: int) -> None:
        """See `Outlet`."""
        self._connection.acknowledge_body(self.stream, consumed, window)
        self._way_out.at_once()

    def ask_body_again(self, again: int) -> None:
        """See `Outlet`."""
        self._connection.ask_body_again(self.stream, again)
        self._way_out.soon()
