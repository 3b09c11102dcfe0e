#!/usr/bin/env bash
# Requests as *Copy as cURL (bash)* of Chromium writes them, given to ten packages that read curl commands, and to bash and curl
# themselves. Where a text has an apostrophe, an exclamation mark or a line end, Chromium puts $'…' around it (bash's ANSI-C
# quoting); a header without a value is `-H 'x-empty;'`, cookies are `-b`.
#
# One would guess: this is the command that people paste into such a package, so it is what all of them are tried with.
# What happens (versions below): curlconverter and Postman's curl-to-postmanv2 send what curl sends, each time. scrapy's
# Request.from_curl, uncurl, curl-parsers, @scrape-do/curl-parser, curl-parser-ts and sweet-curl-parser do not know $'…': an
# apostrophe is an error or cuts the body, and a body that begins with `$` or has doubled backslashes is sent WITHOUT an error.
# So scrapy reads "Hi!" and makes of "a, line feed, b!" another text in JSON that is valid. uncurl drops cookies, and a header
# without a value is an error to four and missing for four more (or its name has the semicolon in it). The same bodies quoted by
# hand, with line feeds as they are and '\'' for an apostrophe, are read by eight of the ten: all but convert-to-requests, which
# reads what Chromium writes and not that, and curl-parser-ts.
# Why it matters: one exclamation mark in a prompt decides whether the pasted request is the one that was copied. Who writes curl
# commands for others to read should quote with '…' and '\'' alone, which every shell takes too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts curlconverter@4.12.0 curl-to-postmanv2@1.8.4 \
  insomnia-importers@3.6.0 @scrape-do/curl-parser@0.3.0 curl-parser-ts@0.3.0 sweet-curl-parser@1.0.4
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check scrapy==2.19.0 uncurl==0.0.11 curl-parsers==0.2.1 \
  convert-to-requests==0.2.0
cat >readers.mjs <<'JS'
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { toHarString } from "curlconverter";

const require = createRequire(import.meta.url);
const insomnia = require("insomnia-importers");
const postman = require("curl-to-postmanv2");
const { log } = console;
for (const name of ["log", "warn", "error"]) console[name] = () => {};

const named = (fields, key = "name") => fields.map((field) => [field[key], field.value]);
const readers = {
  curlconverter: (command) => {
    const { url, headers, cookies, postData } = JSON.parse(toHarString(command)).log.entries[0].request;
    return { url, headers: named(headers), body: postData.text, cookies: named(cookies) };
  },
  "curl-to-postmanv2": (data) =>
    new Promise((done, fail) => {
      postman.convert({ type: "string", data }, (_, { result, reason, output }) => {
        if (!result) return fail(new Error(reason));
        const { url, header, body } = output[0].data;
        done({ url, headers: named(header, "key"), body: body.raw });
      });
    }),
  "insomnia-importers": async (command) => {
    const { url, headers, body, parameters } = (await insomnia.convert(command)).data.resources[0];
    const query = new URLSearchParams(named(parameters)).toString().replaceAll("%21", "!");
    return { url: query ? `${url}?${query}` : url, headers: named(headers), body: body.text };
  },
  "@scrape-do/curl-parser": (command) => {
    const { url, headers, body, cookies } = require("@scrape-do/curl-parser").parse(command);
    return { url, headers: named(headers, "key"), body, cookies };
  },
  "curl-parser-ts": (command) => {
    const { url, query, headers, data, cookies } = require("curl-parser-ts").parseCurlCommand(command);
    const search = new URLSearchParams(query).toString().replaceAll("%21", "!");
    const whole = search ? `${url}?${search}` : url;
    return { url: whole, headers: Object.entries(headers), body: data, cookies: Object.entries(cookies) };
  },
  "sweet-curl-parser": (command) => {
    const { success, data, errors } = require("sweet-curl-parser").parseCurl(command);
    if (!success) throw new Error(errors[0].message);
    const { url, headers, body, cookies } = data;
    return { url: url.fullUrl ?? url, headers: named(headers), body: body?.content ?? body, cookies: cookies?.cookieString };
  },
};
const commands = JSON.parse(readFileSync(0, "utf8"));
for (const [reader, read] of Object.entries(readers)) {
  for (const [name, command] of Object.entries(commands)) {
    const seen = await Promise.resolve(command)
      .then(read)
      .catch(({ message }) => ({ error: message }));
    log(JSON.stringify([reader, name, seen]));
  }
}
JS
cat >run.py <<'PY'
import contextlib
import io
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import convert_to_requests
import curl_parsers
import scrapy
import uncurl

asked = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        asked.append({"url": f"{BASE}{self.path}", "headers": self.headers.items(), "body": body})
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
HOST = f"127.0.0.1:{server.server_port}"
BASE = f"http://{HOST}"
threading.Thread(target=server.serve_forever, daemon=True).start()


def copied(data="""'{"text":"Hi"}'""", url=f"'{BASE}/a'", more=""):
    return f"curl {url} -H 'accept: */*'{more} -H 'content-type: application/json' --data-raw {data}"


COMMANDS = {
    "plain": copied(),
    "a cookie": copied(more=" -b 'id=a=b'"),
    "a header without a value": copied(more=" -H 'x-empty;'"),
    "an exclamation mark in the URL": copied(url=f"$'{BASE}/a?q=hi\\u0021'"),
    "an exclamation mark": copied(r"""$'{"text":"Hi\u0021"}'"""),
    "and an escaped line feed": copied(r"""$'{"text":"a\\nb\u0021"}'"""),
    "line feeds": copied(r"""$'{\n  "text": "Hi"\n}'"""),
    "an apostrophe": copied(r"""$'{"text":"it\'s"}'"""),
    # The same bodies once more, as a person would quote them.
    "line feeds, by hand": copied("""'{\n  "text": "Hi"\n}'"""),
    "an apostrophe, by hand": copied(r"""'{"text":"it'\''s"}'"""),
}
DIFFERS = {
    ("a cookie", "uncurl"): "cookie: None",
    ("a cookie", "convert_to_requests"): "error",
    ("a header without a value", "scrapy"): "error",
    ("a header without a value", "uncurl"): "error",
    ("a header without a value", "curl_parsers"): "x-empty: None",
    ("a header without a value", "convert_to_requests"): "error",
    ("a header without a value", "insomnia-importers"): "error",
    ("a header without a value", "@scrape-do/curl-parser"): "x-empty: None",
    ("a header without a value", "curl-parser-ts"): "x-empty: None",
    ("a header without a value", "sweet-curl-parser"): "x-empty: None",
    ("an exclamation mark in the URL", "scrapy"): "url http://$http//…/a?q=hi%5Cu0021",
    ("an exclamation mark in the URL", "uncurl"): "url $…/a?q=hi\\u0021",
    ("an exclamation mark in the URL", "curl_parsers"): "url ://$…/a?q=hi\\u0021",
    ("an exclamation mark in the URL", "@scrape-do/curl-parser"): "url $…/a?q=hiu0021",
    ("an exclamation mark in the URL", "curl-parser-ts"): "url $'…/a?q=hi%5Cu0021%27",
    ("an exclamation mark in the URL", "sweet-curl-parser"): "error",
    ("an exclamation mark", "uncurl"): 'body ${"text":"Hi\\u0021"}',
    ("an exclamation mark", "curl_parsers"): 'body ${"text":"Hi\\u0021"}',
    ("an exclamation mark", "@scrape-do/curl-parser"): 'body ${"text":"Hiu0021"}',
    ("an exclamation mark", "curl-parser-ts"): 'body $\'{"text":"Hi\\u0021"}\'',
    ("an exclamation mark", "sweet-curl-parser"): 'body ${"text":"Hi\\u0021"}',
    ("and an escaped line feed", "scrapy"): 'body {"text":"a\\\\nb\\u0021"}',
    ("and an escaped line feed", "uncurl"): 'body ${"text":"a\\\\nb\\u0021"}',
    ("and an escaped line feed", "curl_parsers"): 'body ${"text":"a\\\\nb\\u0021"}',
    ("and an escaped line feed", "@scrape-do/curl-parser"): 'body ${"text":"a\\nb\\u0021"}',
    ("and an escaped line feed", "curl-parser-ts"): 'body $\'{"text":"a\\\\nb\\u0021"}\'',
    ("and an escaped line feed", "sweet-curl-parser"): 'body ${"text":"a\\\\nb\\u0021"}',
    ("line feeds", "scrapy"): 'body {\\n  "text": "Hi"\\n}',
    ("line feeds", "uncurl"): 'body ${\\n  "text": "Hi"\\n}',
    ("line feeds", "curl_parsers"): 'body ${\\n  "text": "Hi"\\n}',
    ("line feeds", "@scrape-do/curl-parser"): 'body ${n  "text": "Hi"\\n}',
    ("line feeds", "curl-parser-ts"): "body $'{\\n",
    ("line feeds", "sweet-curl-parser"): 'body ${\\n "text": "Hi"\\n}',
    ("an apostrophe", "scrapy"): "error",
    ("an apostrophe", "uncurl"): "error",
    ("an apostrophe", "curl_parsers"): "error",
    ("an apostrophe", "@scrape-do/curl-parser"): 'body ${"text":"it\'s"}',
    ("an apostrophe", "curl-parser-ts"): 'body $\'{"text":"it\\\'s"}\'',
    ("an apostrophe", "sweet-curl-parser"): 'body ${"text":"it\\s}\'',
    ("an apostrophe, by hand", "convert_to_requests"): "error",
    ("an apostrophe, by hand", "curl-parser-ts"): 'body {"text":"it',
}


def with_scrapy(command):
    request = scrapy.Request.from_curl(command)
    headers = [(name.decode(), value.decode()) for name, (value,) in request.headers.items()]
    return {"url": request.url, "headers": headers, "body": request.body.decode(), "cookies": list(request.cookies.items())}


def with_uncurl(command):
    seen = uncurl.parse_context(command)
    return {"url": seen.url, "headers": seen.headers.items(), "body": seen.data, "cookies": list(seen.cookies.items())}


def with_curl_parsers(command):
    seen = curl_parsers.parse_curl(command)
    query = "&".join(f"{name}={value}" for name, value in seen["params"].items())
    body = seen["raw_data"] or json.dumps(seen["json_data"])
    url = f"{seen['url']}?{query}" if query else seen["url"]
    return {"url": url, "headers": seen["headers"].items(), "body": body, "cookies": seen["cookies"]}


def with_convert_to_requests(command):
    seen = convert_to_requests.curl_to_requests(command)
    return {"url": seen.url, "headers": seen.headers.items(), "body": seen.data.decode()}


def read(reader, command):
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # argparse
            return reader(command)
    except (Exception, SystemExit) as error:
        return {"error": str(error)}


def by_meaning(text):
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def judged(seen, wanted):
    if "error" in seen:
        return "error"
    headers = {name.lower(): value for name, value in seen["headers"]}
    if cookies := seen.get("cookies"):
        headers["cookie"] = cookies if isinstance(cookies, str) else "; ".join(map("=".join, cookies))
    other = []
    for name, value in wanted["headers"]:
        if name.lower() in ("accept", "content-type", "cookie", "x-empty") and headers.get(name.lower()) != value:
            other.append(f"{name.lower()}: {headers.get(name.lower())}")
    if seen["url"] != wanted["url"]:
        other.append(f"url {seen['url'].replace(BASE, '…').replace(HOST, '…')}")
    if by_meaning(seen.get("body")) != by_meaning(wanted["body"]):
        other.append(f"body {seen.get('body')}")
    return ", ".join(other) or "the same"


curl = {}
for name, command in COMMANDS.items():
    subprocess.run(["bash", "-c", f"{command} --silent"], check=True, timeout=30)
    curl[name] = asked.pop()
found = {}
for reader in (with_scrapy, with_uncurl, with_curl_parsers, with_convert_to_requests):
    for name, command in COMMANDS.items():
        found[reader.__name__.removeprefix("with_"), name] = judged(read(reader, command), curl[name])
read_by_js = subprocess.run(
    ["node", "readers.mjs"], input=json.dumps(COMMANDS).encode(), capture_output=True, check=True, timeout=60
)
for line in read_by_js.stdout.splitlines():
    reader, name, seen = json.loads(line)
    found[reader, name] = judged(seen, curl[name])
changed = False
for name in COMMANDS:
    print(f"{name}: {curl[name]['body']!r}")
    for reader in dict.fromkeys(reader for reader, _ in found):
        seen, differs = found[reader, name], DIFFERS.get((name, reader))
        mark = "CHANGED" if seen != (differs or "the same") else "differs" if differs else "agrees "
        changed |= mark == "CHANGED"
        print(f"  {mark}  {reader:24} {seen!r}")
sys.exit(changed)
PY
env/bin/python run.py
