"""docs/PROTOCOL.md: the prose of `protocol.md` beside this module, with tables and numbers from the models."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from string import Template
from typing import Final

from longwire.protocol import limits
from longwire.protocol.errors import ERRORS
from longwire.protocol.export.schema import BRIDGE_UNIONS, NATIVE_UNIONS, Schema, ref_name, union_members

_BOUNDED_BY_KIND: Final = (
    ("minLength", "maxLength", "characters"),
    ("minItems", "maxItems", "items"),
    ("minimum", "maximum", ""),
)


def protocol_md(schema: Schema) -> str:
    """The page as text.

    Raises:
        KeyError: the template names a limit or a table that does not exist.
    """
    definitions: dict[str, Schema] = schema["$defs"]
    members = {union: union_members(schema, union) for union in (*NATIVE_UNIONS, *BRIDGE_UNIONS)}
    native = [name for union in NATIVE_UNIONS for name in members[union]]
    bridge_only = [name for union in BRIDGE_UNIONS for name in members[union] if name not in native]
    parts = [name for name in definitions if name not in {*members, *native, *bridge_only, "ErrorCode"}]
    template = Template(Path(__file__).with_name("protocol.md").read_text("utf-8"))
    return template.substitute(
        _limits(),
        to_host=_sections(members["ToHost"], definitions),
        from_host=_sections(members["FromHost"], definitions),
        from_page=_wire_names(members["FromPage"], definitions),
        to_page=_wire_names(members["ToPage"], definitions),
        bridge=_sections(bridge_only, definitions),
        parts=_sections(parts, definitions),
        errors=_errors(),
    )


def _sections(names: Iterable[str], definitions: Mapping[str, Schema]) -> str:
    return "\n".join(_section(name, definitions[name]) for name in names)


def _section(name: str, definition: Schema) -> str:
    wire_name = _wire_name(definition)
    title = f"`{wire_name}`" if wire_name else name
    model = f" (`{name}`)" if wire_name else ""
    text = f"### {title}{model}\n\n{definition['description']}\n\n"
    if "enum" in definition:
        return text + f"One of {_alternatives(definition['enum'])}.\n"
    rows = "".join(
        f"| `{field}` | {_kind(node)} | {_bounds(node)} | {'' if field in definition['required'] else 'optional'} |\n"
        for field, node in definition["properties"].items()
        if field != "type"
    )
    return text + ("| field | is | bounds | |\n|---|---|---|---|\n" + rows if rows else "No fields.\n")


def _wire_name(definition: Schema) -> str | None:
    name: str | None = definition.get("properties", {}).get("type", {}).get("const")
    return name


def _wire_names(names: Iterable[str], definitions: Mapping[str, Schema]) -> str:
    return ", ".join(f"`{_wire_name(definitions[name])}`" for name in names)


def _alternatives(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _kind(node: Schema) -> str:
    return next((describe(node) for key, describe in _KINDS.items() if key in node), "") or _TYPES[node["type"]]


def _reference(node: Schema) -> str:
    name = ref_name(node)
    return "[code](#errors)" if name == "ErrorCode" else f"[{name}](#{name.lower()})"


# What a schema node is, by the first of these keywords that it has; by its type if it has none.
_KINDS: Final[Mapping[str, Callable[[Schema], str]]] = {
    "$ref": _reference,
    "oneOf": lambda node: " or ".join(_kind(choice) for choice in node["oneOf"]),
    "const": lambda node: f"`{node['const']}`",
    "enum": lambda node: f"one of {_alternatives(node['enum'])}",
    "contentEncoding": lambda node: "bytes",
    "prefixItems": lambda node: f"[{', '.join(f'{_kind(item)} of {_bounds(item)}' for item in node['prefixItems'])}]",
    "items": lambda node: f"list of {_kind(node['items'])}",
}
_TYPES: Final = {"string": "text", "integer": "integer", "boolean": "boolean"}


def _bounds(node: Schema) -> str:
    if "contentEncoding" in node:
        return f"at most {_bytes(node['maxBytes'])}"
    for low, high, unit in _BOUNDED_BY_KIND:
        if high in node:
            span = f"{_number(node[low])} to" if node.get(low) else "0 to" if not unit else "at most"
            return f"{span} {_number(node[high])} {unit}".rstrip() + _items_bounds(node)
    return ""


def _items_bounds(node: Schema) -> str:
    inner = node.get("items", {})
    return f", each {_bounds(inner)}" if inner.get("type") == "string" else ""


def _errors() -> str:
    rows = "".join(
        f"| {number} | `{code}` | {row.category} | {'yes' if row.retryable else 'no'} | {row.meaning} |\n"
        for number, (code, row) in enumerate(ERRORS.items(), start=1)
    )
    return f"| # | code | category | retryable | meaning |\n|---|---|---|---|---|\n{rows}"


def _limits() -> dict[str, str]:
    return {name: _limit(name, value) for name, value in vars(limits).items() if name.isupper()}


def _limit(name: str, value: int) -> str:
    if name.endswith("_MS"):
        seconds = value / 1000
        return f"{value // 3_600_000} h" if value % 3_600_000 == 0 else f"{seconds:g} s"
    if (name.endswith("_BYTES") and name != "FRAME_HEADER_BYTES") or name.startswith("MAX_FRAME_"):
        return _bytes(value)
    return _number(value)


def _bytes(size: int) -> str:
    for unit, name in ((limits.MIB, "MiB"), (limits.KIB, "KiB")):
        if size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size:,} bytes"


def _number(value: int) -> str:
    return "2^53 - 1" if value == limits.MAX_ID else f"{value:,}"
