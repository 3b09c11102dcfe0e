#!/usr/bin/env bash
# A file on a web server is read in parts (a zip, a map, a table of columns, a scientific array), or its download is taken up
# again after it broke off. In between, the server gets a newer file of the same size; each answer names the file that it is
# from by ETag and Last-Modified.
#
# One would guess: a reader keeps the ETag of its first answer, and sends or compares it with each part. RFC 9110 has If-Range
# and If-Match for just that, and without them nothing that is read can be trusted.
# What happens (versions below): smart_open, @zip.js/zip.js, pmtiles and @chunkd/source-http say that the file is another one.
# fsspec, obstore, remfile, httpio, seekablehttpfile, hyparquet, unzipit, generic-filehandle2 and @zarrita/storage give the old
# file's bytes and then the new one's, without a word; obstore does so for a reader that it opened with a HEAD. Of downloads
# that are taken up again, node-downloader-helper makes one file of both halves, of the right size, and says that it is done;
# pypdl and ipull get the new file from its first byte.
# Why it matters: a file that is published anew each hour is mixed once in a while, and only a checksum that nobody asked for
# would tell. Who lets pages read in parts should give each version a URL of its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check fsspec==2026.9.0 aiohttp==3.14.5 requests==2.34.2 remfile==0.1.15 \
  httpio==0.3.0 obstore==0.12.1 seekablehttpfile==0.1.1 smart_open==9.0.2 pypdl==1.5.7
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @zip.js/zip.js@2.24.0 hyparquet@1.33.0 pmtiles@4.5.0 unzipit@2.1.1 \
  generic-filehandle2@2.1.10 @zarrita/storage@0.2.0 @chunkd/source-http@11.4.0 node-downloader-helper@2.1.11 ipull@4.0.3
cat >server.py <<'PY'
"""/NAME is 4 MiB of "a" and, once somebody has sent POST /NAME, 4 MiB of "b". A GET of the whole /broken-… ends after half of
the old file, which is the old one's last answer. Ranges and preconditions as RFC 9110, sections 13 and 14, has them."""
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SIZE = 4 << 20
dates = {b"a": "Mon, 02 Nov 2026 10:00:00 GMT", b"b": "Tue, 03 Nov 2026 10:00:00 GMT"}
newer = set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        newer.add(self.path)
        self.send_response(204)
        self.end_headers()

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        letter = b"b" if self.path in newer else b"a"
        etag, date = f'"{letter.decode()}"', dates[letter]
        if self.headers.get("if-match", etag) != etag or self.headers.get("if-unmodified-since", date) != date:
            self.send_response(412)
            self.send_header("content-length", "0")
            self.end_headers()
            return
        status, first, last = 200, 0, SIZE - 1
        if "range" in self.headers and self.headers.get("if-range", etag) in (etag, date):
            start, end = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers["range"]).groups()
            status, first = 206, int(start) if start else SIZE - int(end)
            last = min(int(end), last) if start and end else last
        size = last + 1 - first
        self.send_response(status)
        if status == 206:
            self.send_header("content-range", f"bytes {first}-{last}/{SIZE}")
        for name, value in {"etag": etag, "last-modified": date, "accept-ranges": "bytes", "content-length": size}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command == "HEAD":
            return
        if letter == b"a" and size == SIZE and "broken" in self.path:
            self.wfile.write(letter * (SIZE // 2))
            newer.add(self.path)
            self.close_connection = True
            return
        self.wfile.write(letter * size)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.handle_error = lambda *_: None
print(server.server_port, flush=True)
server.serve_forever()
PY
cat >read.py <<'PY'
import sys
import urllib.request
import warnings

warnings.simplefilter("ignore")
import fsspec
import httpio
import obstore
import remfile
import seekablehttpfile
import smart_open
from obstore.store import HTTPStore
from pypdl import Pypdl

base = sys.argv[1]
openers = {
    "fsspec": lambda url: fsspec.open(url, "rb", block_size=1 << 16).open(),
    "obstore": lambda url: obstore.open_reader(HTTPStore(base, client_options={"allow_http": True}), url.split("/")[-1]),
    "remfile": remfile.File,
    "httpio": httpio.open,
    "seekablehttpfile": seekablehttpfile.SeekableHttpFile,
    "smart_open": lambda url: smart_open.open(url, "rb"),
}
for name, opened in openers.items():
    url = f"{base}/{name}"
    file = opened(url)
    old = bytes(file.read(1000))
    urllib.request.urlopen(urllib.request.Request(url, method="POST"))
    try:
        file.seek(3 << 20)
        new = bytes(file.read(1000))
        print(f"{name}: {old[:1].decode()} then {new[:1].decode()}")
    except Exception as error:
        print(f"{name}: {old[:1].decode()} then {type(error).__name__}")
Pypdl().start(f"{base}/broken-pypdl", file_path="pypdl", retries=3, display=False, multisegment=False)
print("pypdl:", "".join(sorted(set(open("pypdl").read()))))
PY
cat >read.mjs <<'JS'
import { readFileSync } from "node:fs";
import { SourceHttp } from "@chunkd/source-http";
import { HttpRangeReader } from "@zip.js/zip.js";
import { FetchStore } from "@zarrita/storage";
import { RemoteFile } from "generic-filehandle2";
import { asyncBufferFromUrl } from "hyparquet";
import { downloadFile } from "ipull";
import { DownloaderHelper } from "node-downloader-helper";
import { FetchSource } from "pmtiles";
import { HTTPRangeReader } from "unzipit";

const base = process.argv[2];
// Each gives what reads SIZE bytes at a place.
const openers = {
  "zip.js": async (url) => {
    const reader = new HttpRangeReader(url);
    await reader.init();
    return (at, size) => reader.readUint8Array(at, size);
  },
  hyparquet: async (url) => {
    const file = await asyncBufferFromUrl({ url });
    return (at, size) => file.slice(at, at + size);
  },
  pmtiles: async (url) => {
    const source = new FetchSource(url);
    let etag;
    return async (at, size) => {
      const answer = await source.getBytes(at, size, undefined, etag);
      etag = answer.etag;
      return answer.data;
    };
  },
  unzipit: async (url) => {
    const reader = new HTTPRangeReader(url);
    await reader.getLength();
    return (at, size) => reader.read(at, size);
  },
  "generic-filehandle2": async (url) => {
    const file = new RemoteFile(url);
    return (at, size) => file.read(size, at);
  },
  "@zarrita/storage": async (url) => {
    const store = new FetchStore(base);
    return (at, size) => store.getRange(url.slice(base.length), { offset: at, length: size });
  },
  "@chunkd/source-http": async (url) => {
    const source = new SourceHttp(url);
    return (at, size) => source.fetch(at, size);
  },
};
const letter = (bytes) => String.fromCharCode(new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0)[0]);
for (const [name, open] of Object.entries(openers)) {
  const url = `${base}/${name.replaceAll("/", "-")}`;
  const read = await open(url);
  const old = letter(await read(0, 1000));
  await fetch(url, { method: "POST" });
  const then = await read(3 << 20, 1000).then(letter, () => "an error");
  console.log(`${name}: ${old} then ${then}`);
}

const letters = (file) => [...new Set(readFileSync(file, "latin1"))].sort().join("");
const helper = new DownloaderHelper(`${base}/broken-helper`, ".", { fileName: "helper", retry: { maxRetries: 3, delay: 50 } });
const ended = new Promise((resolve, reject) => helper.on("end", resolve).on("error", reject));
await helper.start();
const { incomplete } = await ended;
console.log(`node-downloader-helper: ${letters("helper")}, incomplete: ${incomplete}`);
const ipull = await downloadFile({ url: `${base}/broken-ipull`, directory: ".", fileName: "ipull", cliProgress: false, parallelStreams: 1 });
await ipull.download();
console.log(`ipull: ${letters("ipull")}`);
process.exit();
JS
env/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
base=http://127.0.0.1:$(cat port)
{ env/bin/python read.py "$base" 2>/dev/null; node read.mjs "$base" 2>/dev/null; } | tr -d '\033' | sed 's/\[?25[lh]//g' >seen
cat seen
cat >expected <<'TXT'
fsspec: a then b
obstore: a then b
remfile: a then b
httpio: a then b
seekablehttpfile: a then b
smart_open: a then HTTPError
pypdl: b
zip.js: a then an error
hyparquet: a then b
pmtiles: a then an error
unzipit: a then b
generic-filehandle2: a then b
@zarrita/storage: a then b
@chunkd/source-http: a then an error
node-downloader-helper: ab, incomplete: false
ipull: b
TXT
diff expected seen >changes || { echo CHANGED; cat changes; exit 1; }
