#!/usr/bin/env bash
# HAR 1.2 by har-schema, the JSON schema that har-validator and most checks of HAR files on npm go by.
#
# One would guess: what it accepts has the times that the specification asks for. It writes a bound into each of them:
# "time" is at least 0, "send", "wait" and "receive" at least -1.
# What happens (versions below): the bounds are written as "min", which is no word of JSON Schema and means nothing to
# any validator: `"time": -5` and `"wait": -500` are valid, for har-validator and for Ajv 8, which names the unknown word
# only in its strict mode. With "minimum" in its place both are refused. Fields of one's own (`_…`) are looked at by
# nobody: `_eventSourceMessages` may be a number.
# Why it matters: a tool that subtracts clocks that ran backwards writes such times, its check passes, and the waterfall
# of whoever opens the file is empty or upside down.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund har-schema@2.0.0 har-validator@5.1.5 ajv8@npm:ajv@8.20.0 ajv-formats@3.0.1
cat >run.cjs <<'JS'
const { default: Ajv } = require("ajv8");
const { default: addFormats } = require("ajv-formats");
const draft06 = require("ajv8/dist/refs/json-schema-draft-06.json");
const schemas = require("har-schema");
const { har: validate } = require("har-validator/lib/promise");

const head = { httpVersion: "HTTP/1.1", cookies: [], headers: [], headersSize: -1, bodySize: -1 };
const har = (changes) => ({
  log: {
    version: "1.2",
    creator: { name: "x", version: "1" },
    entries: [{
      startedDateTime: "2026-12-01T03:00:00.125Z",
      time: 1,
      request: { ...head, method: "GET", url: "https://a.example/", queryString: [] },
      response: { ...head, status: 200, statusText: "OK", content: { size: 1, mimeType: "a" }, redirectURL: "" },
      cache: {},
      timings: { send: 0, wait: 1, receive: 0 },
      ...changes,
    }],
  },
});
const cases = {
  "a plain file": {},
  "a negative time": { time: -5 },
  "a negative wait": { timings: { send: 0, wait: -500, receive: 0 } },
  "events that are a number": { _eventSourceMessages: 7 },
  "a time that is a text": { time: "1" },
};

function byAjv(mend) {
  const ajv = new Ajv({ strict: false });
  addFormats(ajv);
  ajv.addMetaSchema(draft06);
  for (const schema of Object.values(schemas)) ajv.addSchema(JSON.parse(mend(JSON.stringify(schema))));
  return ajv.getSchema("har.json#");
}
const plain = byAjv((text) => text);
const mended = byAjv((text) => text.replaceAll('"min":', '"minimum":'));

(async () => {
  const seen = {};
  for (const [name, changes] of Object.entries(cases)) {
    const file = har(changes);
    const validator = await validate(file).then(() => true, () => false);
    seen[name] = [validator, plain(file), mended(file)];
    const words = seen[name].map((accepted) => (accepted ? "valid  " : "refused"));
    console.log(`${name.padEnd(26)} har-validator: ${words[0]}  Ajv 8: ${words[1]}  with "minimum": ${words[2]}`);
  }
  const expected = {
    "a plain file": [true, true, true],
    "a negative time": [true, true, false],
    "a negative wait": [true, true, false],
    "events that are a number": [true, true, true],
    "a time that is a text": [false, false, false],
  };
  if (JSON.stringify(seen) !== JSON.stringify(expected)) {
    console.log("This is no longer so.");
    process.exit(1);
  }
})();
JS
node run.cjs
