"""`pydantic-ai`, over the vendors' SDKs."""

import asyncio
import base64
import json
from typing import Any, Final

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from pydantic_ai import Agent, BinaryContent
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import (
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition

from tests.unit.generation.oracles.common import Asked, Said, call, main

OPENAI: Final = {"openai-chat": OpenAIChatModel, "openai": OpenAIResponsesModel}


def _model(asked: Asked) -> Any:
    """Whichever speaks the protocol of the adapter."""
    name = asked["question"]["model"]
    if asked["adapter"] == "anthropic":
        client = AsyncAnthropic(api_key="none", base_url=asked["base"], max_retries=0)
        return AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))
    client = AsyncOpenAI(api_key="none", base_url=asked["base"], max_retries=0)
    return OPENAI[asked["adapter"]](name, provider=OpenAIProvider(openai_client=client))


def run(asked: Asked, said: Said) -> None:
    """A question with all its fields by a single request, an answer to be read by an agent's."""
    asyncio.run(_question(asked) if asked["compare"] else _answer(asked, said))


async def _answer(asked: Asked, said: Said) -> None:
    """The first request of an agent and no more: it would go on to answer calls."""
    model = _model(asked)
    if not asked["streamed"]:
        return _told(await model_request(model, [ModelRequest.user_text_prompt("x")]), said)
    async with Agent(model).iter("x") as agent:
        async for node in agent:
            if Agent.is_model_request_node(node):
                async with node.stream(agent.ctx) as stream:
                    async for response in stream.stream_response(debounce_by=None):
                        said["text"] = _text(response)
                    return _told(stream.response, said)
    return None


def _text(response: Any) -> str:
    return "".join(part.content for part in response.parts if part.part_kind == "text")


def _told(response: Any, said: Said) -> None:
    said["text"] = _text(response)
    said["finish"] = response.finish_reason
    said["calls"] = [
        call(_id(part.tool_call_id), part.tool_name, _arguments(part.args))
        for part in response.parts
        if part.part_kind == "tool-call"
    ]
    # Tokens that nobody counted are none to it.
    said["usage"] = {"input": response.usage.input_tokens or None, "output": response.usage.output_tokens or None}


def _id(call_id: str) -> str | None:
    # One that it makes up by chance, where the server gave none.
    return None if call_id.startswith("pyd_ai_") else call_id


def _arguments(arguments: Any) -> str:
    # What was no object of JSON is text still.
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {})


async def _question(asked: Asked) -> None:
    question = asked["question"]
    tools = [
        ToolDefinition(
            name=tool["name"], description=tool.get("description"), parameters_json_schema=tool["parameters"]
        )
        for tool in question.get("tools", ())
    ]
    # What is ours to say always is said here in its own words.
    settings: dict[str, Any] = {"max_tokens": question["maxTokens"], "openai_store": False}
    for ours, theirs in {"temperature": "temperature", "stop": "stop_sequences", "reasoning": "thinking"}.items():
        if ours in question:
            settings[theirs] = False if question[ours] == "none" else question[ours]
    if asked["adapter"] == "openai" and settings.get("thinking"):
        settings["openai_reasoning_summary"] = "auto"
    messages = list(_messages(question))
    async with model_request_stream(
        _model(asked),
        messages,
        model_settings=settings,
        model_request_parameters=ModelRequestParameters(function_tools=tools),
    ) as stream:
        async for _ in stream:
            pass


def _messages(question: dict[str, Any]) -> Any:
    """Its messages. Results of calls come last, and all of a round are of one request."""
    names: dict[str, str] = {}
    results: list[Any] = []
    if "system" in question:
        yield ModelRequest([SystemPromptPart(question["system"])])
    for message in question["messages"]:
        if message["role"] == "assistant":
            parts: list[Any] = [TextPart(message["content"])] if "content" in message else []
            for each in message.get("toolCalls", ()):
                names[each["id"]] = each["name"]
                parts.append(ToolCallPart(each["name"], each["arguments"], each["id"]))
            yield ModelResponse(parts)
        elif message["role"] == "tool":
            called = message["toolCallId"]
            results.append(ToolReturnPart(names[called], message["content"], called))
        else:
            yield ModelRequest([UserPromptPart(_content(message["content"]))])
    if results:
        yield ModelRequest(results)


def _content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return [
        part["text"]
        if part["type"] == "text"
        else BinaryContent(base64.b64decode(part["data"]), media_type=part["mediaType"])
        for part in content
    ]


if __name__ == "__main__":
    main(run)
