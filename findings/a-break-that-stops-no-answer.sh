#!/usr/bin/env bash
# The first piece of a streamed answer is enough: `for chunk in client.chat.completions.create(…, stream=True): break`, in a
# function that returns. The client lives on, as it should; nothing else has hold of the stream any more.
#
# One would guess: CPython closes a generator that nobody has any more at once, so that the connection is closed and the vendor
# stops to write, and to bill. JavaScript's `for await` does so by its rules.
# What happens (versions below): with anthropic, mistralai, ollama and huggingface_hub it is so, and in JavaScript. With openai,
# groq and together, plain and async, the server is told nothing and writes the answer to its end: the stream and its iterator
# hold each other, so that only the garbage collector closes the connection, whenever it next comes. `with …create(…) as stream:`
# around the same loop stops the answer at once.
# Why it matters: each token is paid for, a stop button that ends the loop stops the picture alone, and on a server of one's own
# the next question waits for it.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check openai==3.57.0 anthropic==2.14.0 groq==1.7.0 together==3.1.1 \
  mistralai==3.7.0 ollama==0.6.3 huggingface_hub==2.4.0
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund openai@7.57.0 @anthropic-ai/sdk@1.12.0
cat >server.py <<'PY'
"""POST /NAME/…: pieces for 2 s, or until the client has gone. GET /NAME waits for that, and says which it was."""
import json
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ended, how = defaultdict(threading.Event), {}


def piece(path):
    if "api/chat" in path:
        return json.dumps({"model": "m", "message": {"role": "assistant", "content": "word " * 400}, "done": False}) + "\n"
    if "messages" in path:
        delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word " * 400}}
        return f"event: content_block_delta\ndata: {json.dumps(delta)}\n\n"
    choice = {"index": 0, "delta": {"role": "assistant", "content": "word " * 400}, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        name = self.path.split("/")[1]
        self.send_response(200)
        self.send_header("content-type", "application/x-ndjson" if "api/chat" in self.path else "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        how[name] = "goes on"
        try:
            for _ in range(100):
                self.wfile.write(piece(self.path).encode())
                time.sleep(0.02)
        except OSError:
            how[name] = "stops"
        ended[name].set()

    def do_GET(self):
        name = self.path.split("/")[1]
        ended[name].wait()
        self.send_response(200)
        self.send_header("content-length", str(len(how[name])))
        self.end_headers()
        self.wfile.write(how[name].encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.handle_error = lambda *_: None
print(server.server_port, flush=True)
server.serve_forever()
PY
cat >read.py <<'PY'
import asyncio
import sys
import urllib.request
import warnings

warnings.simplefilter("ignore")
import anthropic
import groq
import ollama
import openai
import together
from huggingface_hub import AsyncInferenceClient, InferenceClient
from mistralai.client import Mistral

question = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
streamed = {**question, "stream": True}


def at(name, path=""):
    return f"{sys.argv[1]}/{name}{path}"


def told(name):
    with urllib.request.urlopen(at(name)) as answer:
        print(f"python/{name}: {answer.read().decode()}")


def plain(name, client, ask):
    def first():
        for _ in ask(client):
            break

    first()
    told(name)


async def later(name, client, ask):
    async def first():
        made = ask(client)
        async for _ in await made if hasattr(made, "__await__") else made:
            break

    await first()
    await asyncio.to_thread(told, name)


def chat(client):
    return client.chat.completions.create(**streamed)


def messages(client):
    return client.messages.create(**streamed, max_tokens=9)


def closed(client):
    with chat(client) as stream:
        yield from stream


plain("openai", openai.OpenAI(base_url=at("openai", "/v1"), api_key="none"), chat)
plain("openai-with", openai.OpenAI(base_url=at("openai-with", "/v1"), api_key="none"), closed)
plain("groq", groq.Groq(base_url=at("groq"), api_key="none"), chat)
plain("together", together.Together(base_url=at("together"), api_key="none"), chat)
plain("anthropic", anthropic.Anthropic(base_url=at("anthropic"), api_key="none"), messages)
plain("mistralai", Mistral(server_url=at("mistralai"), api_key="none"), lambda client: client.chat.stream(**question))
plain("ollama", ollama.Client(at("ollama")), lambda client: client.chat(**streamed))
plain("huggingface", InferenceClient(base_url=at("huggingface"), api_key="none"),
      lambda client: client.chat_completion(question["messages"], stream=True))


async def main():
    await later("openai-async", openai.AsyncOpenAI(base_url=at("openai-async", "/v1"), api_key="none"), chat)
    await later("groq-async", groq.AsyncGroq(base_url=at("groq-async"), api_key="none"), chat)
    await later("together-async", together.AsyncTogether(base_url=at("together-async"), api_key="none"), chat)
    await later("anthropic-async", anthropic.AsyncAnthropic(base_url=at("anthropic-async"), api_key="none"), messages)
    await later("mistralai-async", Mistral(server_url=at("mistralai-async"), api_key="none"),
                lambda client: client.chat.stream_async(**question))
    await later("ollama-async", ollama.AsyncClient(at("ollama-async")), lambda client: client.chat(**streamed))


asyncio.run(main())
PY
cat >read.mjs <<'JS'
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const base = process.argv[2];
const question = { model: "m", max_tokens: 9, stream: true, messages: [{ role: "user", content: "x" }] };
const ways = {
  "js-openai": (url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: "none" }).chat.completions.create(question),
  "js-anthropic": (url) => new Anthropic({ baseURL: url, apiKey: "none" }).messages.create(question),
};
for (const [name, way] of Object.entries(ways)) {
  for await (const _ of await way(`${base}/${name}`)) break;
  console.log(`${name.replace("-", "/")}: ${await (await fetch(`${base}/${name}`)).text()}`);
}
JS
env/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
base=http://127.0.0.1:$(cat port)
{ env/bin/python read.py "$base"; node read.mjs "$base"; } >seen
cat seen
cat >expected <<'TXT'
python/openai: goes on
python/openai-with: stops
python/groq: goes on
python/together: goes on
python/anthropic: stops
python/mistralai: stops
python/ollama: stops
python/huggingface: stops
python/openai-async: goes on
python/groq-async: goes on
python/together-async: goes on
python/anthropic-async: stops
python/mistralai-async: stops
python/ollama-async: stops
js/openai: stops
js/anthropic: stops
TXT
diff expected seen >changes || { echo CHANGED; cat changes; exit 1; }
