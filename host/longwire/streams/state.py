"""The states of a stream on the host, as a table. Nothing else may hold this state.

    OPEN ──HEADERS──► BODY ──END──► CLOSED
      │                 │
      ├──ERROR──────────┴──ERROR──► CLOSED
      └──ABORT──────────┴──ABORT──► ABORTING ──ABORTED──► CLOSED

Each edge into CLOSED is one terminal frame, so "exactly one terminal per accepted start" is the shape of the table.
That no edge leads out is "nothing after it". CHUNK, and BODY_ACK (also while OPEN), lead back to where they begin,
and so does BODY_AGAIN, which there is while OPEN only.
"""

from enum import Enum, auto
from typing import Final


class State(Enum):
    """Where a stream stands."""

    OPEN = auto()  # accepted: policy, connection and headers are under way
    BODY = auto()  # STREAM_HEADERS is out
    ABORTING = auto()  # the page gave up; the socket is being closed
    CLOSED = auto()  # the terminal frame is out


class Event(Enum):
    """What happens to a stream; all but ABORT are frames that the host sends."""

    HEADERS = auto()
    CHUNK = auto()
    BODY_ACK = auto()
    BODY_AGAIN = auto()
    END = auto()
    ERROR = auto()
    ABORT = auto()
    ABORTED = auto()


TRANSITIONS: Final[dict[tuple[State, Event], State]] = {
    (State.OPEN, Event.BODY_ACK): State.OPEN,
    (State.OPEN, Event.BODY_AGAIN): State.OPEN,
    (State.OPEN, Event.HEADERS): State.BODY,
    (State.OPEN, Event.ERROR): State.CLOSED,
    (State.OPEN, Event.ABORT): State.ABORTING,
    (State.BODY, Event.BODY_ACK): State.BODY,
    (State.BODY, Event.CHUNK): State.BODY,
    (State.BODY, Event.END): State.CLOSED,
    (State.BODY, Event.ERROR): State.CLOSED,
    (State.BODY, Event.ABORT): State.ABORTING,
    (State.ABORTING, Event.ABORTED): State.CLOSED,
}


class IllegalTransition(RuntimeError):
    """The host's own code tried to send a frame that the stream's state does not allow: a defect, never input."""


def advance(state: State, event: Event) -> State:
    """The state after `event`.

    Raises:
        IllegalTransition: the table has no such edge.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"{event.name} in state {state.name}") from None
