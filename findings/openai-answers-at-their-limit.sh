#!/usr/bin/env bash
# Plain text that came to `max_tokens`: finish_reason `length` of Chat Completions, `response.incomplete` of Responses, each a
# documented end with its text and its usage. Read by the streaming helpers of OpenAI's own packages. No parsing is asked for.
#
# One would guess: an answer that was paid for is handed over with the reason, in both languages and by both interfaces.
# What happens (openai 3.57.0 for Python, openai 7.57.0 for JavaScript): JavaScript gives text, reason and usage each time.
# Python's chat.completions.stream raises LengthFinishReasonError ("Could not parse response content"), although there is nothing
# to parse, while create() gives the same answer. Python's responses.stream raises a bare RuntimeError, "Didn't receive a
# `response.completed` event", which is also what it says of an answer that was cut on its way; text and usage were in an event.
# Why it matters: a limit that is set low on purpose turns each answer into an exception, which reads as a broken connection,
# and code that asks again after one pays for the same answer again, to be told the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check openai==3.57.0
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund openai@7.57.0
cat >server.py <<'PY'
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def chunk(text=None, finish=None):
    choices = [] if text is None else [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}]
    usage = {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}} if text is None else {}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **usage}


def response(status, text=None):
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    output = [{"id": "i", "type": "message", "role": "assistant", "status": status, "content": content}] if text else []
    return {
        "id": "r", "object": "response", "created_at": 1, "model": "m", "status": status, "output": output, "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None, "instructions": None,
        "metadata": {}, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "temperature": 1, "top_p": 1,
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3,
                  "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
    }


def of_responses(cut):
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    item = {"id": "i", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    events = [
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", "part": part, **place},
        {"type": "response.output_text.delta", "delta": "Once", "logprobs": [], **place},
        {"type": "response.incomplete", "response": response("incomplete", "Once")},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events[:-1] if cut else events)]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        if "responses" in self.path:
            events = [json.dumps(event) for event in of_responses(self.path.startswith("/cut"))]
        else:
            events = [*map(json.dumps, (chunk("Once"), chunk("", "length"), chunk())), "[DONE]"]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write("".join(f"data: {event}\n\n" for event in events).encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat >read.py <<'PY'
import sys

import openai


def client(path):
    return openai.OpenAI(base_url=f"{sys.argv[1]}/{path}", api_key="none", max_retries=0)


question = {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 2, "stream_options": {"include_usage": True}}


def create():
    chunks = list(client("limit").chat.completions.create(**question, stream=True))
    choices = [choice for chunk in chunks for choice in chunk.choices]
    return "".join(choice.delta.content for choice in choices), choices[-1].finish_reason, chunks[-1].usage.completion_tokens


def chat():
    with client("limit").chat.completions.stream(**question) as stream:
        done = stream.get_final_completion()
    return done.choices[0].message.content, done.choices[0].finish_reason, done.usage.completion_tokens


def responses(path):
    with client(path).responses.stream(model="m", input="x", max_output_tokens=2) as stream:
        done = stream.get_final_response()
    return done.output_text, done.incomplete_details.reason, done.usage.output_tokens


ways = {"chat create": create, "chat stream": chat, "responses stream": lambda: responses("limit"),
        "responses stream, cut": lambda: responses("cut")}
for name, way in ways.items():
    try:
        print(f"python {name}:", *way())
    except Exception as error:
        print(f"python {name}: raises {type(error).__name__}: {str(error).partition(' - ')[0]}")
PY
cat >read.mjs <<'JS'
import OpenAI from "openai";

const client = new OpenAI({ baseURL: `${process.argv[2]}/limit`, apiKey: "none", maxRetries: 0 });
const question = { model: "m", messages: [{ role: "user", content: "x" }], max_tokens: 2, stream_options: { include_usage: true } };
const chat = await client.chat.completions.stream(question).finalChatCompletion();
const [choice] = chat.choices;
console.log("js chat stream:", choice.message.content, choice.finish_reason, chat.usage.completion_tokens);
const done = await client.responses.stream({ model: "m", input: "x", max_output_tokens: 2 }).finalResponse();
console.log("js responses stream:", done.output[0].content[0].text, done.incomplete_details.reason, done.usage.output_tokens);
JS
env/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
base=http://127.0.0.1:$(cat port)
{ env/bin/python read.py "$base"; node read.mjs "$base"; } >seen
cat seen
cat >expected <<'TXT'
python chat create: Once length 2
python chat stream: raises LengthFinishReasonError: Could not parse response content as the length limit was reached
python responses stream: raises RuntimeError: Didn't receive a `response.completed` event.
python responses stream, cut: raises RuntimeError: Didn't receive a `response.completed` event.
js chat stream: Once length 2
js responses stream: Once max_output_tokens 2
TXT
diff expected seen >changes || { echo CHANGED; cat changes; exit 1; }
