"""A server that a test page scripts: it answers with exactly the bytes it is told to, when it is told to.

    /c/raw?head=…&body=…&then=…   a response, both parts base64url; the request body is read first
    /c/inspect                    the request as JSON: method, target, header pairs, body (one character per byte)
    /c/names                      of the request's header fields, as they were written, as JSON
    /c/digest                     of the request body: length and SHA-256
    /c/held?id=…                  as `raw`, but nothing is sent before `release` says so, piece by piece
    /c/release?id=…&bytes=…&then=…   more bytes of that response; `then` ends it
    /c/arrived?id=…&count=…  /c/gone?id=…    answered when that request is there, or its client has gone

`held` of one id may be asked for again: what is released after the end of one response is the next one's. `arrived`
waits for so many of them and gives the headers of the last. The last three are for any page to call and to read.
"""

import asyncio
import hashlib
import json
from base64 import urlsafe_b64decode
from typing import Literal, TypeAlias, cast

from tests.upstreams import bodies, faults
from tests.upstreams.connection import Request
from tests.upstreams.server import Handler

_Release: TypeAlias = tuple[bytes, str]
_OPEN = [("Access-Control-Allow-Origin", "*"), ("Cache-Control", "no-store"), ("Content-Type", "text/plain")]


def _bytes(request: Request, name: str) -> bytes:
    return urlsafe_b64decode(request.query.get(name, ""))


def _then(name: str) -> faults.Then:
    return cast("Literal['close', 'reset', 'hold', 'keep']", name)


async def raw(request: Request) -> None:
    """Head and body as they are in the query."""
    await request.body()
    body = b"" if request.method == "HEAD" else _bytes(request, "body")
    await request.connection.send(_bytes(request, "head") + body)
    await faults.finish(request, _then(request.query.get("then", "keep")))


async def inspect(request: Request) -> None:
    """What arrived. Unlike `uploads.echo` with the body itself."""
    body = await request.body()
    answer = {
        "method": request.method,
        "target": request.target,
        "headers": [(name.lower(), value) for name, value in request.headers],
        "body": body.decode("latin-1"),
    }
    await bodies.respond(
        request.connection,
        json.dumps(answer).encode(),
        headers=[("Content-Type", "application/json"), ("Cache-Control", "no-store")],
    )


async def names(request: Request) -> None:
    """How the names of the fields were written."""
    await request.body()
    answer = json.dumps([name for name, _ in request.headers]).encode()
    await bodies.respond(request.connection, answer, headers=[("Content-Type", "application/json")])


async def digest(request: Request) -> None:
    """Of a body that is too long to be shown."""
    body = await request.body()
    answer = json.dumps({"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()})
    await bodies.respond(request.connection, answer.encode(), headers=[("Content-Type", "application/json")])


class _Held:
    """One response that waits for its pieces."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.arrived = asyncio.Condition()
        self.gone = asyncio.Event()
        self.pieces: asyncio.Queue[_Release] = asyncio.Queue()


class Scripted:
    """The handlers above. One per server: what is held is held in its loop."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self.routes: dict[str, Handler] = {
            "/c/raw": raw,
            "/c/inspect": inspect,
            "/c/names": names,
            "/c/digest": digest,
            "/c/held": self._hold,
            "/c/release": self._release,
            "/c/arrived": self._arrived,
            "/c/gone": self._gone,
        }

    def _of(self, request: Request) -> _Held:
        return self._held.setdefault(request.query["id"], _Held())

    async def _hold(self, request: Request) -> None:
        held = self._of(request)
        async with held.arrived:
            held.requests.append(request)
            held.arrived.notify_all()
        # A client that goes away ends the wait for a piece.
        watching = asyncio.create_task(self._watch(request, held))
        try:
            if "early" not in request.query:
                await request.body()
            then = "keep"
            while not then.startswith("end"):
                piece, then = await held.pieces.get()
                if piece:
                    await request.connection.send(piece)
            await faults.finish(request, _then(then.removeprefix("end-")))
        finally:
            watching.cancel()
            if request.connection.gone.is_set():
                held.gone.set()

    @staticmethod
    async def _watch(request: Request, held: _Held) -> None:
        await request.connection.gone.wait()
        held.gone.set()
        held.pieces.put_nowait((b"", "end-keep"))

    async def _release(self, request: Request) -> None:
        self._of(request).pieces.put_nowait((_bytes(request, "bytes"), request.query.get("then", "more")))
        await bodies.respond(request.connection, b"", headers=_OPEN)

    async def _arrived(self, request: Request) -> None:
        held, count = self._of(request), int(request.query.get("count", "1"))
        async with held.arrived:
            await held.arrived.wait_for(lambda: len(held.requests) >= count)
        fields = {name.lower(): value for name, value in held.requests[-1].headers}
        await bodies.respond(request.connection, json.dumps(fields).encode(), headers=_OPEN)

    async def _gone(self, request: Request) -> None:
        await self._of(request).gone.wait()
        await bodies.respond(request.connection, b"", headers=_OPEN)
