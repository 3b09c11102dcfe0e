"""One event, written when it is made: what cannot be sent fails at the producer's own line, not later and elsewhere."""

import json
import re
from typing import Final

# The client library reads events of 8 Mi characters, and no character takes less than a byte.
MAX_EVENT_BYTES: Final = 8 * 1024 * 1024
# An id comes back in a request header, and servers bound those (h11 and nginx: 8 to 64 KiB for all of them).
MAX_NAME_BYTES: Final = 1024

# HTML, 9.2.5 "Parsing an event stream": a line ends at each of these, and an id with a NUL is ignored.
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_NOT_IN_A_NAME: Final = re.compile(r"[\r\n\0]")


class BadEventError(ValueError):
    """An event that cannot be sent as it is; the text says what to do instead, and quotes nothing of the event."""


class WrittenEvent:
    """What both kinds of events are: `encoded`, the bytes that go over the wire, the blank line included."""

    __slots__ = ("encoded",)

    encoded: bytes


class Event(WrittenEvent):
    """An event in the standard form: one line of JSON, `{"type": event_type, "data": data}`."""

    __slots__ = ()

    def __init__(
        self, event_type: str, data: object = None, *, event_id: str | None = None, retry_ms: int | None = None
    ) -> None:
        """Write it; `data` of None is left out.

        Raises:
            BadEventError: `data` is no JSON, the id has a line end, or it is all too large.
        """
        content = {"type": event_type} if data is None else {"type": event_type, "data": data}
        self.encoded = _written(_as_json(content), None, event_id, retry_ms)


class TextEvent(WrittenEvent):
    """An event of any text under an optional name, for pages that expect another form (`[DONE]`, `event: tick`).

    A reader gets the text as it was, with each line end (CR LF, CR, LF) as LF: the format has no other.
    """

    __slots__ = ()

    def __init__(
        self, text: str, *, name: str | None = None, event_id: str | None = None, retry_ms: int | None = None
    ) -> None:
        """Write it.

        Raises:
            BadEventError: the name or the id has a line end, the text is no Unicode, or it is all too large.
        """
        self.encoded = _written(text, name, event_id, retry_ms)


def _as_json(content: object) -> str:
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        # Half a surrogate pair is no UTF-8, and JSON has an escape for it.
        return text if _is_unicode(text) else json.dumps(content, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadEventError(
            f"the event's data are no JSON ({type(error).__name__}): give what json.dumps takes without NaN, "
            "of a pydantic model model_dump(mode='json')"
        ) from error


def _written(text: str, name: str | None, event_id: str | None, retry_ms: int | None) -> bytes:
    # A line end makes `data: ` of one character: bounded before, so that the check below is of a bounded text.
    _check_size(len(text))
    fields = [] if name is None else [f"event: {_checked_name('name', name)}\n"]
    if event_id is not None:
        fields.append(f"id: {_checked_name('id', event_id)}\n")
    if retry_ms is not None:
        if type(retry_ms) is not int or retry_ms < 0:
            raise BadEventError("retry_ms is a whole number of milliseconds, 0 or more")
        fields.append(f"retry: {retry_ms}\n")
    data = _LINE_END.sub("\ndata: ", text)
    try:
        encoded = f"{''.join(fields)}data: {data}\n\n".encode()
    except UnicodeEncodeError:
        raise BadEventError(
            "the event's text has half a surrogate pair, which UTF-8 cannot say: decode what it comes from with "
            "errors='replace'"
        ) from None
    _check_size(len(encoded))
    return encoded


def _checked_name(what: str, value: str) -> str:
    if _NOT_IN_A_NAME.search(value):
        raise BadEventError(f"the event's {what} has a line end or a NUL, which would end it: take them out")
    if not _is_unicode(value) or len(value.encode()) > MAX_NAME_BYTES:
        raise BadEventError(f"the event's {what} is no Unicode or over {MAX_NAME_BYTES} bytes: give a short one")
    return value


def _check_size(size: int) -> None:
    if size > MAX_EVENT_BYTES:
        raise BadEventError(f"the event is over {MAX_EVENT_BYTES} bytes: send it in several, or a URL of it")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
