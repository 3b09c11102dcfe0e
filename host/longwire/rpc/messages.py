"""The messages: read and checked, and written. docs/rpc.md has the wire."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeGuard

from longwire.rpc.errors import RpcError, WireError, from_wire

# Of the protocol between two of ours; another version is spoken to as a plain peer.
VERSION: Final = 1
# What an item costs of the credit beyond its bytes on the wire.
ITEM_COST: Final = 64
ID_LIMIT: Final = 256
# JavaScript's largest whole number.
MAX_COUNT: Final = 2**53 - 1
# And its largest number.
MAX_NUMBER: Final = sys.float_info.max
# Each item that came in a batch is kept by itself. No sender of ours sends more: a batch goes when it has 64 KiB.
MAX_BATCH_ITEMS: Final = 65_536
# The first byte of a binary message.
BINARY_ITEM: Final = 0


@dataclass(frozen=True)
class Hello:
    """What two of ours tell each other first, in the `longwire` member of a ping."""

    # Its own token: whoever knows the tokens of both sides may resume.
    peer: str
    # Credit that each stream towards this side begins with, bytes.
    window: int
    # The largest message that this side takes, bytes, inflated.
    max_message_bytes: int
    deflate: bool
    resumable: bool
    # The token of the other side, whose streams are to go on; and the answer to it.
    resume: str | None = None
    resumed: bool | None = None
    # Streams that this side receives: items that came, and the credit's limit. Streams that it sends.
    received: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    sending: Sequence[str] = ()


@dataclass(frozen=True)
class Ping:
    timestamp: int | float


@dataclass(frozen=True)
class Request:
    request_id: str
    data: Any
    notify: bool


@dataclass(frozen=True)
class Response:
    request_id: str
    data: Any
    error: RpcError | None


@dataclass(frozen=True)
class CancelRequest:
    request_id: str


@dataclass(frozen=True)
class RemoteError:
    error: RpcError
    request_id: str | None


@dataclass(frozen=True)
class Data:
    stream_id: str
    items: Sequence[Any]
    index: int | None


@dataclass(frozen=True)
class End:
    stream_id: str
    count: int | None
    error: RpcError | None


@dataclass(frozen=True)
class Credit:
    stream_id: str
    received: int
    limit: int


@dataclass(frozen=True)
class CancelStream:
    stream_id: str
    error: RpcError | None


@dataclass(frozen=True)
class StreamClosed:
    stream_id: str


@dataclass(frozen=True)
class Unknown:
    """Another version's, or a neighbour's that shares the socket."""


@dataclass(frozen=True)
class Bad:
    text: str
    stream_id: str | None = None


Message: TypeAlias = (
    Hello
    | Ping
    | Request
    | Response
    | CancelRequest
    | RemoteError
    | Data
    | End
    | Credit
    | CancelStream
    | StreamClosed
    | Unknown
    | Bad
)


def read_message(data: str | bytes) -> Message:
    """A message of the socket, inflated."""
    if isinstance(data, str):
        try:
            value = _parsed(data)
        except ValueError:
            return Bad("A message is no JSON")
        return _of_json(value)
    if len(data) < 3 or data[0] != BINARY_ITEM:
        return Bad("A message is no binary message of this protocol")
    end = 3 + int.from_bytes(data[1:3], "big")
    if end > len(data):
        return Bad("A message is shorter than its header")
    try:
        header = _parsed(data[3:end].decode())
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("type") != "StreamData":
        return Bad("A message has a header that is none")
    return _of_json({**header, "payload": data[end:]})


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _of_json(value: object) -> Message:
    if not isinstance(value, dict):
        return Bad("A message is no object")
    # Streams first: there are most of them, and a payload may look like anything.
    kind = value.get("type")
    if isinstance(kind, str) and kind.startswith("Stream"):
        return _of_stream(kind, value)
    return _of_rpc(value)


def _of_stream(kind: str, value: dict[str, Any]) -> Message:
    stream_id = value.get("streamId")
    if not _is_id(stream_id):
        return Bad(f"A message has no streamId of 1 to {ID_LIMIT} characters")
    read = _STREAM.get(kind)
    return Unknown() if read is None else read(stream_id, value)


def _data(stream_id: str, value: dict[str, Any]) -> Message:
    index = value.get("index")
    if "index" in value and not _is_count(index):
        return Bad("A message has an index that is none", stream_id)
    return Data(stream_id, [value.get("payload")], index)


def _batch(stream_id: str, value: dict[str, Any]) -> Message:
    index, items = value.get("index"), value.get("payloads")
    if not _is_count(index) or not isinstance(items, list) or not 0 < len(items) <= MAX_BATCH_ITEMS:
        return Bad("A message is no batch", stream_id)
    return Data(stream_id, items, index)


def _end(stream_id: str, value: dict[str, Any]) -> Message:
    if "count" in value and not _is_count(value["count"]):
        return Bad("A message has a count that is none", stream_id)
    return End(stream_id, value.get("count"), None)


def _error(stream_id: str, value: dict[str, Any]) -> Message:
    error = from_wire(value.get("error"))
    if error is None or ("count" in value and not _is_count(value["count"])):
        return Bad("A message has no error, or a count that is none", stream_id)
    return End(stream_id, value.get("count"), error)


def _credit(stream_id: str, value: dict[str, Any]) -> Message:
    received, limit = value.get("received"), value.get("limit")
    return (
        Credit(stream_id, received, limit)
        if _is_count(received) and _is_count(limit)
        else Bad("A message is no credit")
    )


_STREAM: Final[Mapping[str, Callable[[str, dict[str, Any]], Message]]] = {
    "StreamData": _data,
    "StreamBatch": _batch,
    "StreamEnd": _end,
    "StreamError": _error,
    "StreamCredit": _credit,
    "StreamCancel": lambda stream_id, value: CancelStream(stream_id, from_wire(value.get("error"))),
    "StreamClosed": lambda stream_id, value: StreamClosed(stream_id),
}


def _of_rpc(value: dict[str, Any]) -> Message:
    category, request_id = value.get("category"), value.get("requestId")
    if category in ("ping", "error"):
        return _ping(value) if category == "ping" else _remote_error(value)
    if category not in ("request", "response", "cancel"):
        return Unknown()
    if not _is_id(request_id):
        return Bad(f"A message has no requestId of 1 to {ID_LIMIT} characters")
    if category == "request":
        return Request(request_id, value.get("data"), value.get("notify") is True)
    if category == "response":
        return Response(request_id, value.get("data"), from_wire(value["error"]) if "error" in value else None)
    return CancelRequest(request_id)


def _ping(value: dict[str, Any]) -> Message:
    if "longwire" in value:
        return _of_hello(value["longwire"])
    timestamp = value.get("timestamp")
    return Ping(timestamp) if _is_number(timestamp) else Bad("A message is no ping")


def _remote_error(value: dict[str, Any]) -> Message:
    error, details = from_wire(value.get("error")), value.get("details")
    if error is None:
        return Bad("A message has no error")
    about = details.get("requestId") if isinstance(details, dict) else None
    return RemoteError(error, about if isinstance(about, str) else None)


def _of_hello(value: object) -> Message:
    if not isinstance(value, dict) or value.get("version") != VERSION or isinstance(value["version"], bool):
        return Unknown()
    peer, window, most = value.get("peer"), value.get("window"), value.get("maxMessageBytes")
    if not (isinstance(peer, str) and _is_count(window) and _is_count(most) and window > 0 and most > 0):
        return Bad("A message is a hello without peer, window or maxMessageBytes")
    resume, resumed, received, sending = (value.get(key) for key in ("resume", "resumed", "received", "sending"))
    return Hello(
        peer,
        window,
        most,
        value.get("deflate") is True,
        value.get("resumable") is True,
        resume if isinstance(resume, str) else None,
        resumed if isinstance(resumed, bool) else None,
        _received(received) if isinstance(received, dict) else {},
        [each for each in sending if isinstance(each, str)] if isinstance(sending, list) else [],
    )


def _received(value: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {
        stream_id: (pair[0], pair[1])
        for stream_id, pair in value.items()
        if isinstance(pair, list) and len(pair) >= 2 and _is_count(pair[0]) and _is_count(pair[1])
    }


def _is_id(value: object) -> TypeGuard[str]:
    # In UTF-16, as the other language counts.
    return isinstance(value, str) and 0 < units(value) <= ID_LIMIT


def units(text: str) -> int:
    """Characters of a text as JavaScript counts them."""
    return len(text) + sum(character > "\uffff" for character in text)


def _is_number(value: object) -> TypeGuard[int | float]:
    # 1e999 is JSON, but neither language can write what it reads there.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER


def _is_count(value: object) -> TypeGuard[int]:
    # 1.0 is a whole number in JSON as JavaScript reads it; nobody writes it so.
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT


def written(value: object) -> str:
    """JSON, without spaces.

    Raises:
        RpcError: BAD_PAYLOAD, for what is none.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        try:
            text.encode()
        except UnicodeEncodeError:  # half of a pair of surrogates, which JSON can say and UTF-8 cannot
            text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise RpcError("BAD_PAYLOAD") from error
    return text


def hello_text(hello: Hello, timestamp: int) -> str:
    """The hello, as a ping that a plain peer answers like any other."""
    own: dict[str, object] = {
        "version": VERSION,
        "peer": hello.peer,
        "window": hello.window,
        "maxMessageBytes": hello.max_message_bytes,
        "deflate": hello.deflate,
        "resumable": hello.resumable,
    }
    if hello.resumed is not None:
        own["resumed"] = hello.resumed
    if hello.resume is not None:
        own["resume"] = hello.resume
    if hello.resume is not None or hello.resumed is True:
        own["received"] = {stream_id: list(pair) for stream_id, pair in hello.received.items()}
        own["sending"] = list(hello.sending)
    return written({"category": "ping", "timestamp": timestamp, "longwire": own})


def data_text(stream_id: str, texts: Sequence[str], index: int | None) -> str:
    """One item or several of a stream; `texts` are JSON."""
    quoted = written(stream_id)
    if index is None:
        return f'{{"type":"StreamData","streamId":{quoted},"payload":{texts[0]}}}'
    if len(texts) == 1:
        return f'{{"type":"StreamData","streamId":{quoted},"index":{index},"payload":{texts[0]}}}'
    return f'{{"type":"StreamBatch","streamId":{quoted},"index":{index},"payloads":[{",".join(texts)}]}}'


def data_bytes(stream_id: str, payload: bytes, index: int) -> bytes:
    """An item that is bytes."""
    header = written({"type": "StreamData", "streamId": stream_id, "index": index}).encode()
    return b"".join((bytes((BINARY_ITEM,)), len(header).to_bytes(2, "big"), header, payload))


def end_text(stream_id: str, error: WireError | None, count: int | None) -> str:
    """`count` is None for a plain peer, who knows an error as a text."""
    message: dict[str, object] = {"type": "StreamEnd" if error is None else "StreamError", "streamId": stream_id}
    if error is not None:
        message["error"] = error.message if count is None else error.as_json()
    if count is not None:
        message["count"] = count
    return written(message)


def size_of(data: str | bytes) -> int:
    """Bytes of a message on the wire, before it is deflated. Half of a pair of surrogates is sent as three."""
    if isinstance(data, bytes):
        return len(data)
    return len(data) if data.isascii() else len(data.encode("utf-8", "surrogatepass"))
