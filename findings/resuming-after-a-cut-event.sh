#!/usr/bin/env bash
# A feed of numbered events breaks off inside the second one. Thirteen clients that connect again by themselves do so, and a
# server that keeps its events goes on behind the Last-Event-ID that it is told.
#
# One would guess: an event that was not handed out is not acknowledged either; the HTML standard takes the id over with the
# empty line that ends the event, and numbered events are there so that nothing is lost when a connection is.
# What happens (versions below): of thirteen clients six do not have the second event as the server sent it, none of them with
# an error. @microsoft/fetch-event-source, extended-eventsource and eventsource 2.0.2 send the id of the event that they never
# handed out, so it is LOST. sseclient loses it too if the cut is in its text, and has handed out half the text. Where the
# connection broke off inside the data, aiohttp-sse-client and -client2 hand out "tw, line feed, two": the half stays in their
# buffer; eventsource 2.0.2 makes one event of the second and the third where the cut was behind the data. An id without data,
# by which a server says how far it has come when there is nothing for this reader, is not kept by eventsource-client,
# event-source-plus, event-source-polyfill and LaunchDarkly's two: they ask for what they were told to be past. Today's
# eventsource and requests-sse do all of it by the standard.
# Why it matters: proxies and platforms end long answers at a time limit, wherever they are. One event is gone each time, or
# glued to its neighbour, and a test that ends the connection between two events sees nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts eventsource@5.1.5 eventsource-2@npm:eventsource@2.0.2 \
  launchdarkly-eventsource@2.2.0 extended-eventsource@2.1.0 eventsource-client@1.2.0 event-source-plus@0.1.15 \
  event-source-polyfill@1.0.31 @microsoft/fetch-event-source@2.0.1
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check aiohttp-sse-client==0.2.1 aiohttp-sse-client2==0.3.0 requests-sse==0.5.3 \
  launchdarkly-eventsource==1.7.4 sseclient==0.0.27
cat >clients.mjs <<'JS'
import { createRequire } from "node:module";
import { fetchEventSource } from "@microsoft/fetch-event-source";
import { EventSourcePlus } from "event-source-plus";
import { EventSourcePolyfill } from "event-source-polyfill";
import { EventSource } from "eventsource";
import { createEventSource } from "eventsource-client";
import { EventSource as ExtendedEventSource } from "extended-eventsource";

const require = createRequire(import.meta.url);
const { log } = console;
for (const name of ["debug", "info", "warn", "error", "log"]) console[name] = () => {};
// fetch-event-source is written for a window.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

const like = (Source, options) => (url, heard) => {
  const source = new Source(url, options);
  source.onmessage = ({ data }) => heard(data);
  source.onerror = () => {};
  return () => source.close();
};
const clients = {
  eventsource: like(EventSource),
  "eventsource 2.0.2": like(require("eventsource-2")),
  "launchdarkly-eventsource": like(require("launchdarkly-eventsource").EventSource, { initialRetryDelayMillis: 50 }),
  "extended-eventsource": like(ExtendedEventSource),
  "event-source-polyfill": like(EventSourcePolyfill),
  "eventsource-client": (url, heard) => {
    const source = createEventSource({ url, onMessage: ({ data }) => heard(data) });
    return () => source.close();
  },
  "event-source-plus": (url, heard) => {
    const source = new EventSourcePlus(url).listen({ onMessage: ({ data }) => heard(data) });
    return () => source.abort();
  },
  "@microsoft/fetch-event-source": (url, heard) => {
    const control = new AbortController();
    void fetchEventSource(url, {
      signal: control.signal,
      openWhenHidden: true,
      onmessage: ({ data }) => heard(data),
      onclose: () => {
        throw new Error("connect again"); // as its README has it
      },
      onerror: () => 50,
    }).catch(() => {});
    return () => control.abort();
  },
};

const [base, ...feeds] = process.argv.slice(2);
const read = (open, url) =>
  new Promise((done) => {
    const seen = [];
    let stop = () => {};
    const end = (ending) => {
      stop();
      done([...seen, ...ending]);
    };
    const timer = setTimeout(() => end(["(nothing more)"]), 15_000);
    stop = open(url, (data) => {
      if (data) seen.push(data);
      if (!data?.endsWith("three")) return;
      clearTimeout(timer);
      end([]);
    });
  });
await Promise.all(
  Object.entries(clients).flatMap(([name, open], number) =>
    feeds.map(async (feed) => log(JSON.stringify([name, feed, await read(open, `${base}/js${number}/${feed}`)]))),
  ),
);
process.exit(0);
JS
cat >run.py <<'PY'
import asyncio
import json
import logging
import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import aiohttp_sse_client.client
import aiohttp_sse_client2.client
import ld_eventsource
import ld_eventsource.config
import requests_sse
import sseclient

logging.disable()
WORDS = ["one", "two", "three"]
# What the first connection brings before it ends, in order; later ones bring what comes after the id.
FIRST = "retry: 50\nid: 1\ndata: one\n\n"
FEEDS = {
    "cut in the data": FIRST + "id: 2\ndata: tw",
    "cut before the empty line": FIRST + "id: 2\ndata: two\n",
    "an id without data": FIRST + "id: 2\n\n",  # event 2 is none of this reader's business
}
STANDARD = {
    "cut in the data": ["one", "two", "three"],
    "cut before the empty line": ["one", "two", "three"],
    "an id without data": ["one", "three"],
}
LOST, AGAIN = ["one", "three"], ["one", "two", "three"]
DIFFERS = {
    ("cut in the data", "sseclient, Python"): ["one", "tw", "three"],
    ("cut in the data", "aiohttp-sse-client, Python"): ["one", "tw\ntwo", "three"],
    ("cut in the data", "aiohttp-sse-client2, Python"): ["one", "tw\ntwo", "three"],
    ("cut in the data", "eventsource 2.0.2"): LOST,
    ("cut in the data", "@microsoft/fetch-event-source"): LOST,
    ("cut in the data", "extended-eventsource"): LOST,
    ("cut before the empty line", "aiohttp-sse-client, Python"): ["one", "two\ntwo", "three"],
    ("cut before the empty line", "aiohttp-sse-client2, Python"): ["one", "two\ntwo", "three"],
    ("cut before the empty line", "eventsource 2.0.2"): ["one", "two\nthree"],
    ("cut before the empty line", "@microsoft/fetch-event-source"): LOST,
    ("cut before the empty line", "extended-eventsource"): LOST,
    ("an id without data", "launchdarkly-eventsource, Python"): AGAIN,
    ("an id without data", "launchdarkly-eventsource"): AGAIN,
    ("an id without data", "event-source-plus"): AGAIN,
    ("an id without data", "eventsource-client"): AGAIN,
    ("an id without data", "event-source-polyfill"): AGAIN,
}
opened = set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        feed = list(FEEDS)[int(url.path.split("/")[2])]
        asked = self.headers.get("last-event-id") or parse_qs(url.query).get("lastEventId", [""])[0]
        if url.path in opened:
            after = int(asked or 0)
            text = "".join(f"id: {n}\ndata: {word}\n\n" for n, word in enumerate(WORDS, 1) if n > after)
        else:
            text = FEEDS[feed]
            opened.add(url.path)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text.encode()))

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_):  # a client that has seen enough closes
        pass


def with_sseclient(url):
    for event in sseclient.SSEClient(url):
        yield event.data


def with_requests_sse(url):
    with requests_sse.EventSource(url, reconnection_time=timedelta(milliseconds=50)) as source:
        for event in source:
            yield event.data


def with_launchdarkly(url):
    client = ld_eventsource.SSEClient(url, error_strategy=ld_eventsource.config.ErrorStrategy.always_continue())
    for event in client.events:
        yield event.data


async def with_aiohttp(package, url):
    seen = []
    async with package.client.EventSource(url, reconnection_time=timedelta(milliseconds=50)) as source:
        async for event in source:
            seen.append(event.data)
            if event.data.endswith("three"):
                return seen
    return seen


PYTHON = {
    "sseclient": with_sseclient,
    "requests-sse": with_requests_sse,
    "launchdarkly-eventsource": with_launchdarkly,
    "aiohttp-sse-client": lambda url: asyncio.run(with_aiohttp(aiohttp_sse_client, url)),
    "aiohttp-sse-client2": lambda url: asyncio.run(with_aiohttp(aiohttp_sse_client2, url)),
}


def texts(read, url):
    seen = []

    def collect():
        try:
            for text in read(url):
                if text:
                    seen.append(text)
                if text.endswith("three"):
                    return
        except Exception as error:
            seen.append(f"({type(error).__name__})")
            return
        seen.append("(end)")

    thread = threading.Thread(target=collect, daemon=True)
    thread.start()
    thread.join(15)
    return seen + ["(nothing more)"] * thread.is_alive()


server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
found = {}
for number, (name, read) in enumerate(PYTHON.items()):
    for feed in range(len(FEEDS)):
        found[f"{name}, Python", list(FEEDS)[feed]] = texts(read, f"{base}/py{number}/{feed}")
numbers = map(str, range(len(FEEDS)))
for line in subprocess.run(
    ["node", "clients.mjs", base, *numbers], capture_output=True, check=True, timeout=60
).stdout.splitlines():
    name, feed, seen = json.loads(line)
    found[name, list(FEEDS)[int(feed)]] = seen
changed = False
for feed in FEEDS:
    print(feed)
    for name in dict.fromkeys(name for name, _ in found):
        seen, differs = found[name, feed], DIFFERS.get((feed, name))
        mark = "CHANGED" if seen != (differs or STANDARD[feed]) else "differs" if differs else "agrees "
        changed |= mark == "CHANGED"
        print(f"  {mark}  {name:34} {' | '.join(seen)!r}")
sys.exit(changed)
PY
env/bin/python run.py
