"""A bare native host: answers {"megabytes": n} with that much body in frames of 256 KiB, as fast as the pipe takes."""

import base64
import json
import os
import struct
import sys

BODY_BYTES = 256 * 1024


def read_exactly(size: int) -> bytes:
    """From standard input."""
    data = b""
    while len(data) < size:
        piece = os.read(0, size - len(data))
        if not piece:
            sys.exit(0)
        data += piece
    return data


def write(payload: bytes) -> None:
    """One frame."""
    view = memoryview(struct.pack("=I", len(payload)) + payload)
    while view:
        view = view[os.write(1, view) :]


def main() -> None:
    """Serve until the browser lets go. The same 256 KiB over and over: JSON does not care."""
    data = base64.b64encode(os.urandom(BODY_BYTES)).decode()
    while True:
        (size,) = struct.unpack("=I", read_exactly(4))
        megabytes = json.loads(read_exactly(size))["megabytes"]
        for number in range(megabytes * 1_000_000 // BODY_BYTES):
            frame = f'{{"type":"STREAM_CHUNK","id":1,"offset":{number * BODY_BYTES},"data":"{data}"}}'
            write(frame.encode())
        write(b'{"type":"END"}')


main()
