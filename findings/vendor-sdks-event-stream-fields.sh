#!/usr/bin/env bash
# One chat answer of an OpenAI-compatible server, written six ways that the HTML standard calls the same, read by the
# official packages of five vendors in Python and JavaScript.
#
# One would guess: all of them read an event stream as the standard has it; what they differ in is the JSON inside.
# What happens (versions below): the packages of Groq (Python), Together and Cerebras give an EMPTY answer and no error
# where the server names each event `message`, which is the name of an event that has none. A block that only says
# `retry: 3000` is parsed as JSON and ends the answer in four of the five Python packages. An empty `data:` line, by which
# some gateways show that they live, ends it in nine of the ten. huggingface_hub needs the space after `data:`,
# cannot read data on several lines, and breaks at U+2028 inside a JSON text, where JSON allows it.
# Why it matters: who writes a server, a gateway or a heartbeat can only use comments (`: alive`), unnamed events, one line
# of data each, and no `retry`. Everything else loses somebody's answers, some of them without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check openai==3.57.0 groq==1.7.0 together==3.1.1 \
  cerebras_cloud_sdk==1.91.0 huggingface_hub==2.4.0
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund openai@6.49.0 groq-sdk@1.6.0 together-ai@0.52.0 \
  @cerebras/cerebras_cloud_sdk@1.91.0 @huggingface/inference@4.13.30

cat >server.py <<'PY'
"""Answers POST /WAY/... with the same chat answer, written in that way."""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def chunk(text, finish=None):
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    whole = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return json.dumps(whole, ensure_ascii=False)


CHUNKS = [chunk("Hel"), chunk("lo"), chunk("", "stop")]


def written(block, first=""):
    return first + "".join(block(part) for part in [*CHUNKS, "[DONE]"])


WAYS = {
    "plain": written(lambda data: f"data: {data}\n\n"),
    "comments": written(lambda data: f": alive\n\ndata: {data}\n\n"),
    "named": written(lambda data: f"event: message\ndata: {data}\n\n"),
    "retry": written(lambda data: f"data: {data}\n\n", "retry: 3000\n\n"),
    "empty": written(lambda data: f"data: {data}\n\n", "data:\n\n"),
    "nospace": written(lambda data: f"data:{data}\n\n"),
    "lines": written(lambda data: "".join(f"data: {line}\n" for line in data.replace('"model"', '\n"model"').split("\n")) + "\n"),
    "separator": written(lambda data: "data: " + data.replace('"m"', '"m\u2028"') + "\n\n"),
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(WAYS[self.path.split("/")[1]].encode())

    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat >read.py <<'PY'
import json
import sys

import groq
import openai
import together
from cerebras.cloud.sdk import Cerebras
from huggingface_hub import InferenceClient

base, ways = sys.argv[1], sys.argv[2:]
messages = [{"role": "user", "content": "hello"}]


def text_of(chunk):
    if not chunk.choices:  # None, where a package did not recognise the event as a chunk
        return ""
    delta = chunk.choices[0].delta
    return (delta["content"] if isinstance(delta, dict) else delta.content) or ""


def like_openai(make):
    def read(url):
        client = make(url)
        return "".join(map(text_of, client.chat.completions.create(model="m", messages=messages, stream=True)))

    return read


def with_hugging_face(url):
    client = InferenceClient(base_url=url, api_key="none")
    return "".join(map(text_of, client.chat_completion(messages, stream=True)))


packages = {
    "openai": like_openai(lambda url: openai.OpenAI(base_url=url, api_key="none", max_retries=0)),
    "groq": like_openai(lambda url: groq.Groq(base_url=url, api_key="none", max_retries=0)),
    "together": like_openai(lambda url: together.Together(base_url=url, api_key="none", max_retries=0)),
    "cerebras": like_openai(
        lambda url: Cerebras(base_url=url, api_key="none", max_retries=0, warm_tcp_connection=False)
    ),
    "huggingface": with_hugging_face,
}
for package, read in packages.items():
    for way in ways:
        try:
            seen = read(f"{base}/{way}")
        except Exception as error:
            seen = f"error {type(error).__name__}"
        print(f"{way} python/{package} {'whole' if seen == 'Hello' else seen or 'EMPTY'}")
PY
cat >read.mjs <<'JS'
import Cerebras from "@cerebras/cerebras_cloud_sdk";
import { InferenceClient } from "@huggingface/inference";
import Groq from "groq-sdk";
import OpenAI from "openai";
import Together from "together-ai";

const [base, ...ways] = process.argv.slice(2);
const messages = [{ role: "user", content: "hello" }];
const joined = async (chunks) => {
  let text = "";
  for await (const chunk of chunks) text += chunk.choices?.[0]?.delta?.content ?? "";
  return text;
};
const likeOpenAI = (Client, options) => async (baseURL) => {
  const client = new Client({ baseURL, apiKey: "none", maxRetries: 0, ...options });
  return joined(await client.chat.completions.create({ model: "m", messages, stream: true }));
};
const packages = {
  openai: likeOpenAI(OpenAI),
  groq: likeOpenAI(Groq),
  together: likeOpenAI(Together),
  cerebras: likeOpenAI(Cerebras, { warmTCPConnection: false }),
  huggingface: (endpointUrl) =>
    joined(new InferenceClient("none", { endpointUrl }).chatCompletionStream({ model: "m", messages })),
};
console.error = () => {}; // two of them print what they could not parse
for (const [name, read] of Object.entries(packages))
  for (const way of ways) {
    const seen = await read(`${base}/${way}`).catch((error) => `error ${error.name}`);
    console.log(`${way} js/${name} ${seen === "Hello" ? "whole" : seen || "EMPTY"}`);
  }
JS
env/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
base=http://127.0.0.1:$(cat port)
ways="plain comments named retry empty nospace lines separator"
{ env/bin/python read.py "$base" $ways 2>/dev/null; node read.mjs "$base" $ways; } | sort >seen
cat >expected <<'TXT'
empty js/cerebras error SyntaxError
empty js/groq error SyntaxError
empty js/openai error SyntaxError
empty js/together error SyntaxError
empty python/cerebras error JSONDecodeError
empty python/groq error JSONDecodeError
empty python/huggingface error JSONDecodeError
empty python/openai error JSONDecodeError
empty python/together error JSONDecodeError
lines python/huggingface error JSONDecodeError
named js/cerebras EMPTY
named js/together EMPTY
named python/cerebras EMPTY
named python/groq EMPTY
named python/together EMPTY
nospace python/huggingface error JSONDecodeError
retry python/cerebras error JSONDecodeError
retry python/groq error JSONDecodeError
retry python/openai error JSONDecodeError
retry python/together error JSONDecodeError
separator python/huggingface error JSONDecodeError
TXT
grep -v ' whole$' seen | LC_ALL=C sort >differs || true
echo "$(grep -c ' whole$' seen) of $(wc -l <seen) answers arrive whole; the others:"
cat differs
diff <(LC_ALL=C sort expected) differs >/dev/null || { echo CHANGED; diff <(LC_ALL=C sort expected) differs; exit 1; }
