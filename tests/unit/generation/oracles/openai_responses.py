"""`openai`, Responses."""

from openai import OpenAI
from openai.types.responses.response_create_params import ResponseCreateParamsStreaming

from tests.unit.generation.oracles.common import Asked, Said, call, fits, main


def run(asked: Asked, said: Said) -> None:
    """With the helper that joins what comes; a body that is to be compared is sent by the plain method."""
    client = OpenAI(api_key="none", base_url=asked["base"], max_retries=0)
    body = asked["body"]
    if not asked["streamed"]:
        done = client.responses.create(**body)
    elif asked["compare"]:
        said["fits"] = fits(body, ResponseCreateParamsStreaming)
        list(client.responses.create(**body))
        return
    else:
        del body["stream"]
        with client.responses.stream(**body) as stream:
            for event in stream:
                if event.type == "response.output_text.delta":
                    said["text"] += event.delta
            done = stream.get_final_response()
    said["text"] = done.output_text
    said["finish"] = done.incomplete_details.reason if done.status == "incomplete" else done.status
    said["calls"] = [
        call(item.call_id, item.name, item.arguments) for item in done.output if item.type == "function_call"
    ]
    said["usage"] = done.usage and {"input": done.usage.input_tokens, "output": done.usage.output_tokens}


if __name__ == "__main__":
    main(run)
