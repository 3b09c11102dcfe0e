#!/usr/bin/env bash
# Close frames that a server may send (RFC 6455 section 7.4 and the registry it set up), as five client packages report them.
#
# One would guess: a close frame without a code is reported as 1005 (section 7.1.5 says so) and any registered code as it is.
# What happens (versions below): without a code, aiohttp 3.14.5 reports 1006, which means that there was no close frame at
# all, tornado 6.6.1 reports nothing, and faye-websocket 0.11.4 reports 1000. The registered codes 1012 (service restart)
# and 1014 (bad gateway) are made into 1002, a protocol error, by faye-websocket, and 1014 by wsproto 1.3.2.
# Why it matters: a client that reconnects on 1006 and 1012 and not on 1000 and 1002, as many do, decides wrongly, and a
# relay on top of one of them passes on a code that nobody sent.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check websockets==17.4 wsproto==1.3.2 tornado==6.6.1 aiohttp==3.14.5
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ws@8.23.0 faye-websocket@0.11.4

cat >server.py <<'PY'
"""Accepts a WebSocket and closes it with the code that the path names."""
import base64
import hashlib
import socketserver


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        code = self.rfile.readline().split()[1].decode().strip("/")
        key = b""
        while line := self.rfile.readline().strip():
            name, _, value = line.partition(b":")
            key = value.strip() if name.lower() == b"sec-websocket-key" else key
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        payload = b"" if code == "none" else int(code).to_bytes(2, "big")
        self.wfile.write(bytes([0x88, len(payload)]) + payload)
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
cat >read.py <<'PY'
import asyncio
import sys

import aiohttp
import websockets
from tornado.websocket import websocket_connect
from wsproto import ConnectionType, WSConnection
from wsproto.events import CloseConnection, Request

port = int(sys.argv[1])


async def with_websockets(url):
    async with websockets.connect(url) as connection:
        await connection.wait_closed()
        return connection.close_code


async def with_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as connection:
        await connection.receive()
        return connection.close_code


async def with_tornado(url):
    connection = await websocket_connect(url)
    await connection.read_message()
    return connection.close_code


async def with_wsproto(url):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = WSConnection(ConnectionType.CLIENT)
    writer.write(connection.send(Request(host="localhost", target="/" + url.rpartition("/")[2])))
    while True:
        connection.receive_data(await reader.read(4096) or None)
        for event in connection.events():
            if isinstance(event, CloseConnection):
                writer.close()
                return event.code


for name in ("websockets", "aiohttp", "tornado", "wsproto"):
    for code in sys.argv[2:]:
        seen = asyncio.run(asyncio.wait_for(globals()[f"with_{name}"](f"ws://127.0.0.1:{port}/{code}"), 20))
        print(code, name, seen if seen is None else int(seen))
PY
cat >read.mjs <<'JS'
import faye from "faye-websocket";
import Ws from "ws";

const [port, ...codes] = process.argv.slice(2);
const clients = { ws: (url) => new Ws(url), faye: (url) => new faye.Client(url) };
for (const [name, open] of Object.entries(clients))
  for (const code of codes) {
    const socket = open(`ws://127.0.0.1:${port}/${code}`);
    console.log(code, name, await new Promise((done) => (socket.onclose = (event) => done(event.code))));
  }
JS
env/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
codes="none 1000 1012 1014 4999"
{ env/bin/python read.py "$(cat port)" $codes 2>/dev/null; node read.mjs "$(cat port)" $codes; } |
  while read -r sent name seen; do
    [ "$seen" = "${sent/none/1005}" ] || echo "$name: sent $sent, reported $seen"
  done | LC_ALL=C sort >differs
cat differs
cat >expected <<'TXT'
aiohttp: sent none, reported 1006
faye: sent 1012, reported 1002
faye: sent 1014, reported 1002
faye: sent none, reported 1000
tornado: sent none, reported None
wsproto: sent 1014, reported 1002
TXT
diff expected differs && echo "as expected: all other codes are reported as they were sent" || { echo CHANGED; exit 1; }
