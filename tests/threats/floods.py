"""A quiet page beside a hostile neighbour, in one real host: for the test of row 15 and for the bench.

The neighbour is a page that floods the host with frames, or a server that floods it with bytes; see `FRAMES` and
`tests/upstreams/hostile.py`.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from longwire.protocol.frames import frame
from tests.host_process import PAGE, TERMINALS, HostProcess, grant
from tests.upstreams.hostile import CLOCK, FLOODS, HostileServer, path

QUIET_PAGE: Final = PAGE | {"origin": "http://localhost:5174", "tab": 2}
IN_AN_UPLOAD: Final = "interim answers in an upload"
SERVERS: Final = (*FLOODS, IN_AN_UPLOAD)
_QUIET, _ABORTED, _FIRST_HOSTILE = 11, 12, 20


def _frames(count: int, **message: Any) -> bytes:
    return frame(orjson.dumps(message)) * count


# Tiny frames, as many as go into one write. The streams that they name are not there.
FRAMES: Final = {
    "acknowledgements": _frames(2000, type="STREAM_ACK", id=9, consumed=0),
    "status requests": _frames(1000, type="STATUS_REQUEST", request=1, page=PAGE),
    "body pieces": _frames(1000, type="STREAM_BODY", id=9, offset=0, data="eA=="),
}
STARTS_AND_ABORTS: Final = "starts and aborts"
PAGES: Final = (*FRAMES, STARTS_AND_ABORTS)


def policy(hostile: HostileServer) -> str:
    """Either page may reach everything of the server."""
    quiet = grant(*hostile.origins, page=str(QUIET_PAGE["origin"])).replace('"test"', '"quiet"')
    return grant(*hostile.origins) + quiet.removeprefix("version = 1\n")


@dataclass
class Seen:
    """What the quiet page saw: how late each piece of its stream came, and how long its abort took. Milliseconds."""

    delays_ms: list[float] = field(default_factory=list)
    abort_ms: float = 0.0


def warm(host: HostProcess, hostile: HostileServer) -> None:
    """A first stream of each page, to its end: what is imported and compiled then is not the flood's doing."""
    host.hello()
    for number, page in ((1, QUIET_PAGE), (3, PAGE)):
        host.start(number, hostile.url(path("whole tiny fields")), page=page)
        host.expect("STREAM_ERROR")
        host.start(number + 1, hostile.url(CLOCK), page=page)
        host.expect("STREAM_CHUNK")
        host.send(type="STREAM_ABORT", id=number + 1, reason="signal")
        host.expect("STREAM_ABORTED")


def run(host: HostProcess, hostile: HostileServer, name: str, *, streams: int, pieces: int) -> Seen:
    """Read `pieces` of the quiet page's stream while the flood of that name goes on, then abort a stream of it.

    `streams` is how many the hostile page has open with its server at a time; what ends is begun again.
    """
    host.start(_QUIET, hostile.url(CLOCK), page=QUIET_PAGE)
    host.start(_ABORTED, hostile.url(CLOCK), page=QUIET_PAGE)
    numbers = iter(range(_FIRST_HOSTILE, 10_000_000))
    if name in FRAMES:
        with _fed(host, FRAMES[name]):
            return _read(host, pieces, lambda: None)
    if name == STARTS_AND_ABORTS:

        def both() -> None:
            number = next(numbers)
            host.start(number, hostile.url(path("one-byte chunks")))
            host.send(type="STREAM_ABORT", id=number, reason="signal")

        return _begin(host, pieces, streams, both)
    target = hostile.url(path("interim answers" if name == IN_AN_UPLOAD else name))
    upload = {"method": "POST", "body": {"kind": "stream"}} if name == IN_AN_UPLOAD else {}
    return _begin(host, pieces, streams, lambda: host.start(next(numbers), target, **upload))


def _begin(host: HostProcess, pieces: int, streams: int, begin: Any) -> Seen:
    for _ in range(streams):
        begin()
    return _read(host, pieces, begin)


def _read(host: HostProcess, pieces: int, again: Any) -> Seen:
    seen = Seen()
    asked_at = 0.0
    while (message := host.next()) is not None:
        number, kind = message.get("id"), message["type"]
        if kind == "STREAM_CHUNK":
            if number == _QUIET:
                seen.delays_ms.append(1000 * (message["at"] - float(message["data"].split(b"\n")[-2])))
            host.send(type="STREAM_ACK", id=number, consumed=message["offset"] + len(message["data"]))
        elif number == _ABORTED and kind == "STREAM_ABORTED":
            seen.abort_ms = 1000 * (message["at"] - asked_at)
            return seen
        elif kind in TERMINALS and not asked_at:
            assert number not in (_QUIET, _ABORTED), message
            again()
        if len(seen.delays_ms) >= pieces and not asked_at:
            asked_at = time.monotonic()
            host.send(type="STREAM_ABORT", id=_ABORTED, reason="signal")
    raise AssertionError(f"the host ended; stderr: {host.stderr()}")


@contextmanager
def _fed(host: HostProcess, block: bytes) -> Iterator[None]:
    """`block` to the host's input again and again, between the frames of the quiet page."""
    over = threading.Event()

    def feed() -> None:
        while not over.is_set():
            host.feed(block)

    thread = threading.Thread(target=feed, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
