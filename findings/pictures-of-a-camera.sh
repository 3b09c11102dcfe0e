#!/usr/bin/env bash
# A camera's live picture (multipart/x-mixed-replace, a JPEG a part), three pictures of it, read by four npm packages and two of
# PyPI over a real HTTP connection. They differ in how the network cuts them, in whether a part names its length, and in whether
# the JPEG has a thumbnail in its Exif data, as cameras write it: a JPEG of its own inside the JPEG.
#
# One would guess: a part ends at its boundary, or where its Content-Length says; that is what both are there for. At worst a
# picture comes late.
# What happens (versions below): the four of npm never look at the boundary. They search for the two bytes that end a JPEG, and
# find those of the thumbnail: mjpeg-decoder and pipe2jpeg hand out a broken picture each time, mjpeg-consumer other pieces, and
# jpeg-stream fails; none has a whole one. mjpeg-consumer loses every picture whose first or last two bytes two pieces share, all
# but the first of several in one piece, and all of a camera that names no length; pipe2jpeg loses those with a cut in the two
# bytes; mjpeg-decoder hands out one picture for each piece, so that it falls behind and keeps the rest. There is no error.
# aiohttp's MultipartReader has all of them; py-mjpeg all that name their length, and says so of the others.
# Why it matters: on the desk, with a picture a piece, each of them works. Over a slower network the picture freezes or tears now
# and then, and another model of camera shows nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts mjpeg-consumer@2.0.0 mjpeg-decoder@1.0.3 pipe2jpeg@0.3.0 \
  jpeg-stream@0.1.0
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pillow==13.0.0 aiohttp==3.14.5 py-mjpeg==1.0.1
cat >readers.mjs <<'JS'
import { createHash } from "node:crypto";
import http from "node:http";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const MjpegDecoder = require("mjpeg-decoder");
const [base, ways] = process.argv.slice(2);
const through = (name, event) => (url) =>
  new Promise((done) => {
    const seen = [];
    const reader = new (require(name))();
    reader.on(event, (picture) => seen.push(picture));
    reader.on("error", () => done(seen));
    reader.on("finish", () => setImmediate(done, seen));
    http.get(url, (response) => response.pipe(reader));
  });
const readers = {
  "mjpeg-consumer": through("mjpeg-consumer", "data"),
  "jpeg-stream": through("jpeg-stream", "data"),
  pipe2jpeg: through("pipe2jpeg", "jpeg"),
  "mjpeg-decoder": (url) =>
    new Promise((done) => {
      const seen = [];
      const decoder = new MjpegDecoder(url);
      decoder.on("frame", (picture) => seen.push(picture));
      decoder.start();
      decoder.req.on("close", () => done(seen));
    }),
};
for (const [name, read] of Object.entries(readers)) {
  for (let way = 0; way < Number(ways); way++) {
    const pictures = await read(`${base}/${way}`);
    console.log(JSON.stringify([name, way, pictures.map((picture) => createHash("sha256").update(picture).digest("hex"))]));
  }
}
process.exit(0);
JS
cat >run.py <<'PY'
import asyncio
import hashlib
import io
import json
import struct
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiohttp
from mjpeg import ProtoError, open_mjpeg_stream, read_mjpeg_frame
from PIL import Image

COLOURS = ["red", "green", "blue"]


def jpeg(width, height, colour):
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "JPEG")
    return file.getvalue()


def with_thumbnail(picture, thumbnail):
    """Exif's second directory (IFD1) names place and length of a JPEG."""
    first = struct.pack("<HHHIII", 1, 0x112, 3, 1, 1, 8 + 18)
    place = 8 + len(first) + 2 + 3 * 12 + 4
    entries = [(0x103, 3, 1, 6), (0x201, 4, 1, place), (0x202, 4, 1, len(thumbnail))]
    second = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + first + second + thumbnail
    return picture[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + picture[2:]


def part(picture, length=True):
    fields = f"Content-Type: image/jpeg\r\n{f'Content-Length: {len(picture)}' if length else 'X-Camera: door'}\r\n"
    return f"--frame\r\n{fields}\r\n".encode() + picture + b"\r\n"


def cut(whole, place):
    return [whole[:place], whole[place:]]


PLAIN = [jpeg(64, 48, colour) for colour in COLOURS]
THUMBNAILS = [with_thumbnail(jpeg(64, 48, colour), jpeg(16, 12, colour)) for colour in COLOURS]
LAST = b"--frame--\r\n"
# The pictures, and the pieces that they come in.
WAYS = {
    "a picture a piece": (PLAIN, [*map(part, PLAIN), LAST]),
    "two in one piece": (PLAIN, [part(PLAIN[0]) + part(PLAIN[1]), part(PLAIN[2]), LAST]),
    "three in one piece": (PLAIN, [b"".join(map(part, PLAIN)) + LAST]),
    "a cut in the first two bytes": (
        PLAIN,
        [piece for one in map(part, PLAIN) for piece in cut(one, one.index(b"\xff\xd8") + 1)] + [LAST],
    ),
    "a cut in the last two bytes": (PLAIN, [piece for one in map(part, PLAIN) for piece in cut(one, len(one) - 3)] + [LAST]),
    "no length": (PLAIN, [*(part(picture, length=False) for picture in PLAIN), LAST]),
    "a thumbnail": (THUMBNAILS, [*map(part, THUMBNAILS), LAST]),
}
# Of the three, and pictures besides.
DIFFERS = {
    ("two in one piece", "mjpeg-consumer"): (2, 0),
    ("three in one piece", "mjpeg-consumer"): (1, 0),
    ("three in one piece", "mjpeg-decoder"): (1, 0),
    ("a cut in the first two bytes", "mjpeg-consumer"): (0, 0),
    ("a cut in the first two bytes", "pipe2jpeg"): (0, 0),
    ("a cut in the last two bytes", "mjpeg-consumer"): (0, 0),
    ("a cut in the last two bytes", "pipe2jpeg"): (0, 0),
    ("no length", "py-mjpeg, Python"): (0, 0),
    ("no length", "mjpeg-consumer"): (0, 0),
    ("a thumbnail", "mjpeg-consumer"): (0, 5),
    ("a thumbnail", "jpeg-stream"): (0, 0),
    ("a thumbnail", "pipe2jpeg"): (0, 3),
    ("a thumbnail", "mjpeg-decoder"): (0, 3),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "multipart/x-mixed-replace; boundary=frame")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("connection", "close")
        self.end_headers()
        for piece in list(WAYS.values())[int(self.path[1:])][1]:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):  # a reader that has seen enough closes
        pass


def name_of(picture):
    return hashlib.sha256(picture).hexdigest()


def with_aiohttp(url):
    async def read():
        seen = []
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            reader = aiohttp.MultipartReader.from_response(response)
            while (one := await reader.next()) is not None:
                seen.append(name_of(bytes(await one.read())))
        return seen

    return asyncio.run(read())


def with_py_mjpeg(url):
    seen = []
    with urllib.request.urlopen(url) as stream:
        boundary = open_mjpeg_stream(stream)
        for _ in COLOURS:
            memory = bytearray(2**16)
            _, length = read_mjpeg_frame(stream, boundary, memory, len(memory))
            seen.append(name_of(memory[:length]))
    return seen


def read_here(read, url):
    try:
        return read(url)
    except ProtoError:
        return []


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
found = [
    (name, way, read_here(read, f"{base}/{way}"))
    for name, read in {"aiohttp, Python": with_aiohttp, "py-mjpeg, Python": with_py_mjpeg}.items()
    for way in range(len(WAYS))
]
read_by_js = subprocess.run(["node", "readers.mjs", base, str(len(WAYS))], capture_output=True, check=True, timeout=60)
found += [json.loads(line) for line in read_by_js.stdout.splitlines()]
changed = False
for number, (way, (pictures, _)) in enumerate(WAYS.items()):
    print(way)
    sent = list(map(name_of, pictures))
    for name, at, seen in found:
        if at != number:
            continue
        counts = sum(one in seen for one in sent), sum(one not in sent for one in seen)
        differs = DIFFERS.get((way, name))
        mark = "CHANGED" if counts != (differs or (3, 0)) else "differs" if differs else "agrees "
        changed |= mark == "CHANGED"
        print(f"  {mark}  {name:16} {counts[0]} of 3, {counts[1]} that nobody sent")
sys.exit(changed)
PY
env/bin/python run.py
