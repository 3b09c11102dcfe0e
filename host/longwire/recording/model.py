"""The lines of a recording: a head, and then what happened to its streams, one thing a line."""

import re
from datetime import datetime
from typing import Annotated, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

import pybase64
from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from longwire.protocol.errors import ErrorCode, Phase
from longwire.protocol.field_types import (
    HeaderName,
    HeaderValue,
    HumanText,
    Id,
    Message,
    Offset,
    ShortText,
    Subprotocol,
    Url,
    base64_chars,
)
from longwire.protocol.limits import MAX_HEADER_PAIRS, MAX_RECORDED_PIECE_BYTES
from longwire.protocol.records import AbortReason, Completeness

# Milliseconds since the request of the stream, to the microsecond.
Moment: TypeAlias = Annotated[float, Field(ge=0, le=1e12)]
Way: TypeAlias = Annotated[
    Literal["down", "up"], Field(description="down: to the page, of the response. up: from the page, of the request.")
]
# What would begin another line of HTTP where it is sent again is in no field that a browser or a host gives out.
_NAME: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
_ONE_LINE: Final = r"^[^\x00\r\n]*$"
# More than a request has: those of a response, of which the host passes on so many.
_HeaderPairs: TypeAlias = Annotated[
    list[tuple[Annotated[HeaderName, Field(pattern=_NAME)], Annotated[HeaderValue, Field(pattern=_ONE_LINE)]]],
    Field(max_length=4 * MAX_HEADER_PAIRS),
]
_NOT_IN_URLS: Final = re.compile(r"[\x00-\x20\x7f]")


def _url(text: str) -> str:
    if _NOT_IN_URLS.search(text):
        raise ValueError("a URL has neither spaces nor controls")
    if not urlsplit(text).scheme:  # or a ValueError of its own
        raise ValueError("a URL has a scheme")
    return text


def _time_of_day(text: str) -> str:
    datetime.fromisoformat(text)
    return text


_Url: TypeAlias = Annotated[Url, AfterValidator(_url)]
_Text: TypeAlias = Annotated[str, Field(max_length=base64_chars(MAX_RECORDED_PIECE_BYTES))]


class RecordingHead(Message):
    """The first line. `longwire_recording` is the version of the format."""

    longwire_recording: Literal[1]
    made_by: ShortText
    made_at: ShortText


class RecordedRequest(Message):
    """A stream begins: what its page asked for, credentials replaced. `at` is the time of day, with a zone.

    With `joined` the recording began when so many bytes of the response had passed, and has none of the request's body.
    """

    type: Literal["request"]
    stream: Id
    t: Moment
    at: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z$"), AfterValidator(_time_of_day)]
    kind: Literal["http", "websocket", "generation", "durable"]
    page: Annotated[str, Field(max_length=2048)]
    method: Annotated[str, Field(min_length=1, max_length=32, pattern=_NAME)]
    url: _Url
    headers: _HeaderPairs
    protocols: Annotated[list[Subprotocol], Field(max_length=64)] | None = None
    joined: Offset | None = None


class RecordedResponse(Message):
    """The head of the response, credentials replaced. `url` is where it came from in the end."""

    type: Literal["response"]
    stream: Id
    t: Moment
    url: _Url
    redirected: bool
    status: Annotated[int, Field(ge=101, le=599)]
    reason: Annotated[str, Field(max_length=1000, pattern=_ONE_LINE)]
    headers: _HeaderPairs


class _WithData(Message):
    """Bytes: as `text` where they are UTF-8 by themselves, else as `base64`. With `masked`, `*` stands for some."""

    stream: Id
    t: Moment
    way: Way
    text: _Text | None = None
    base64: _Text | None = None
    masked: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("either `text` or `base64`")
        return self

    @property
    def data(self) -> bytes:
        """The bytes.

        Raises:
            ValueError: `base64` is none, or `text` has half a character.
        """
        if self.text is not None:
            return self.text.encode()
        return pybase64.b64decode(self.base64 or "", validate=True)


class RecordedPiece(_WithData):
    """Bytes of a body, as they came."""

    type: Literal["piece"]


class RecordedMessage(_WithData):
    """A WebSocket's message, or the part of one that came at this time: `more` says that it goes on."""

    type: Literal["message"]
    opcode: Annotated[Literal[1, 2, 8], Field(description="1: text, 2: binary, 8: close, with code and reason.")]
    more: Literal[True] | None = None


class RecordedAgain(Message):
    """The request is sent once more: the pieces of its body so far count no more."""

    type: Literal["again"]
    stream: Id
    t: Moment


class RecordedEnd(Message):
    """The last line of a stream. One that has none was still open when the recording was saved.

    whole      the body ended as announced; `completeness` says how that is known
    error      it failed: `code`, `message`, `phase`
    stopped    its page gave it up: `reason`. What came before that, and on the way, is there
    full       it went on, and the recording had no more room
    """

    type: Literal["end"]
    stream: Id
    t: Moment
    how: Literal["whole", "error", "stopped", "full"]
    bytes: Offset | None = None
    completeness: Completeness | None = None
    code: ErrorCode | None = None
    message: HumanText | None = None
    phase: Phase | None = None
    reason: AbortReason | None = None


RecordingLine: TypeAlias = Annotated[
    RecordedRequest | RecordedResponse | RecordedPiece | RecordedMessage | RecordedAgain | RecordedEnd,
    Field(discriminator="type"),
]
RECORDING_LINE: TypeAdapter[RecordingLine] = TypeAdapter(RecordingLine)
