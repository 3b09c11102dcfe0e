"""A bare native host: does what the worker orders, as fast as the pipe takes it, and knows nothing of streams."""

import base64
import json
import os
import struct
import sys
import time

# So much body is made before the first frame leaves, of random bytes, and then sent over and over.
MADE_BYTES = 16 * 1024 * 1024
READ_BYTES = 1024 * 1024
REPORT_EVERY = 4


def read_exactly(size: int) -> bytes:
    """From standard input."""
    data = bytearray()
    while len(data) < size:
        piece = os.read(0, min(READ_BYTES, size - len(data)))
        if not piece:
            sys.exit(0)
        data += piece
    return bytes(data)


def write(payload: bytes) -> None:
    """One frame."""
    view = memoryview(struct.pack("=I", len(payload)) + payload)
    while view:
        view = view[os.write(1, view) :]


def down(order: dict) -> None:  # type: ignore[type-arg]
    """Frames with `body_bytes` of body each until `megabytes` are sent; beside them `events` small messages.

    A small message waits for no more than the frame that is being written when it is due. Without frames it waits for
    nothing.
    """
    size, events, pause_s = order["body_bytes"], order.get("events", 0), 1 / order.get("per_second", 100)
    datas = [base64.b64encode(os.urandom(size)) for _ in range(MADE_BYTES // size if order["megabytes"] else 0)]
    frames = order["megabytes"] * 1_000_000 // size
    ahead = order.get("ahead_bytes", 0) // size
    started, sent, number, taken = time.time(), 0, 0, 0
    while number < frames or sent < events:
        due = started + sent * pause_s
        if sent < events and time.time() >= due:
            write(b'{"at":%.3f,"data":"%s"}' % (due * 1000, b"x" * 100))
            sent += 1
        # Where events count, frames are what keeps the channel busy until the last of them.
        elif datas and (number < frames or events):
            while ahead and number - taken > ahead:
                (length,) = struct.unpack("=I", read_exactly(4))
                taken = json.loads(read_exactly(length))["taken"]
            data = datas[number % len(datas)]
            write(b'{"type":"STREAM_CHUNK","id":1,"offset":%d,"data":"%b"}' % (number * size, data))
            number += 1
        else:
            time.sleep(max(0.0, due - time.time()))
    write(b'{"type":"END"}')


def up(order: dict) -> None:  # type: ignore[type-arg]
    """Read as many frames as `megabytes` take, and say now and then how many were read."""
    frames = order["megabytes"] * 1_000_000 // order["body_bytes"]
    began = 0.0
    for number in range(1, frames + 1):
        (size,) = struct.unpack("=I", read_exactly(4))
        began = began or time.perf_counter()
        read_exactly(size)
        if number % REPORT_EVERY == 0:
            write(b'{"read":%d}' % number)
    write(b'{"type":"END","milliseconds":%.3f}' % ((time.perf_counter() - began) * 1000))


def main() -> None:
    """Serve until the browser lets go."""
    while True:
        (size,) = struct.unpack("=I", read_exactly(4))
        order = json.loads(read_exactly(size))
        (up if order.get("up") else down)(order)


main()
