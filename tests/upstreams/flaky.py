"""An upstream on a bad network: a seeded part of all requests is refused, reset, stalled, put off or cut."""

import random
from collections import defaultdict
from dataclasses import dataclass, field

from tests.upstreams import bodies
from tests.upstreams.connection import Request

# What happens to a request, and whether the server has begun to act on it when it does.
HARMLESS = ("refuse", "429", "429-date", "503")
HARMFUL = ("reset", "stall", "cut", "body-reset", "body-stall")


@dataclass(frozen=True)
class Sent:
    """One request of a call, as it came."""

    method: str
    fault: str | None
    last_event_id: str | None


@dataclass
class Flaky:
    """`/flaky/CALL`: an event stream of `events` numbered events and `[DONE]`, if all goes well.

    What goes wrong depends on `seed`, the call and how many times it has asked, and on nothing else. A `Last-Event-ID`
    continues behind that event. `refusing_port` is one that nobody listens on: a request that is to be refused is
    redirected there, for a port refuses all or none.
    """

    seed: str
    refusing_port: int
    part: float = 0.1
    events: int = 8
    sent: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))

    def text(self, call: str) -> str:
        """What a page has when it has read all of it."""
        return "".join(self._piece(call, number) for number in range(1, self.events + 1))

    async def __call__(self, request: Request) -> None:
        call = request.path.rpartition("/")[2]
        chance = random.Random(f"{self.seed}/{call}/{len(self.sent[call])}")
        fault = chance.choice(HARMLESS + HARMFUL) if chance.random() < self.part else None
        last = request.header("last-event-id")
        self.sent[call].append(Sent(request.method, fault, last))
        await request.body()
        if fault is None or fault in {"cut", "body-reset", "body-stall"}:
            await self._stream(request, call, int(last or 0), fault, chance)
        else:
            await self._refuse(request, fault)

    async def _refuse(self, request: Request, fault: str) -> None:
        connection = request.connection
        if fault == "refuse":
            target = f"http://127.0.0.1:{self.refusing_port}{request.target}"
            await bodies.respond(connection, b"", status=307, headers=[("Location", target)])
        elif fault == "reset":
            connection.reset()
        elif fault == "stall":
            await connection.gone.wait()
        elif fault == "429":
            await bodies.respond(connection, b"slow down", status=429, headers=[("Retry-After", "0")])
        elif fault == "429-date":
            now = "Sat, 21 Nov 2026 12:00:00 GMT"
            headers = [("Date", now), ("Retry-After", now)]
            await bodies.respond(connection, b"slow down", status=429, headers=headers)
        else:
            await bodies.respond(connection, b"busy", status=503)

    async def _stream(self, request: Request, call: str, after: int, fault: str | None, chance: random.Random) -> None:
        connection = request.connection
        await connection.send(
            bodies.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        )
        until = chance.randint(after, self.events - 1) if fault else self.events
        for number in range(after + 1, until + 1):
            event = f"id: {number}\ndata: {self._piece(call, number)}\n\n".encode()
            await connection.send(bodies.chunk(event))
        if fault is not None:
            # It ends inside an event.
            await connection.send(bodies.chunk(f"id: {until + 1}\ndata: {self._piece(call, until + 1)}"[:-2].encode()))
        if fault == "cut":
            connection.close()
        elif fault == "body-reset":
            connection.reset()
        elif fault == "body-stall":
            await connection.gone.wait()
        else:
            await connection.send(bodies.chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")

    def _piece(self, call: str, number: int) -> str:
        return f"{call}.{number} "
