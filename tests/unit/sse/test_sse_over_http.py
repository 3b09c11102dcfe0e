"""The response behind a real uvicorn: its bytes, its end, its errors, and what is between it and the page."""

import logging
import threading
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from longwire.sse import Event, EventResponse, TextEvent
from tests.unit.sse.reading import ClientLibrary
from tests.unit.sse.serving import PATIENCE_S, Client, Served, Watched, two, two_events

HEADERS = (
    b"content-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-store, no-transform\r\n"
    b"x-accel-buffering: no\r\n"
)
FIRST = b'data: {"type":"text","data":"first"}\n\n'


def routed(response: object, *middleware: Middleware) -> Starlette:
    """A Starlette application whose one route returns it."""

    async def route(request: Request) -> object:
        return response

    return Starlette(routes=[Route("/", route, methods=["GET", "POST"])], middleware=middleware)


class Passing(BaseHTTPMiddleware):
    """What people write with BaseHTTPMiddleware."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["x-passed"] = "yes"
        return response


def test_every_byte_of_a_short_answer() -> None:
    with Served(two()) as served, Client(served) as client:
        answer = client.ask("GET", "Last-Event-ID: n\u00e4\u00efve", "Connection: close").rest()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and HEADERS in head + b"\r\n"
    assert b"content-length" not in head.lower()
    first = b'id: 1\ndata: {"type":"text","data":"behind n\xc3\xa4\xc3\xafve"}\n\n'
    done = b'data: {"type":"done"}\n\n'
    assert body == b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(first), first, len(done), done)


def test_head_and_each_event_leave_at_once() -> None:
    release = [threading.Event(), threading.Event()]

    async def gated(_: str | None) -> AsyncIterator[Event]:
        for number, gate in enumerate(release):
            await anyio.to_thread.run_sync(gate.wait, PATIENCE_S)
            yield Event("text", str(number))

    with (
        Served(EventResponse(gated)) as served,
        httpx2.Client(timeout=PATIENCE_S) as http,
        http.stream("GET", served.url) as response,
    ):
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        pieces = response.iter_bytes()
        for number, gate in enumerate(release):
            gate.set()
            assert next(pieces) == Event("text", str(number)).encoded
        assert list(pieces) == []


def test_the_client_library_reads_a_whole_answer() -> None:
    with Served(two()) as served, httpx2.Client() as http, ClientLibrary(json=True) as page:
        text, done = page.read(http.get(served.url).content)
    assert (text["type"], text["text"], text["id"], done["type"]) == ("text", "behind None", "1", "done")


def test_silence_is_broken_by_comments_that_no_reader_takes_for_events() -> None:
    enough = threading.Event()

    async def quiet(_: str | None) -> AsyncIterator[Event | TextEvent]:
        yield Event("text", "first")
        await anyio.to_thread.run_sync(enough.wait, PATIENCE_S)
        yield Event("done")

    with Served(EventResponse(quiet, heartbeat_s=0.01)) as served, Client(served) as client:
        client.ask("GET", "Connection: close").until(FIRST)
        assert client.until(b":\n\r\n2\r\n:\n\r\n") == b"\r\n2\r\n:\n\r\n2\r\n:\n\r\n"
        enough.set()
        rest = client.rest()
    assert rest.endswith(b'data: {"type":"done"}\n\n\r\n0\r\n\r\n')
    with ClientLibrary(json=True) as page:
        beaten = page.read(b":\n" + FIRST + b":\n:\n" + Event("done").encoded)
    assert [event["type"] for event in beaten] == ["text", "done"]


def test_a_connection_serves_on_after_the_end() -> None:
    with Served(two()) as served, Client(served) as client:
        for number in ("1", "2"):
            client.ask("GET", f"Last-Event-ID: {number}")
            assert f"behind {number}".encode() in client.until(b"0\r\n\r\n")


def test_requests_in_a_pipeline_are_answered_in_turn() -> None:
    with Served(two()) as served, Client(served) as client:
        client.ask("GET", "Last-Event-ID: 1").ask("GET", "Last-Event-ID: 2", "Connection: close")
        assert b"behind 1" in client.until(b"0\r\n\r\n")
        assert b"behind 2" in client.until(b"0\r\n\r\n")


def test_a_post_whose_body_nobody_read_is_answered() -> None:
    with Served(two()) as served, Client(served) as client:
        client.ask("POST", "Content-Length: 2", "Connection: close", body="{}")
        assert b'"done"' in client.rest()


def test_a_head_request_gets_the_head_and_starts_no_producer() -> None:
    watched = Watched()
    for source in (watched.waiting, watched.waiting(None)):
        with Served(EventResponse(source)) as served, Client(served) as client:
            answer = client.ask("HEAD", "Connection: close").rest()
        assert HEADERS in answer and answer.endswith(b"\r\n\r\n")
    assert watched.opened == []


def test_a_head_request_closes_a_generator_that_the_route_has_begun() -> None:
    watched = Watched()
    kept: list[object] = []  # one that nobody knew would be closed as garbage

    async def app(scope: Any, receive: Any, send: Any) -> None:
        events = watched.waiting(None)
        kept.append(events)
        await anext(events)
        await EventResponse(events)(scope, receive, send)

    with Served(app, lifespan="off") as served, Client(served) as client:
        client.ask("HEAD", "Connection: close").rest()
        watched.wait_closed()


# --- errors -----------------------------------------------------------------------------------------------------------


async def failing(_: str | None) -> AsyncIterator[Event]:
    yield Event("text", "first")
    raise LookupError("the password is hunter2")


@pytest.mark.parametrize("app", [EventResponse(failing), routed(EventResponse(failing))], ids=["bare", "starlette"])
def test_a_failure_is_one_event_without_its_text_and_is_in_the_servers_log(
    app: object, caplog: pytest.LogCaptureFixture
) -> None:
    with Served(app) as served, Client(served) as client, ClientLibrary(json=True) as page:
        answer = client.ask("GET").rest()
        body = answer.partition(FIRST)[2].split(b"\r\n")[2]
        (event,) = page.read(body)
    assert event["type"] == "error"
    assert event["data"] == {"code": "internal", "message": "The server failed", "retryable": False}
    assert answer.endswith(b"\n\n\r\n0\r\n\r\n") and b"hunter2" not in answer
    (record,) = [record for record in caplog.records if record.exc_info]
    assert record.exc_info is not None and isinstance(record.exc_info[1], LookupError)


async def wrong(_: str | None) -> AsyncIterator[Event]:
    yield "data: forged\n\n"  # type: ignore[misc]


def test_what_is_no_event_is_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    with Served(EventResponse(wrong)) as served, Client(served) as client:
        answer = client.ask("GET").rest()
    assert b"forged" not in answer and b'"type":"error"' in answer
    assert "yield Event(...) or TextEvent(...) instead of a str" in caplog.text


# --- what is between --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "middleware",
    [[], [Middleware(GZipMiddleware, minimum_size=1)], [Middleware(Passing)], [Middleware(Passing)] * 3],
    ids=["nothing", "gzip", "base", "three bases"],
)
def test_behind_middleware_an_event_still_leaves_at_once_and_leaving_still_closes(middleware: list[Middleware]) -> None:
    watched = Watched()
    with Served(routed(EventResponse(watched.waiting), *middleware)) as served:
        with Client(served) as client:
            client.ask("GET", "Accept-Encoding: gzip").until(FIRST)
        watched.wait_closed()


def test_starlette_runs_a_background_task_when_the_answer_is_over() -> None:
    ran = threading.Event()

    async def run() -> None:
        ran.set()

    response = two()
    response.background = BackgroundTask(run)
    with Served(routed(response)) as served, Client(served) as client:
        client.ask("GET", "Connection: close").rest()
        assert ran.wait(PATIENCE_S)


def test_where_starlette_is_in_use_it_is_a_response_with_all_that_one_has() -> None:
    response: object = EventResponse(two_events)
    assert isinstance(response, Response) and isinstance(response, EventResponse)
    response.headers["access-control-allow-origin"] = "*"
    response.set_cookie("a", "b")
    with Served(response) as served, Client(served) as client:
        answer = client.ask("GET", "Connection: close").rest()
    assert b"access-control-allow-origin: *\r\n" in answer and b"set-cookie: a=b;" in answer


def test_as_an_application_of_its_own_it_lets_a_server_start(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Served(two()) as served, Client(served) as client:
        assert b'"done"' in client.ask("GET", "Connection: close").rest()
    assert "lifespan" in caplog.text and "Exception" not in caplog.text
