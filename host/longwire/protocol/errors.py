"""The append-only list of error codes, and the exceptions that carry them.

A code says what a caller can do about a failure; the message beside it is for people and names the fix. No
text of a library's exception ever becomes a message: h11 quotes header values, and a header value may be a
secret.

    LongwireError            anything that ends as STREAM_ERROR or FATAL
    ├── FrameError           bytes on the native channel that are not a frame
    └── StreamError          one stream cannot go on; knows the phase
"""

from enum import StrEnum
from typing import Final, NamedTuple

from longwire.protocol.limits import MAX_MESSAGE_CHARS


class Category(StrEnum):
    """Who is at fault, in the terms a caller switches on."""

    NETWORK = "NETWORK"
    TIMEOUT = "TIMEOUT"
    SERVER = "SERVER"
    POLICY = "POLICY"
    PROTOCOL = "PROTOCOL"
    CANCELLED = "CANCELLED"


class Phase(StrEnum):
    """How far a stream had come."""

    POLICY = "policy"
    CONNECT = "connect"
    HEADERS = "headers"
    BODY = "body"
    CLOSE = "close"


class ErrorCode(StrEnum):
    """Append only: a code that has been on the wire keeps its meaning for ever."""

    POLICY_DENIED = "POLICY_DENIED"
    PROTOCOL = "PROTOCOL"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    HOST_UNAVAILABLE = "HOST_UNAVAILABLE"
    HOST_LOST = "HOST_LOST"
    BRIDGE_LOST = "BRIDGE_LOST"
    UPSTREAM_DNS = "UPSTREAM_DNS"
    UPSTREAM_CONNECT = "UPSTREAM_CONNECT"
    UPSTREAM_TLS = "UPSTREAM_TLS"
    UPSTREAM_RESET = "UPSTREAM_RESET"
    UPSTREAM_TRUNCATED = "UPSTREAM_TRUNCATED"
    UPSTREAM_PROTOCOL = "UPSTREAM_PROTOCOL"
    REDIRECT_DENIED = "REDIRECT_DENIED"
    TOO_MANY_REDIRECTS = "TOO_MANY_REDIRECTS"
    HEADER_TIMEOUT = "HEADER_TIMEOUT"
    IDLE_TIMEOUT = "IDLE_TIMEOUT"
    TOTAL_TIMEOUT = "TOTAL_TIMEOUT"
    DECODE_FAILED = "DECODE_FAILED"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    SECRET_UNAVAILABLE = "SECRET_UNAVAILABLE"  # noqa: S105  (the name of a code)
    SECRET_REFLECTED = "SECRET_REFLECTED"  # noqa: S105  (the name of a code)
    POLICY_INVALID = "POLICY_INVALID"
    VERSION_MISMATCH = "VERSION_MISMATCH"
    UPLOAD_FAILED = "UPLOAD_FAILED"
    STOPPED_BY_USER = "STOPPED_BY_USER"
    HANDSHAKE_FAILED = "HANDSHAKE_FAILED"
    DURABLE_UNKNOWN = "DURABLE_UNKNOWN"
    DURABLE_CONFLICT = "DURABLE_CONFLICT"
    GAP = "GAP"
    DETACHED_TOO_LONG = "DETACHED_TOO_LONG"
    SPOOL_FULL = "SPOOL_FULL"


class ErrorInfo(NamedTuple):
    """What is known of a code wherever it occurs.

    `retryable` means that the same request, sent again later and unchanged, may succeed. It does not say that
    sending it again is safe: that depends on the method and is the page library's decision.
    """

    category: Category
    meaning: str
    retryable: bool


ERRORS: Final[dict[ErrorCode, ErrorInfo]] = {
    ErrorCode.POLICY_DENIED: ErrorInfo(Category.POLICY, "no grant of the policy allows this request", retryable=False),
    ErrorCode.PROTOCOL: ErrorInfo(Category.PROTOCOL, "a message broke the rules of the protocol", retryable=False),
    ErrorCode.LIMIT_EXCEEDED: ErrorInfo(
        Category.POLICY, "a count or rate limit is used up for the moment", retryable=True
    ),
    ErrorCode.HOST_UNAVAILABLE: ErrorInfo(
        Category.NETWORK,
        "the native host is not installed, is forbidden, or failed to start",
        retryable=False,
    ),
    ErrorCode.HOST_LOST: ErrorInfo(Category.NETWORK, "the native host ended or fell silent", retryable=True),
    ErrorCode.BRIDGE_LOST: ErrorInfo(Category.NETWORK, "the page lost its connection to the extension", retryable=True),
    ErrorCode.UPSTREAM_DNS: ErrorInfo(Category.NETWORK, "the server's name did not resolve", retryable=True),
    ErrorCode.UPSTREAM_CONNECT: ErrorInfo(Category.NETWORK, "no connection to the server", retryable=True),
    ErrorCode.UPSTREAM_TLS: ErrorInfo(Category.NETWORK, "the TLS handshake or the certificate failed", retryable=False),
    ErrorCode.UPSTREAM_RESET: ErrorInfo(Category.NETWORK, "the server broke the connection", retryable=True),
    ErrorCode.UPSTREAM_TRUNCATED: ErrorInfo(
        Category.NETWORK, "the body ended before its announced end", retryable=True
    ),
    ErrorCode.UPSTREAM_PROTOCOL: ErrorInfo(
        Category.SERVER, "the server's answer is not valid HTTP/1.1", retryable=False
    ),
    ErrorCode.REDIRECT_DENIED: ErrorInfo(Category.POLICY, "a redirect led where it may not go", retryable=False),
    ErrorCode.TOO_MANY_REDIRECTS: ErrorInfo(Category.SERVER, "the redirects did not come to an end", retryable=False),
    ErrorCode.HEADER_TIMEOUT: ErrorInfo(Category.TIMEOUT, "no response headers in time", retryable=True),
    ErrorCode.IDLE_TIMEOUT: ErrorInfo(Category.TIMEOUT, "no byte of the body in time", retryable=True),
    ErrorCode.TOTAL_TIMEOUT: ErrorInfo(Category.TIMEOUT, "the whole exchange took too long", retryable=True),
    ErrorCode.DECODE_FAILED: ErrorInfo(
        Category.SERVER, "the body is not what its Content-Encoding says, or ended inside it", retryable=False
    ),
    ErrorCode.BODY_TOO_LARGE: ErrorInfo(Category.POLICY, "the body exceeds the grant's byte limit", retryable=False),
    ErrorCode.SECRET_UNAVAILABLE: ErrorInfo(
        Category.POLICY, "a secret that the grant injects is not there", retryable=False
    ),
    ErrorCode.SECRET_REFLECTED: ErrorInfo(
        Category.POLICY, "the server sent an injected secret back, now or before", retryable=False
    ),
    ErrorCode.POLICY_INVALID: ErrorInfo(
        Category.POLICY, "the policy file cannot be used; nothing is open", retryable=False
    ),
    ErrorCode.VERSION_MISMATCH: ErrorInfo(
        Category.PROTOCOL, "extension and host speak different protocol versions", retryable=False
    ),
    ErrorCode.UPLOAD_FAILED: ErrorInfo(Category.NETWORK, "the request body could not be sent in full", retryable=False),
    ErrorCode.STOPPED_BY_USER: ErrorInfo(
        Category.CANCELLED, "the user stopped the stream in the extension's own popup", retryable=False
    ),
    ErrorCode.HANDSHAKE_FAILED: ErrorInfo(
        Category.SERVER, "the server did not open the WebSocket, or not as it was asked", retryable=False
    ),
    ErrorCode.DURABLE_UNKNOWN: ErrorInfo(
        Category.NETWORK,
        "a durable request was lost when its daemon died, and may have been carried out",
        retryable=False,
    ),
    ErrorCode.DURABLE_CONFLICT: ErrorInfo(Category.PROTOCOL, "another durable request has this key", retryable=False),
    ErrorCode.GAP: ErrorInfo(
        Category.PROTOCOL, "the bytes asked for are kept no longer; later ones are", retryable=False
    ),
    ErrorCode.DETACHED_TOO_LONG: ErrorInfo(
        Category.TIMEOUT, "no page read the durable request for longer than its grant allows", retryable=False
    ),
    ErrorCode.SPOOL_FULL: ErrorInfo(Category.NETWORK, "the disk takes no more of a durable response", retryable=False),
}


def printable(text: str) -> str:
    """`text` in at most MAX_MESSAGE_CHARS characters on one line, controls and lone surrogates escaped."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:MAX_MESSAGE_CHARS])
    return text if len(text) <= MAX_MESSAGE_CHARS else text[: MAX_MESSAGE_CHARS - 3] + "..."


class LongwireError(Exception):
    """A failure with a code. `text` is for people, names the fix, and never quotes a library or a secret.

    It is made `printable`, so that it always fits the wire and a log line whatever it quotes.
    """

    def __init__(self, code: ErrorCode, text: str) -> None:
        text = printable(text)
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text

    @property
    def info(self) -> ErrorInfo:
        """The code's row in the table."""
        return ERRORS[self.code]


class FrameError(LongwireError):
    """Bytes on the native channel that no frame can be made of. Nothing that follows them has a meaning."""

    def __init__(self, text: str) -> None:
        super().__init__(ErrorCode.PROTOCOL, text)


class StreamError(LongwireError):
    """One stream cannot go on. Everything else can.

    `text` is sent to the page. `reason` is for the log and the console, where it may name what no page should
    know, such as a path of this machine; without one it is the text. `retryable` is the code's own, unless the
    case at hand is known to be another. `needed_network`: with this `network` the grant would have allowed it.
    `command` is the one of Longwire's own that the text names, as it is typed. `retry_after_ms`: until then the same
    request fails for the same reason; None where nobody knows. `first`: of a GAP, the first byte that is still kept.
    """

    def __init__(
        self,
        code: ErrorCode,
        text: str,
        phase: Phase,
        reason: str | None = None,
        *,
        retryable: bool | None = None,
        needed_network: str | None = None,
        command: str | None = None,
        retry_after_ms: int | None = None,
        first: int | None = None,
    ) -> None:
        super().__init__(code, text)
        self.command = command
        self.retry_after_ms = retry_after_ms
        self.first = first
        self.retryable = self.info.retryable if retryable is None else retryable
        self.phase = phase
        self.needed_network = needed_network
        self.reason = self.text if reason is None else printable(reason)

    def in_phase(self, phase: Phase) -> "StreamError":
        """The same failure, said of another phase."""
        return StreamError(
            self.code,
            self.text,
            phase,
            self.reason,
            retryable=self.retryable,
            needed_network=self.needed_network,
            command=self.command,
            retry_after_ms=self.retry_after_ms,
            first=self.first,
        )
