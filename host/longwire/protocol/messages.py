"""The messages, as pydantic models: the letter of the protocol.

Two hops carry them. On the *native* hop (worker and host) a message is one JSON frame and bytes are base64
text. On the *bridge* (page, relay and worker) it is a structured clone and bytes are a `Uint8Array`. A field
of a type `…Body` is bytes in that sense, so one model describes both.

The page never says who it is: what it sends is the `…Fields` base, and the worker adds `page` from Chromium's
`port.sender` before the message goes to the host.
"""

from typing import Annotated, Final, Literal, get_args

from pydantic import ConfigDict, Field, TypeAdapter

from longwire.protocol.errors import ErrorCode, Phase
from longwire.protocol.field_types import (
    ChunkBody,
    HeaderPair,
    HeaderPairs,
    HumanText,
    Id,
    Message,
    Offset,
    Origin,
    ShortText,
    Subprotocol,
    UploadBody,
    Url,
)
from longwire.protocol.limits import (
    MAX_CHUNK_BYTES,
    MAX_HEADER_PAIRS,
    MAX_ID,
    MAX_KIND_CHARS,
    MAX_METHOD_CHARS,
    MAX_SUBPROTOCOLS,
    MAX_SWITCHED_PAGES,
)
from longwire.protocol.records import (
    AbortReason,
    BridgeState,
    Completeness,
    DurableAsk,
    Limits,
    Obstacle,
    Page,
    PolicySummary,
    ProviderOffer,
    RedirectMode,
    RequestBody,
    Timeouts,
    Timings,
    WaitsFor,
)

# What carries a stream out whose start names no kind.
DEFAULT_KIND: Final = "http"
# What carries out what is sent to this address, which is no server's: the worker knows it by that.
GENERATION_KIND: Final = "generation"
GENERATION_URL: Final = "longwire:generate"
# What answers at this address, and below it for each key, is the daemon: what is durable, and how far it has come.
DURABLE_KIND: Final = "durable"
DURABLE_URL: Final = "longwire:durable"
# Of streams whose two bodies are the parts of a WebSocket's messages.
WEBSOCKET_KIND: Final = "websocket"

# --- to the host --------------------------------------------------------------------------------------------


class Hello(Message):
    """First frame. `chunk_encodings` names the compressions of STREAM_CHUNK that this extension can undo.

    `knows` names fields that the host's messages got since this version of the protocol began, and that this extension
    takes: `writer`, of PolicySummary; `grant`, of STREAM_HEADERS and STREAM_ERROR; `takes`, of WELCOME. It refuses
    what it does not know, so the host leaves out what is not named. A host ignores a name that it does not know.
    """

    type: Literal["HELLO"]
    protocol: Annotated[int, Field(ge=0, le=MAX_ID)]
    extension: ShortText
    chunk_encodings: Annotated[list[ShortText], Field(max_length=8)] | None = None
    knows: Annotated[list[ShortText], Field(max_length=64)] | None = None


class StreamStartFields(Message):
    """Open a stream: what the page says of its request. `protocols` are the subprotocols that a WebSocket offers.

    With `durable` the stream is a reader of a request that lives in the daemon: to abort it detaches.
    """

    type: Literal["STREAM_START"]
    id: Id
    method: Annotated[str, Field(min_length=1, max_length=MAX_METHOD_CHARS)]
    url: Url
    headers: HeaderPairs
    body: RequestBody
    redirect: RedirectMode
    timeouts: Timeouts
    protocols: Annotated[list[Subprotocol], Field(max_length=MAX_SUBPROTOCOLS)] | None = None
    durable: DurableAsk | None = None


class StreamStart(StreamStartFields):
    """Open a stream: the page's request, and what the worker says of it, which no page can say: its identity, and which
    kind of exchange carries it out (`http` if absent, `websocket` for ws: and wss:). A kind that this host does not
    know is refused with PROTOCOL.
    """

    page: Page
    kind: Annotated[str, Field(min_length=1, max_length=MAX_KIND_CHARS)] | None = None


class StreamBody(Message):
    """Bytes of the request body, contiguous from offset 0, within the host's upload credit.

    `again` is that of the last STREAM_BODY_AGAIN, if there was one.
    """

    type: Literal["STREAM_BODY"]
    id: Id
    offset: Offset
    again: Id | None = None
    data: UploadBody


class StreamBodyEnd(Message):
    """The request body is complete and had `bytes` bytes. `again` as in STREAM_BODY."""

    type: Literal["STREAM_BODY_END"]
    id: Id
    bytes: Offset
    again: Id | None = None


class StreamAck(Message):
    """The page's stream gave away all bytes below `consumed`. Never decreases, never above what was sent."""

    type: Literal["STREAM_ACK"]
    id: Id
    consumed: Offset


class StreamAbort(Message):
    """The stream is no longer wanted; its socket closes within a second."""

    type: Literal["STREAM_ABORT"]
    id: Id
    reason: AbortReason


class StreamPong(Message):
    """Answer to STREAM_PING, with its `seq`."""

    type: Literal["STREAM_PONG"]
    seq: Offset


class StatusRequestFields(Message):
    """Ask what the policy holds for the asking page; answered by STATUS with the same `request`."""

    type: Literal["STATUS_REQUEST"]
    request: Id


class StatusRequest(StatusRequestFields):
    """STATUS_REQUEST with the page's identity stamped by the worker."""

    page: Page


class Switches(Message):
    """What the administrator of this browser switched off: all of Longwire, or every page but those of `pages`.

    Directly behind WELCOME, and again with each change; the last one counts, for this connection. Without it nothing is
    switched off. Only where WELCOME says that the host takes it. `profile` is there where the extension has one: what
    is switched off ends that profile's durable requests, whichever connection began them.
    """

    type: Literal["SWITCHES"]
    enabled: bool
    pages: Annotated[list[Origin], Field(max_length=MAX_SWITCHED_PAGES)] | None = None
    profile: ShortText | None = None


class DirectOffer(Message):
    """From the relay itself: a frame of the extension's own will bring a `MessagePort` that leads to this page's shim.

    `token` is what the frame says with it: 128 random bits in hexadecimal. One port per runtime port.
    """

    type: Literal["DIRECT_OFFER"]
    token: Annotated[str, Field(min_length=32, max_length=32)]


class DirectTaken(Message):
    """From the shim, by way of the relay: the last of what streams carry that comes by that way.

    STREAM_BODY, STREAM_BODY_END and STREAM_ACK come by the direct port from then on. What came by it before counts
    behind this message, so the order is kept. All that asks for something stays on the port whose sender the browser
    vouches for.
    """

    type: Literal["DIRECT_TAKEN"]


# --- from the host ------------------------------------------------------------------------------------------


class Welcome(Message):
    """Answer to HELLO, first frame of the host.

    `takes` names messages that hosts take since this version of the protocol began: `SWITCHES`. Where it is absent, the
    host takes none of them.
    """

    type: Literal["WELCOME"]
    protocol: Annotated[int, Field(ge=0, le=MAX_ID)]
    host: ShortText
    limits: Limits
    policy: PolicySummary
    takes: Annotated[list[ShortText], Field(max_length=64)] | None = None


class StreamHeadersFields(Message):
    """The final response's head. At most one per stream, before any chunk.

    A WebSocket that is open has the status 101; with any other the handshake was refused, and STREAM_ERROR follows.
    """

    type: Literal["STREAM_HEADERS"]
    id: Id
    url: Url
    redirected: bool
    status: Annotated[int, Field(ge=101, le=599)]
    reason: ShortText
    headers: Annotated[list[HeaderPair], Field(max_length=4 * MAX_HEADER_PAIRS)]


class StreamHeaders(StreamHeadersFields):
    """The final response's head. At most one per stream, before any chunk.

    A WebSocket that is open has the status 101; with any other the handshake was refused, and STREAM_ERROR follows.
    Of two fields the worker tells no page.
    `recordable` is there where it is false: a grant of this stream has `features` without `record`, so no recording may
    have any of it. `grant` names the one that led there in the end.
    """

    recordable: bool | None = None
    grant: ShortText | None = None


class StreamChunk(Message):
    """Bytes of the body from `offset` on, contiguous.

    With `encoding`, `data` is compressed by itself and `size` is its plain length; `offset` counts plain
    bytes always. `window` is there when it changed since the last chunk: the page paces its acknowledgements
    by it.
    """

    type: Literal["STREAM_CHUNK"]
    id: Id
    offset: Offset
    window: Offset | None = None
    encoding: Literal["gzip", "deflate"] | None = None
    size: Annotated[int, Field(ge=1, le=MAX_CHUNK_BYTES)] | None = None
    data: ChunkBody


class StreamBodyAck(Message):
    """Upload credit: the host took all bytes below `consumed` and accepts up to `consumed + window`.

    The last one says that the whole body is sent. A server may answer before that: then it comes after STREAM_HEADERS.
    """

    type: Literal["STREAM_BODY_ACK"]
    id: Id
    consumed: Offset
    window: Offset


class StreamBodyAgain(Message):
    """The request goes out once more, and its body with it: send it from offset 0, marked with this `again`.

    Only before STREAM_HEADERS, and only for a body that is `repeatable`. `again` counts from 1. What was sent before
    counts no more, credit included; what is still on the way of it is ignored.
    """

    type: Literal["STREAM_BODY_AGAIN"]
    id: Id
    again: Id


class StreamEnd(Message):
    """Terminal: the body is complete, had `bytes` plain bytes, and this is how its end is known."""

    type: Literal["STREAM_END"]
    id: Id
    bytes: Offset
    completeness: Completeness
    timings: Timings


class StreamErrorFields(Message):
    """Terminal: the stream failed. Nothing follows. `first` is there with GAP: the first byte that is still kept."""

    type: Literal["STREAM_ERROR"]
    id: Id
    code: ErrorCode
    message: HumanText
    phase: Phase
    retryable: bool
    first: Offset | None = None


class StreamErrorMessage(StreamErrorFields):
    """Terminal: the stream failed. Nothing follows. `first` is there with GAP: the first byte that is still kept.

    `grant` names what had allowed it, where no STREAM_HEADERS said so; the worker tells no page.
    """

    grant: ShortText | None = None


class StreamAborted(Message):
    """Terminal: STREAM_ABORT was carried out; socket, task and pool slot are free."""

    type: Literal["STREAM_ABORTED"]
    id: Id


class StreamPing(Message):
    """Every 20 s while streams live; the worker answers STREAM_PONG."""

    type: Literal["STREAM_PING"]
    seq: Offset


class Policy(Message):
    """The policy changed on disk."""

    type: Literal["POLICY"]
    policy: PolicySummary


class Fatal(Message):
    """The whole bridge cannot go on; `fix` says what a person should do. Last frame."""

    type: Literal["FATAL"]
    code: ErrorCode
    message: HumanText
    fix: HumanText


class Status(Message):
    """Answer to STATUS_REQUEST. `destinations` and `providers` are those of grants that name the asking page's origin;
    `obstacles` says for which of them requests would fail, and with what.
    """

    type: Literal["STATUS"]
    request: Id
    state: BridgeState
    host: ShortText | None = None
    protocol: Offset | None = None
    destinations: Annotated[list[Url], Field(max_length=4096)]
    providers: Annotated[list[ProviderOffer], Field(max_length=256)] | None = None
    fix: HumanText | None = None
    obstacles: Annotated[list[Obstacle], Field(max_length=64)] | None = None


class Waiting(Message):
    """Worker to page only: the question that is open cannot be answered yet. The last one said counts."""

    type: Literal["WAITING"]
    what: WaitsFor


class BridgeLost(Message):
    """Relay to page only: the relay lost the worker, and with it every live stream of this page.

    `replaced` says that this relay can never reconnect (its extension was reloaded or removed): the shim
    waits for a fresh relay's port instead of using this one again.
    """

    type: Literal["BRIDGE_LOST"]
    message: HumanText
    replaced: bool


class DirectOpen(Message):
    """Worker to page only: the last message by way of the relay, which passes the direct port with it.

    What follows comes by that port. It delivers nothing before the shim has this message, so the order is kept.
    """

    type: Literal["DIRECT_OPEN"]


# --- unions -------------------------------------------------------------------------------------------------

ToHost = Annotated[
    Hello | StreamStart | StreamBody | StreamBodyEnd | StreamAck | StreamAbort | StreamPong | StatusRequest | Switches,
    Field(discriminator="type"),
]
FromHost = Annotated[
    Welcome
    | StreamHeaders
    | StreamChunk
    | StreamBodyAck
    | StreamBodyAgain
    | StreamEnd
    | StreamErrorMessage
    | StreamAborted
    | StreamPing
    | Policy
    | Fatal
    | Status,
    Field(discriminator="type"),
]
# What a page may say to the worker, and what it hears: the same messages without identity, without what is the worker's
# to know, and without the host's own.
FromPage = Annotated[
    StreamStartFields
    | StreamBody
    | StreamBodyEnd
    | StreamAck
    | StreamAbort
    | StatusRequestFields
    | DirectOffer
    | DirectTaken,
    Field(discriminator="type"),
]
ToPage = Annotated[
    StreamHeadersFields
    | StreamChunk
    | StreamBodyAck
    | StreamBodyAgain
    | StreamEnd
    | StreamErrorFields
    | StreamAborted
    | Status
    | Waiting
    | BridgeLost
    | DirectOpen,
    Field(discriminator="type"),
]

TO_HOST: TypeAdapter[ToHost] = TypeAdapter(ToHost)
FROM_HOST: TypeAdapter[FromHost] = TypeAdapter(FromHost, config=ConfigDict(defer_build=True))


def message_types(union: object) -> tuple[type[Message], ...]:
    """The models of one of the unions above, in the order they are written."""
    return get_args(get_args(union)[0])
