"""Length-prefixed JSON frames (the native-messaging wire format), without I/O.

`FrameDecoder` takes bytes in any split and gives whole payloads, whatever they hold; `parse_to_host` makes messages of
them. `encode` and `encode_chunk` give bytes to write. A decoder that has raised stays broken: after a bad length
nothing that follows can be framed.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args

import orjson
import pybase64
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from longwire.protocol.errors import FrameError
from longwire.protocol.field_types import Message
from longwire.protocol.limits import (
    FRAME_HEADER_BYTES,
    MAX_CHUNK_BYTES,
    MAX_FRAME_TO_BROWSER,
    MAX_FRAME_TO_HOST,
    MAX_ID,
)
from longwire.protocol.messages import TO_HOST, FromHost, ToHost, message_types

_LENGTH = struct.Struct("=I")
_CHUNK_HEAD = b'{"type":"STREAM_CHUNK","id":%d,"offset":%d,'
_CHUNK_WINDOW = b'"window":%d,'
_CHUNK_PACKED = b'"encoding":"deflate","size":%d,'
_CHUNK_DATA = b'"data":"'
_CHUNK_TAIL = b'"}'


class FrameDecoder:
    """Bytes in, payloads out: a state machine over the 4-byte length and the payload it announces.

    Holds what was fed and not yet asked for. When all was asked for, that is less than one frame.
    """

    def __init__(self, max_payload_bytes: int = MAX_FRAME_TO_HOST) -> None:
        self._max_payload_bytes = max_payload_bytes
        self._buffer = bytearray()
        self._error: FrameError | None = None

    @property
    def mid_frame(self) -> bool:
        """Whether bytes are left. When every payload was asked for, they are the beginning of a frame."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take `data` at once; give each payload that is complete, in order, as it is asked for.

        Raises:
            FrameError: a length is zero or over the limit. Not this call raises it but the iterator, when it comes to
                that length: the payloads before it were given. Every later iterator raises it again, at once.
        """
        if self._error is None:
            self._buffer += data
        return self._payloads()

    def _payloads(self) -> Iterator[bytes]:
        while (size := self._announced_bytes()) is not None:
            end = FRAME_HEADER_BYTES + size
            if len(self._buffer) < end:
                return
            payload = bytes(memoryview(self._buffer)[FRAME_HEADER_BYTES:end])
            del self._buffer[:end]
            yield payload

    def _announced_bytes(self) -> int | None:
        if self._error is not None:
            raise self._error
        if len(self._buffer) < FRAME_HEADER_BYTES:
            return None
        size: int = _LENGTH.unpack_from(self._buffer)[0]
        if size == 0:
            self._error = FrameError("a frame of length zero; every frame is one JSON object")
        elif size > self._max_payload_bytes:
            self._error = FrameError(f"a frame of {size} bytes; the limit is {self._max_payload_bytes}")
        if self._error is not None:
            raise self._error
        return size


class BadMessage(FrameError):
    """A whole frame that is not one of the messages. `stream_id` is the stream it speaks of, if it names one.

    The text names the message and the field and never repeats a value: a value may be a page's credential.
    The name of an unknown field is the sender's choice, so it is cut and shown in ASCII.
    """

    def __init__(self, message: str, stream_id: int | None = None, message_type: str | None = None) -> None:
        super().__init__(message)
        self.stream_id = stream_id
        self.message_type = message_type


def parse_to_host(payload: bytes) -> ToHost:
    """One payload as a message to the host.

    Raises:
        BadMessage: not UTF-8, not JSON (NaN and over-deep nesting included), not an object, unknown type,
        wrong field.
    """
    try:
        return TO_HOST.validate_json(payload)
    except ValidationError as error:
        raise _bad_message(payload, error) from None


_MODELS: Final[Mapping[str, type[Message]]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in message_types(ToHost)
}


def _bad_message(payload: bytes, error: ValidationError) -> BadMessage:
    # Parsed a second time, but only here: the good path stays one pass.
    try:
        raw = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return BadMessage("a frame that is not valid UTF-8 JSON, or nests too deep")
    if not isinstance(raw, dict):
        return BadMessage("a frame that is not a JSON object")
    kind = raw.get("type")
    model = _MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return BadMessage("a frame whose type is missing or unknown to this host")
    first = error.errors(include_url=False, include_input=False)[0]
    return BadMessage(f"{kind}: {_fault(first)}", _stream_id(model, raw), str(kind))


def _stream_id(model: type[Message], raw: dict[str, Any]) -> int | None:
    value = raw.get("id")
    named = "id" in model.model_fields and type(value) is int and 1 <= value <= MAX_ID
    return value if named else None


# What pydantic found, in our words: its own text quotes the value where a union's tag is wrong. Types that
# are not here (a wrong JSON type is the common one) read "has the wrong type or form".
_FAULTS: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "extra_forbidden": "is unknown to this host",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "is shorter than {min_length} characters",
    "too_long": "has more than {max_length} items",
    "too_short": "has fewer than {min_length} items",
    "greater_than_equal": "is below {ge}",
    "less_than_equal": "is above {le}",
    "enum": "is none of {expected}",
    "literal_error": "is none of {expected}",
    "union_tag_invalid": "is of an unknown kind",
    "union_tag_not_found": "is of no kind",
    "bytes_too_long": "is longer than {max_bytes} bytes",
}
_MAX_SHOWN_FIELD_CHARS: Final = 100


def _fault(error: ErrorDetails) -> str:
    # Deeper than pydantic's parser goes (about 200), not as deep as orjson's (1,024).
    if error["type"] == "json_invalid":
        return "nests too deep"
    # The first element of the location is the union's tag.
    field = ".".join(str(part) for part in error["loc"][1:])
    shown = ascii(field[:_MAX_SHOWN_FIELD_CHARS]) + ("..." if len(field) > _MAX_SHOWN_FIELD_CHARS else "")
    fault = _FAULTS.get(error["type"], "has the wrong type or form")
    return f"field {shown} {fault.format(**error.get('ctx', {}))}"


def encode(message: FromHost) -> bytes:
    """A message of the host as a whole frame. `None` fields are left out.

    Raises:
        FrameError: the frame would exceed what the browser accepts.
    """
    payload = orjson.dumps(message.model_dump(mode="json", exclude_none=True))
    return frame(payload)


def frame(payload: bytes) -> bytes:
    """`payload` with its length in front.

    Raises:
        FrameError: it exceeds what the browser accepts.
    """
    if len(payload) > MAX_FRAME_TO_BROWSER:
        raise FrameError(f"a frame of {len(payload)} bytes to the browser; the limit is {MAX_FRAME_TO_BROWSER}")
    return _LENGTH.pack(len(payload)) + payload


def encode_chunk(
    stream_id: int,
    offset: int,
    data: bytes | bytearray | memoryview,
    window: int | None = None,
    plain_bytes: int | None = None,
) -> bytes:
    """STREAM_CHUNK as a whole frame: byte for byte what `encode` gives for the model, without building it.

    With `plain_bytes` the data is compressed ("deflate"), and had so many bytes.

    Every body byte passes here: a 64 KiB chunk takes 4 µs, through the model it would take 87 µs.

    Raises:
        FrameError: more than MAX_CHUNK_BYTES bytes.
    """
    if len(data) > MAX_CHUNK_BYTES:
        raise FrameError(f"a chunk of {len(data)} bytes; the limit is {MAX_CHUNK_BYTES}")
    head = _CHUNK_HEAD % (stream_id, offset)
    if window is not None:
        head += _CHUNK_WINDOW % window
    if plain_bytes is not None:
        head += _CHUNK_PACKED % plain_bytes
    text = pybase64.b64encode(data)
    payload_bytes = len(head) + len(_CHUNK_DATA) + len(text) + len(_CHUNK_TAIL)
    return b"".join((_LENGTH.pack(payload_bytes), head, _CHUNK_DATA, text, _CHUNK_TAIL))
