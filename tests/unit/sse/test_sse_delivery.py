"""The response before a server that a test plays: what is sent when, and every way in which it can end."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from longwire.sse import Event, EventResponse, delivery
from tests.unit.sse.serving import PATIENCE_S, two, two_events

Message = dict[str, Any]
ERROR = Event("error", {"code": "internal", "message": "The server failed", "retryable": False}).encoded


class Server:
    """Plays the server of one request: `leave` is the client's, `hold` keeps it from reading, `broken` is sending."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.leave = anyio.Event()
        self.hold = False
        self.held = anyio.Event()
        self.broken: Exception | None = None
        self._sending = False

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)

    @property
    def whole(self) -> bool:
        return self.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}

    async def receive(self) -> Message:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        assert not self._sending, "two at once"
        if self.broken is not None:
            raise self.broken
        self._sending = True
        try:
            if self.hold:
                self.held.set()
                await anyio.Event().wait()
            await anyio.lowlevel.checkpoint()
            self.sent.append(message)
        finally:
            self._sending = False

    async def ask(self, response: Callable[..., Awaitable[None]], *headers: tuple[bytes, bytes]) -> None:
        scope = {"type": "http", "method": "GET", "headers": list(headers)}
        with anyio.fail_after(PATIENCE_S):
            await response(scope, self.receive, self.send)


class Steps:
    """Writes down what a producer did."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def clean_up(self, name: str) -> None:
        await asyncio.sleep(0.001)
        self.taken.append(name)


async def test_the_producer_goes_no_further_than_the_client_reads() -> None:
    server, steps = Server(), Steps()

    async def producer(_: str | None) -> AsyncIterator[Event]:
        try:
            yield Event("text", "1")
            steps.taken.append("first read")
            server.hold = True
            yield Event("text", "2")
            steps.taken.append("second read")
        finally:
            await steps.clean_up("closed")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.ask, EventResponse(producer))
        await server.held.wait()
        assert steps.taken == ["first read"]
        server.leave.set()
    assert steps.taken == ["first read", "closed"]
    assert server.body == Event("text", "1").encoded and not server.whole


async def test_a_heartbeat_waits_its_turn_and_none_pile_up() -> None:
    server, released = Server(), anyio.Event()

    async def send(message: Any) -> None:
        await server.send(message)
        if message.get("body") == b":\n" and server.body.count(b":") == 3:
            released.set()

    async def producer(_: str | None) -> AsyncIterator[Event]:
        await released.wait()
        for _number in range(20):
            yield Event("done")

    response = EventResponse(producer, heartbeat_s=0.0001)
    await response({"type": "http", "method": "GET", "headers": []}, server.receive, send)
    assert server.body.startswith(b":\n:\n:\n") and server.body.count(b'"done"') == 20 and server.whole


async def test_the_head_leaves_before_there_is_an_event() -> None:
    server = Server()

    async def producer(_: str | None) -> AsyncIterator[Event]:
        # hypercorn keeps the head until a body comes.
        assert [message["type"] for message in server.sent] == ["http.response.start", "http.response.body"]
        assert server.sent[1] == {"type": "http.response.body", "body": b"", "more_body": True}
        yield Event("done")

    await server.ask(EventResponse(producer))
    assert server.body == Event("done").encoded


async def test_no_heartbeat_comes_behind_the_end() -> None:
    server = Server()

    async def send(message: Any) -> None:
        await server.send(message)
        if server.whole:
            await anyio.sleep(0.01)  # time for many, if any could come

    response = EventResponse(two_events, heartbeat_s=0.0001)
    await response({"type": "http", "method": "GET", "headers": []}, server.receive, send)
    assert server.whole


@pytest.mark.parametrize("error", [BrokenPipeError(), ConnectionResetError()], ids=["pipe", "reset"])
@pytest.mark.parametrize("heartbeat_s", [30.0, 0.001], ids=["by an event", "by a heartbeat"])
async def test_a_server_that_says_by_an_error_that_the_client_left(error: OSError, heartbeat_s: float) -> None:
    server, steps = Server(), Steps()

    async def producer(_: str | None) -> AsyncIterator[Event]:
        try:
            yield Event("text", "1")
            server.broken = error
            if heartbeat_s < 1:
                await anyio.Event().wait()
            yield Event("text", "2")
            steps.taken.append("went on")
        finally:
            await steps.clean_up("closed")

    await server.ask(EventResponse(producer, heartbeat_s=heartbeat_s))
    assert steps.taken == ["closed"]


async def test_a_server_that_fails_hears_of_its_own_failure() -> None:
    server, steps = Server(), Steps()

    async def producer(_: str | None) -> AsyncIterator[Event]:
        try:
            server.broken = RuntimeError("out of turn")
            yield Event("text", "1")
        finally:
            await steps.clean_up("closed")

    with pytest.raises(RuntimeError, match="out of turn"):
        await server.ask(EventResponse(producer))
    assert steps.taken == ["closed"]


async def test_a_receive_that_fails_ends_it_too() -> None:
    server, steps = Server(), Steps()

    async def receive() -> Message:
        await server.leave.wait()
        raise RuntimeError("out of turn")

    async def producer(_: str | None) -> AsyncIterator[Event]:
        try:
            yield Event("text", "1")
            server.leave.set()
            await anyio.Event().wait()
        finally:
            await steps.clean_up("closed")

    with pytest.raises(RuntimeError, match="out of turn"):
        await EventResponse(producer)({"type": "http", "method": "GET", "headers": []}, receive, server.send)
    assert steps.taken == ["closed"]


@pytest.mark.parametrize("level", [False, True], ids=["by asyncio", "by anyio"])
async def test_a_server_that_stops_closes_the_producer(level: bool) -> None:
    server, steps, waiting = Server(), Steps(), anyio.Event()

    async def producer(_: str | None) -> AsyncIterator[Event]:
        try:
            server.hold = True
            waiting.set()
            yield Event("text", "1")
        finally:
            await steps.clean_up("closed")

    if level:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.ask, EventResponse(producer))
            await server.held.wait()
            tasks.cancel_scope.cancel()
    else:
        task = asyncio.create_task(server.ask(EventResponse(producer)))
        await server.held.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert steps.taken == ["closed"]


async def test_a_producer_that_goes_on_behind_its_cancellation_is_closed() -> None:
    server, steps = Server(), Steps()

    async def producer(_: str | None) -> AsyncIterator[Event]:
        try:
            server.leave.set()
            try:
                await anyio.Event().wait()
            except asyncio.CancelledError:
                steps.taken.append("cancelled")
            yield Event("text", "nobody reads this")
            steps.taken.append("went on")
        finally:
            await steps.clean_up("closed")

    await server.ask(EventResponse(producer))
    assert steps.taken == ["cancelled", "closed"] and server.body == b""


@pytest.mark.parametrize("where", ["waiting", "yielding"])
async def test_a_clean_up_that_never_ends_is_given_up(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "CLOSE_S", 0.01)
    server, steps = Server(), Steps()

    async def producer(_: str | None) -> AsyncIterator[Event]:
        try:
            server.leave.set()
            if where == "waiting":
                await anyio.Event().wait()
            server.hold = True
            yield Event("text", "1")
        finally:
            steps.taken.append("closing")
            await anyio.Event().wait()

    await server.ask(EventResponse(producer))
    assert steps.taken == ["closing"]


async def test_a_failure_of_the_clean_up_is_the_servers_to_know() -> None:
    server = Server()

    async def producer(_: str | None) -> AsyncIterator[Event]:
        try:
            server.leave.set()
            await anyio.Event().wait()
        finally:
            raise LookupError("no pool")
        yield

    with pytest.raises(LookupError, match="no pool"):
        await server.ask(EventResponse(producer))
    assert server.body == b""


@pytest.mark.parametrize("error", [LookupError("s3cret"), TimeoutError("s3cret"), OSError("s3cret")], ids=repr)
async def test_a_failure_before_the_first_event_is_an_event_and_is_raised_behind_it(error: Exception) -> None:
    server = Server()

    async def producer(_: str | None) -> AsyncIterator[Event]:
        raise error
        yield

    with pytest.raises(type(error), match="s3cret"):
        await server.ask(EventResponse(producer))
    assert server.body == ERROR and server.whole


async def test_an_iterator_that_is_no_generator_serves_too() -> None:
    class Numbers:
        def __init__(self) -> None:
            self._left: Iterator[int] = iter(range(2))

        def __aiter__(self) -> "Numbers":
            return self

        async def __anext__(self) -> Event:
            for number in self._left:
                return Event("text", number)
            raise StopAsyncIteration

    server = Server()
    await server.ask(EventResponse(Numbers()))
    assert server.body == Event("text", 0).encoded + Event("text", 1).encoded and server.whole


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([(b"last-event-id", b"")], None),
        ([(b"accept", b"*/*"), (b"Last-Event-ID", b"7")], "7"),
        ([(b"last-event-id", "\u20ac 7".encode())], "\u20ac 7"),
        ([(b"last-event-id", b"\xff7")], "\ufffd7"),
    ],
    ids=["none", "empty", "one", "utf-8", "not utf-8"],
)
async def test_the_producer_gets_the_last_id(headers: list[tuple[bytes, bytes]], expected: str | None) -> None:
    asked: list[str | None] = []

    def producer(last_event_id: str | None) -> AsyncIterator[Event]:
        asked.append(last_event_id)
        return two_events(last_event_id)

    await Server().ask(EventResponse(producer), *headers)
    assert asked == [expected]


# --- misuse, which says what to do ------------------------------------------------------------------------------------


async def test_a_generator_serves_one_request_and_a_function_any_number() -> None:
    function, generator = two(), EventResponse(two_events(None))
    for response in (function, function, generator):
        await Server().ask(response)
    server = Server()
    with pytest.raises(RuntimeError, match="the function that makes it"):
        await server.ask(generator)
    assert server.sent == []


async def test_a_function_that_gives_no_events_fails_before_anything_is_sent() -> None:
    def producer(_: str | None) -> Any:
        return [Event("done")]

    server = Server()
    with pytest.raises(TypeError, match="`async def` with `yield`"):
        await server.ask(EventResponse(producer))
    assert server.sent == []


def test_what_can_be_no_producer_is_refused_at_once() -> None:
    events: Any = iter([Event("done")])
    with pytest.raises(TypeError, match="`async def` with `yield`"):
        EventResponse(events)
    for seconds in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="heartbeat_s"):
            EventResponse(two_events, heartbeat_s=seconds)


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_it_answers_http_requests_and_nothing_else(kind: str) -> None:
    server = Server()
    with pytest.raises(TypeError, match=kind):
        await two()({"type": kind}, server.receive, server.send)


def test_importing_it_brings_nothing_else_of_the_host_and_no_framework() -> None:
    script = "import sys; before = set(sys.modules); import longwire.sse; print(*set(sys.modules) - before)"
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    loaded = run.stdout.split()
    ours = {name for name in loaded if name.startswith("longwire")}
    assert {name for name in ours if not name.startswith("longwire.sse")} == {"longwire"}
    others = {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names - {"longwire"}
    assert others <= {"anyio", "idna", "sniffio", "typing_extensions"}
