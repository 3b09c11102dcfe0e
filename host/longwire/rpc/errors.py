"""What fails here, on this side or on the other one, and how it goes over the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Phase: TypeAlias = Literal["connecting", "open", "resuming", "closing"]

# Code: (retryable, text). An application may use others beside them. extension/src/rpc/errors.ts has the same.
CODES: Final[Mapping[str, tuple[bool, str]]] = {
    "ABORTED": (False, "The sender aborted the stream"),
    "BAD_INDEX": (False, "An item is missing, or came twice"),
    "BAD_MESSAGE": (False, "The other side sent a message that cannot be read"),
    "BAD_PAYLOAD": (False, "An item cannot be written as JSON, and is not bytes"),
    "BINARY_UNSUPPORTED": (False, "The other side knows JSON only: send bytes as base64 text"),
    "BUFFER_FULL": (False, "The other side sends faster than this one reads, and cannot be slowed down"),
    "CANCELLED": (False, "The reader wants no more of the stream"),
    "CONNECTION_CLOSED": (True, "Connection closed"),
    "CONNECTION_FAILED": (True, "No connection could be made"),
    "FAILED": (False, "The other side failed"),
    "FLOW_VIOLATION": (False, "The other side sent more than it was given credit for"),
    "ITERATOR_USED": (False, "This iterator has been sent already: make a new one for each stream"),
    "NO_ANSWER": (False, "Nothing on the other side answers this request"),
    "REMOTE": (False, "The other side reported an error"),
    "REQUEST_TIMEOUT": (True, "The request was not answered in time"),
    "RESUME_FAILED": (True, "The connection was made anew, and the other side did not keep this stream"),
    "STREAM_ID_IN_USE": (False, "There is a stream with this id already"),
    "TOO_LARGE": (False, "An item is larger than the other side takes"),
    "TOO_MANY_REQUESTS": (True, "Too many requests are waiting for an answer"),
    "TOO_MANY_STREAMS": (True, "Too many streams are open"),
    "UNCLAIMED": (False, "Nobody received the stream in time"),
}

# Characters of a name, a code and a message that go over the wire, and that are taken from it.
NAME_LIMIT: Final = 100
MESSAGE_LIMIT: Final = 1000


class RpcError(Exception):
    """Everything that fails here, save misuse of arguments (TypeError, ValueError).

    Raised by an iterator or a handler, it reaches the other side with `name`, `message`, `code` and `retryable`.
    `retryable`: the same, tried again later, may succeed; not: trying it again is safe.
    """

    def __init__(
        self,
        code: str,
        message: str | None = None,
        *,
        name: str = "RpcError",
        retryable: bool | None = None,
        phase: Phase | None = None,
        close_code: int | None = None,
        close_reason: str | None = None,
    ) -> None:
        """`phase`, `close_code` and `close_reason` are of the connection, where that is what failed."""
        usually, text = CODES.get(code, (False, code))
        self.code = code
        self.message = text if message is None else message
        self.name = name
        self.retryable = usually if retryable is None else retryable
        self.phase = phase
        self.close_code = close_code
        self.close_reason = close_reason
        super().__init__(f"{self.code}: {self.message}")


@dataclass(frozen=True)
class WireError:
    """An error as it goes over the wire: no traceback."""

    name: str
    message: str
    code: str
    retryable: bool

    def as_json(self) -> dict[str, object]:
        """The object for a message."""
        return {"name": self.name, "message": self.message, "code": self.code, "retryable": self.retryable}


def wire_error(error: BaseException, *, exposed: bool = False) -> WireError:
    """What the other side is told of a failure.

    The text of an exception that is no RpcError may hold what it should not know: a path, a query, a key. So it stays
    here unless the application exposes it.
    """
    if isinstance(error, RpcError):
        return WireError(
            error.name[:NAME_LIMIT], error.message[:MESSAGE_LIMIT], error.code[:NAME_LIMIT], error.retryable
        )
    code: Any = getattr(error, "code", None)
    return WireError(
        type(error).__name__[:NAME_LIMIT],
        str(error)[:MESSAGE_LIMIT] if exposed else CODES["FAILED"][1],
        code[:NAME_LIMIT] if exposed and isinstance(code, str) else "FAILED",
        getattr(error, "retryable", None) is True,
    )


def from_wire(value: object) -> RpcError | None:
    """None for what is no error: neither a text, as in the plain protocol, nor an object with a message."""
    if isinstance(value, str):
        return RpcError("REMOTE", value[:MESSAGE_LIMIT])
    if not isinstance(value, dict) or not isinstance(message := value.get("message"), str):
        return None
    code, name = value.get("code"), value.get("name")
    return RpcError(
        code[:NAME_LIMIT] if isinstance(code, str) else "REMOTE",
        message[:MESSAGE_LIMIT],
        name=name[:NAME_LIMIT] if isinstance(name, str) else "Error",
        retryable=value.get("retryable") is True,
    )
