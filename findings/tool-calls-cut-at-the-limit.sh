#!/usr/bin/env bash
# A model calls `delete({"path": "/srv/data", "only": "*.tmp"})`, but comes to its token limit after `{"path": "/srv/data", "on`.
# The vendor says so: finish_reason `length`, stop_reason `max_tokens`. Streamed to packages that call the function.
#
# One would guess: arguments that are no JSON are an error, or text that does not parse. Nobody completes them and goes on.
# What happens (versions below): LangChain's stream, in Python and JavaScript, has a call with {"path": "/srv/data"} that looks
# whole, and its agent runs it: all of the folder, not only *.tmp. It does so when it is watched with stream mode "messages",
# and not when the same agent is invoked or watched with "updates", where the call is an invalid one. Anthropic's messages.stream
# gives the same half input in both languages. llama-index runs the function with the half too, and smolagents with the broken
# text as its first argument. A partial model of instructor's is done with the half, which create() refuses. Pydantic AI, llm,
# OpenAI's agents and runTools and Vercel's AI SDK do not run it.
# Why it matters: the argument that narrows a deletion, a search or a payment is as a rule not the first one. Whoever takes calls
# from a stream has to look at the finish reason before anything is run, also where the package hands out parsed arguments.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
export AI_SDK_LOG_WARNINGS=false
pip() { "$1"/bin/pip install --quiet --disable-pip-version-check "${@:2}"; }
for name in langchain llama agents instructor; do python3 -m venv "$name"; done
pip langchain langchain==1.5.2 langchain-openai==1.7.4 langchain-anthropic==1.7.10 anthropic==2.14.0
pip llama llama-index-core==0.14.25 llama-index-llms-openai-like==0.8.1
pip agents 'pydantic-ai-slim[openai]==2.68.0' openai-agents==0.24.0 'smolagents[openai]==1.26.0' llm==0.36
pip instructor instructor==1.17.0
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund openai@6.49.0 @anthropic-ai/sdk@1.14.0 ai@6.0.326 @ai-sdk/openai-compatible@2.0.92 \
  langchain@1.5.14 @langchain/core@1.4.0 @langchain/openai@1.5.8 zod@4.6.7

cat >server.py <<'PY'
"""Answers /whole/… and /cut/… with the call, in the form of the vendor that was asked."""
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WHOLE = '{"path": "/srv/data", "only": "*.tmp"}'
CUT = '{"path": "/srv/data", "on'


def sse(*events, named=False):
    return "".join((f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events)


def chunks(arguments, finish):
    def chunk(delta, finish=None):
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    call = {"index": 0, "id": "a", "type": "function", "function": {"name": "delete", "arguments": ""}}
    return sse(
        chunk({"role": "assistant", "content": None, "tool_calls": [call]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}),
        chunk({}, finish),
    ) + "data: [DONE]\n\n"


def completion(arguments, finish):
    call = {"id": "a", "type": "function", "function": {"name": "delete", "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
    return json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage})


def messages(arguments, finish):
    usage = {"input_tokens": 5, "output_tokens": 7}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
               "stop_sequence": None, "usage": usage}
    block = {"type": "tool_use", "id": "a", "name": "delete", "input": {}}
    return sse(
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": arguments}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": finish, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
        named=True,
    )


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        cut = self.path.startswith("/cut/")
        if "/messages" in self.path:
            body = messages(CUT if cut else WHOLE, "max_tokens" if cut else "tool_use")
        else:
            form = chunks if asked.get("stream") else completion
            body = form(CUT if cut else WHOLE, "length" if cut else "tool_calls")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if asked.get("stream") else "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PY
cat >seen.py <<'PY'
"""`delete`, which keeps what it was run with, and how a row is written."""
import contextlib
import json
import logging
import sys
import warnings

warnings.simplefilter("ignore")
logging.disable()
ran = []


def delete(path: str, only: str = "*") -> str:
    """Deletes files.

    Args:
        path: the folder
        only: a pattern
    """
    ran.append({"path": path, "only": only})
    return "done"


def row(way, name, call):
    """What `call` gives, or else what `delete` was run with."""
    ran.clear()
    given = None
    with contextlib.suppress(Exception):
        given = call()
    said = f"gives {json.dumps(given)}" if given is not None else f"runs {json.dumps(ran[0])}" if ran else "does not run it"
    print(f"{way} python/{name}: {said}")


ways = [(way, f"{sys.argv[1]}/{way}") for way in ("whole", "cut")]
PY
cat >langchain.py.run <<'PY'
from functools import reduce
from operator import add

import anthropic
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_openai import ChatOpenAI
from seen import delete, row, ways

for way, base in ways:
    models = {
        "openai": ChatOpenAI(model="m", api_key="none", base_url=f"{base}/v1", max_retries=0),
        "anthropic": ChatAnthropic(model="m", api_key="none", base_url=base, max_retries=0, max_tokens=9),
    }
    for name, model in models.items():
        row(way, f"langchain-{name} stream", lambda: reduce(add, model.bind_tools([delete]).stream("x")).tool_calls[0]["args"])
    agent, limit = create_agent(models["openai"], [delete]), {"recursion_limit": 3}
    row(way, "langchain agent invoke", lambda: agent.invoke({"messages": "x"}, limit) and None)
    for mode in ("updates", "messages"):
        row(way, f"langchain agent {mode}", lambda: list(agent.stream({"messages": "x"}, limit, stream_mode=mode)) and None)

    def given():
        client = anthropic.Anthropic(base_url=base, api_key="none", max_retries=0)
        with client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}]) as stream:
            return stream.get_final_message().content[0].input

    row(way, "anthropic messages.stream", given)
PY
cat >llama.py.run <<'PY'
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike
from seen import delete, row, ways

tool = FunctionTool.from_defaults(delete)
for way, base in ways:
    model = OpenAILike(model="m", api_key="none", api_base=f"{base}/v1", max_retries=0, is_chat_model=True,
                       is_function_calling_model=True)

    def given():
        for answer in model.stream_chat_with_tools([tool], "x"):
            pass
        return model.get_tool_calls_from_response(answer)[0].tool_kwargs

    row(way, "llama-index stream", given)
    row(way, "llama-index predict_and_call", lambda: model.predict_and_call([tool], "x") and None)
PY
cat >agents.py.run <<'PY'
import asyncio

import agents
import llm
import smolagents
from llm.default_plugins.openai_models import Chat
from openai import AsyncOpenAI
from pydantic_ai import Agent, UsageLimits
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from seen import delete, row, ways

agents.set_tracing_disabled(True)
for way, base in ways:
    client = AsyncOpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0)

    async def pydantic_ai():
        agent = Agent(OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client)), tools=[delete])
        async with agent.run_stream_events("x", usage_limits=UsageLimits(request_limit=1)) as events:
            async for _ in events:
                pass

    async def openai_agents():
        model = agents.OpenAIChatCompletionsModel("m", client)
        asked = agents.Agent("x", model=model, tools=[agents.function_tool(delete)])
        async for _ in agents.Runner.run_streamed(asked, "x", max_turns=1).stream_events():
            pass

    def with_smolagents():
        model = smolagents.OpenAIModel("m", api_base=f"{base}/v1", api_key="none", client_kwargs={"max_retries": 0})
        asked = smolagents.ToolCallingAgent([smolagents.tool(delete)], model, max_steps=1, verbosity_level=0, stream_outputs=True)
        list(asked.run("x", stream=True))

    def with_llm():
        model = Chat("m", api_base=f"{base}/v1", supports_tools=True)
        model.key = "none"
        answer = model.prompt("x", tools=[delete], stream=True)
        answer.text()
        answer.execute_tool_calls()

    row(way, "pydantic-ai", lambda: asyncio.run(pydantic_ai()))
    row(way, "openai-agents", lambda: asyncio.run(openai_agents()))
    row(way, "smolagents", with_smolagents)
    row(way, "llm", with_llm)
PY
cat >instructor.py.run <<'PY'
import instructor
import openai
from pydantic import BaseModel
from seen import row, ways


class delete(BaseModel):
    path: str
    only: str = "*"


question = {"model": "m", "messages": [{"role": "user", "content": "x"}], "response_model": delete, "max_retries": 0}
for way, base in ways:
    client = instructor.from_openai(openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0))
    row(way, "instructor create", lambda: client.chat.completions.create(**question).model_dump())
    row(way, "instructor create_partial", lambda: list(client.chat.completions.create_partial(**question))[-1].model_dump())
PY
cat >read.mjs <<'JS'
import Anthropic from "@anthropic-ai/sdk";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI } from "@langchain/openai";
import { stepCountIs, streamText, tool } from "ai";
import { createAgent, tool as langchainTool } from "langchain";
import OpenAI from "openai";
import { z } from "zod";

console.error = console.warn = () => {};
const ran = [];
const remove = ({ path, only = "*" }) => {
  ran.push({ path, only });
  return "done";
};
const inputSchema = z.object({ path: z.string(), only: z.string().optional() });
const messages = [{ role: "user", content: "x" }];
const row = async (way, name, call) => {
  ran.length = 0;
  const given = await call().catch(() => undefined);
  const said = given ? `gives ${JSON.stringify(given)}` : ran.length ? `runs ${JSON.stringify(ran[0])}` : "does not run it";
  console.log(`${way} js/${name}: ${said.replaceAll('":', '": ').replaceAll(',"', ', "')}`);
};
for (const way of ["whole", "cut"]) {
  const base = `${process.argv[2]}/${way}`;
  await row(way, "@anthropic-ai/sdk messages.stream", async () => {
    const client = new Anthropic({ baseURL: base, apiKey: "none", maxRetries: 0 });
    return (await client.messages.stream({ model: "m", max_tokens: 9, messages }).finalMessage()).content[0].input;
  });
  await row(way, "ai streamText", async () => {
    const model = createOpenAICompatible({ name: "v", baseURL: `${base}/v1`, apiKey: "none" })("m");
    const tools = { delete: tool({ inputSchema, execute: async (input) => remove(input) }) };
    await streamText({ model, prompt: "x", maxRetries: 0, stopWhen: stepCountIs(1), onError() {}, tools }).consumeStream();
  });
  await row(way, "openai runTools", async () => {
    const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "none", maxRetries: 0 });
    const described = { name: "delete", description: "", parameters: { type: "object" }, parse: JSON.parse, function: remove };
    const tools = [{ type: "function", function: described }];
    await client.chat.completions.runTools({ model: "m", stream: true, messages, tools }, { maxChatCompletions: 1 }).done();
  });
  const configuration = { baseURL: `${base}/v1` };
  const model = new ChatOpenAI({ model: "m", apiKey: "none", maxRetries: 0, configuration });
  const tools = [langchainTool(remove, { name: "delete", description: "", schema: inputSchema })];
  const agent = createAgent({ model, tools });
  await row(way, "langchain agent invoke", async () => void (await agent.invoke({ messages }, { recursionLimit: 3 })));
  for (const streamMode of ["updates", "messages"])
    await row(way, `langchain agent ${streamMode}`, async () => {
      for await (const _ of await agent.stream({ messages }, { streamMode, recursionLimit: 3 }));
    });
}
JS
llama/bin/python server.py >port &
until [ -s port ]; do sleep 0.1; done
base=http://127.0.0.1:$(cat port)
{
  for name in langchain llama agents instructor; do PYTHONPATH=. "$name"/bin/python "$name".py.run "$base" 2>/dev/null || true; done
  node read.mjs "$base"
} | grep -E '^(whole|cut) ' >seen
echo "$(grep -c '^whole .* {"path": "/srv/data", "only": "\*.tmp"}$' seen) of $(grep -c '^whole' seen) read the whole call. The one that was cut:"
grep '^cut ' seen
cat >expected <<'TXT'
cut js/@anthropic-ai/sdk messages.stream: gives {"path": "/srv/data"}
cut js/ai streamText: does not run it
cut js/langchain agent invoke: does not run it
cut js/langchain agent messages: runs {"path": "/srv/data", "only": "*"}
cut js/langchain agent updates: does not run it
cut js/openai runTools: does not run it
cut python/anthropic messages.stream: gives {"path": "/srv/data"}
cut python/instructor create: does not run it
cut python/instructor create_partial: gives {"path": "/srv/data", "only": "*"}
cut python/langchain agent invoke: does not run it
cut python/langchain agent messages: runs {"path": "/srv/data", "only": "*"}
cut python/langchain agent updates: does not run it
cut python/langchain-anthropic stream: gives {"path": "/srv/data"}
cut python/langchain-openai stream: gives {"path": "/srv/data"}
cut python/llama-index predict_and_call: runs {"path": "/srv/data", "only": "*"}
cut python/llama-index stream: gives {"path": "/srv/data"}
cut python/llm: does not run it
cut python/openai-agents: does not run it
cut python/pydantic-ai: does not run it
cut python/smolagents: runs {"path": "{\"path\": \"/srv/data\", \"on", "only": "*"}
TXT
grep '^cut ' seen | LC_ALL=C sort >cut
diff expected cut >/dev/null && [ "$(grep -c '^whole .* {"path": "/srv/data", "only": "\*.tmp"}$' seen)" = 20 ] ||
  { echo CHANGED; diff expected cut || true; exit 1; }
