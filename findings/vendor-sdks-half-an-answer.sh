#!/usr/bin/env bash
# A model's answer `Hello` that stops after `Hel`: the body ends in order (last chunk and all), as where a gateway or a
# serverless platform reached its time limit, and what the vendor says at the end of every answer never came. Read by
# official packages of vendors, and by three that many put on top of them, in Python and JavaScript.
#
# One would guess: what offers a final answer (`get_final_…`, `finalMessage`, `finishReason`) fails where there is none, and a
# package does the same in both languages.
# What happens (versions below): 19 of 26 ways give `Hel` and no error. Of those that offer a final answer the languages are each
# other's opposite: openai's chat.completions.stream and anthropic's messages.stream give the half as the final one in Python and
# fail in JavaScript, openai's responses.stream fails in Python and gives it in JavaScript, with status in_progress. ollama's
# iterator ends quietly in Python and fails in JavaScript. Of the AI SDK's providers two say the reason is "other", one fails.
# Why it matters: whoever stores or bills an answer has to look for the finish reason himself, by each package's own rule, or
# half an answer counts as a whole one. Only litellm fails in every way tried.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
# It would ask for a price list elsewhere.
export LITELLM_LOCAL_MODEL_COST_MAP=True AI_SDK_LOG_WARNINGS=false
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check openai==3.57.0 anthropic==2.14.0 groq==1.7.0 mistralai==3.7.0 \
  cohere==7.3.1 google-genai==3.6.1 ollama==0.6.3 litellm==1.110.2
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund openai@6.49.0 @anthropic-ai/sdk@1.14.0 groq-sdk@1.6.0 @mistralai/mistralai@2.7.0 \
  ollama@0.6.4 ai@6.0.326 @ai-sdk/openai@3.0.141 @ai-sdk/openai-compatible@2.0.92 @ai-sdk/anthropic@3.0.140 \
  @langchain/openai@1.5.8

cat >server.py <<'PY'
"""Answers in a vendor's own form with `Hello`, or with its first half, after which the body ends in order."""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def sse(*events, named=False):
    return [(f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events]


def chat(text, finish=None):
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def response(status, text=None):
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    output = [{"id": "i", "type": "message", "role": "assistant", "status": status, "content": content}] if text else []
    return {
        "id": "r", "object": "response", "created_at": 1, "model": "m", "status": status, "output": output, "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True, "tool_choice": "auto",
        "tools": [], "temperature": 1, "top_p": 1,
        "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3,
                  "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}},
    }


def of_responses():
    part = {"type": "output_text", "text": "", "annotations": []}
    item = {"id": "i", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    events = [
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", "part": part, **place},
        {"type": "response.output_text.delta", "delta": "Hel", "logprobs": [], **place},
        {"type": "response.output_text.delta", "delta": "lo", "logprobs": [], **place},
        {"type": "response.completed", "response": response("completed", "Hello")},
    ]
    return sse(*({**event, "sequence_number": number} for number, event in enumerate(events)), named=True)


def of_anthropic():
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
               "stop_sequence": None, "usage": usage}
    delta = lambda text: {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return sse(
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        delta("Hel"), delta("lo"),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
        named=True,
    )


def of_ollama():
    line = lambda text, **more: json.dumps(
        {"model": "m", "created_at": "2026-01-01T00:00:00Z", "message": {"role": "assistant", "content": text}, **more}) + "\n"
    return [line("Hel", done=False), line("lo", done=False), line("", done=True, done_reason="stop")]


def of_google():
    event = lambda text, **more: {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": text}]}, **more}]}
    return sse(event("Hel"), event("lo", finishReason="STOP"))


def of_cohere():
    delta = lambda text: {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": text}}}}
    usage = {"billed_units": {"input_tokens": 1, "output_tokens": 2}, "tokens": {"input_tokens": 1, "output_tokens": 2}}
    return sse(
        {"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant", "content": []}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        delta("Hel"), delta("lo"),
        {"type": "content-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}},
        named=True,
    )


FORMS = {
    "chat/completions": [*sse(chat("Hel"), chat("lo"), chat("", "stop")), "data: [DONE]\n\n"],
    "responses": of_responses(),
    "messages": of_anthropic(),
    "api/chat": of_ollama(),
    "streamGenerateContent": of_google(),
    "v2/chat": of_cohere(),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        pieces = next(pieces for form, pieces in FORMS.items() if form in self.path)
        if self.path.startswith("/cut/"):
            pieces = pieces[: 1 + next(number for number, piece in enumerate(pieces) if "Hel" in piece)]
        self.send_response(200)
        kind = "application/x-ndjson" if "api/chat" in self.path else "text/event-stream"
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(f"{len(piece.encode()):x}\r\n{piece}\r\n".encode())
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat >read.py <<'PY'
import sys
import warnings

warnings.simplefilter("ignore")
import anthropic
import cohere
import groq
import litellm
import ollama
import openai
from google import genai
from mistralai.client import Mistral

litellm.suppress_debug_info = True
messages = [{"role": "user", "content": "hello"}]


def chunks(made):
    """Text and finish reason as a program that shows the text would collect them."""
    text, finish = "", None
    for chunk in made:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return text, finish


def openai_create(base):
    client = openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)
    return chunks(client.chat.completions.create(model="m", messages=messages, stream=True))


def openai_helper(base):
    client = openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)
    with client.chat.completions.stream(model="m", messages=messages) as stream:
        choice = stream.get_final_completion().choices[0]
    return choice.message.content, choice.finish_reason


def responses_create(base):
    client = openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)
    text, finish = "", None
    for event in client.responses.create(model="m", input="hello", stream=True):
        if event.type == "response.output_text.delta":
            text += event.delta
        elif event.type == "response.completed":
            finish = event.response.status
    return text, finish


def responses_helper(base):
    client = openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)
    with client.responses.stream(model="m", input="hello") as stream:
        done = stream.get_final_response()
    return done.output_text, done.status


def anthropic_create(base):
    client = anthropic.Anthropic(base_url=base, api_key="none", max_retries=0)
    text, finish = "", None
    for event in client.messages.create(model="m", max_tokens=9, messages=messages, stream=True):
        if event.type == "content_block_delta":
            text += event.delta.text
        elif event.type == "message_delta":
            finish = event.delta.stop_reason
    return text, finish


def anthropic_helper(base):
    client = anthropic.Anthropic(base_url=base, api_key="none", max_retries=0)
    with client.messages.stream(model="m", max_tokens=9, messages=messages) as stream:
        done = stream.get_final_message()
    return done.content[0].text, done.stop_reason


def with_groq(base):
    client = groq.Groq(base_url=base, api_key="none", max_retries=0)
    return chunks(client.chat.completions.create(model="m", messages=messages, stream=True))


def with_mistral(base):
    client = Mistral(api_key="none", server_url=base)
    return chunks(event.data for event in client.chat.stream(model="m", messages=messages))


def with_cohere(base):
    client = cohere.ClientV2(api_key="none", base_url=base)
    text, finish = "", None
    for event in client.chat_stream(model="m", messages=messages):
        if event.type == "content-delta":
            text += event.delta.message.content.text
        elif event.type == "message-end":
            finish = event.delta.finish_reason
    return text, finish


def with_google(base):
    client = genai.Client(api_key="none", http_options={"base_url": base})
    text, finish = "", None
    for chunk in client.models.generate_content_stream(model="m", contents="hello"):
        text += chunk.text or ""
        finish = chunk.candidates[0].finish_reason or finish
    return text, getattr(finish, "value", finish)


def with_ollama(base):
    text, finish = "", None
    for line in ollama.Client(base).chat(model="m", messages=messages, stream=True):
        text += line.message.content or ""
        finish = line.done_reason or finish
    return text, finish


def litellm_openai(base):
    return chunks(litellm.completion("openai/m", messages, api_base=f"{base}/v1", api_key="none", stream=True, num_retries=0))


def litellm_anthropic(base):
    return chunks(litellm.completion("anthropic/m", messages, api_base=f"{base}/v1/messages", api_key="none", stream=True))


WAYS = {
    "openai chat.completions.create": openai_create,
    "openai chat.completions.stream": openai_helper,
    "openai responses.create": responses_create,
    "openai responses.stream": responses_helper,
    "anthropic messages.create": anthropic_create,
    "anthropic messages.stream": anthropic_helper,
    "groq": with_groq,
    "mistralai": with_mistral,
    "cohere": with_cohere,
    "google-genai": with_google,
    "ollama": with_ollama,
    "litellm openai": litellm_openai,
    "litellm anthropic": litellm_anthropic,
}
for name, way in WAYS.items():
    for path in ("whole", "cut"):
        try:
            text, finish = way(f"{sys.argv[1]}/{path}")
            seen = f"{text} finish={finish}"
        except Exception as error:
            seen = f"error {type(error).__name__}"
        print(f"{path} python/{name}: {seen}")
PY
cat >read.mjs <<'JS'
import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI } from "@langchain/openai";
import { Mistral } from "@mistralai/mistralai";
import { streamText } from "ai";
import Groq from "groq-sdk";
import { Ollama } from "ollama";
import OpenAI from "openai";

const messages = [{ role: "user", content: "hello" }];
const chunks = async (made) => {
  let text = "";
  let finish = null;
  for await (const { choices } of made)
    for (const { delta, finish_reason, finishReason } of choices) {
      text += delta.content ?? "";
      finish = finish_reason ?? finishReason ?? finish;
    }
  return [text, finish];
};
const openai = (base) => new OpenAI({ baseURL: `${base}/v1`, apiKey: "none", maxRetries: 0 });
const anthropic = (base) => new Anthropic({ baseURL: base, apiKey: "none", maxRetries: 0 });
const withAI = (model) => async (base) => {
  let failure;
  const result = streamText({ model: model(base), prompt: "hello", maxRetries: 0, onError: ({ error }) => (failure = error) });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  if (failure) throw failure;
  return [text, await result.finishReason];
};
const ways = {
  "openai chat.completions.create": async (base) =>
    chunks(await openai(base).chat.completions.create({ model: "m", messages, stream: true })),
  "openai chat.completions.stream": async (base) => {
    const done = await openai(base).chat.completions.stream({ model: "m", messages }).finalChatCompletion();
    return [done.choices[0].message.content, done.choices[0].finish_reason];
  },
  "openai responses.create": async (base) => {
    let text = "";
    let finish = null;
    for await (const event of await openai(base).responses.create({ model: "m", input: "hello", stream: true }))
      if (event.type === "response.output_text.delta") text += event.delta;
      else if (event.type === "response.completed") finish = event.response.status;
    return [text, finish];
  },
  "openai responses.stream": async (base) => {
    const done = await openai(base).responses.stream({ model: "m", input: "hello" }).finalResponse();
    return [done.output.map(({ content }) => content.map(({ text }) => text).join("")).join(""), done.status];
  },
  "anthropic messages.create": async (base) => {
    let text = "";
    let finish = null;
    const made = await anthropic(base).messages.create({ model: "m", max_tokens: 9, messages, stream: true });
    for await (const event of made)
      if (event.type === "content_block_delta") text += event.delta.text;
      else if (event.type === "message_delta") finish = event.delta.stop_reason;
    return [text, finish];
  },
  "anthropic messages.stream": async (base) => {
    const done = await anthropic(base).messages.stream({ model: "m", max_tokens: 9, messages }).finalMessage();
    return [done.content[0].text, done.stop_reason];
  },
  groq: async (base) =>
    chunks(await new Groq({ baseURL: base, apiKey: "none", maxRetries: 0 }).chat.completions.create({ model: "m", messages, stream: true })),
  mistralai: async (base) => {
    const made = await new Mistral({ apiKey: "none", serverURL: base }).chat.stream({ model: "m", messages });
    return chunks((async function* () { for await (const event of made) yield event.data; })());
  },
  ollama: async (base) => {
    let text = "";
    let finish = null;
    for await (const line of await new Ollama({ host: base }).chat({ model: "m", messages, stream: true })) {
      text += line.message.content;
      finish = line.done_reason ?? finish;
    }
    return [text, finish];
  },
  "ai openai": withAI((base) => createOpenAI({ baseURL: `${base}/v1`, apiKey: "none" })("m")),
  "ai openai-compatible": withAI((base) => createOpenAICompatible({ name: "x", baseURL: `${base}/v1`, apiKey: "none" })("m")),
  "ai anthropic": withAI((base) => createAnthropic({ baseURL: `${base}/v1`, apiKey: "none" })("m")),
  langchain: async (base) => {
    const model = new ChatOpenAI({ model: "m", apiKey: "none", maxRetries: 0, configuration: { baseURL: `${base}/v1` } });
    let text = "";
    let finish = null;
    for await (const chunk of await model.stream("hello")) {
      text += chunk.content;
      finish = chunk.response_metadata.finish_reason ?? finish;
    }
    return [text, finish];
  },
};
console.warn = console.error = () => {};
for (const [name, way] of Object.entries(ways))
  for (const path of ["whole", "cut"]) {
    let seen;
    try {
      const [text, finish] = await way(`${process.argv[2]}/${path}`);
      seen = `${text} finish=${finish}`;
    } catch (error) {
      seen = `error ${error.name}`;
    }
    console.log(`${path} js/${name}: ${seen}`);
  }
JS
env/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
base=http://127.0.0.1:$(cat port)
{ env/bin/python read.py "$base" 2>/dev/null; node read.mjs "$base" 2>/dev/null; } >seen
cat >expected <<'TXT'
cut python/openai chat.completions.create: Hel finish=None
cut python/openai chat.completions.stream: Hel finish=None
cut python/openai responses.create: Hel finish=None
cut python/openai responses.stream: error RuntimeError
cut python/anthropic messages.create: Hel finish=None
cut python/anthropic messages.stream: Hel finish=None
cut python/groq: Hel finish=None
cut python/mistralai: Hel finish=None
cut python/cohere: Hel finish=None
cut python/google-genai: Hel finish=None
cut python/ollama: Hel finish=None
cut python/litellm openai: error MidStreamFallbackError
cut python/litellm anthropic: error MidStreamFallbackError
cut js/openai chat.completions.create: Hel finish=null
cut js/openai chat.completions.stream: error Error
cut js/openai responses.create: Hel finish=null
cut js/openai responses.stream: Hel finish=in_progress
cut js/anthropic messages.create: Hel finish=null
cut js/anthropic messages.stream: error AnthropicError
cut js/groq: Hel finish=null
cut js/mistralai: Hel finish=null
cut js/ollama: error Error
cut js/ai openai: Hel finish=other
cut js/ai openai-compatible: error AI_InvalidResponseDataError
cut js/ai anthropic: Hel finish=other
cut js/langchain: Hel finish=null
TXT
test "$(grep -c '^whole .*: Hello finish=' seen)" = 26 || { echo "CHANGED: a whole answer is not read"; grep '^whole' seen; exit 1; }
echo "26 ways to read an answer read the whole one; of half an answer they say:"
grep '^cut' seen | tee cut
diff expected cut >/dev/null || { echo CHANGED; diff expected cut; exit 1; }
