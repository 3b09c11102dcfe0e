#!/usr/bin/env bash
# Texts as language models write them, sent as events by nine Python frameworks' own means over a real HTTP connection.
#
# One would guess: where a framework has a type for events with a `text` or `data` of type str, whatever str one gives comes
# out of the browser's EventSource as it went in (each line end as a line feed): the HTML standard has `data:` twice for that.
# What happens (versions below): fastapi, sse-starlette, litestar and aiohttp-sse do so. Falcon, Lilya and microdot write a
# line end as it is, and what stands behind it is lost: of "a", line feed, "b" a browser gets "a", of JSON that was printed
# with an indent "{". A line feed alone, which is a frequent token of language models, becomes an empty text. BlackSheep sends
# it as the two characters \n; of an empty text, and of the number 0 as JSON, it makes no event at all. baïze ends lines
# where str.splitlines does: a line separator (U+2028) becomes a line feed, the last line feed is lost, and an empty text
# is no event. microdot leaves `retry: 0` (connect again at once) out.
# Why it matters: nothing fails. Paragraphs are cut, code loses its lines, and in tests with one line of text all is well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check uvicorn==0.54.0 fastapi==0.165.0 sse-starlette==3.7.0 \
  litestar==2.25.0 aiohttp==3.14.5 aiohttp-sse==3.0 falcon==4.4.0 blacksheep==2.6.4 baize==0.23.1 lilya==0.29.0 \
  microdot==2.7.0
cat >run.py <<'PY'
import asyncio
import http.client
import socket
import sys
import threading

import aiohttp.web
import aiohttp_sse
import baize.asgi
import blacksheep
import blacksheep.server.sse
import falcon.asgi
import fastapi
import fastapi.sse
import lilya.apps
import lilya.responses
import lilya.routing
import litestar
import litestar.response
import microdot.asgi
import microdot.sse
import sse_starlette
import starlette.applications
import starlette.routing
import uvicorn

# What is sent, and the data of all events that a browser makes of it.
TEXTS = {
    "two lines": ("a\nb", ["a\nb"]),
    "two paragraphs": ("a\n\nb", ["a\n\nb"]),
    "a line feed": ("\n", ["\n"]),
    "JSON with an indent": ('{\n  "a": 1\n}', ['{\n  "a": 1\n}']),
    "nothing": ("", [""]),
    "the number 0": (0, ["0"]),
    "line separator": ("a\u2028b", ["a\u2028b"]),
    "two spaces in front": ("  a", ["  a"]),
    "retry: 0": ("a", ["a", "retry 0"]),
}
DIFFERS = {
    ("two lines", "falcon"): ["a"],
    ("two lines", "lilya"): ["a"],
    ("two lines", "microdot"): ["a"],
    ("two lines", "blacksheep"): ["a\\nb"],
    ("two paragraphs", "falcon"): ["a"],
    ("two paragraphs", "lilya"): ["a"],
    ("two paragraphs", "microdot"): ["a"],
    ("two paragraphs", "blacksheep"): ["a\\n\\nb"],
    ("a line feed", "falcon"): [""],
    ("a line feed", "lilya"): [""],
    ("a line feed", "microdot"): [""],
    ("a line feed", "blacksheep"): ["\\n"],
    ("a line feed", "baize"): [""],
    ("JSON with an indent", "falcon"): ["{"],
    ("JSON with an indent", "lilya"): ["{"],
    ("JSON with an indent", "microdot"): ["{"],
    ("JSON with an indent", "blacksheep"): ['{\\n  "a": 1\\n}'],
    ("nothing", "blacksheep"): [],
    ("the number 0", "blacksheep"): [],
    ("nothing", "baize"): [],
    ("line separator", "baize"): ["a\nb"],
    ("retry: 0", "microdot"): ["a"],
}


def chosen(path):
    """The text of a request, and what else is said of it."""
    name = list(TEXTS)[int(path.rpartition("/")[2])]
    return TEXTS[name][0], ({"retry": 0} if name == "retry: 0" else {})


def with_fastapi():
    app = fastapi.FastAPI()

    @app.get("/{number}", response_class=fastapi.sse.EventSourceResponse)
    async def route(number: str):
        text, more = chosen(number)
        yield fastapi.sse.ServerSentEvent(**({"raw_data": text} if text != 0 else {"data": 0}), **more)

    return app


def with_sse_starlette():
    async def events(text, more):
        yield sse_starlette.ServerSentEvent(text, **more)

    async def route(request):
        return sse_starlette.EventSourceResponse(events(*chosen(request.url.path)))

    return starlette.applications.Starlette(routes=[starlette.routing.Route("/{number}", route)])


def with_litestar():
    async def events(text, more):
        yield litestar.response.ServerSentEventMessage(data=text, **more)

    @litestar.get("/{number:str}")
    async def route(number: str) -> litestar.response.ServerSentEvent:
        return litestar.response.ServerSentEvent(events(*chosen(number)))

    return litestar.Litestar([route])


def with_falcon():
    class Resource:
        async def on_get(self, request, response, number):
            async def events(text, more):
                yield falcon.asgi.SSEvent(**({"text": text} if text != 0 else {"json": 0}), **more)

            response.sse = events(*chosen(number))

    app = falcon.asgi.App()
    app.add_route("/{number}", Resource())
    return app


def with_blacksheep():
    app = blacksheep.Application(show_error_details=True)

    @app.router.get("/{number}")
    async def route(number: str):
        text, more = chosen(number)

        async def events():
            sse = blacksheep.server.sse
            yield (sse.TextServerSentEvent if text != 0 else sse.ServerSentEvent)(text, **more)

        return blacksheep.server.sse.ServerSentEventsResponse(events)

    return app


def with_baize():
    async def events(text, more):
        yield {"data": str(text), **more}

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await baize.asgi.SendEventResponse(events(*chosen(scope["path"])))(scope, receive, send)

    return app


def with_lilya():
    async def events(text, more):
        yield {"data": text, **more}

    async def route(request):
        return lilya.responses.EventStreamResponse(events(*chosen(request.url.path)))

    return lilya.apps.Lilya(routes=[lilya.routing.Path("/{number}", route)])


def with_microdot():
    app = microdot.asgi.Microdot()

    @app.get("/<number>")
    @microdot.sse.with_sse
    async def route(request, sse, number):
        text, more = chosen(number)
        await sse.send(text, **more)

    return app


def with_aiohttp_sse():
    async def route(request):
        text, more = chosen(request.path)
        async with aiohttp_sse.sse_response(request) as response:
            await response.send(str(text), **more)
        return response

    app = aiohttp.web.Application()
    app.router.add_get("/{number}", route)
    return app


def serve(app):
    listening = socket.create_server(("127.0.0.1", 0))

    def run():
        if isinstance(app, aiohttp.web.Application):
            aiohttp.web.run_app(
                app, sock=listening, print=None, handle_signals=False, access_log=None, loop=asyncio.new_event_loop()
            )
        else:
            uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listening])

    threading.Thread(target=run, daemon=True).start()
    return listening.getsockname()[1]


def read(port, path):
    """The data of each event, and each retry, as the HTML standard has it (9.2.6, Interpreting an event stream)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.status == 200, response.read()
    text = response.read().decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    seen, retries, data = [], [], []
    for line in text.split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                seen.append("\n".join(data))
            data = []
        elif field == "data":
            data.append(value)
        elif field == "retry" and value.isdecimal():
            retries.append(f"retry {value}")
    return seen + retries


FRAMEWORKS = {
    "fastapi": with_fastapi,
    "sse-starlette": with_sse_starlette,
    "litestar": with_litestar,
    "aiohttp-sse": with_aiohttp_sse,
    "falcon": with_falcon,
    "lilya": with_lilya,
    "microdot": with_microdot,
    "blacksheep": with_blacksheep,
    "baize": with_baize,
}
ports = {name: serve(make()) for name, make in FRAMEWORKS.items()}
changed = False
for number, (name, (sent, standard)) in enumerate(TEXTS.items()):
    print(f"{name}: {sent!a}")
    for framework, port in ports.items():
        seen = read(port, f"/{number}")
        expected = DIFFERS.get((name, framework))
        mark = "CHANGED" if seen != (expected if expected is not None else standard) else "agrees "
        mark = "differs" if mark == "agrees " and expected is not None else mark
        changed |= mark == "CHANGED"
        print(f"  {mark}  {framework:14} {seen!a}")
sys.exit(changed)
PY
env/bin/python run.py
