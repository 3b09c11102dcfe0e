#!/usr/bin/env bash
# A compressed answer (Content-Encoding) whose compressed data stops in the middle, or just before its end, in a body
# that itself ends in order, last chunk and all: what a gateway makes of a back end that died, or a cache of a file
# that was cut.
#
# One would guess: here half an answer cannot be taken for a whole one. gzip and zlib end with a check sum, gzip with
# a length too, brotli and zstd have a last block that says that it is the last, and Python's gzip.decompress, gunzip
# and Node's zlib all refuse.
# What happens (versions below): of fifteen clients thirteen give the half of a gzip body and no error, where status
# and head say that all is well. Only got and tornado fail. node-fetch finds the end missing of all but gzip, needle
# of brotli alone. Where of gzip only the check sum is missing, the same thirteen notice nothing. Half of a zstd body
# is an EMPTY answer for requests and aiohttp, without an error; for urllib3, httpx and niquests it is one. A brotli
# body that lacks its last byte, with all of the text before it, is 32,752 of 102,449 bytes for httpx, 32,768 for
# curl_cffi and pycurl, 65,504 for urllib3 and niquests.
# Why it matters: status, head and last chunk are right, so nothing else tells. Chromium gives what there is as
# well. A log or a table that is read by lines just ends; who needs all of it must count, or have the length sent
# inside.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
  axios@1.21.1 got@14.6.6 undici@7.30.2 superagent@10.4.2 needle@3.5.0 node-fetch@3.3.2
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check requests==2.34.2 'urllib3[brotli,zstd]==2.8.0' \
  'httpx[brotli,zstd]==0.28.1' 'httpx2[brotli,zstd]==2.16.2' niquests==3.21.2 aiohttp==3.14.5 tornado==6.6.1 \
  curl_cffi==0.17.0 pycurl==7.49.0 brotli==1.2.1 backports.zstd==1.8.0
cat >readers.mjs <<'JS'
import axios from "axios";
import got from "got";
import needle from "needle";
import nodeFetch from "node-fetch";
import superagent from "superagent";
import { fetch } from "undici";

const [base, ...paths] = process.argv.slice(2);
const readers = {
  undici: async (url) => (await fetch(url)).text(),
  "node-fetch": async (url) => (await nodeFetch(url)).text(),
  axios: async (url) => (await axios.get(url, { responseType: "text" })).data,
  got: async (url) => got(url, { retry: { limit: 0 } }).text(),
  superagent: async (url) => (await superagent.get(url).buffer(true)).text,
  needle: async (url) => (await needle("get", url, { compressed: true, parse: false })).body.toString(),
};
for (const [name, read] of Object.entries(readers)) {
  for (const path of paths) {
    const length = await read(`${base}/${name}/${path}`).then(
      (text) => text.length,
      () => null,
    );
    console.log(JSON.stringify([name, path, length]));
  }
}
process.exit(0);
JS
cat >run.py <<'PY'
import asyncio
import gzip
import io
import json
import subprocess
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
import brotli
import curl_cffi.requests
import httpx
import httpx2
import niquests
import pycurl
import requests
import tornado.httpclient
import urllib3
from backports import zstd

TEXT = "".join(f"{number} a line of a log {number * 7919 % 10007}\n" for number in range(4000)).encode()
CODED = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": zstd.compress(TEXT, options={zstd.CompressionParameter.checksum_flag: 1}),
}
ENDS = {"gzip": 8, "deflate": 4, "br": 1, "zstd": 4}  # bytes of check sums and the like; of brotli the last byte
BODIES = {
    **{f"{coding}/whole": coded for coding, coded in CODED.items()},
    **{f"{coding}/half": coded[: len(coded) // 2] for coding, coded in CODED.items()},
    **{f"{coding}/no-end": coded[: -ENDS[coding]] for coding, coded in CODED.items()},
}
ASKING = urllib3.util.make_headers(accept_encoding=True)
not_asked = set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name, _, path = self.path[1:].partition("/")
        coding, body = path.split("/")[0], BODIES[path]
        if coding not in (self.headers.get("accept-encoding") or ""):
            not_asked.add((name, path))
            self.send_error(406)
            return
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("content-encoding", coding)
        self.send_header("transfer-encoding", "chunked")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):  # a client that has seen enough closes
        pass


async def with_aiohttp(url):
    # Its deflate is left out.
    options = {"timeout": aiohttp.ClientTimeout(total=20), "headers": {"accept-encoding": "gzip, br, zstd"}}
    async with aiohttp.ClientSession(**options) as session, session.get(url) as response:
        return await response.read()


async def with_tornado(url):
    return (await tornado.httpclient.AsyncHTTPClient().fetch(url, decompress_response=True)).body


def with_pycurl(url):
    body, handle = io.BytesIO(), pycurl.Curl()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.ACCEPT_ENCODING, "")
    handle.setopt(pycurl.WRITEDATA, body)
    handle.perform()
    return body.getvalue()


PYTHON = {
    "requests": lambda url: requests.get(url).content,
    "urllib3": lambda url: urllib3.request("GET", url, headers=ASKING).data,
    "httpx": lambda url: httpx.get(url).content,
    "httpx2": lambda url: httpx2.get(url).content,
    "niquests": lambda url: niquests.get(url).content,
    "aiohttp": lambda url: asyncio.run(with_aiohttp(url)),
    "tornado": lambda url: asyncio.run(with_tornado(url)),
    "curl_cffi": lambda url: curl_cffi.requests.get(url).content,
    "pycurl": with_pycurl,
}
# A dash: the client does not ask for this coding over plain HTTP.
EXPECTED = {
    "requests, Python": "part part part none all all part error",
    "urllib3, Python": "part part part error all all part error",
    "httpx, Python": "part part part error all all part error",
    "httpx2, Python": "part part part error all all part error",
    "niquests, Python": "part part part error all all part error",
    "aiohttp, Python": "part - part none all - part all",
    "tornado, Python": "error - - - error - - -",
    "curl_cffi, Python": "part part part - all all part -",
    "pycurl, Python": "part part part - all all part -",
    "undici": "part part - - all all - -",
    "node-fetch": "part error error - all error error -",
    "axios": "part part part - all all part -",
    "got": "error error error - error error error -",
    "superagent": "part part - - all all - -",
    "needle": "part part error - all all error -",
}


def length_of(read, url):
    try:
        return len(read(url))
    except Exception:
        return None


def outcome(name, path):
    if (name.removesuffix(", Python"), path) in not_asked or (name, path) not in found:
        return "-"
    length = found[name, path]
    if length is None:
        return "error"
    return "all" if length == len(TEXT) else "part" if length else "none"


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
found = {}
for name, read in PYTHON.items():
    for path in BODIES:
        found[f"{name}, Python", path] = length_of(read, f"{base}/{name}/{path}")
paths = [path for path in BODIES if not path.startswith("zstd")]  # not every Node has it
read_by_js = subprocess.run(["node", "readers.mjs", base, *paths], capture_output=True, check=True, timeout=60)
for name, path, length in map(json.loads, read_by_js.stdout.splitlines()):
    found[name, path] = length
changed = False
cut = [path for path in BODIES if not path.endswith("whole")]
print(f"a text of {len(TEXT)} bytes: the characters that are given")
print(f"{'':26}", *(f"{path:>16}" for path in cut))
for name in dict.fromkeys(name for name, _ in found):
    row = [outcome(name, path) for path in cut]
    wholes = {outcome(name, path) for path in BODIES if path.endswith("whole")}
    seen = " ".join(row)
    as_found = seen == EXPECTED.get(name) and wholes <= {"all", "-"}
    changed |= not as_found
    cells = [f"{word} {found[name, path] if word == 'part' else ''}" for word, path in zip(row, cut, strict=True)]
    print(f"{name:17} {'as found' if as_found else 'CHANGED '}", *(f"{cell:>16}" for cell in cells))
sys.exit(changed)
PY
env/bin/python run.py
