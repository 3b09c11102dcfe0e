#!/usr/bin/env bash
# Event streams from the standard's own grammar, read by three Python packages over a real HTTP connection.
#
# One would guess: a reader that passes its own tests handles a byte-order mark, data with a line separator in it, and the
# end of a stream in the middle of an event, because the HTML standard says in so many words what each of them means.
# What happens (versions below): httpx-sse 0.4.3 and sseclient-py 1.9.0 lose the first event of a stream that begins with a
# byte-order mark. aiosseclient 0.1.8 ends a line at U+2028 and U+0085, which JSON allows unescaped, and drops what
# follows. sseclient-py hands out an event that the end of the stream cut off, as if it were whole, and forgets the last id
# with the next event. httpx-sse makes an event of a block that holds an id and no data.
# Why it matters: text is lost, or half an answer is taken for a whole one, without an error anywhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check httpx==0.28.1 httpx-sse==0.4.3 sseclient-py==1.9.0 \
  requests==2.32.5 aiosseclient==0.1.8 aiohttp==3.14.5
cat >run.py <<'PY'
import asyncio
import contextlib
import io
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import requests
from aiosseclient import aiosseclient
from httpx_sse import connect_sse
from sseclient import SSEClient

STREAMS = {
    "byte-order mark": "\ufeffdata: a\n\ndata: b\n\n",
    "line separator in data": "data: x\u2028y\n\ndata: b\n\n",
    "next line in data": "data: x\u0085y\n\ndata: b\n\n",
    "cut before the empty line": "data: a\n\ndata: half\n",
    "id without data": "id: 7\n\ndata: a\n\n",
    "id holds on": "id: 7\ndata: a\n\ndata: b\n\n",
}
# (data, last id) of each event, as the standard and browsers have it.
STANDARD = {
    "byte-order mark": [("a", ""), ("b", "")],
    "line separator in data": [("x\u2028y", ""), ("b", "")],
    "next line in data": [("x\u0085y", ""), ("b", "")],
    "cut before the empty line": [("a", "")],
    "id without data": [("a", "7")],
    "id holds on": [("a", "7"), ("b", "7")],
}
DIFFERS = {
    ("byte-order mark", "httpx-sse"): [("b", "")],
    ("byte-order mark", "sseclient-py"): [("b", "")],
    ("byte-order mark", "aiosseclient"): [("", ""), ("b", "")],
    ("line separator in data", "aiosseclient"): [("x", ""), ("b", "")],
    ("next line in data", "aiosseclient"): [("x", ""), ("b", "")],
    ("cut before the empty line", "sseclient-py"): [("a", ""), ("half", "")],
    ("id without data", "httpx-sse"): [("", "7"), ("a", "7")],
    ("id without data", "sseclient-py"): [("a", "")],
    ("id without data", "aiosseclient"): [("", "7"), ("a", "")],
    ("id holds on", "sseclient-py"): [("a", "7"), ("b", "")],
    ("id holds on", "aiosseclient"): [("a", "7"), ("b", "")],
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = list(STREAMS.values())[int(self.path[1:])].encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def with_httpx_sse(url):
    with httpx.Client() as client, connect_sse(client, "GET", url) as source:
        return [(event.data, event.id) for event in source.iter_sse()]


def with_sseclient(url):
    return [(event.data, event.id or "") for event in SSEClient(requests.get(url, stream=True, timeout=9)).events()]


def with_aiosseclient(url):
    async def read():
        # It goes on asking for ever: as many events as a single answer can have are taken.
        seen = []
        async for event in aiosseclient(url):
            seen.append((event.data, event.id or ""))
            if len(seen) == 2:
                break
        return seen[: len(DIFFERS.get((name, "aiosseclient"), STANDARD[name]))]

    return asyncio.run(asyncio.wait_for(read(), 20))


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
changed = False
for number, name in enumerate(STREAMS):
    print(f"{name}: {STREAMS[name]!a}")
    for reader, read in (
        ("httpx-sse", with_httpx_sse),
        ("sseclient-py", with_sseclient),
        ("aiosseclient", with_aiosseclient),
    ):
        with contextlib.redirect_stdout(io.StringIO()):  # one of them prints the lines that it drops
            seen = read(f"http://127.0.0.1:{server.server_port}/{number}")
        expected = DIFFERS.get((name, reader))
        mark = "CHANGED" if seen != (expected or STANDARD[name]) else "differs" if expected else "agrees "
        changed |= mark == "CHANGED"
        print(f"  {mark}  {reader:13} {seen!a}")
sys.exit(changed)
PY
env/bin/python run.py
