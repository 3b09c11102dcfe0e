"""What the benchmark's servers do, as handlers under paths."""

import asyncio
import functools
import json
import random
import time

from tests.bench.bodies import KINDS, TYPES, Kind, event_data, pieces, vocabulary
from tests.upstreams import bodies
from tests.upstreams.connection import Request
from tests.upstreams.server import Routes

# So much of a paced stream's events is made before it begins, and used over and over.
_EVENTS = 500
# A server that has more to say than the socket takes writes about so much at a time.
_WRITE_BYTES = 16 * 1024


def add_to(routes: Routes) -> None:
    """
    /work?kind&size     a body of that kind (`bodies.Kind`)    /endless-work?kind    the same without an end
    /events?n&per_second    an answer's events, each with when it left; 0 a second: as fast as it goes
    /events?n&chunk=event   as fast as it goes, with each event as an HTTP chunk of its own
    /take   takes a request body and says how long that took     /quiet   a head, and nothing more     /tiny
    """
    routes.add("/work", work)
    routes.add("/endless-work", endless_work)
    routes.add("/events", events)
    routes.add("/take", take)
    routes.add("/quiet", quiet)
    routes.add("/tiny", tiny)


async def work(request: Request) -> None:
    """See `add_to`."""
    kind, size = _kind(request), int(request.query["size"])
    head = bodies.head(200, [("Content-Type", TYPES[kind]), ("Content-Length", str(size))])
    await request.connection.send(head)
    for piece in pieces(kind, size):
        await request.connection.send(bytes(piece))


async def endless_work(request: Request) -> None:
    """See `add_to`."""
    kind = _kind(request)
    await request.connection.send(bodies.head(200, [("Content-Type", TYPES[kind]), ("Connection", "close")]))
    while True:
        for piece in pieces(kind, 1 << 30):
            await request.connection.send(bytes(piece))


async def events(request: Request) -> None:
    """See `add_to`."""
    query = request.query
    count, per_second = int(query["n"]), float(query.get("per_second", "0"))
    connection = request.connection
    data = _event_datas()
    await connection.send(bodies.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]))
    if per_second:
        started = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, started + number / per_second - time.monotonic()))
            await connection.send(bodies.chunk(_event(number, data[number % _EVENTS])))
    else:
        one_each = query.get("chunk") == "event"
        waiting: list[bytes] = []
        size = 0
        for number in range(count):
            event = _event(number, data[number % _EVENTS])
            waiting.append(bodies.chunk(event) if one_each else event)
            size += len(event)
            if size >= _WRITE_BYTES or number == count - 1:
                written = b"".join(waiting)
                await connection.send(written if one_each else bodies.chunk(written))
                waiting, size = [], 0
    await connection.send(b"0\r\n\r\n")


async def take(request: Request) -> None:
    """See `add_to`. Milliseconds count from the first of the body to its end."""
    size, began = 0, 0.0
    async for piece in request.pieces():
        began = began or time.perf_counter()
        size += len(piece)
    milliseconds = (time.perf_counter() - began) * 1000
    answer = {"bytes": size, "milliseconds": milliseconds}
    await bodies.respond(
        request.connection, json.dumps(answer).encode(), headers=[("Content-Type", "application/json")]
    )


async def quiet(request: Request) -> None:
    """See `add_to`."""
    await request.connection.send(bodies.head(200, [("Content-Type", "text/event-stream"), ("Connection", "close")]))
    await request.connection.gone.wait()
    request.connection.keep_alive = False


async def tiny(request: Request) -> None:
    """See `add_to`."""
    await bodies.respond(request.connection, b"{}", headers=[("Content-Type", "application/json")])


def _event(number: int, data: str) -> bytes:
    """One with its id, and with the server's clock in milliseconds as a comment at its end."""
    return f"id: {number}\ndata: {data}\n: {time.time() * 1000:.3f}\n\n".encode()


def mean_event_bytes() -> float:
    """Of what `/events` sends."""
    return sum(len(_event(number, data)) for number, data in enumerate(_event_datas())) / _EVENTS


@functools.cache
def _event_datas() -> list[str]:
    source = random.Random(16)
    words = vocabulary(source)
    return [event_data(source, words, "answer") for _ in range(_EVENTS)]


def _kind(request: Request) -> Kind:
    (kind,) = [kind for kind in KINDS if kind == request.query["kind"]]
    return kind
