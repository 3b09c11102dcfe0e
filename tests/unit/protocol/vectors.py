"""Reads tests/vectors; the marks are explained in its README.md."""

import base64
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[2] / "vectors"

_MARKS: Final[dict[str, Callable[[Any], Any]]] = {
    "$bytes": lambda text: text,
    "$zeros": lambda size: base64.b64encode(bytes(size)).decode(),
    "$zeros64": lambda size: base64.b64encode(bytes(size)).decode(),
    "$text": lambda pair: pair[0] * pair[1],
    "$list": lambda pair: [native(pair[0])] * pair[1],
    "$number": float,
    "$proto": lambda fields: {**fields, "__proto__": 1},
}


def load(name: str) -> dict[str, Any]:
    """The file `name` as it stands."""
    vectors: dict[str, Any] = json.loads((FOLDER / name).read_text("utf-8"))
    return vectors


def native(value: Any) -> Any:
    """`value` with its marks replaced, bytes as the native hop has them."""
    if isinstance(value, list):
        return [native(item) for item in value]
    if not isinstance(value, dict):
        return value
    mark = next(iter(value), "")
    if mark in _MARKS:
        return _MARKS[mark](value[mark])
    return {key: native(item) for key, item in value.items()}


def wire(frame_hex: str) -> bytes:
    """The frames of a vector in this machine's byte order."""
    data = bytes.fromhex(frame_hex)
    if len(data) < 4:
        return data
    (size,) = struct.unpack_from("<I", data)
    return struct.pack("=I", size) + data[4:]
