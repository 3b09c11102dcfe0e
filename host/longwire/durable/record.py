"""What is known of one durable request. It is written down before the first byte of the request is sent.

As a file it is JSON with the version of its format. What a newer Longwire wrote is not read, and not touched.
"""

import hashlib
import json
from enum import StrEnum
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, JsonValue

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.field_types import HeaderPair, HumanText, Message, Offset, Origin, ShortText, Url
from longwire.protocol.limits import MAX_DURABLE_KEY_CHARS, MAX_HEADER_PAIRS
from longwire.protocol.messages import DURABLE_KIND, DURABLE_URL
from longwire.protocol.records import Completeness, Timings

FORMAT_VERSION: Final = 1
# A head has at most a few hundred kilobytes of headers; what `ask` holds is smaller.
MAX_RECORD_BYTES: Final = 4 * 1024 * 1024
# An owner is part of a file's name.
OWNER_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
NOBODY: Final = ""
ID_CHARS: Final = 64


class Key(NamedTuple):
    """Whose request: a profile of a browser, the origin of a page there, and the name that the page gave."""

    profile: str
    origin: str
    name: str

    @property
    def id(self) -> str:
        """64 hex digits that tell this key from any other: the name of its files, and what people may type."""
        return hashlib.sha256(json.dumps(list(self)).encode()).hexdigest()

    @classmethod
    def of(cls, profile: str, origin: str, name: str) -> "Key":
        """A key that a page asked for.

        Raises:
            StreamError: PROTOCOL, the name is not 1 to 128 printable characters.
        """
        if not (1 <= len(name) <= MAX_DURABLE_KEY_CHARS and name.isprintable()):
            raise StreamError(
                ErrorCode.PROTOCOL,
                f"the key of a durable request has 1 to {MAX_DURABLE_KEY_CHARS} printable characters",
                Phase.POLICY,
            )
        return cls(profile, origin, name)


class Entry(NamedTuple):
    """The entry of a grant's `pages` that a request counts for."""

    grant: str
    pages: str


class RecordState(StrEnum):
    """How far a request has come. UNKNOWN: its daemon died, so nobody knows whether it was carried out."""

    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Head(Message):
    """The response's head as it was told to the page that asked, filtered by the grant of then."""

    url: Url
    redirected: bool
    status: Annotated[int, Field(ge=101, le=599)]
    reason: ShortText
    headers: Annotated[list[HeaderPair], Field(max_length=4 * MAX_HEADER_PAIRS)]


class Ending(Message):
    """How the body is known to be complete."""

    completeness: Completeness
    timings: Timings


class Failure(Message):
    """The error that the request ended with: what STREAM_ERROR says of it."""

    code: ErrorCode
    message: HumanText
    phase: Phase
    retryable: bool


Milliseconds = Annotated[int, Field(ge=0)]


class Record(Message):
    """One request. Times are milliseconds since 1970.

    `owner` is the daemon that carries it out, or NOBODY where it has ended and any may have it. `ask` is what the
    policy is asked again with, and the engine's business alone. `bytes` is the length of the body; it is not kept up
    to date while the state is RUNNING. `ended_ms` is there in every other state.
    """

    version: Literal[1] = FORMAT_VERSION
    profile: ShortText
    origin: Origin
    name: Annotated[str, Field(min_length=1, max_length=MAX_DURABLE_KEY_CHARS)]
    owner: Annotated[str, Field(max_length=64, pattern=rf"^$|{OWNER_PATTERN}")]
    state: RecordState = RecordState.RUNNING
    kind: ShortText
    method: ShortText
    url: Url
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    grant: str
    pages: str
    started_ms: Milliseconds
    keep_ms: Milliseconds
    ended_ms: Milliseconds | None = None
    ask: dict[str, JsonValue] = Field(default_factory=dict)
    head: Head | None = None
    bytes: Offset = 0
    ending: Ending | None = None
    failure: Failure | None = None

    @classmethod
    def unreadable(cls, key: Key, owner: str) -> "Record":
        """What stands for a record that nothing can be made of: what it was of cannot be known."""
        return cls(
            profile=key.profile,
            origin=key.origin,
            name=key.name,
            owner=owner,
            state=RecordState.UNKNOWN,
            kind=DURABLE_KIND,
            method="",
            url=DURABLE_URL,
            digest="0" * 64,
            grant="",
            pages="",
            started_ms=0,
            keep_ms=0,
            ended_ms=0,
        )

    @property
    def key(self) -> Key:
        """Whose it is."""
        return Key(self.profile, self.origin, self.name)

    @property
    def id(self) -> str:
        """The key's."""
        return self.key.id

    @property
    def entry(self) -> Entry:
        """What it counts for."""
        return Entry(self.grant, self.pages)

    def follows(self, earlier: "Record | None") -> bool:
        """Whether that was the same request: a key that was forgotten may be another one's by now."""
        return earlier is not None and (earlier.started_ms, earlier.digest) == (self.started_ms, self.digest)

    @property
    def over(self) -> bool:
        """Whether it is carried out no more, and its response can be had: it ended, well or not."""
        return self.state in (RecordState.ENDED, RecordState.FAILED)

    @property
    def deadline_ms(self) -> int | None:
        """When it is to be deleted. None while it is running; and an unknown one is for a person to forget."""
        return self.ended_ms + self.keep_ms if self.over and self.ended_ms is not None else None
