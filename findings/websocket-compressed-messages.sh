#!/usr/bin/env bash
# Compressed WebSocket messages (RFC 7692), as a server may send them, read by seven client packages.
#
# One would guess: permessage-deflate is ten years old and every package passes Autobahn, so what one of them reads all do.
# What happens (versions below): a message may end its DEFLATE data with a block that is marked final (section 7.2.3.4 has
# the bytes). All read that message. The NEXT message then arrives as an EMPTY string, without an error, in websockets
# 17.4, tornado 6.6.1, undici 7.30.2 and faye-websocket with permessage-deflate 0.1.7; wsproto 1.3.2 closes with 1007.
# A ping between two fragments of a compressed message (RFC 6455 section 5.4) makes wsproto and tornado end the connection:
# they forget that the message was compressed. aiohttp and ws read everything.
# Why it matters: a relay that decompresses with the wrong one loses messages in silence, and a server that pings while it
# sends something long loses its clients now and then.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check websockets==17.4 wsproto==1.3.2 tornado==6.6.1 aiohttp==3.14.5
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ws@8.23.0 undici@7.30.2 faye-websocket@0.11.4 permessage-deflate@0.1.7

cat >server.py <<'PY'
"""A WebSocket server of sockets and bytes: what it sends is written out below."""
import base64
import hashlib
import socketserver

HELLO = bytes.fromhex("f248cdc9c90700")  # "Hello", as section 7.2.3.1 has it
HELLO_FINAL = bytes.fromhex("f348cdc9c9070000")  # "Hello" in a block marked final, section 7.2.3.4
TEXT, CONTINUATION, CLOSE, PING = 1, 0, 8, 9


def frame(opcode, payload, *, last=True, compressed=False):
    return bytes([last << 7 | compressed << 6 | opcode, len(payload)]) + payload


WAYS = {
    "two": frame(TEXT, HELLO, compressed=True) * 2,
    "final": frame(TEXT, HELLO_FINAL, compressed=True) + frame(TEXT, HELLO, compressed=True),
    "ping": frame(TEXT, HELLO[:3], last=False, compressed=True) + frame(PING, b"") + frame(CONTINUATION, HELLO[3:]),
}


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        way = self.rfile.readline().split()[1].decode().strip("/")
        key = b""
        while line := self.rfile.readline().strip():
            name, _, value = line.partition(b":")
            key = value.strip() if name.lower() == b"sec-websocket-key" else key
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.wfile.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.wfile.write(WAYS[way] + frame(CLOSE, (1000).to_bytes(2, "big")))
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
from wsproto.events import CloseConnection, Request, TextMessage
from wsproto.extensions import PerMessageDeflate

port = int(sys.argv[1])


async def with_websockets(url):
    async with websockets.connect(url) as connection:
        return [message async for message in connection], connection.close_code


async def with_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.ws_connect(url, compress=15) as connection:
        return [message.data async for message in connection], connection.close_code


async def with_tornado(url):
    connection = await websocket_connect(url, compression_options={})
    seen = []
    while (message := await connection.read_message()) is not None:
        seen.append(message)
    return seen, connection.close_code


async def with_wsproto(url):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = WSConnection(ConnectionType.CLIENT)
    target = "/" + url.rpartition("/")[2]
    writer.write(connection.send(Request(host="localhost", target=target, extensions=[PerMessageDeflate()])))
    seen, text = [], ""
    while True:
        connection.receive_data(await reader.read(4096) or None)
        for event in connection.events():
            if isinstance(event, TextMessage):
                text += event.data
                if event.message_finished:
                    seen.append(text)
                    text = ""
            elif isinstance(event, CloseConnection):
                writer.close()
                return seen, int(event.code)


for name in ("websockets", "aiohttp", "tornado", "wsproto"):
    for way in sys.argv[2:]:
        seen, code = asyncio.run(asyncio.wait_for(globals()[f"with_{name}"](f"ws://127.0.0.1:{port}/{way}"), 20))
        print(way, name, *(f'"{message}"' for message in seen), code or "closed")
PY
cat >read.mjs <<'JS'
import faye from "faye-websocket";
import deflate from "permessage-deflate";
import { WebSocket as Undici } from "undici";
import Ws from "ws";

const [port, ...ways] = process.argv.slice(2);
const clients = {
  ws: (url) => new Ws(url),
  undici: (url) => new Undici(url),
  faye: (url) => new faye.Client(url, [], { extensions: [deflate] }),
};
for (const [name, open] of Object.entries(clients))
  for (const way of ways) {
    const seen = [];
    const socket = open(`ws://127.0.0.1:${port}/${way}`);
    const code = await new Promise((done) => {
      socket.onmessage = (event) => seen.push(`"${event.data}"`);
      socket.onclose = (event) => done(event.code);
    });
    console.log(way, name, ...seen, code);
  }
JS
env/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
{ env/bin/python read.py "$(cat port)" two final ping 2>/dev/null; node read.mjs "$(cat port)" two final ping; } | LC_ALL=C sort >seen
cat seen
cat >expected <<'TXT'
final aiohttp "Hello" "Hello" 1000
final faye "Hello" "" 1000
final tornado "Hello" "" 1000
final undici "Hello" "" 1000
final websockets "Hello" "" 1000
final ws "Hello" "Hello" 1000
final wsproto "Hello" 1007
ping aiohttp "Hello" 1000
ping faye "Hello" 1000
ping tornado closed
ping undici "Hello" 1000
ping websockets "Hello" 1000
ping ws "Hello" 1000
ping wsproto 1007
two aiohttp "Hello" "Hello" 1000
two faye "Hello" "Hello" 1000
two tornado "Hello" "Hello" 1000
two undici "Hello" "Hello" 1000
two websockets "Hello" "Hello" 1000
two ws "Hello" "Hello" 1000
two wsproto "Hello" "Hello" 1000
TXT
diff expected seen && echo "as expected" || { echo CHANGED; exit 1; }
