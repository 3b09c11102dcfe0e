#!/usr/bin/env bash
# A streamed answer of Gemini, Cohere and Mistral, each written in ways that the HTML standard calls the same, and one
# whose text has "[DONE]" in it, read by the vendors' own packages in Python and JavaScript.
#
# One would guess: what a vendor's own package cannot read of an event stream, it says. A comment is always skipped,
# since it is what servers and proxies keep a quiet stream open with. And `[DONE]` ends a stream where it is all of an
# event's data.
# What happens (versions below): cohere-ai ends the answer at a chunk whose TEXT holds "[DONE]", without an error: a model
# that is asked about streaming falls silent. @google/genai drops each event that begins with an id, a name or a comment,
# so the answer is EMPTY, again without an error. google-genai takes comments, `retry`, ids, names and a `data:` without
# the space for JSON, and raises. Google's and Cohere's packages for JavaScript cannot read data on two lines. Mistral's
# two, and Cohere's for Python, read all of it.
# Why it matters: a gateway in front of Gemini cannot keep a stream alive: a comment ends it for one half of the users
# and, within an event, takes words from the other. And a search for `[DONE]` inside a line passes every test but this.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check google-genai==3.6.1 cohere==7.3.1 mistralai==3.7.0
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @google/genai@2.32.0 cohere-ai@8.1.0 @mistralai/mistralai@2.7.0

cat >server.py <<'PY'
"""Answers POST /WAY/... with the text "Hello" in the vendor's own chunks, written in that way."""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def gemini(text, last):
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {"candidates": [{**candidate, "finishReason": "STOP"} if last else candidate]}


def cohere(text, last):
    return {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}}


def mistral(text, last):
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": "stop" if last else None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


WAYS = {
    "plain": "data: {}\n\n",
    "crlf": "data: {}\r\n\r\n",
    "comment": ": alive\n\ndata: {}\n\n",
    "comment-in-event": ": alive\ndata: {}\n\n",
    "retry": "retry: 3000\n\ndata: {}\n\n",
    "id": "id: 7\ndata: {}\n\n",
    "named": "event: message\ndata: {}\n\n",
    "nospace": "data:{}\n\n",
    "lines": "data: {}\n\n",
    "done-in-text": "data: {}\n\n",
}


def body(way, chunk):
    texts = ["Hel", "lo [DONE]" if way == "done-in-text" else "lo", "!"]
    datas = [json.dumps(chunk(text, text == "!")) for text in texts]
    if way == "lines":
        datas = [data.replace(": ", ":\ndata: ", 1) for data in datas]
    if chunk is not gemini:
        datas.append("[DONE]")
    return "".join(WAYS[way].replace("{}", data) for data in datas).encode()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        chunk = gemini if "/models/" in self.path else cohere if "/v2/chat" in self.path else mistral
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(body(self.path.split("/")[1], chunk))

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat >read.py <<'PY'
import sys

import cohere
from google import genai
from mistralai.client import Mistral

base, *ways = sys.argv[1:]
messages = [{"role": "user", "content": "hello"}]


def with_google(url):
    client = genai.Client(api_key="none", http_options={"base_url": url})
    return [chunk.text or "" for chunk in client.models.generate_content_stream(model="m", contents="hello")]


def with_cohere(url):
    events = cohere.ClientV2("none", base_url=url).chat_stream(model="m", messages=messages)
    return [event.delta.message.content.text for event in events]


def with_mistral(url):
    with Mistral(api_key="none", server_url=url) as client:
        events = client.chat.stream(model="m", messages=messages)
        return [event.data.choices[0].delta.content for event in events]


for read in (with_google, with_cohere, with_mistral):
    for way in ways:
        try:
            seen = "".join(read(f"{base}/{way}")) or "EMPTY"
        except Exception as error:
            seen = f"error {type(error).__name__}"
        print(f"{way} python/{read.__name__.removeprefix('with_')} {seen}")
PY
cat >read.mjs <<'JS'
import { GoogleGenAI } from "@google/genai";
import { Mistral } from "@mistralai/mistralai";
import { CohereClientV2 } from "cohere-ai";

const [base, ...ways] = process.argv.slice(2);
const chat = { model: "m", messages: [{ role: "user", content: "hello" }] };
const joined = async (events, textOf) => {
  let text = "";
  for await (const event of events) text += textOf(event) ?? "";
  return text;
};
const readers = {
  google: async (baseUrl) => {
    const { models } = new GoogleGenAI({ apiKey: "none", httpOptions: { baseUrl } });
    return joined(await models.generateContentStream({ model: "m", contents: "hello" }), (chunk) => chunk.text);
  },
  cohere: async (baseUrl) =>
    joined(
      await new CohereClientV2({ token: "none", baseUrl }).chatStream(chat),
      (event) => event.delta.message.content.text,
    ),
  mistral: async (serverURL) =>
    joined(
      await new Mistral({ apiKey: "none", serverURL }).chat.stream(chat),
      (event) => event.data.choices[0].delta.content,
    ),
};
for (const [name, read] of Object.entries(readers))
  for (const way of ways) {
    const seen = await read(`${base}/${way}`).catch((error) => `error ${error.name}`);
    console.log(`${way} js/${name} ${seen || "EMPTY"}`);
  }
JS
env/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
base=http://127.0.0.1:$(cat port)
ways="plain crlf comment comment-in-event retry id named nospace lines done-in-text"
{ env/bin/python read.py "$base" $ways 2>/dev/null; node read.mjs "$base" $ways; } >seen
cat >expected <<'TXT'
comment python/google error UnknownApiResponseError
comment-in-event js/google EMPTY
comment-in-event python/google error UnknownApiResponseError
done-in-text js/cohere Hel
id js/google EMPTY
id python/google error UnknownApiResponseError
lines js/cohere error SyntaxError
lines js/google error SyntaxError
named js/google EMPTY
named python/google error UnknownApiResponseError
nospace python/google error UnknownApiResponseError
retry python/google error UnknownApiResponseError
TXT
[ "$(wc -l <seen)" = 60 ] || { echo "CHANGED: one of the two programs stopped"; cat seen; exit 1; }
grep -vE ' Hello( \[DONE\])?!$' seen | LC_ALL=C sort >differs || true
echo "$((60 - $(wc -l <differs))) of 60 answers arrive whole; the others:"
cat differs
diff <(LC_ALL=C sort expected) differs || { echo CHANGED; exit 1; }
echo "as found"
