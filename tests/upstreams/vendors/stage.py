"""What goes out and when, under the test's control, and a record of the order in which things happened.

A page and an upstream are one server here under two names, so that both kinds of fetch meet the same handlers: the
browser's own at `http://localhost:PORT`, where the page comes from, Longwire's at `http://127.0.0.1:PORT`.

The page tells the stage what it sees, by requests to `/stage/...` that go through the browser's own fetch:

    /stage/seen       this text has been given out by the client; the next piece goes out when all of the last was
    /stage/held?n=N   back when the answer has been held back N times
    /stage/go         let it go on
    /stage/aborted    back when the client's connection is gone, which it must be within a second
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

from tests.patience import PATIENCE_S
from tests.upstreams import bodies
from tests.upstreams.connection import Connection, Request
from tests.upstreams.server import Routes
from tests.upstreams.vendors import mcp
from tests.upstreams.vendors.wire import Answer, Piece, Wire, cut_in_characters, json_answer

# Patience with a busy machine; tests/e2e/test_abort.py measures the second that an abort has (I6 of the protocol).
GONE_WITHIN_S: Final = PATIENCE_S
# Nothing is paced by this: it ends a case that hangs.
STUCK_AFTER_S: Final = PATIENCE_S
# After so many pieces a stream fails, where it is to fail.
_FAILS_AFTER: Final = 2


class Scenario(StrEnum):
    """What an upstream does in one case."""

    WHOLE = "whole"
    STREAM = "stream"
    SPLIT = "split"
    SLOW = "slow"
    STATUS = "status"
    REFUSED = "refused"
    RETRIED = "retried"
    BUSY = "busy"
    FAILURE = "failure"
    CUT = "cut"
    ABORT_WAITING = "abort-waiting"
    ABORT_STREAMING = "abort-streaming"


# Held back before the head.
_HELD: Final = frozenset({Scenario.SLOW, Scenario.ABORT_WAITING})
# What comes in place of an answer. After a head that says two things a browser does not send the request again by
# itself, as it may after a close: a second request is then the client's.
_NO_ANSWER: Final = {
    Scenario.REFUSED: b"",
    Scenario.RETRIED: bodies.head(200, [("Content-Length", "4"), ("Content-Length", "5")]),
}

# Those in which the client does not ask for a stream.
WHOLE: Final = frozenset({Scenario.WHOLE, Scenario.RETRIED, Scenario.BUSY})
# Both ways to say how long, the standard's in seconds and the one in milliseconds that OpenAI and Anthropic add.
_LATER: Final = json_answer(503, {"error": {"message": "Overloaded"}}, {"Retry-After": "0", "retry-after-ms": "1"})

KeyKind: TypeAlias = Literal["injected", "dummy", "wrong"]


@dataclass(frozen=True)
class Asked:
    """A request, as far as it is the client's own doing."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any
    # Which key came with it; never the key itself, which a failing test would print.
    key: KeyKind


@dataclass
class Case:
    """One run of one client."""

    scenario: Scenario
    # Requests to the wire, in order of arrival.
    asked: list[Asked] = field(default_factory=list)
    # Texts of pieces that were sent, and those of them that the page had shown before the next was sent.
    sent: list[str] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)
    seen: str = ""
    held: int = 0
    let_go: int = 0
    attempts: int = 0
    # The connection that an abort must end, and whether it did in time.
    playing: Connection | None = None
    gone_in_time: bool | None = None


class Stage:
    """One case at a time. `keys`: by wire, what a host puts in for the `dummy` that is all a page has.

    The upstream wants the one, the page's own origin the other.
    """

    def __init__(self, keys: Mapping[str, str], dummy: str) -> None:
        self._keys = keys
        self._dummy = dummy
        self._changed = asyncio.Event()
        self.case = Case(Scenario.WHOLE)

    def begin(self, scenario: Scenario) -> None:
        """A new case; in the server's loop."""
        self.case = Case(scenario)
        self._note()

    def add_to(self, routes: Routes, *wires: Wire) -> None:
        """Serve these wires below their names, and the page's messages."""
        for wire in wires:
            routes.add(f"/{wire.name}/", self._serving(wire))
        for name, handler in {
            "seen": self._take_seen,
            "held": self._await_held,
            "go": self._let_go,
            "aborted": self._await_gone,
        }.items():
            routes.add(f"/stage/{name}", handler)

    # --- the service --------------------------------------------------------------------------------------------------

    def _serving(self, wire: Wire) -> Callable[[Request], Any]:
        async def handler(request: Request) -> None:
            # One connection a request: the browser re-sends by itself what fails on a connection that it used before.
            request.connection.keep_alive = False
            body = await request.body()
            headers = {name.lower(): value for name, value in request.headers}
            key = headers.pop(wire.key_header.lower(), None)
            if request.path == f"/{wire.name}/health":
                return await _answer(request.connection, json_answer(200, {"healthy": True}))
            asked = Asked(request.method, request.target, headers, _decoded(body), self._kind(wire, key))
            if asked.key != ("injected" if headers["host"].startswith("127.0.0.1:") else "dummy"):
                self.case.asked.append(asked)
                return await _answer(request.connection, json_answer(401, {"error": "not the key of this upstream"}))
            if wire is mcp.TOOLS and (around := mcp.around(request.method, headers, body)) is not None:
                return await _answer(request.connection, around)
            self.case.asked.append(asked)
            self.case.attempts += 1
            self.case.playing = request.connection
            return await self._play(request.connection, wire, headers)

        return handler

    def _kind(self, wire: Wire, key: str | None) -> KeyKind:
        if key == wire.key_prefix + self._keys[wire.name]:
            return "injected"
        return "dummy" if key == wire.key_prefix + self._dummy else "wrong"

    async def _play(self, connection: Connection, wire: Wire, headers: Mapping[str, str]) -> None:
        case = self.case
        scenario = case.scenario
        if scenario in _NO_ANSWER and (scenario is Scenario.REFUSED or case.attempts == 1):
            await connection.send(_NO_ANSWER[scenario])
            return connection.close()
        if (answer := self._answer_to(wire)) is not None:
            return await _answer(connection, answer)
        if scenario in _HELD and not await self._hold(connection):
            return None
        fields = [("Content-Type", wire.media_type), *wire.headers, *_CHUNKED]
        await connection.send(bodies.head(200, fields, "OK"))
        if scenario is Scenario.SLOW:
            # Once more, between the head and the first byte of the stream proper.
            if wire.early:
                await connection.send(bodies.chunk(wire.early))
            if not await self._hold(connection):
                return None
        await self._stream(connection, wire, headers)
        return connection.close()

    def _answer_to(self, wire: Wire) -> Answer | None:
        """What is answered in one, if it is not a stream."""
        if self.case.scenario is Scenario.STATUS:
            return wire.refusal
        if self.case.scenario is Scenario.BUSY and self.case.attempts == 1:
            return _LATER
        return wire.whole if self.case.scenario in WHOLE else None

    async def _stream(self, connection: Connection, wire: Wire, headers: Mapping[str, str]) -> None:
        case = self.case
        pieces = cut_in_characters(wire.pieces) if case.scenario is Scenario.SPLIT else list(wire.pieces)
        last = headers.get("last-event-id", "")
        start = int(last) + 1 if wire.resumes and last else 0
        for number, piece in enumerate(pieces[start:], start):
            if number == _FAILS_AFTER and case.scenario is Scenario.FAILURE:
                return await connection.send(bodies.chunk(wire.failure) + b"0\r\n\r\n")
            if number == _FAILS_AFTER and case.scenario is Scenario.CUT and start == 0:
                # The chunk that says "this was all" never comes.
                return None
            await connection.send(bodies.chunk(piece.data))
            if not await self._shown(piece):
                return None
            if case.scenario is Scenario.ABORT_STREAMING:
                await connection.gone.wait()
                return None
        return await connection.send(b"0\r\n\r\n")

    async def _shown(self, piece: Piece) -> bool:
        """Wait until the page shows it; False if it never does."""
        case = self.case
        if not piece.shows:
            return True
        case.sent.append(piece.shows)
        everything = "".join(case.sent)
        try:
            # More than that is the first half of the next, where text is shown as it comes.
            await self._until(lambda: case.seen.startswith(everything))
        except TimeoutError:
            return False
        case.confirmed.append(piece.shows)
        return True

    async def _hold(self, connection: Connection) -> bool:
        """Wait until the page says `go`; False if the client goes before."""
        case = self.case
        case.held += 1
        self._note()
        gone = asyncio.ensure_future(connection.gone.wait())
        going = asyncio.ensure_future(self._until(lambda: case.let_go >= case.held))
        await asyncio.wait({gone, going}, return_when=asyncio.FIRST_COMPLETED)
        let_go = going.done() and going.exception() is None
        for waiting in (gone, going):
            waiting.cancel()
        return let_go

    # --- the page -----------------------------------------------------------------------------------------------------

    async def _take_seen(self, request: Request) -> None:
        self.case.seen += (await request.body()).decode()
        self._note()
        await _answer(request.connection, Answer(204, b"", ()))

    async def _await_held(self, request: Request) -> None:
        await request.body()
        try:
            await self._until(lambda: self.case.held >= int(request.query["n"]))
        except TimeoutError:
            return await _answer(request.connection, Answer(504, b"", ()))
        return await _answer(request.connection, Answer(204, b"", ()))

    async def _let_go(self, request: Request) -> None:
        await request.body()
        self.case.let_go += 1
        self._note()
        await _answer(request.connection, Answer(204, b"", ()))

    async def _await_gone(self, request: Request) -> None:
        case = self.case
        assert case.playing is not None
        try:
            await case.playing.wait_gone(GONE_WITHIN_S)
            case.gone_in_time = True
        except TimeoutError:
            case.gone_in_time = False
        await request.body()
        await _answer(request.connection, Answer(204, b"", ()))

    def _note(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(STUCK_AFTER_S):
            while not reached():
                await self._changed.wait()


_CHUNKED: Final = (("Transfer-Encoding", "chunked"), ("Connection", "close"))


async def _answer(connection: Connection, answer: Answer) -> None:
    """A whole response, and the end of its connection."""
    connection.keep_alive = False
    headers = [*answer.headers, ("Connection", "close")]
    await bodies.respond(connection, answer.body, status=answer.status, headers=headers)
    connection.close()


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()
