#!/usr/bin/env bash
# Two answers to a WebSocket handshake that a server may give, as eight client packages take them.
#
# One would guess: a client that offers subprotocols goes on without one where the server names none (RFC 6455 section 4.1 has
# it fail for one that was not offered, and for nothing else of this header), and skips an informational answer before the 101
# (RFC 9110 section 15.2: a client MUST be able to parse one or more 1xx responses before the final one).
# What happens (versions below): without a subprotocol, ws, undici, websocket and websocket-client fail, as browsers do, and
# websockets, aiohttp, tornado and faye-websocket go on. After a 103 (Early Hints), websockets 17.4 and websocket-client 1.9.2
# fail: they take it for the final answer. The other six go on; browsers do not.
# Why it matters: whoever tries a server with the client of one language does not see what the other will meet. A server
# behind a proxy that sends hints cannot be reached by two of the most used clients of Python.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check \
  websockets==17.4 aiohttp==3.14.5 tornado==6.6.1 websocket-client==1.9.2
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ws@8.23.0 undici@7.30.2 faye-websocket@0.11.4 websocket@1.0.35

cat >server.py <<'PY'
"""Accepts a WebSocket in the way that the path names."""
import base64
import hashlib
import socketserver

BEFORE = {"hints": b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"}
CHOSEN = {"none": b""}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        kind = self.rfile.readline().split()[1].decode().strip("/")
        key = b""
        while line := self.rfile.readline().strip():
            name, _, value = line.partition(b":")
            key = value.strip() if name.lower() == b"sec-websocket-key" else key
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.wfile.write(
            BEFORE.get(kind, b"") + b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n" + CHOSEN.get(kind, b"Sec-WebSocket-Protocol: chat\r\n") + b"\r\n"
        )
        self.connection.settimeout(5)
        try:
            while self.connection.recv(4096):
                pass
        except OSError:
            pass


with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()
PY
cat >open.py <<'PY'
import asyncio
import sys

import aiohttp
import websocket
import websockets
from tornado.websocket import websocket_connect

OFFERED = ["chat", "superchat"]


async def with_websockets(url):
    async with websockets.connect(url, subprotocols=OFFERED, close_timeout=0.1):
        pass


async def with_aiohttp(url):
    async with aiohttp.ClientSession() as session:
        await session.ws_connect(url, protocols=OFFERED)


async def with_tornado(url):
    await websocket_connect(url, subprotocols=OFFERED)


async def with_websocket_client(url):
    await asyncio.to_thread(websocket.create_connection, url, subprotocols=OFFERED, timeout=10)


for name in ("websockets", "aiohttp", "tornado", "websocket_client"):
    for kind in sys.argv[2:]:
        try:
            asyncio.run(asyncio.wait_for(globals()[f"with_{name}"](f"ws://127.0.0.1:{sys.argv[1]}/{kind}"), 20))
            print(kind, name, "opens")
        except Exception:
            print(kind, name, "fails")
PY
cat >open.mjs <<'JS'
import faye from "faye-websocket";
import { WebSocket as Undici } from "undici";
import websocket from "websocket";
import Ws from "ws";

const [port, ...kinds] = process.argv.slice(2);
const clients = { ws: Ws, undici: Undici, faye: faye.Client, websocket: websocket.w3cwebsocket };
for (const [name, Client] of Object.entries(clients))
  for (const kind of kinds) {
    const socket = new Client(`ws://127.0.0.1:${port}/${kind}`, ["chat", "superchat"]);
    const seen = await new Promise((done) => {
      socket.onopen = () => done("opens");
      socket.onerror = socket.onclose = () => done("fails");
    });
    console.log(kind, name, seen);
  }
process.exit();
JS
env/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
kinds="good none hints"
{ env/bin/python open.py "$(cat port)" $kinds 2>/dev/null; node open.mjs "$(cat port)" $kinds; } | LC_ALL=C sort | tee seen
cat >expected <<'TXT'
good aiohttp opens
good faye opens
good tornado opens
good undici opens
good websocket opens
good websocket_client opens
good websockets opens
good ws opens
hints aiohttp opens
hints faye opens
hints tornado opens
hints undici opens
hints websocket opens
hints websocket_client fails
hints websockets fails
hints ws opens
none aiohttp opens
none faye opens
none tornado opens
none undici fails
none websocket fails
none websocket_client fails
none websockets opens
none ws fails
TXT
diff expected seen && echo "as expected" || { echo CHANGED; exit 1; }
