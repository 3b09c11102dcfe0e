"""`anthropic`."""

import json

from anthropic import Anthropic
from anthropic.types.message_create_params import MessageCreateParamsStreaming

from tests.unit.generation.oracles.common import Asked, Said, call, fits, main


def run(asked: Asked, said: Said) -> None:
    """With the helper that joins what comes; a body that is to be compared is sent by the plain method."""
    client = Anthropic(api_key="none", base_url=asked["base"], max_retries=0)
    body = asked["body"]
    if not asked["streamed"]:
        done = client.messages.create(**body)
    elif asked["compare"]:
        said["fits"] = fits(body, MessageCreateParamsStreaming)
        list(client.messages.create(**body))
        return
    else:
        del body["stream"]
        with client.messages.stream(**body) as stream:
            for text in stream.text_stream:
                said["text"] += text
            done = stream.get_final_message()
    said["text"] = "".join(block.text for block in done.content if block.type == "text")
    said["finish"] = done.stop_reason
    said["calls"] = [
        call(block.id, block.name, json.dumps(block.input)) for block in done.content if block.type == "tool_use"
    ]
    said["usage"] = {"input": done.usage.input_tokens, "output": done.usage.output_tokens}


if __name__ == "__main__":
    main(run)
