#!/usr/bin/env bash
# A file of 9 MiB goes up in three pieces, and of the first the server keeps a part, or nothing, and says so as its protocol has
# it: Google's 308 with a Range that ends sooner, or with none; tus' Upload-Offset; OneDrive's nextExpectedRanges. Google's own
# page says not to assume that all bytes were kept that were sent, and to go on behind the Range. All of the file is in memory.
#
# One would guess: this answer is what the protocol is there for, so its vendor's package goes on where the server says.
# What happens (versions below): google-api-python-client, tuspy, aiotus and tus-js-client do. google-cloud-storage and
# google-resumable-media fail: "Bytes stream is in unexpected state", or that a Range is missing. @google-cloud/storage goes on
# behind a part, and fails where nothing was kept. msgraph-core (OneDrive, SharePoint) cannot send this file to a server that
# keeps all of it: of "3932160-", as Microsoft's page writes it, it makes "3932160--" and then int(""); of "3932160-9438101" it
# does send all, and then the last piece once more, so that a finished upload ends in an error.
# Why it matters: a busy service keeps less than it was sent, a test's server never does. The longest uploads fail, from the
# beginning, in the package that was chosen because it resumes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @google-cloud/storage@7.22.0 tus-js-client@4.3.1
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check google-resumable-media==2.11.0 google-api-python-client==2.202.0 \
  google-cloud-storage==3.17.1 tuspy==1.1.0 aiotus==1.1.0 msgraph-core==1.5.2 microsoft-kiota-serialization-json==1.16.0
cat >clients.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Storage } from "@google-cloud/storage";
import { Upload } from "tus-js-client";

const [base, size, ...keeps] = process.argv.slice(2);
const data = readFileSync("data.bin");
const chunkSize = Number(size);
const clients = {
  "@google-cloud/storage": (url) =>
    new Storage({ apiEndpoint: url, projectId: "p", useAuthWithCustomEndpoint: false, retryOptions: { totalTimeout: 10 } })
      .bucket("b")
      .file("o")
      .save(data, { resumable: true, chunkSize, validation: false }),
  "tus-js-client": (url) =>
    new Promise((onSuccess, onError) => {
      new Upload(data, { endpoint: `${url}/tus`, chunkSize, retryDelays: null, onError, onSuccess }).start();
    }),
};
for (const keep of keeps) {
  for (const [number, [name, send]] of Object.entries(clients).entries()) {
    const place = `js${number}`;
    const said = await send(`${base}/${keep}/${place}`).then(
      () => "done",
      ({ message }) => message,
    );
    console.log(JSON.stringify([keep, name, place, said]));
  }
}
process.exit(0);
JS
cat >run.py <<'PY'
import asyncio
import collections
import datetime
import io
import json
import logging
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import aiotus
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.resumable_media.requests import ResumableUpload
from googleapiclient.http import HttpRequest, MediaIoBaseUpload, build_http
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.serialization import ParseNodeFactoryRegistry
from kiota_serialization_json.json_parse_node_factory import JsonParseNodeFactory
from msgraph_core import BaseGraphRequestAdapter
from msgraph_core.models import LargeFileUploadSession
from msgraph_core.tasks import LargeFileUploadTask
from tusclient.client import TusClient

logging.disable()
PIECE = 12 * 320 * 1024  # what both vendors want a multiple of
DATA = bytes(range(251)) * 37602  # a little over 9 MiB, which is more than Google's packages send at once
KEEPS = {"all": PIECE, "part": 2**20, "nothing": 0}  # of the first piece, bytes
stored = collections.defaultdict(bytearray)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def upload(self):
        return stored["/".join(self.path.split("/")[1:3])]

    def answer(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def keep(self, body):
        """Takes the first piece in part, and all of the others."""
        place = "/".join(self.path.split("/")[1:3])
        if place not in begun:
            begun.add(place)
            body = body[: KEEPS[self.path.split("/")[1]]]
        self.upload.extend(body)

    def read(self):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def do_POST(self):
        self.read()
        place = "/".join(self.path.split("/")[:3])
        kind = "tus" if self.path.endswith("/tus") else "google"
        location = f"http://{self.headers['host']}{place}/{kind}/1"
        self.answer(201 if kind == "tus" else 200, {"location": location, "tus-resumable": "1.0.0"})

    def do_GET(self):  # google-cloud-storage asks where the bucket is
        self.answer(404)

    def do_HEAD(self):
        self.answer(200, {"upload-offset": len(self.upload), "upload-length": len(DATA), "tus-resumable": "1.0.0"})

    def do_PATCH(self):
        """tus 1.0.0: the answer says how much there is."""
        body = self.read()
        fits = int(self.headers["upload-offset"]) == len(self.upload)
        if fits:
            self.keep(body)
        self.answer(204 if fits else 409, {"upload-offset": len(self.upload), "tus-resumable": "1.0.0"})

    def do_PUT(self):
        """Google: 308 with a Range, or without one where there is nothing. OneDrive: 202 with nextExpectedRanges."""
        body = self.read()
        first, last = map(int, re.match(r"bytes (\d+)-(\d+)/", self.headers["content-range"]).groups())
        graph = "/graph" in self.path
        if first != len(self.upload) or last - first + 1 != len(body):
            return self.answer(416 if graph else 400)
        self.keep(body)
        size = len(self.upload)
        if size == len(DATA):
            body = json.dumps({"name": "o", "size": str(size)}).encode()
            return self.answer(201 if graph else 200, {"content-type": "application/json"}, body)
        if not graph:
            return self.answer(308, {"range": f"bytes=0-{size - 1}"} if size else {})
        expected = f"{size}-{len(DATA) - 1}" if self.path.endswith("/ends") else f"{size}-"
        until = "2099-01-01T00:00:00Z"
        body = json.dumps({"expirationDateTime": until, "nextExpectedRanges": [expected]}).encode()
        return self.answer(202, {"content-type": "application/json"}, body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):  # a client that has seen enough closes
        pass


def with_resumable_media(url):
    upload, session = ResumableUpload(f"{url}/google", PIECE), requests.Session()
    upload.initiate(session, io.BytesIO(DATA), {"name": "o"}, "application/octet-stream")
    while not upload.finished:
        upload.transmit_next_chunk(session)


def with_api_client(url):
    media = MediaIoBaseUpload(io.BytesIO(DATA), "application/octet-stream", chunksize=PIECE, resumable=True)
    headers = {"content-type": "application/json"}
    request = HttpRequest(build_http(), lambda *_: True, f"{url}/google", "POST", "{}", headers, resumable=media)
    while not request.next_chunk()[1]:
        pass


def with_cloud_storage(url):
    client = storage.Client("p", credentials=AnonymousCredentials(), client_options={"api_endpoint": url})
    blob = client.bucket("b").blob("o", chunk_size=PIECE)
    blob.upload_from_file(io.BytesIO(DATA), size=len(DATA), timeout=9, checksum=None)


def with_tuspy(url):
    TusClient(f"{url}/tus").uploader(file_stream=io.BytesIO(DATA), chunk_size=PIECE).upload()


def with_aiotus(url):
    if asyncio.run(aiotus.upload(f"{url}/tus", io.BytesIO(DATA), chunksize=PIECE)) is None:
        raise RuntimeError("no address")


def with_msgraph(url):
    async def send():
        adapter = BaseGraphRequestAdapter(AnonymousAuthenticationProvider())
        until = datetime.datetime(2099, 1, 1, tzinfo=datetime.UTC)
        session = LargeFileUploadSession(upload_url=url, expiration_date_time=until)
        await LargeFileUploadTask(session, adapter, io.BytesIO(DATA), max_chunk_size=PIECE).upload()

    asyncio.run(asyncio.wait_for(send(), 15))


ParseNodeFactoryRegistry().CONTENT_TYPE_ASSOCIATED_FACTORIES["application/json"] = JsonParseNodeFactory()
PYTHON = {
    "google-resumable-media": with_resumable_media,
    "google-api-python-client": with_api_client,
    "google-cloud-storage": with_cloud_storage,
    "tuspy": with_tuspy,
    "aiotus": with_aiotus,
    "msgraph-core": lambda url: with_msgraph(f"{url}/graph"),
    "msgraph-core, ends named": lambda url: with_msgraph(f"{url}/graph/ends"),
}
DIFFERS = {
    ("all", "msgraph-core"): "error, not whole",
    ("all", "msgraph-core, ends named"): "error, whole",
    ("part", "google-resumable-media"): "error, not whole",
    ("part", "google-cloud-storage"): "error, not whole",
    ("part", "msgraph-core"): "error, not whole",
    ("part", "msgraph-core, ends named"): "error, not whole",
    ("nothing", "google-resumable-media"): "error, not whole",
    ("nothing", "google-cloud-storage"): "error, not whole",
    ("nothing", "msgraph-core"): "error, not whole",
    ("nothing", "msgraph-core, ends named"): "error, not whole",
    ("nothing", "@google-cloud/storage"): "error, not whole",
}


def said(send, url):
    try:
        send(url)
        return "done"
    except Exception as error:
        return str(error)


begun = set()
with open("data.bin", "wb") as file:
    file.write(DATA)
server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
found = [
    (keep, name, f"py{number}", said(send, f"{base}/{keep}/py{number}"))
    for keep in KEEPS
    for number, (name, send) in enumerate(PYTHON.items())
]
sent_by_js = subprocess.run(["node", "clients.mjs", base, str(PIECE), *KEEPS], capture_output=True, check=True, timeout=90)
found += [json.loads(line) for line in sent_by_js.stdout.splitlines()]
changed = False
for keep in KEEPS:
    print(f"of the first piece the server keeps {keep}")
    for at, name, place, words in found:
        if at != keep:
            continue
        whole = stored[f"{keep}/{place}"] == DATA
        seen = f"{'done' if words == 'done' else 'error'}, {'whole' if whole else 'not whole'}"
        differs = DIFFERS.get((keep, name))
        mark = "CHANGED" if seen != (differs or "done, whole") else "differs" if differs else "agrees "
        changed |= mark == "CHANGED"
        print(f"  {mark}  {name:24} {seen:17} {'' if words == 'done' else words.splitlines()[0][:90]}")
sys.exit(changed)
PY
env/bin/python run.py
