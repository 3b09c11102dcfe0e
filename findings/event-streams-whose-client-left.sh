#!/usr/bin/env bash
# A browser closes the tab while a Python server's producer of events waits for the next one: is the producer told?
#
# One would guess: a framework that takes an async generator as an answer closes it when the client leaves, and its `finally`
# gives the database connection back (`finally: await pool.release(...)`), as after any cancellation of a task in asyncio.
# What happens (versions below, on uvicorn): falcon, BlackSheep, microdot and aiohttp-sse leave it waiting; ten seconds
# later its `finally` has not run, and nothing would ever end it. With starlette's StreamingResponse, fastapi,
# sse-starlette and litestar `finally` begins at once, and the first `await` in it fails with CancelledError: their scopes
# are anyio's, which cancel each await of a block and not one. quart, Django and baïze do what one would guess (baïze with
# its next ping, three seconds later).
# Where the producer says something every 50 ms, falcon, microdot and aiohttp-sse close it as well; BlackSheep lets it speak
# to nobody for ever.
# Why it matters: each tab that is closed leaves a task and what it holds, or a connection that its pool never sees again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check uvicorn==0.54.0 starlette==1.10.0 fastapi==0.165.0 \
  sse-starlette==3.7.0 litestar==2.25.0 aiohttp==3.14.5 aiohttp-sse==3.0 falcon==4.4.0 blacksheep==2.6.4 baize==0.23.1 \
  microdot==2.7.0 Quart==0.22.0 Django==5.2.19
cat >run.py <<'PY'
import asyncio
import logging
import os
import socket
import sys
import threading
import time

import aiohttp.web
import aiohttp_sse
import baize.asgi
import blacksheep
import blacksheep.server.sse
import django
import django.conf
import django.core.asgi
import django.http
import django.urls
import falcon.asgi
import fastapi
import fastapi.sse
import litestar
import litestar.response
import microdot.asgi
import microdot.sse
import quart
import sse_starlette
import starlette.applications
import starlette.responses
import starlette.routing
import uvicorn

PATIENCE_S = 10
WHOLE, CUT, RUNNING = "finally is carried out", "finally is cut at its await", "goes on"
EXPECTED = {
    "starlette": (CUT, CUT),
    "fastapi": (CUT, CUT),
    "sse-starlette": (CUT, CUT),
    "litestar": (CUT, CUT),
    "falcon": (RUNNING, WHOLE),
    "blacksheep": (RUNNING, RUNNING),
    "microdot": (RUNNING, WHOLE),
    "aiohttp-sse": (RUNNING, WHOLE),
    "baize": (WHOLE, WHOLE),
    "quart": (WHOLE, WHOLE),
    "django": (WHOLE, WHOLE),
}


class Producer:
    """One event, and then none, or one every 50 ms."""

    def __init__(self, speaks):
        self.speaks = speaks
        self.became = RUNNING
        self.over = threading.Event()

    async def events(self, made_of):
        try:
            yield made_of("first")
            while self.speaks:
                await asyncio.sleep(0.05)
                yield made_of("another")
            await asyncio.Event().wait()
        finally:
            self.became = CUT
            try:
                await asyncio.sleep(0.01)  # as `await pool.release(connection)`
                self.became = WHOLE
            finally:
                self.over.set()


def as_text(data):
    return f"data: {data}\n\n"


def with_starlette(producer):
    async def route(request):
        return starlette.responses.StreamingResponse(producer.events(as_text), media_type="text/event-stream")

    return starlette.applications.Starlette(routes=[starlette.routing.Route("/", route)])


def with_fastapi(producer):
    app = fastapi.FastAPI()

    @app.get("/", response_class=fastapi.sse.EventSourceResponse)
    async def route():
        async for event in producer.events(lambda data: fastapi.sse.ServerSentEvent(data=data)):
            yield event

    return app


def with_sse_starlette(producer):
    async def route(request):
        return sse_starlette.EventSourceResponse(producer.events(sse_starlette.ServerSentEvent))

    return starlette.applications.Starlette(routes=[starlette.routing.Route("/", route)])


def with_litestar(producer):
    @litestar.get("/")
    async def route() -> litestar.response.ServerSentEvent:
        return litestar.response.ServerSentEvent(producer.events(litestar.response.ServerSentEventMessage))

    return litestar.Litestar([route])


def with_falcon(producer):
    class Resource:
        async def on_get(self, request, response):
            response.sse = producer.events(lambda data: falcon.asgi.SSEvent(text=data))

    app = falcon.asgi.App()
    app.add_route("/", Resource())
    return app


def with_blacksheep(producer):
    app = blacksheep.Application()

    @app.router.get("/")
    async def route():
        sse = blacksheep.server.sse
        return sse.ServerSentEventsResponse(lambda: producer.events(sse.ServerSentEvent))

    return app


def with_microdot(producer):
    app = microdot.asgi.Microdot()

    @app.get("/")
    @microdot.sse.with_sse
    async def route(request, sse):
        async for data in producer.events(str):
            await sse.send(data)

    return app


def with_aiohttp_sse(producer):
    async def route(request):
        async with aiohttp_sse.sse_response(request) as response:
            async for data in producer.events(str):
                await response.send(data)
        return response

    app = aiohttp.web.Application()
    app.router.add_get("/", route)
    return app


def with_baize(producer):
    async def app(scope, receive, send):
        if scope["type"] == "http":
            response = baize.asgi.SendEventResponse(producer.events(lambda data: {"data": data}))
            await response(scope, receive, send)

    return app


def with_quart(producer):
    app = quart.Quart(__name__)

    @app.get("/")
    async def route():
        response = await quart.make_response(
            producer.events(lambda data: as_text(data).encode()), {"Content-Type": "text/event-stream"}
        )
        response.timeout = None
        return response

    return app


async def django_view(request, producer):
    return django.http.StreamingHttpResponse(producer.events(as_text), content_type="text/event-stream")


urlpatterns = []


def with_django(producer):
    if not django.conf.settings.configured:
        django.conf.settings.configure(
            SECRET_KEY="x", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None
        )
        django.setup()
    path = f"{len(urlpatterns)}"
    urlpatterns.append(django.urls.path(path, django_view, {"producer": producer}))
    inner = django.core.asgi.get_asgi_application()

    async def app(scope, receive, send):
        await inner({**scope, "path": f"/{path}"}, receive, send)

    return app


def serve(app):
    listening = socket.create_server(("127.0.0.1", 0))

    def run():
        if isinstance(app, aiohttp.web.Application):
            aiohttp.web.run_app(
                app, sock=listening, print=None, handle_signals=False, access_log=None, loop=asyncio.new_event_loop()
            )
        else:
            uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off")).run([listening])

    threading.Thread(target=run, daemon=True).start()
    return listening.getsockname()


def read_an_event_and_leave(address):
    with socket.create_connection(address, timeout=30) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        seen = b""
        while b"first" not in seen:
            piece = client.recv(4096)
            assert piece, seen
            seen += piece
        time.sleep(0.5)  # the producer is behind its first event


logging.disable()
FRAMEWORKS = {name: globals()[f"with_{name.replace('-', '_')}"] for name in EXPECTED}
producers = {name: (Producer(False), Producer(True)) for name in FRAMEWORKS}
for name, make in FRAMEWORKS.items():
    for producer in producers[name]:
        read_an_event_and_leave(serve(make(producer)))
patience_ends = time.monotonic() + PATIENCE_S
changed = False
print(f"{'':16}{'it waits':30}it speaks every 50 ms")
for name, both in producers.items():
    for producer in both:
        producer.over.wait(max(0.0, patience_ends - time.monotonic()))
    seen = tuple(producer.became for producer in both)
    changed |= seen != EXPECTED[name]
    print(f"{name:16}{seen[0]:30}{seen[1]}{'' if seen == EXPECTED[name] else '  CHANGED'}", flush=True)
os._exit(changed)  # what goes on would keep some servers from stopping
PY
env/bin/python run.py
