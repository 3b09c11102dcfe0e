#!/usr/bin/env bash
# A GraphQL answer in three parts (multipart/mixed, as @defer, @stream and subscriptions over HTTP send it), written in seven ways
# that RFC 2046 calls the same, and cut in two at each place, read by six clients for JavaScript. Beside them gql for Python.
#
# One would guess: parts are JSON and boundaries are looked for by a few lines that all have tried; where the network cuts the
# bytes never shows, and what the head says of the boundary is read as any header is.
# What happens (versions below): meros, and so @graphql-tools/executor-http, glues two parts into one text if the cut is in the
# boundary between them and the next boundary comes with the second piece. The executor drops both WITHOUT an error: of name,
# home and birth the name is left. `content-type:application/json` without a space makes text of each part, and then nothing.
# @apollo/client fails on a preamble. fetch-multipart-graphql loses the first part where no line end stands before it, and all
# parts if the boundary has a semicolon. meros and fetch-multipart-graphql do not know `Multipart/Mixed; Boundary=`. gql wants
# the letters `boundary=graphql` and refuses a quoted one, and any other name. @urql/core reads all of it, however it is cut.
# Why it matters: a fast back end sends its last two parts at once, so that a cut by a proxy's buffer falls there now and then,
# and a page lacks what was deferred. A server should write the plainest form, and each part, its boundary too, in one piece.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts meros@1.3.2 @graphql-tools/executor-http@3.4.1 @urql/core@6.0.3 \
  @apollo/client@4.3.8 fetch-multipart-graphql@3.3.0 graphql@16.15.0 rxjs@7.8.2
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check 'gql[aiohttp]==4.4.0'
cat >run.mjs <<'JS'
import { Readable } from "node:stream";
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client/core/index.js";
import { buildHTTPExecutor } from "@graphql-tools/executor-http";
import { Client, fetchExchange } from "@urql/core";
import fetchMultipart from "fetch-multipart-graphql";
import { parse } from "graphql";
import { meros as inBrowser } from "meros/browser";
import { meros as inNode } from "meros/node";

const { log } = console;
for (const name of ["log", "debug", "warn", "error"]) console[name] = () => {};
const URL = "http://graphql.test/";
const QUERY = "query { hero { name } }";
const PARTS = [
  { data: { hero: { name: "one" } }, hasNext: true },
  { incremental: [{ path: ["hero"], data: { home: "two" } }], hasNext: true },
  { incremental: [{ path: ["hero"], data: { born: "three" } }], hasNext: false },
];
const PLAIN = "multipart/mixed; boundary=";
const FIELD = "Content-Type: application/json\r\n";
const written = ({ type = PLAIN, name = "graphql", quote = "", pad = "", fields = FIELD, before = "", start = 0 }) => {
  const parts = PARTS.map((part) => `\r\n--${name}${pad}\r\n${fields}\r\n${JSON.stringify(part)}`);
  return { type: `${type}${quote}${name}${quote}`, text: `${before}${parts.join("")}\r\n--${name}--\r\n`.slice(start) };
};
// All of them by RFC 2046 section 5.1.1 and RFC 9110 section 8.3.
const ways = {
  plain: written({}),
  "a quoted boundary": written({ quote: '"', name: "a;b" }),
  "names in capitals": written({ type: "Multipart/Mixed; Boundary=" }),
  "no line end before the first": written({ start: 2 }),
  "a preamble": written({ before: "This is a multipart answer." }),
  "white space behind a boundary": written({ pad: " " }),
  "no space in the field": written({ fields: "content-type:application/json\r\n" }),
};
const pieces = (text, cut) => [text.slice(0, cut), text.slice(cut)].filter((piece) => piece !== "");
const answer = ({ type, text }, cut) =>
  new Response(
    new ReadableStream({
      start(controller) {
        for (const piece of pieces(text, cut)) controller.enqueue(new TextEncoder().encode(piece));
        controller.close();
      },
    }),
    { headers: { "content-type": type } },
  );
const plainly = (value) => JSON.parse(JSON.stringify(value));
const all = async (given, parts) => {
  if (parts === given) return "no parts";
  const seen = [];
  for await (const { json, body } of parts) seen.push(json ? body : String(body));
  return seen;
};
const apollo = new ApolloClient({ link: ApolloLink.empty(), cache: new InMemoryCache() });
const readers = {
  "meros/browser": async (way, cut) => {
    const response = answer(way, cut);
    return all(response, await inBrowser(response));
  },
  "meros/node": async (way, cut) => {
    const response = Object.assign(Readable.from(pieces(way.text, cut).map((piece) => Buffer.from(piece))), {
      headers: { "content-type": way.type },
    });
    return all(response, await inNode(response));
  },
  "@graphql-tools/executor-http": async (way, cut) => {
    const ask = buildHTTPExecutor({ endpoint: URL, fetch: async () => answer(way, cut) });
    const results = await ask({ document: parse(QUERY) });
    const seen = [];
    for await (const result of results[Symbol.asyncIterator] ? results : [results]) seen.push(plainly(result));
    return seen;
  },
  "@urql/core": (way, cut) =>
    new Promise((done) => {
      const seen = [];
      const fetch = async () => answer(way, cut);
      const client = new Client({ url: URL, exchanges: [fetchExchange], preferGetMethod: false, fetch });
      client.query(QUERY, {}).subscribe(({ data, error, hasNext }) => {
        seen.push(error ? error.message : plainly(data));
        if (!hasNext) done(seen);
      });
    }),
  "@apollo/client": (way, cut) =>
    new Promise((done) => {
      const seen = [];
      const link = new HttpLink({ uri: URL, fetch: async () => answer(way, cut) });
      ApolloLink.execute(link, { query: gql(QUERY) }, { client: apollo }).subscribe({
        next: (result) => seen.push(plainly(result)),
        error: ({ message }) => done([...seen, message]),
        complete: () => done(seen),
      });
    }),
  "fetch-multipart-graphql": (way, cut) =>
    new Promise((done) => {
      const seen = [];
      globalThis.fetch = async () => answer(way, cut);
      (fetchMultipart.default ?? fetchMultipart)(URL, {
        onNext: (parts) => seen.push(...parts),
        onError: (error) => done([...seen, String(error)]),
        onComplete: () => done(seen),
      });
    }),
};
// Whether it is read, and at how many places a cut in two changes what is read.
const glued = (read, places) => ({
  "meros/browser": `${read}, ${places}`,
  "meros/node": `${read}, ${places}`,
  "@graphql-tools/executor-http": `${read}, ${places}`,
});
const expected = {
  plain: glued("whole", 28),
  "a quoted boundary": { ...glued("whole", 10), "fetch-multipart-graphql": "not read, 0" },
  "names in capitals": { ...glued("not read", 0), "fetch-multipart-graphql": "not read, 0" },
  "no line end before the first": { ...glued("whole", 28), "fetch-multipart-graphql": "not read, 0" },
  "a preamble": { ...glued("whole", 28), "@apollo/client": "not read, 0" },
  "white space behind a boundary": { ...glued("whole", 28), "fetch-multipart-graphql": "not read, 0" },
  "no space in the field": glued("not read", 28),
};
let changed = 0;
for (const [name, way] of Object.entries(ways)) {
  log(`${name}, cut in two at each of ${way.text.length - 1} places`);
  for (const [reader, read] of Object.entries(readers)) {
    const right = JSON.stringify(await read(ways.plain, 0));
    const whole = JSON.stringify(await read(way, 0));
    let places = 0;
    for (let cut = 1; cut < way.text.length; cut++) places += JSON.stringify(await read(way, cut)) !== whole;
    const seen = `${whole === right ? "whole" : "not read"}, ${places}`;
    const wanted = expected[name][reader];
    const mark = seen !== (wanted ?? "whole, 0") ? "CHANGED" : wanted ? "differs" : "agrees ";
    changed += mark === "CHANGED";
    log(`  ${mark}  ${reader.padEnd(30)} ${seen}`);
  }
}
// In the boundary between the second part and the third.
const lost = await readers["@graphql-tools/executor-http"](ways.plain, ways.plain.text.lastIndexOf("\r\n--graphql\r\n") + 4);
log(`cut in a boundary, @graphql-tools/executor-http gives ${JSON.stringify(lost)}`);
process.exit(changed ? 1 : 0);
JS
cat >run.py <<'PY'
import asyncio
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport

# How the head names the parts, and what comes of it.
EXPECTED = {
    "multipart/mixed;boundary=graphql;subscriptionSpec=1.0": "['one', 'two']",
    'multipart/mixed;boundary="graphql";subscriptionSpec=1.0': "TransportProtocolError",
    'multipart/mixed;boundary=graphql;subscriptionSpec="1.0"': "TransportProtocolError",
    "multipart/mixed;boundary=parts;subscriptionSpec=1.0": "TransportProtocolError",
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        kind = list(EXPECTED)[int(self.path[1:])]
        name = "parts" if "parts" in kind else "graphql"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        for word in ("one", "two"):
            part = f'\r\n--{name}\r\ncontent-type: application/json\r\n\r\n{{"payload": {{"data": {{"hero": "{word}"}}}}}}'
            self.wfile.write(part.encode())
        self.wfile.write(f"\r\n--{name}--\r\n".encode())

    def log_message(self, *_):
        pass


async def read(number):
    transport = AIOHTTPTransport(f"http://127.0.0.1:{server.server_port}/{number}")
    try:
        async with Client(transport=transport) as session:
            return str([part["hero"] async for part in session.subscribe(gql("subscription { hero }"))])
    except Exception as error:
        return type(error).__name__


server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
changed = False
print("gql, Python")
for number, (kind, expected) in enumerate(EXPECTED.items()):
    seen = asyncio.run(read(number))
    changed |= seen != expected
    print(f"  {'as found' if seen == expected else 'CHANGED '}  {kind:58} {seen}")
sys.exit(changed)
PY
node run.mjs
env/bin/python run.py
