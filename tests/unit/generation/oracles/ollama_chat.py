"""`ollama`."""

import json

from ollama import Client, Options

from tests.unit.generation.oracles.common import Asked, Said, call, main


def run(asked: Asked, said: Said) -> None:
    """It joins nothing itself."""
    client = Client(asked["base"], headers={"Authorization": "Bearer none"})
    # Of the options it sends on whatever there is; the rest it checks itself.
    said["fits"] = asked["body"]["options"].keys() <= Options.model_fields.keys()
    made = client.chat(**asked["body"])
    for line in made if asked["streamed"] else [made]:
        said["text"] += line.message.content or ""
        for each in line.message.tool_calls or ():
            # Its calls have no field for an id.
            said["calls"].append(
                call(getattr(each, "id", None), each.function.name, json.dumps(dict(each.function.arguments)))
            )
        if line.done:
            said["finish"] = line.done_reason
            said["usage"] = {"input": line.prompt_eval_count, "output": line.eval_count}


if __name__ == "__main__":
    main(run)
