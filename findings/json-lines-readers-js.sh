#!/usr/bin/env bash
# JSON Lines, one JSON text a line, read by thirteen npm packages: readers of such streams, and clients that read them.
#
# One would guess: a reader of lines is a few lines of code that cannot be wrong; and where the network cuts the bytes
# into pieces never shows in what is read.
# What happens (versions below): json-stream gives a line TWICE where a piece ends just before its line feed. It and
# ndjson-readablestream make two values of a number that two pieces share. byline, jsonlines, ldjson-stream and
# docker-modem turn a character that two pieces share into two U+FFFD. cohere-ai and docker-modem drop a last line that
# no line feed ends. None of this is an error. byline ends a line at U+0085 and U+2028, too, so that half a JSON text is
# left. A line `null`, which the format's own page names as valid, is the end of the stream for split2, ndjson,
# ldjson-stream and jsonlines, and the line after it an error; json-stream leaves it out.
# Why it matters: a test whose body comes in one piece passes. The text of a model is doubled or garbled on the day when a
# proxy cuts it elsewhere.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund byline@5.0.0 split2@4.2.0 ndjson@2.0.0 ldjson-stream@1.2.1 jsonlines@0.1.1 \
  json-stream@1.0.0 it-ndjson@2.0.0 can-ndjson-stream@1.0.2 fetch-ndjson@1.2.0 ndjson-readablestream@1.4.0 ollama@0.6.4 \
  cohere-ai@8.1.0 docker-modem@5.0.7
cat >run.mjs <<'JS'
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import byline from "byline";
import ndjsonStream from "can-ndjson-stream";
import { CohereClient } from "cohere-ai";
import Modem from "docker-modem";
import fetchNdjson from "fetch-ndjson";
import { parse as itNdjson } from "it-ndjson";
import jsonStream from "json-stream";
import jsonlines from "jsonlines";
import ldjson from "ldjson-stream";
import ndjson from "ndjson";
import { Ollama } from "ollama";
import split2 from "split2";

const readNDJSONStream = createRequire(import.meta.url)("ndjson-readablestream");

// The values, and how their lines come: `at` says before which byte the network cuts.
const objects = ["a b", "c"];
const streams = {
  "one piece": { values: objects },
  "cut before a line feed": { values: objects, at: (body) => body.indexOf("\n") },
  "cut in a character": { values: ["\u00e9", "c"], at: (body) => body.indexOf(0xa9) },
  "next line": { values: ["a\u0085b", "c"] },
  "line separator": { values: ["a\u2028b", "c"] },
  "last line without its end": { values: objects, unended: true },
  "null": { values: [1, null, 2], bare: true },
  "cut in a number": { values: [1234, 5], bare: true, at: () => 2 },
};
// What is not read as it was sent; all else must be.
const differs = {
  "cut before a line feed": { "json-stream": '["a b","a b","c"]' },
  "cut in a character": {
    byline: '["\ufffd\ufffd","c"]',
    "ldjson-stream": '["\ufffd\ufffd","c"]',
    jsonlines: '["\ufffd\ufffd","c"]',
    "docker-modem": '["\ufffd\ufffd","c"]',
  },
  "next line": { byline: "[] SyntaxError" },
  "line separator": { byline: "[] SyntaxError" },
  "last line without its end": { "cohere-ai": '["a b"]', "docker-modem": '["a b"]' },
  "null": {
    split2: "[1] ERR_STREAM_PUSH_AFTER_EOF",
    ndjson: "[1] ERR_STREAM_PUSH_AFTER_EOF",
    "ldjson-stream": "[1] Error",
    jsonlines: "[1] ERR_STREAM_PUSH_AFTER_EOF",
    "json-stream": "[1,2]",
  },
  "cut in a number": { "json-stream": "[12,1234,5]", "ndjson-readablestream": "[12,34,5]" },
};

function pieces({ values, at, bare, unended }, shape) {
  const text = values.map((value, n) => JSON.stringify(bare ? value : shape(value, n))).join("\n");
  const body = Buffer.from(unended ? text : `${text}\n`);
  return at ? [body.subarray(0, at(body)), body.subarray(at(body))] : [body];
}
const web = (parts) =>
  new ReadableStream({
    pull(controller) {
      if (parts.length) controller.enqueue(new Uint8Array(parts.shift()));
      else controller.close();
    },
  });
const node = (parts) => Readable.from(parts, { objectMode: false });
const answer = (parts) => async () => new Response(web(parts), { headers: { "content-type": "application/json" } });

// A reader takes the pieces and a function for each value that it finds.
const transform = (make) => (parts, found) =>
  new Promise((resolve, reject) => {
    const stream = make().on("data", found).on("end", resolve).on("error", reject);
    node(parts).pipe(stream);
  });
const iterable = (read) => async (parts, found) => {
  for await (const value of await read(parts)) found(value);
};
const text = { shape: (text) => ({ text }), textOf: (value) => value.text };
const readers = {
  byline: { ...text, read: iterable(async function* (parts) {
    for await (const line of byline(node(parts))) yield JSON.parse(line);
  }) },
  split2: { ...text, read: transform(() => split2(JSON.parse)) },
  ndjson: { ...text, read: transform(() => ndjson.parse()) },
  "ldjson-stream": { ...text, read: transform(() => ldjson.parse()) },
  jsonlines: { ...text, read: transform(() => jsonlines.parse()) },
  "json-stream": { ...text, read: transform(() => jsonStream()) },
  "it-ndjson": { ...text, read: iterable((parts) => itNdjson(parts)) },
  "can-ndjson-stream": { ...text, read: iterable((parts) => ndjsonStream(web(parts))) },
  "fetch-ndjson": { ...text, read: iterable((parts) => fetchNdjson.default(web(parts).getReader())) },
  "ndjson-readablestream": { ...text, read: iterable((parts) => readNDJSONStream(web(parts))) },
  ollama: {
    client: true,
    shape: (content, n) => ({ model: "m", message: { role: "assistant", content }, done: n === 1 }),
    textOf: (part) => part.message.content,
    read: iterable((parts) => {
      const client = new Ollama({ host: "http://localhost", fetch: answer(parts) });
      return client.chat({ model: "m", messages: [{ role: "user", content: "hello" }], stream: true });
    }),
  },
  "cohere-ai": {
    client: true,
    shape: (text) => ({ event_type: "text-generation", text, is_finished: false }),
    textOf: (event) => event.text,
    read: iterable((parts) => {
      const client = new CohereClient({ token: "none", baseUrl: "http://localhost", fetch: answer(parts) });
      return client.chatStream({ message: "hello" });
    }),
  },
  "docker-modem": {
    ...text,
    client: true,
    read: (parts, found) =>
      new Promise((resolve, reject) => {
        const done = (error) => (error ? reject(error) : resolve());
        new Modem({ host: "localhost" }).followProgress(node(parts), done, found);
      }),
  },
};
let changed = 0;
for (const [name, stream] of Object.entries(streams)) {
  console.log(name);
  for (const [reader, { client, shape, textOf, read }] of Object.entries(readers)) {
    if (client && stream.bare) continue; // their lines are objects
    const values = [];
    let ending = "";
    await read(pieces(stream, shape), (value) => values.push(stream.bare ? value : textOf(value))).catch((error) => {
      ending = ` ${error.code ?? error.name}`;
    });
    const seen = JSON.stringify(values) + ending;
    const asFound = seen === (differs[name]?.[reader] ?? JSON.stringify(stream.values));
    changed += !asFound;
    const shown = seen === JSON.stringify(stream.values) ? "as sent" : seen;
    console.log(`  ${asFound ? "as found" : "CHANGED "}  ${reader.padEnd(21)}  ${shown}`);
  }
}
process.exit(changed ? 1 : 0);
JS
node run.mjs
