"""What a connection tells its engine: one object for each thing that happened and that somebody has to act on.

Named tuples, because a host that starts has its first stream waiting: a frozen dataclass takes seven times as long to
make, which is half a millisecond for each.
"""

from typing import NamedTuple, TypeAlias

from longwire.protocol.errors import StreamError
from longwire.protocol.messages import StatusRequest, StreamStart, Switches
from longwire.streams.stream import Stream


class Greeted(NamedTuple):
    """HELLO came, from that version of the extension. `Connection.welcome` answers it."""

    extension: str


class Started(NamedTuple):
    """A stream was accepted and has its slot: an exchange is to be begun."""

    stream: Stream
    start: StreamStart


class Refused(NamedTuple):
    """A start was refused, and its STREAM_ERROR is queued. `start` is None where it could not be read."""

    stream_id: int
    error: StreamError
    start: StreamStart | None


class Progressed(NamedTuple):
    """The page sent body bytes, or gave credit, or reads again: the stream's exchange may be able to go on."""

    stream: Stream


class Aborted(NamedTuple):
    """The page gave up. STREAM_ABORTED follows by itself once the stream is `closed`."""

    stream: Stream
    reason: str


class Violated(NamedTuple):
    """The stream ended because of what was received for it, and its STREAM_ERROR is queued."""

    stream: Stream
    error: StreamError


class StatusAsked(NamedTuple):
    """A popup or a page wants to know how things stand. `Connection.send` answers it."""

    message: StatusRequest


class Switched(NamedTuple):
    """What the browser's administrator switched off, from now on."""

    message: Switches


class Noted(NamedTuple):
    """Only for the log: there is nothing to act on."""

    text: str
    reason: str


class Over(NamedTuple):
    """Nothing more is received. `fatal`: FATAL is the last message and is still to be sent, with a code of the log."""

    reason: str
    fatal: str | None = None


ConnectionEvent: TypeAlias = (
    Greeted | Started | Switched | Refused | Progressed | Aborted | Violated | StatusAsked | Noted | Over
)
