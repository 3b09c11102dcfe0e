"""What a connection tells its engine: one object for each thing that happened and that somebody has to act on."""

from dataclasses import dataclass
from typing import TypeAlias

from longwire.protocol.errors import StreamError
from longwire.protocol.messages import StatusRequest, StreamStart
from longwire.streams.stream import Stream


@dataclass(frozen=True, slots=True)
class Greeted:
    """HELLO came, from that version of the extension. `Connection.welcome` answers it."""

    extension: str


@dataclass(frozen=True, slots=True)
class Started:
    """A stream was accepted and has its slot: an exchange is to be begun."""

    stream: Stream
    start: StreamStart


@dataclass(frozen=True, slots=True)
class Refused:
    """A start was refused, and its STREAM_ERROR is queued. `start` is None where it could not be read."""

    stream_id: int
    error: StreamError
    start: StreamStart | None


@dataclass(frozen=True, slots=True)
class Progressed:
    """The page sent body bytes, or gave credit, or reads again: the stream's exchange may be able to go on."""

    stream: Stream


@dataclass(frozen=True, slots=True)
class Aborted:
    """The page gave up. STREAM_ABORTED follows by itself once the stream is `closed`."""

    stream: Stream
    reason: str


@dataclass(frozen=True, slots=True)
class Violated:
    """The stream ended because of what was received for it, and its STREAM_ERROR is queued."""

    stream: Stream
    error: StreamError


@dataclass(frozen=True, slots=True)
class StatusAsked:
    """A popup or a page wants to know how things stand. `Connection.send` answers it."""

    message: StatusRequest


@dataclass(frozen=True, slots=True)
class Noted:
    """Nothing to act on, but for the log."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more is received. `fatal`: FATAL is the last message and is still to be sent, with a code of the log."""

    reason: str
    fatal: str | None = None


ConnectionEvent: TypeAlias = Greeted | Started | Refused | Progressed | Aborted | Violated | StatusAsked | Noted | Over
