#!/usr/bin/env bash
# Event streams from the standard's own grammar, read by four npm packages that people put over fetch.
#
# One would guess: they differ in retry and options; what an event is, the HTML standard settles, so they agree on it.
# What happens (versions below): fetch-event-stream takes all white space off a value, the standard one space, so a word
# of a language model loses the space in front of it.
# @azure/core-sse carries the name and the id of a block without data over to the next event, which then has a name that
# nobody gave it. parse-sse hands out an event that the end of the stream cut off, as if it were whole.
# @microsoft/fetch-event-source makes an event of a comment between two empty lines.
# Why it matters: an application that reads a stream with them sees other events than the browser's EventSource.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund fetch-event-stream@0.1.6 @azure/core-sse@2.3.0 parse-sse@0.1.0 \
  @microsoft/fetch-event-source@2.0.1 eventsource-client@1.2.0
cat >run.mjs <<'JS'
import { createSseStream } from "@azure/core-sse";
import { fetchEventSource } from "@microsoft/fetch-event-source";
import { createEventSource } from "eventsource-client";
import { events } from "fetch-event-stream";
import { parseServerSentEvents } from "parse-sse";

const answer = (text) =>
  new Response(text, { headers: { "content-type": "text/event-stream" } });
const all = async (iterable, show) => {
  const seen = [];
  for await (const event of iterable) seen.push(show(event));
  return seen;
};
// fetch-event-source is written for a window.
globalThis.window = globalThis;
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };

const readers = {
  // The one that agrees with the browser here: what the others are held against.
  "eventsource-client": async (text) => {
    const seen = [];
    const source = createEventSource({
      url: "http://localhost/",
      fetch: async () => answer(text),
      onMessage: ({ event, data, id }) => seen.push([event ?? "message", data, id ?? ""]),
    });
    await new Promise((done) => {
      const poll = setInterval(() => {
        if (source.readyState === "open") return;
        clearInterval(poll);
        done();
      }, 20);
    });
    source.close();
    return seen;
  },
  "fetch-event-stream": (text) =>
    all(events(answer(text)), ({ event, data, id }) => [event ?? "message", data, id ?? ""]),
  "@azure/core-sse": (text) =>
    all(createSseStream(answer(text).body), ({ event, data, id }) => [event || "message", data, id]),
  "parse-sse": (text) =>
    all(parseServerSentEvents(answer(text)), ({ type, data, lastEventId }) => [type, data, lastEventId]),
  "@microsoft/fetch-event-source": async (text) => {
    const seen = [];
    await fetchEventSource("http://localhost/", {
      fetch: async () => answer(text),
      openWhenHidden: true,
      onmessage: ({ event, data, id }) => seen.push([event || "message", data, id]),
      onerror: (error) => {
        throw error;
      },
    });
    return seen;
  },
};
const streams = {
  "two spaces": "data:  word\n\n",
  "name without data": "event: tick\n\ndata: a\n\n",
  "cut before the empty line": "data: a\n\ndata: half\n",
  "comment alone": "data: a\n\n: still here\n\ndata: b\n\n",
};
// What each does otherwise than the standard says; all else must agree with the first.
const expected = {
  "two spaces": { "fetch-event-stream": [["message", "word", ""]] },
  "name without data": {
    "fetch-event-stream": [["tick", undefined, ""], ["message", "a", ""]],
    "@azure/core-sse": [["tick", "a", ""]],
    "@microsoft/fetch-event-source": [["tick", "", ""], ["message", "a", ""]],
  },
  "cut before the empty line": { "parse-sse": [["message", "a", ""], ["message", "half", ""]] },
  "comment alone": { "@microsoft/fetch-event-source": [["message", "a", ""], ["message", "", ""], ["message", "b", ""]] },
};
const standard = {
  "two spaces": [["message", " word", ""]],
  "name without data": [["message", "a", ""]],
  "cut before the empty line": [["message", "a", ""]],
  "comment alone": [["message", "a", ""], ["message", "b", ""]],
};
let changed = 0;
for (const [name, text] of Object.entries(streams)) {
  console.log(`${name}: ${JSON.stringify(text)}`);
  for (const [reader, read] of Object.entries(readers)) {
    const seen = JSON.stringify(await read(text));
    const wanted = JSON.stringify(expected[name][reader] ?? standard[name]);
    const mark = seen === wanted ? (expected[name][reader] ? "differs" : "agrees ") : "CHANGED";
    changed += mark === "CHANGED";
    console.log(`  ${mark}  ${reader.padEnd(30)} ${seen}`);
  }
}
process.exit(changed ? 1 : 0);
JS
node run.mjs
