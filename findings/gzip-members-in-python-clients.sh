#!/usr/bin/env bash
# A response body of two gzip members (RFC 1952 section 2.2: a file is a series of members), read by six Python clients.
#
# One would guess: all of them give the whole, since Python's own gzip module, gunzip and Node do; at worst one refuses.
# What happens (versions below): httpx 0.28.1 and httpx2 2.16.2 give the first member and no error, whatever the
# Content-Length said. curl_cffi 0.17.0 refuses, an empty second member too. urllib3, niquests and aiohttp give the whole.
# Of zstd the same holds the other way round: every one of them reads two frames as one body, and httpx alone fails on a
# skippable frame between them, but only when the bytes arrive in small pieces.
# Why it matters: logs that are appended to and then served as they lie (`Content-Encoding: gzip`) are exactly that, and
# what a client with the wrong library gets is a clean answer with the rest missing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'httpx[zstd]==0.28.1' 'httpx2[zstd]==2.16.2' 'urllib3[zstd]==2.8.0' \
  niquests==3.21.2 aiohttp==3.14.5 curl_cffi==0.17.0 backports.zstd==1.8.0
cat >run.py <<'PY'
import asyncio
import gzip
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
import curl_cffi.requests
import httpx
import httpx2
import niquests
import urllib3
from backports import zstd

FIRST, SECOND = b"first " * 50, b"second " * 50
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00" + b"note"  # RFC 8878 section 3.1.2
BODIES = {
    "gzip, two members": ("gzip", gzip.compress(FIRST) + gzip.compress(SECOND)),
    "gzip, an empty last member": ("gzip", gzip.compress(FIRST + SECOND) + gzip.compress(b"")),
    "zstd, two frames": ("zstd", zstd.compress(FIRST) + zstd.compress(SECOND)),
    "zstd, a skippable frame between": ("zstd", zstd.compress(FIRST) + SKIPPABLE + zstd.compress(SECOND)),
}
DIFFERS = {
    ("gzip, two members", "httpx"): "first member only",
    ("gzip, two members", "httpx2"): "first member only",
    ("gzip, two members", "curl_cffi"): "error",
    ("gzip, an empty last member", "curl_cffi"): "error",
    ("zstd, a skippable frame between", "httpx"): "whole, in pieces error",
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        number, _, pieces = self.path[1:].partition("/")
        coding, body = list(BODIES.values())[int(number)]
        self.send_response(200)
        self.send_header("content-encoding", coding)
        self.send_header("transfer-encoding", "chunked")
        self.send_header("connection", "close")
        self.end_headers()
        size = 7 if pieces else len(body)
        try:
            for start in range(0, len(body), size):
                piece = body[start : start + size]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        except OSError:
            pass  # the client has seen enough
        self.close_connection = True

    def log_message(self, *_):
        pass


async def with_aiohttp(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.read()


CLIENTS = {
    "httpx": lambda url: httpx.get(url).content,
    "httpx2": lambda url: httpx2.get(url).content,
    "urllib3": lambda url: urllib3.request("GET", url).data,
    "niquests": lambda url: niquests.get(url).content,
    "aiohttp": lambda url: asyncio.run(with_aiohttp(url)),
    "curl_cffi": lambda url: curl_cffi.requests.get(url).content,
}


def outcome(read, url):
    try:
        body = read(url)
    except Exception:
        return "error"
    return {FIRST + SECOND: "whole", FIRST: "first member only"}.get(body, f"{len(body)} other bytes")


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
changed = False
for number, name in enumerate(BODIES):
    print(name)
    for client, read in CLIENTS.items():
        url = f"http://127.0.0.1:{server.server_port}/{number}"
        at_once, in_pieces = outcome(read, url), outcome(read, url + "/pieces")
        seen = at_once if at_once == in_pieces else f"{at_once}, in pieces {in_pieces}"
        expected = DIFFERS.get((name, client))
        mark = "CHANGED" if seen != (expected or "whole") else "differs" if expected else "agrees "
        changed |= mark == "CHANGED"
        print(f"  {mark}  {client:10} {seen}")
sys.exit(changed)
PY
env/bin/python run.py
