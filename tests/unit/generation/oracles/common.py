"""What every oracle in Python does: what to ask on stdin, each asked of a real server by an SDK, results on stdout."""

import json
import logging
import sys
import types
import warnings
from collections.abc import Callable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

# One answer to get: `adapter`; `base` of the server; `body` as that adapter sends it, and the `question` it is of, as a
# page says it; `streamed`; `compare`: whether it is the request that matters.
Asked = dict[str, Any]
# What the SDK says of it: `text, calls, usage, finish`. What it had said before it failed stays in it.
Said = dict[str, Any]


def main(run: Callable[[Asked, Said], None]) -> None:
    """Runs `run` for each; what it raises is `error` beside what came before."""
    warnings.simplefilter("ignore")
    logging.disable()
    results: dict[str, Said] = {}
    for asked in json.load(sys.stdin):
        said: Said = {"text": "", "calls": [], "usage": None, "finish": None}
        try:
            run(asked, said)
        except Exception as error:  # noqa: BLE001  (any kind of failure is an answer)
            said["error"] = f"{type(error).__name__}: {error}"
        results[asked["name"]] = said
    json.dump(results, sys.stdout)


def call(call_id: str | None, name: str, arguments: Any) -> dict[str, Any]:
    """A tool call; `arguments` are JSON as text."""
    return {"id": call_id, "name": name, "arguments": arguments}


def fits(value: Any, kind: Any) -> bool:
    """Whether a JSON value is what the SDK's types of a request say, with no field that they do not have."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        found = any(fits(value, each) for each in inner)
    elif origin is Annotated:
        found = fits(value, inner[0])
    elif origin is Literal:
        found = value in inner
    elif is_typeddict(kind):
        hints = get_type_hints(kind) if isinstance(value, dict) else {}
        found = isinstance(value, dict) and all(name in hints and fits(value[name], hints[name]) for name in value)
    elif isinstance(value, list):
        found = bool(inner) and origin is not dict and all(fits(each, inner[0]) for each in value)
    elif isinstance(value, dict):
        found = dict in (origin, kind) or kind is object
    else:
        found = isinstance(kind, type) and isinstance(value, (int, float) if kind is float else kind)
    return found
