"""Which adapter speaks to which kind of provider."""

from collections.abc import Mapping
from typing import Final

from longwire.generation.anthropic_messages import AnthropicMessages
from longwire.generation.chat_completions import ChatCompletions
from longwire.generation.ollama_chat import OllamaChat
from longwire.generation.openai_responses import OpenAiResponses
from longwire.generation.prompt import Adapter

# `kind` of a provider in the policy file. Their base_url is what the vendor's own SDK takes: with the version for
# OpenAI and whoever is compatible (`https://api.openai.com/v1`), without for Anthropic and Ollama.
ADAPTERS: Final[Mapping[str, Adapter]] = {
    "openai": OpenAiResponses(),
    "openai-chat": ChatCompletions(openai=True),
    "openai-compatible": ChatCompletions(openai=False),
    "xai": ChatCompletions(openai=False),
    "anthropic": AnthropicMessages(),
    "ollama": OllamaChat(),
}
