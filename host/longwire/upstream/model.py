"""What an upstream is asked and what it answers; the interface that `engine` is written against.

Times are seconds on the clock of `time.monotonic()` (asyncio's loop clock is the same one). Header fields are pairs, in
order, duplicates kept.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol, TypeAlias

from longwire.addresses import Network
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.limits import DECODER_FLOOR_BYTES
from longwire.protocol.records import Completeness, RedirectMode

HeaderPairs: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Hop:
    """One request line and where it goes: a decision already made by policy, carried out exactly.

    `host` is canonical ASCII, IPv6 without brackets. `target` is path and query, sent byte for byte. `headers` are the
    final ones, injected secrets included, hence no repr. `ca_file` names the only certificate authorities that
    may vouch for this hop; None means those of the system. `proxy` is the host and port of the HTTP proxy that leads
    there; None connects directly. `timeouts` are those of a hop that a redirect led to: see `Timers.on_redirect`.
    """

    scheme: str
    host: str
    port: int
    target: str
    href: str
    headers: HeaderPairs = field(repr=False)
    network: Network
    ca_file: str | None = None
    proxy: tuple[str, int] | None = None
    timeouts: "UpstreamTimeouts | None" = None

    @property
    def asks_proxy(self) -> bool:
        """Whether the proxy itself is asked, in absolute form, and not for a tunnel (RFC 9112 section 3.2.2)."""
        return self.proxy is not None and self.scheme == "http"


class StreamedBody(NamedTuple):
    """A request body that arrives while it is sent.

    `size` is its length in bytes if known (Content-Length), None sends it chunked. `pieces` is iterated once and
    closed (`aclose`, if it has one) as soon as the upload is over, also when an error of the server's ended it. A task
    of its own iterates it, which may outlast `open`. It raises StreamError to fail the exchange. `again` gives pieces
    that begin anew; None says that the bytes are gone once sent.
    """

    size: int | None
    pieces: AsyncIterator[bytes]
    again: Callable[[], AsyncIterator[bytes]] | None = None


# None: no body. bytes: the whole body.
RequestBody: TypeAlias = bytes | StreamedBody | None


def can_repeat(body: RequestBody) -> bool:
    """Whether `body` can be sent once more (fetch standard: its "source" is not null)."""
    return not isinstance(body, StreamedBody) or body.again is not None


def repeated(body: RequestBody) -> RequestBody:
    """`body` for a request that goes out once more; only if it `can_repeat`. Nothing is asked for before it is sent."""
    if isinstance(body, StreamedBody) and body.again is not None:
        return body._replace(pieces=body.again())
    return body


class UpstreamTimeouts(NamedTuple):
    """Seconds; None switches a timer off. None of them runs while the exchange waits for the page, except that a body
    of the response is waited for also while the page has not said all.

    `header_s` bounds the way to the final response's head, redirects included; while a body is being sent it is the
    longest time without progress. `idle_s` is silence on the socket, in both directions, during a read. `total_s` is
    the time spent inside `open` and `read` together.

    `…_by` says to people whose number it is and which line changes it.
    """

    header_s: float | None
    idle_s: float | None = None
    total_s: float | None = None
    header_by: str = "headerTimeout"
    idle_by: str = "idleTimeout, as the page asked. It raises it where the server may be silent longer"
    total_by: str = "totalTimeout"


class Redirect(NamedTuple):
    """What the fetch standard makes of a 3xx response; the caller answers with the next `Hop` or refuses.

    `url` is absolute, http or https, fragment included. `crossed_origin` and `body_dropped` are about the whole chain
    so far: what was taken off for one hop does not come back on a later one. `replays_body` says that the request
    body would be sent once more; a caller that allows it only within one grant looks here.
    """

    method: str
    url: str
    crossed_origin: bool
    body_dropped: bool
    replays_body: bool


# Decides a redirect: a full policy decision and freshly built headers. Raises StreamError to refuse. It may wait, for a
# secret in a keyring that has to be unlocked.
NextHop: TypeAlias = Callable[[Redirect], Awaitable[Hop]]


class DecoderMemory(Protocol):
    """What the decoders of one response may hold: windows, tables, buffers."""

    def hold(self, size: int) -> bool:
        """Let them hold `size` bytes together from now on, more or fewer than before; 0 at the end.

        Returns:
            False if that is too much; what was held before stays. Fewer is never too much.
        """


class FloorMemory:
    """What every stream has of its own, and nothing lent."""

    def hold(self, size: int) -> bool:
        """See `DecoderMemory`."""
        return size <= DECODER_FLOOR_BYTES


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """One exchange, redirects included. Connections are never shared across different `isolation` keys.

    The response is decoded within `memory`. With `at_most_once` nothing of it goes out a second time, whatever its
    method: nobody knows what a server that closes a kept connection has seen.
    """

    method: str
    hop: Hop
    body: RequestBody
    isolation: str
    redirect: RedirectMode
    next_hop: NextHop
    timeouts: UpstreamTimeouts
    memory: DecoderMemory = field(default_factory=FloorMemory)
    at_most_once: bool = False


class Timings(NamedTuple):
    """When the final hop's connection stood (None if it was one kept alive), and when its final head was there."""

    connected_at: float | None
    headers_at: float


class UpstreamResponse(Protocol):
    """A response whose head has arrived. Exactly one task reads. Its owner closes it."""

    @property
    def url(self) -> str:
        """The final hop's URL, without fragment (as `Response.url` of the fetch standard)."""

    @property
    def redirected(self) -> bool:
        """Whether at least one redirect was followed."""

    @property
    def status(self) -> int:
        """200 to 599."""

    @property
    def reason(self) -> str:
        """The reason phrase, possibly empty, latin-1."""

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All fields as the server sent them, names in lower case, values latin-1. Nothing is filtered here."""

    @property
    def completeness(self) -> Completeness:
        """How the end of the body will be known."""

    @property
    def timings(self) -> Timings:
        """When things happened."""

    @property
    def sent_bytes(self) -> int:
        """Request body bytes that the final hop's socket took."""

    @property
    def uploading(self) -> bool:
        """Whether the request body is still being sent, beside the response."""

    async def read(self, max_bytes: int) -> bytes:
        """Give the next 1 to `max_bytes` decoded bytes, as soon as there are any.

        Call it only with credit for the bytes: no timer runs, and nothing is taken from the socket, between calls.

        Returns:
            b"" at a proven end of framing and content coding, and ever after; nothing else is an end. It comes when
            the request body is sent as well, or when that does not go on.

        Raises:
            StreamError: the body cannot be had whole (phase `body`); raised again by every later call.
        """

    async def aclose(self) -> None:
        """Release it. Before the end this closes the socket at once; after it, and a second time, it does nothing.

        A `read` of another task that is waiting meanwhile fails with UPSTREAM_RESET.
        """


NO_CLOSE_CODE: Final = 1005  # RFC 6455 section 7.1.5: a close frame without one


class SocketFragment(NamedTuple):
    """Some of a WebSocket's message, in order. `text`: UTF-8, from a server cut between characters. `last` ends it."""

    text: bool
    data: bytes
    last: bool


class SocketClosed(NamedTuple):
    """A close frame, the last that comes. `code` may be anything but what no endpoint may send, and NO_CLOSE_CODE."""

    code: int
    reason: str


SocketEvent: TypeAlias = SocketFragment | SocketClosed


class HandshakeRefused(StreamError):
    """HANDSHAKE_FAILED. `status` is what the server answered instead of 101; None where it is not about that."""

    def __init__(self, message: str, status: int | None, *, retryable: bool | None = None) -> None:
        super().__init__(ErrorCode.HANDSHAKE_FAILED, message, Phase.HEADERS, retryable=retryable)
        self.status = status


class FrameViolation(StreamError):
    """What came cannot be taken, by the rules of frames or by a limit. `close_code` is what the server should hear."""

    def __init__(self, code: ErrorCode, message: str, close_code: int) -> None:
        super().__init__(code, message, Phase.BODY)
        self.close_code = close_code


class UpstreamSocket(Protocol):
    """A WebSocket that is open. One task reads, another sends, a third answers pings. Its owner closes it."""

    @property
    def protocol(self) -> str:
        """The subprotocol that the server chose, "" for none."""

    @property
    def timings(self) -> Timings:
        """When things happened."""

    async def read(self, max_bytes: int) -> list[SocketEvent]:
        """What comes next, made of at most about `max_bytes` bytes of the network. Nothing is read between calls.

        Returns:
            [] at the end of the connection, however that came, and ever after. A close frame before it or not: only
            after one was it an end in order.

        Raises:
            FrameViolation: UPSTREAM_PROTOCOL, what came is no frame, or no UTF-8. What came before it was given.
            StreamError: IDLE_TIMEOUT, TOTAL_TIMEOUT; phase `body`.
        """

    async def send(self, fragment: SocketFragment) -> bool:
        """Send a frame of a message; back when the system has taken all of it. False if the connection is gone.

        Raises:
            StreamError: UPLOAD_FAILED, the server takes nothing; PROTOCOL, a text that is not UTF-8. Phase `body`.
        """

    async def close(self, code: int, reason: str = "") -> None:
        """Send a close frame, the last that is sent; the first call only. Waits as `send` does, and raises nothing."""

    async def answer_pings(self) -> None:
        """Runs until it is cancelled. Of several pings that wait it answers the newest."""

    async def aclose(self) -> None:
        """Close the connection at once. A server that was not told anything is told that the page went away."""


class SocketUpstream(Protocol):
    """Something that opens WebSockets."""

    async def open_socket(self, request: UpstreamRequest, protocols: tuple[str, ...]) -> UpstreamSocket:
        """Do the handshake at the request's hop. Cancelling it closes the connection at once.

        Raises:
            HandshakeRefused: the server answered something else.
            StreamError: it could not be asked, or did not answer. Phase `policy`, `connect` or `headers`.
        """


class Upstream(Protocol):
    """Something that carries out requests. `UpstreamClient` speaks HTTP/1.1; others may come."""

    async def open(self, request: UpstreamRequest) -> UpstreamResponse:
        """Carry out `request` up to the head of the final response.

        Cancelling the call closes its socket at once, in every phase.

        Raises:
            StreamError: no response: refused, unreachable, broken, too slow. Phase `connect` or `headers`.
        """

    async def aclose(self) -> None:
        """Close every connection, also those of responses still being read. The object cannot be used afterwards."""
