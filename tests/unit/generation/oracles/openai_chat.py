"""`openai`, Chat Completions."""

from openai import OpenAI
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming

from tests.unit.generation.oracles.common import Asked, Said, call, fits, main


def run(asked: Asked, said: Said) -> None:
    """With the helper that joins what comes; a body that is to be compared is sent by the plain method."""
    client = OpenAI(api_key="none", base_url=asked["base"], max_retries=0)
    body = asked["body"]
    if not asked["streamed"]:
        done = client.chat.completions.create(**body)
    elif asked["compare"]:
        said["fits"] = fits(body, CompletionCreateParamsStreaming)
        list(client.chat.completions.create(**body))
        return
    else:
        del body["stream"]
        with client.chat.completions.stream(**body) as stream:
            for event in stream:
                if event.type == "content.delta":
                    said["text"] += event.delta
            done = stream.get_final_completion()
    choice = done.choices[0]
    said["text"] = choice.message.content or ""
    said["finish"] = choice.finish_reason
    said["calls"] = [
        call(each.id, each.function.name, each.function.arguments) for each in choice.message.tool_calls or ()
    ]
    said["usage"] = done.usage and {"input": done.usage.prompt_tokens, "output": done.usage.completion_tokens}


if __name__ == "__main__":
    main(run)
