"""Messages made up from the protocol's schema, whole and broken: a new field is in every test the day it is written."""

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from longwire.protocol.export.schema import Schema, protocol_schema, ref_name, union_members

SCHEMA: Final = protocol_schema()
DEFINITIONS: Final[dict[str, Schema]] = SCHEMA["$defs"]
TO_HOST_NAMES: Final = union_members(SCHEMA, "ToHost")
FROM_HOST_NAMES: Final = union_members(SCHEMA, "FromHost")

# In every made-up value and in no field's name: a message for people that holds it has quoted a value.
CANARY: Final = "Sesame"
_ALPHABET: Final = 'aé\u202e\n\x00"\\€😀'
_USUAL_CHARS = 40
_USUAL_ITEMS = 3

Path = tuple[str | int, ...]


def sample(rng: random.Random, name: str) -> dict[str, Any]:
    """A valid message (or part of one) by the name of its model, as JSON has it; small but for rare bounds."""
    message: dict[str, Any] = _value(rng, DEFINITIONS[name])
    return message


def _value(rng: random.Random, node: Schema) -> Any:
    if "$ref" in node:
        return _value(rng, DEFINITIONS[ref_name(node)])
    if "oneOf" in node:
        return _value(rng, rng.choice(node["oneOf"]))
    if "const" in node or "enum" in node:
        return rng.choice(node.get("enum", [node.get("const")]))
    return _MAKERS[node["type"]](rng, node)


def _object(rng: random.Random, node: Schema) -> dict[str, Any]:
    return {
        name: _value(rng, field)
        for name, field in node["properties"].items()
        if name in node["required"] or rng.random() < 0.5
    }


def _array(rng: random.Random, node: Schema) -> list[Any]:
    if "prefixItems" in node:
        return [_value(rng, item) for item in node["prefixItems"]]
    count = rng.randint(0, min(node["maxItems"], _USUAL_ITEMS))
    return [_value(rng, node["items"]) for _ in range(count)]


def _string(rng: random.Random, node: Schema) -> str:
    if "contentEncoding" in node:
        return base64.b64encode(rng.randbytes(rng.randint(0, 90))).decode()
    size = rng.randint(node.get("minLength", 0), min(node["maxLength"], _USUAL_CHARS))
    return "".join(rng.choices(_ALPHABET, k=size))


def _integer(rng: random.Random, node: Schema) -> int:
    return rng.choice((node["minimum"], node["maximum"], rng.randint(node["minimum"], node["maximum"])))


def _boolean(rng: random.Random, _node: Schema) -> bool:
    return rng.random() < 0.5


_MAKERS: Final[dict[str, Callable[[random.Random, Schema], Any]]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "boolean": _boolean,
}


@dataclass(frozen=True)
class Broken:
    """A message with one fault. `path` leads to the faulty field; `fault` is the kind of fault."""

    message: dict[str, Any]
    path: Path
    fault: str


def broken(rng: random.Random, name: str) -> Broken:
    """A message of the model `name` with one field wrong, missing or too many."""
    message = sample(rng, name)
    places = list(_places(message, DEFINITIONS[name], ()))
    path, node = rng.choice(places)
    faults = [fault for fault, (applies, _) in _FAULTS.items() if applies(path, node)]
    fault = rng.choice(faults)
    extra = _FAULTS[fault][1](rng, message, path, node)
    return Broken(message, (*path, extra) if extra else path, fault)


def _places(value: Any, node: Schema, path: Path) -> Iterator[tuple[Path, Schema]]:
    """Every field of `value` with its schema; of a union, the member that `value` is."""
    node = _resolved(node, value)
    if path:
        yield path, node
    if node.get("type") == "object":
        for name, field in node["properties"].items():
            if name in value:
                yield from _places(value[name], field, (*path, name))
    elif node.get("type") == "array":
        for index, item in enumerate(value):
            yield from _places(item, _item(node, index), (*path, index))


def _resolved(node: Schema, value: Any) -> Schema:
    if "$ref" in node:
        return _resolved(DEFINITIONS[ref_name(node)], value)
    if "oneOf" in node:
        tag = node["discriminator"]["propertyName"]
        return DEFINITIONS[ref_name({"$ref": node["discriminator"]["mapping"][value[tag]]})]
    return node


def _item(node: Schema, index: int) -> Schema:
    items: Schema = node["prefixItems"][index] if "prefixItems" in node else node["items"]
    return items


def _owner(message: Any, path: Path) -> Any:
    for step in path[:-1]:
        message = message[step]
    return message


def _put(value: Callable[[random.Random, Schema], Any]) -> "_Breaker":
    def breaker(rng: random.Random, message: Any, path: Path, node: Schema) -> None:
        _owner(message, path)[path[-1]] = value(rng, node)

    return breaker


def _wrong_type(rng: random.Random, node: Schema) -> Any:
    wrong: dict[str, Any] = {
        "object": {CANARY: CANARY},
        "array": [CANARY],
        "string": CANARY,
        "integer": 4_711,
        "boolean": True,
        "number": 0.5,
    }
    return rng.choice([value for kind, value in wrong.items() if kind != node["type"]])


def _remove(_rng: random.Random, message: Any, path: Path, _node: Schema) -> None:
    del _owner(message, path)[path[-1]]


def _add(rng: random.Random, message: Any, path: Path, _node: Schema) -> str:
    name = rng.choice(("extra", "__proto__", "constructor", "x" * 5_000, "\x1b[2J\n", "\u202e"))
    _owner(message, (*path, name))[name] = CANARY
    return name


def _is_required(path: Path, _node: Schema) -> bool:
    # Which fields may be left out stands in the owner, and only these names are optional anywhere.
    return isinstance(path[-1], str) and path[-1] not in _OPTIONAL


_OPTIONAL: Final = {
    name
    for definition in DEFINITIONS.values()
    for name in definition.get("properties", {})
    if name not in definition["required"]
}
_Breaker = Callable[[random.Random, Any, Path, Schema], str | None]
# Fault: whether it can be made at a place, and how.
_FAULTS: Final[dict[str, tuple[Callable[[Path, Schema], bool], _Breaker]]] = {
    "wrong type": (lambda _path, _node: True, _put(_wrong_type)),
    "missing": (_is_required, _remove),
    "unknown field": (lambda _path, node: node["type"] == "object", _add),
    "below": (lambda _path, node: "minimum" in node, _put(lambda _rng, node: node["minimum"] - 1)),
    "above": (
        lambda _path, node: "maximum" in node,
        _put(lambda rng, node: node["maximum"] + 10 ** rng.choice((0, 30))),
    ),
    "too short": (lambda _path, node: node.get("minLength", 0) > 0, _put(lambda _rng, _node: "")),
    "too long": (
        lambda _path, node: "maxLength" in node,
        _put(lambda _rng, node: CANARY.ljust(node["maxLength"] + (4 if "contentEncoding" in node else 1), "A")),
    ),
    "too many": (
        lambda _path, node: "maxItems" in node,
        _put(lambda _rng, node: [CANARY] * (node["maxItems"] + 1)),
    ),
    "unknown value": (lambda _path, node: "enum" in node or "const" in node, _put(lambda _rng, _node: CANARY)),
}
