"""What messages are made of: the words and records that occur inside them, as pydantic models."""

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from longwire.protocol.errors import ErrorCode
from longwire.protocol.field_types import (
    HumanText,
    Id,
    InlineBody,
    Message,
    Milliseconds,
    Offset,
    Origin,
    ShortText,
    Url,
)
from longwire.protocol.limits import MAX_DURABLE_KEY_CHARS, MAX_ID


class AbortReason(StrEnum):
    """Why a stream is no longer wanted. For the log: the host treats all alike."""

    SIGNAL = "signal"
    CANCEL = "cancel"
    COLLECTED = "collected"
    PAGE_GONE = "page-gone"
    UPLOAD_FAILED = "upload-failed"
    REFUSED = "refused"
    USER = "user"


class RedirectMode(StrEnum):
    """The `redirect` member of the page's RequestInit."""

    FOLLOW = "follow"
    ERROR = "error"
    MANUAL = "manual"


class Completeness(StrEnum):
    """How the end of a body is known (RFC 9112 section 6.3)."""

    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"
    NONE = "none"


class PolicyState(StrEnum):
    """Whether there is a policy that the host can decide by."""

    OK = "ok"
    MISSING = "missing"
    INVALID = "invalid"


# Who acts on a page: its own scripts, or the writer, which is the extension's own content script.
Principal: TypeAlias = Literal["page", "writer"]


class Page(Message):
    """Who asks, as the browser itself attests on `port.sender`. `document` names one frame's life.

    `principal` is there where the extension's own writer asks, by the worker's own reading of the port; without it the
    page's own scripts do. `profile` tells one browser profile from another: a random id that the extension keeps. It is
    there where a request is or asks about a durable one.
    """

    origin: Origin
    tab: Annotated[int, Field(ge=-1, le=MAX_ID)]
    frame: Annotated[int, Field(ge=0, le=MAX_ID)]
    document: ShortText
    private: bool
    principal: Literal["writer"] | None = None
    profile: ShortText | None = None

    @property
    def asks_as(self) -> Principal:
        """Whose grants count."""
        return self.principal or "page"

    @property
    def asker(self) -> str:
        """Whose request it is, to whatever is not shared: neither two origins share, nor a page and the writer on it,
        nor a private window and the others.
        """
        as_writer = " by the writer" if self.principal == "writer" else ""
        return f"{self.origin}{as_writer}{' in a private window' if self.private else ''}"


class NoBody(Message):
    """No request body."""

    kind: Literal["none"]


class InlineRequestBody(Message):
    """The whole request body."""

    kind: Literal["inline"]
    data: InlineBody


class StreamedRequestBody(Message):
    """The body follows in STREAM_BODY; without its length, `size`, it goes upstream chunked.

    `repeatable` says that the page still has what it is made of, and sends it once more when STREAM_BODY_AGAIN asks.
    """

    kind: Literal["stream"]
    size: Offset | None = None
    repeatable: bool | None = None


RequestBody = Annotated[NoBody | InlineRequestBody | StreamedRequestBody, Field(discriminator="kind")]


class Timeouts(Message):
    """What the page asks for; the grant's limits cap it. An absent one is what the grant says, or else the default."""

    header_ms: Milliseconds | None = None
    idle_ms: Milliseconds | None = None
    total_ms: Milliseconds | None = None


class DurableAsk(Message):
    """Have the request outlive the page, under `key`; where there is one already, attach to it from `offset` on.

    `offset` counts bytes of the body and is 0 if absent. What a key is of, beside its name: the browser's profile and
    the page's origin.
    """

    key: Annotated[str, Field(min_length=1, max_length=MAX_DURABLE_KEY_CHARS)]
    offset: Offset | None = None


class Limits(Message):
    """The host's limits, for display and for an early refusal in the worker."""

    streams_per_frame: Id
    streams_per_host: Id
    window_max_bytes: Id


class PolicySummary(Message):
    """What the extension may know of the policy: where the shim belongs, and what is wrong.

    `pages` are the page-origin patterns that enabled grants name, in canonical form: lower case, ASCII, no default
    port. `silenced` is the user's own file where the administrator's decides alone. `writer` are the patterns of the
    pages where the writer has a grant; absent where it has none.
    """

    state: PolicyState
    digest: ShortText
    pages: Annotated[list[Origin], Field(max_length=4096)]
    problem: HumanText | None = None
    silenced: HumanText | None = None
    writer: Annotated[list[Origin], Field(max_length=4096)] | None = None


class Obstacle(Message):
    """What requests to some of a page's destinations would fail with now, as far as it can be known without them.

    `command` is the one of Longwire's own that says more or mends it, if there is one; `message` names it too.
    `providers` are those that it keeps the page from generating with.
    """

    destinations: Annotated[list[Url], Field(max_length=4096)]
    providers: Annotated[list[ShortText], Field(max_length=256)] | None = None
    code: ErrorCode
    message: HumanText
    command: HumanText | None = None


class ProviderOffer(Message):
    """A provider that a page may generate with: `models` are names, or the beginning of names and `*`."""

    name: ShortText
    models: Annotated[list[ShortText], Field(max_length=256)]


class Timings(Message):
    """Milliseconds since the host accepted STREAM_START; absent where that point was not reached."""

    connected_ms: Offset | None = None
    headers_ms: Offset | None = None
    first_byte_ms: Offset | None = None
    total_ms: Offset


class BridgeState(StrEnum):
    """What `longwire.status()` can say."""

    READY = "ready"
    HOST_MISSING = "host-missing"
    HOST_FORBIDDEN = "host-forbidden"
    HOST_FAILED = "host-failed"
    POLICY_INVALID = "policy-invalid"


class WaitsFor(StrEnum):
    """What the worker waits for before a page's question can be answered."""

    SETTINGS = "settings"  # the switches of the browser's administrator, as last known
    PERMISSION = "permission"  # the browser: whether the extension may serve this site
    HOST = "host"  # the host, which is starting
