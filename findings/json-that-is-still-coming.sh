#!/usr/bin/env bash
# JSON that a model is still writing, cut at each place, read by the parsers that show a page what is there so far: sixteen
# packages, eight ordinary texts, each of which JSON.parse reads when it is whole.
#
# One would guess: what is shown grows. A value may be short of its end (12 before 1250), but nothing is shown that is not in
# the text; and a text that is whole is read as JSON.parse reads it.
# What happens (versions below): so it is with jiter, LangChain for Python, partial-json-parser for Python, partial-json and the
# AI SDK. json_repair, with `stream_stable` too, makes a list of an object at each key that is not closed (`{"t` is ["t"]), and a
# text of each literal and of what has no value yet. jsonrepair makes keys of words INSIDE a text: `He said "yes", then:` has a
# key "then" for a while. @langchain/core shows the backslash of an escape, LangChain for Python does not. Six show half a key.
# best-effort-json-parser makes one key of `e-7, "list"` in `1e-7, "list": [`. And four packages for JavaScript fail on a text
# that is whole and valid: partial-json-parser, incomplete-json-parser and streaming-json on `1e-7`, which is how JavaScript and
# Python write that number, partial-json-parser on each `null` too, incomplete-json-parser on `[[], {}]` in a list, and
# untruncate-json on \u00e9 before a closing quote.
# Why it matters: code that reads `plan.steps.map(…)` of what is there so far fails at some cuts alone, and which cuts there are is
# the network's choice. Where a tool call is begun as soon as an argument is there, an invented one is enough.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts ai@7.0.173 @langchain/core@1.4.0 partial-json@0.1.7 jsonrepair@3.15.0 \
  best-effort-json-parser@1.5.1 untruncate-json@0.0.1 partial-json-parser@1.2.2 incomplete-json-parser@1.1.5 streaming-json@0.1.4
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check jiter==0.19.0 langchain-core==1.8.3 json-repair==0.64.6 \
  partial-json-parser==0.2.1.1.post7 partialjson==1.2.0 streamingjson==0.0.5 partial-json-fixer==0.5.5
cat >readers.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parsePartialJson as langchain } from "@langchain/core/output_parsers";
import { parsePartialJson } from "ai";
import { parse as bestEffort } from "best-effort-json-parser";
import { IncompleteJsonParser } from "incomplete-json-parser";
import { jsonrepair } from "jsonrepair";
import { parse as partial } from "partial-json";
import { Lexer } from "streaming-json";
import untruncate from "untruncate-json";

const require = createRequire(import.meta.url);
const { log } = console;
for (const name of ["log", "warn", "error", "info"]) console[name] = () => {};
const readers = {
  ai: async (text) => (await parsePartialJson(text)).value,
  "@langchain/core": langchain,
  "partial-json": (text) => partial(text),
  jsonrepair: (text) => JSON.parse(jsonrepair(text)),
  "best-effort-json-parser": (text) => bestEffort(text),
  "untruncate-json": (text) => JSON.parse(untruncate.default(text)),
  "partial-json-parser": require("partial-json-parser"),
  "incomplete-json-parser": (text) => IncompleteJsonParser.parse(text),
  "streaming-json": (text) => {
    const lexer = new Lexer();
    lexer.AppendString(text);
    return JSON.parse(lexer.CompleteJSON());
  },
};
const texts = JSON.parse(readFileSync(0, "utf8"));
for (const [reader, read] of Object.entries(readers)) {
  for (const [number, text] of texts.entries()) {
    for (let length = 1; length <= text.length; length++) {
      let seen;
      try {
        const value = await read(text.slice(0, length));
        seen = value === undefined ? ["nothing"] : ["value", value];
      } catch {
        seen = ["error"];
      }
      log(JSON.stringify([reader, number, length, seen]));
    }
  }
}
JS
cat >run.py <<'PY'
import collections
import json
import subprocess
import sys

import jiter
import json_repair
import partial_json_fixer
import partial_json_parser
import partialjson
import streamingjson
from langchain_core.utils.json import parse_partial_json

TEXTS = [
    r'{"title": "A plan", "text": "He said \"yes\", then: left.", "done": true}',
    r'{"file": "a.py", "code": "def f():\n    return {\"a\": [1, 2]}  # it\u0027s\n", "run": false}',
    r'{"price": 1250.5, "delta": -3, "rate": 1e-7, "list": [10, 200]}',
    r'{"see": "https://a.test/x?y=1#z", "note": "50% // here /* and here */"}',
    r'{"a b": 1, "a\"b": {"c": null}, "true": [true, null, false]}',
    r'{"rows": ["a, b", "c: d", "e] f", "g} h", "```x```"], "more": []}',
    r'[{"id": 1, "tags": []}, {"id": 2, "tags": [[], {}]}]',
    r'{"path": "C:\\new\\table", "name": "\u00e9t\u00e9"}',
]


def streaming(text):
    lexer = streamingjson.Lexer()
    lexer.append_string(text)
    return json.loads(lexer.complete_json())


PYTHON = {
    "jiter": lambda text: jiter.from_json(text.encode(), partial_mode="trailing-strings"),
    "langchain-core": parse_partial_json,
    "json_repair": json_repair.loads,
    "json_repair, stream_stable": lambda text: json_repair.repair_json(text, return_objects=True, stream_stable=True),
    "partial-json-parser": partial_json_parser.loads,
    "partialjson": lambda text: partialjson.JSONParser().parse(text),
    "streamingjson": streaming,
    "partial-json-fixer": lambda text: json.loads(partial_json_fixer.fix_json_string(text)),
}


def wrong(value, whole):
    """What is in the value that is not on the way to the whole. A null is taken for nothing yet, a number for its beginning."""
    if value is None:
        return
    numbers = isinstance(value, int | float) and isinstance(whole, int | float)
    if isinstance(value, bool) != isinstance(whole, bool) or not (numbers or isinstance(value, type(whole))):
        yield "other type"
    elif isinstance(whole, dict):
        for key, part in value.items():
            if key in whole:
                yield from wrong(part, whole[key])
            else:
                yield "half a key" if any(real.startswith(key) for real in whole) else "invented key"
    elif isinstance(whole, list):
        for part, real in zip(value, whole, strict=False):
            yield from wrong(part, real)
    elif isinstance(whole, str) and not whole.startswith(value):
        yield "other text"


def read_here(read, text):
    try:
        return ["value", read(text)]
    except Exception:
        return ["error"]


found = [
    (f"{reader}, Python", number, length, read_here(read, text[:length]))
    for reader, read in PYTHON.items()
    for number, text in enumerate(TEXTS)
    for length in range(1, len(text) + 1)
]
read_by_js = subprocess.run(
    ["node", "readers.mjs"], input=json.dumps(TEXTS).encode(), capture_output=True, check=True, timeout=60
)
found += [json.loads(line) for line in read_by_js.stdout.splitlines()]
KINDS = ("other type", "half a key", "invented key", "other text", "error", "whole")
counts = collections.defaultdict(collections.Counter)
values = {}
for reader, number, length, seen in found:
    text, count = TEXTS[number], counts[reader]
    whole = json.loads(text)
    values[reader, text[:length]] = seen
    if length == len(text):
        count["whole"] += seen != ["value", whole]
    elif seen == ["error"]:
        count["error"] += 1
    elif seen[0] == "value":
        count.update(set(wrong(seen[1], whole)))
EXPECTED = {
    "jiter, Python": [0, 0, 0, 0, 0, 0],
    "langchain-core, Python": [0, 0, 0, 0, 0, 0],
    "json_repair, Python": [97, 0, 0, 21, 0, 0],
    "json_repair, stream_stable, Python": [97, 0, 0, 12, 0, 0],
    "partial-json-parser, Python": [0, 0, 0, 0, 0, 0],
    "partialjson, Python": [1, 89, 0, 0, 0, 0],
    "streamingjson, Python": [0, 89, 0, 0, 1, 0],
    "partial-json-fixer, Python": [0, 89, 0, 0, 0, 0],
    "ai": [0, 0, 0, 0, 0, 0],
    "@langchain/core": [0, 0, 0, 21, 0, 0],
    "partial-json": [0, 0, 0, 0, 0, 0],
    "jsonrepair": [20, 89, 2, 0, 16, 0],
    "best-effort-json-parser": [0, 0, 9, 0, 31, 0],
    "untruncate-json": [0, 0, 0, 0, 1, 1],
    "partial-json-parser": [0, 0, 0, 0, 63, 2],
    "incomplete-json-parser": [0, 62, 0, 0, 25, 2],
    "streaming-json": [0, 85, 0, 0, 22, 1],
}
SHOWN = [
    ("json_repair, Python", TEXTS[0][:3], ["t"]),
    ("jsonrepair", TEXTS[0][:51], {"title": "A plan", "text": 'He said "yes"', "then": None}),
    ("@langchain/core", TEXTS[0][:38], {"title": "A plan", "text": "He said \\"}),
    ("best-effort-json-parser", TEXTS[2][:54], {"price": 1250.5, "delta": -3, "rate": 1, 'e-7, "list"': []}),
]
cuts = sum(len(text) - 1 for text in TEXTS)
print(f"of {cuts} places to cut {len(TEXTS)} texts; last column: texts that are read wrongly when they are whole")
print(f"{'':34}", *(f"{kind:>12}" for kind in KINDS))
changed = False
for reader, count in counts.items():
    row = [count[kind] for kind in KINDS]
    as_found = row == EXPECTED.get(reader)
    changed |= not as_found
    print(f"{reader:34}", *(f"{number:12}" for number in row), "" if as_found else " CHANGED")
for reader, text, expected in SHOWN:
    seen = values[reader, text]
    changed |= seen != ["value", expected]
    print(f"{reader}: {text}\n    {json.dumps(seen)}", "" if seen == ["value", expected] else " CHANGED")
sys.exit(changed)
PY
env/bin/python run.py
