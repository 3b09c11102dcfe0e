"""One durable request as it is listed: to its page, and to people, whoever has it and whoever tells of it."""

from typing import Any, Final, NamedTuple

from longwire.durable.record import Record, RecordState

# Of an id, which has 64 digits: what the log and the table show.
SHORT_CHARS: Final = 12


class ListedError(NamedTuple):
    """What a request failed with."""

    code: str
    message: str


class ListedRequest(NamedTuple):
    """One durable request. Times are milliseconds since 1970.

    `elsewhere`: another daemon than the one that tells of it carries it out, and `bytes` is 0. `first` is the first
    byte that can be read.
    """

    id: str
    profile: str
    origin: str
    key: str
    url: str
    method: str
    state: str
    bytes: int
    first: int
    started_ms: int
    ended_ms: int | None
    error: ListedError | None
    readers: int = 0
    elsewhere: bool = False

    @classmethod
    def of(cls, record: Record, first: int = 0) -> "ListedRequest":
        """One of which there is only the record: on the disk, or unknown, or another daemon's."""
        failure = record.failure
        return cls(
            id=record.id,
            profile=record.profile,
            origin=record.origin,
            key=record.name,
            url=record.url,
            method=record.method,
            state=record.state,
            bytes=record.bytes,
            first=first,
            started_ms=record.started_ms,
            ended_ms=record.ended_ms,
            error=None if failure is None else ListedError(failure.code, failure.message),
            elsewhere=record.state is RecordState.RUNNING,
        )

    @classmethod
    def read(cls, told: dict[str, Any]) -> "ListedRequest":
        """What `told` made, by a daemon that may be of another version.

        Raises:
            KeyError, TypeError: it says it in other words.
        """
        error = told["error"]
        read = None if error is None else ListedError(str(error["code"]), str(error["message"]))
        return cls(**{name: told[name] for name in cls._fields} | {"error": read})

    def told(self) -> dict[str, Any]:
        """For JSON."""
        return self._asdict() | {"error": self._error()}

    def for_page(self) -> dict[str, object]:
        """What its page hears of it."""
        return {
            "key": self.key,
            "url": self.url,
            "method": self.method,
            "state": self.state,
            "bytes": self.bytes,
            "first": self.first,
            "started": self.started_ms,
            "ended": self.ended_ms,
            "error": self._error(),
        }

    def _error(self) -> dict[str, str] | None:
        return None if self.error is None else self.error._asdict()


def short(key_id: str) -> str:
    """What is shown of an id: the name is the page's own business."""
    return key_id[:SHORT_CHARS]
