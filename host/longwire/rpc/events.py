"""What happened: the events of the core. Frozen, and named after it."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from longwire.rpc.errors import RpcError
from longwire.rpc.messages import Hello


@dataclass(frozen=True)
class Ready:
    """It is known whom one speaks to."""

    extended: bool
    resumed: bool


@dataclass(frozen=True)
class ResumeAsked:
    """The other side wants its streams back: those of the side with the token `hello.resume`."""

    hello: Hello


@dataclass(frozen=True)
class Wanted:
    """`push` may be called."""

    stream_id: str


@dataclass(frozen=True)
class Sent:
    """A stream that was sent is over, for whatever reason; once for each."""

    stream_id: str
    error: RpcError | None


@dataclass(frozen=True)
class Readable:
    """`take` has something."""

    stream_id: str


@dataclass(frozen=True)
class Unclaimed:
    """A stream was dropped that nobody received."""

    stream_id: str
    items: int


@dataclass(frozen=True)
class Requested:
    """The other side asks."""

    request_id: str
    data: Any
    notify: bool


@dataclass(frozen=True)
class RequestCancelled:
    """It waits no more for the answer."""

    request_id: str


@dataclass(frozen=True)
class Answered:
    """A request of this side is over."""

    request_id: str
    data: Any
    error: RpcError | None


@dataclass(frozen=True)
class Violation:
    """The other side sent what is against the protocol; it is told nothing."""

    error: RpcError


@dataclass(frozen=True)
class Detached:
    """The connection was lost, and its streams wait for the next one."""


@dataclass(frozen=True)
class Expired:
    """No next one came in time."""


@dataclass(frozen=True)
class CloseSocket:
    """The socket is of no use."""

    code: int
    reason: str


Event: TypeAlias = (
    Ready
    | ResumeAsked
    | Wanted
    | Sent
    | Readable
    | Unclaimed
    | Requested
    | RequestCancelled
    | Answered
    | Violation
    | Detached
    | Expired
    | CloseSocket
)
