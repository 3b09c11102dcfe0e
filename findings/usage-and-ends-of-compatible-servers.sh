#!/usr/bin/env bash
# Answers of servers that are compatible with OpenAI's Chat Completions, asked for with `include_usage`, as they are found:
# - usage so far in every chunk, not in the last alone (xAI; vLLM with continuous_usage_stats): 1,000 tokens in, 3 out
# - an engine that dies after `Hel`: `[DONE]`, and no finish reason before it (vLLM)
# - an error after `Hel` as {"object": "error", "message": …}, which is vLLM's own form of one
#
# One would guess: of a count that grows the last word counts. What ends without a finish reason has none. An error is raised.
# What happens (versions below): LangChain, Pydantic AI and smolagents add the counts up, so that this answer of four chunks is
# 4,000 tokens in and 9 out; of a long one each chunk pays for the whole question again. Pydantic AI says finish_reason `stop`
# of the answer that died, where all others have none. The error is none to openai, nor to the five that stand on it or are made
# like it: half an answer, and no more is said; Pydantic AI says `stop` once more. Only llm fails, with a TypeError.
# Why it matters: budgets and bills by these counts are wrong by the number of chunks, and a check of the finish reason, which
# is all that tells half an answer from a whole one, passes where the package has made it up.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check openai==3.57.0 groq==1.7.0 together==3.1.1 langchain-openai==1.7.4 \
  'pydantic-ai-slim[openai]==2.68.0' 'smolagents[openai]==1.26.0' llm==0.36
cat >server.py <<'PY'
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def chunk(text=None, finish=None, out=None):
    choices = [] if text is None else [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}]
    usage = {} if out is None else {"usage": {"prompt_tokens": 1000, "completion_tokens": out, "total_tokens": 1000 + out}}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **usage}


ERROR = {"object": "error", "message": "EngineCore failed", "type": "InternalServerError", "param": None, "code": 500}
ANSWERS = {
    "last-chunk": [chunk("Hel"), chunk("lo"), chunk("", "stop"), chunk(out=3)],
    "every-chunk": [chunk("Hel", out=1), chunk("lo", out=2), chunk("", "stop", out=3), chunk(out=3)],
    "engine-died": [chunk("Hel")],
    "error": [chunk("Hel"), ERROR],
}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        events = [json.dumps(event) for event in ANSWERS[self.path.split("/")[1]]]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write("".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat >read.py <<'PY'
import asyncio
import sys
import warnings
from functools import reduce
from operator import add

warnings.simplefilter("ignore")
import groq
import llm
import openai
import smolagents
import together
from langchain_openai import ChatOpenAI
from llm.default_plugins.openai_models import Chat
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from smolagents.models import agglomerate_stream_deltas


def of(client):
    def read(base):
        made = client(base).chat.completions.create(
            model="m", messages=[{"role": "user", "content": "x"}], stream=True,
            **({"stream_options": {"include_usage": True}} if client is with_openai else {}))
        text, finish, usage = "", None, (0, 0)
        for chunk in made:
            for choice in chunk.choices or ():
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
            if chunk.usage:
                usage = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
        return text, finish, *usage

    return read


def with_openai(base):
    return openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)


def with_groq(base):
    return groq.Groq(base_url=base, api_key="none", max_retries=0)


def with_together(base):
    return together.Together(base_url=base, api_key="none", max_retries=0)


def with_langchain(base):
    model = ChatOpenAI(model="m", api_key="none", base_url=f"{base}/v1", stream_usage=True, max_retries=0)
    made = reduce(add, model.stream("x"))
    usage = made.usage_metadata or {}
    finish = made.response_metadata.get("finish_reason")
    return made.content, finish, usage.get("input_tokens", 0), usage.get("output_tokens", 0)


def with_pydantic_ai(base):
    async def ask():
        client = openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)
        agent = Agent(OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client)))
        async with agent.run_stream("x") as result:
            text, made = await result.get_output(), result.response
        return text, made.finish_reason, made.usage.input_tokens, made.usage.output_tokens

    return asyncio.run(ask())


def with_smolagents(base):
    model = smolagents.OpenAIModel("m", api_base=f"{base}/v1", api_key="none", client_kwargs={"max_retries": 0})
    question = [{"role": "user", "content": [{"type": "text", "text": "x"}]}]
    made = agglomerate_stream_deltas(list(model.generate_stream(question)))
    return made.content, None, made.token_usage.input_tokens, made.token_usage.output_tokens


def with_llm(base):
    model = Chat("m", api_base=f"{base}/v1")
    model.key = "none"
    made = model.prompt("x", stream=True)
    text, usage = made.text(), made.usage()
    return text, (made.response_json or {}).get("finish_reason"), usage.input or 0, usage.output or 0


WAYS = {
    "openai": of(with_openai),
    "groq": of(with_groq),
    "together": of(with_together),
    "langchain-openai": with_langchain,
    "pydantic-ai": with_pydantic_ai,
    "smolagents": with_smolagents,
    "llm": with_llm,
}
for name, way in WAYS.items():
    for answer in ("last-chunk", "every-chunk", "engine-died", "error"):
        try:
            text, finish, read, written = way(f"{sys.argv[1]}/{answer}")
            seen = f"{text} finish={finish} tokens={read}+{written}"
        except Exception as error:
            seen = f"raises {type(error).__name__}"
        print(f"{answer} {name}: {seen}")
PY
env/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
env/bin/python read.py "http://127.0.0.1:$(cat port)" 2>/dev/null | LC_ALL=C sort >seen
cat seen
cat >expected <<'TXT'
engine-died groq: Hel finish=None tokens=0+0
engine-died langchain-openai: Hel finish=None tokens=0+0
engine-died llm: Hel finish=None tokens=0+0
engine-died openai: Hel finish=None tokens=0+0
engine-died pydantic-ai: Hel finish=stop tokens=0+0
engine-died smolagents: Hel finish=None tokens=0+0
engine-died together: Hel finish=None tokens=0+0
error groq: Hel finish=None tokens=0+0
error langchain-openai: Hel finish=None tokens=0+0
error llm: raises TypeError
error openai: Hel finish=None tokens=0+0
error pydantic-ai: Hel finish=stop tokens=0+0
error smolagents: Hel finish=None tokens=0+0
error together: Hel finish=None tokens=0+0
every-chunk groq: Hello finish=stop tokens=1000+3
every-chunk langchain-openai: Hello finish=stop tokens=4000+9
every-chunk llm: Hello finish=stop tokens=1000+3
every-chunk openai: Hello finish=stop tokens=1000+3
every-chunk pydantic-ai: Hello finish=stop tokens=4000+9
every-chunk smolagents: Hello finish=None tokens=4000+9
every-chunk together: Hello finish=stop tokens=1000+3
last-chunk groq: Hello finish=stop tokens=1000+3
last-chunk langchain-openai: Hello finish=stop tokens=1000+3
last-chunk llm: Hello finish=stop tokens=1000+3
last-chunk openai: Hello finish=stop tokens=1000+3
last-chunk pydantic-ai: Hello finish=stop tokens=1000+3
last-chunk smolagents: Hello finish=None tokens=1000+3
last-chunk together: Hello finish=stop tokens=1000+3
TXT
diff expected seen >changes || { echo CHANGED; cat changes; exit 1; }
