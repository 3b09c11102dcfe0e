"""guards.ts: what the extension lets in, from the schema.

The vocabulary is `checks.ts` beside this module, copied as it is; what is generated is the list of shapes.
"""

from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Final

from longwire.protocol.export.schema import Schema, ref_name
from longwire.protocol.export.typescript import BANNER, literal
from longwire.protocol.limits import MAX_ID

_HEAD: Final = """\
// Whether an unknown value is a message: exactly the fields of the models within their bounds. Never throws,
// and costs the same for a chunk of any size. After a guard said yes, an absent optional field may still be
// answered by a polluted `Object.prototype`: in the page, read optional fields with `Object.hasOwn`.

import type * as bridge from './bridge'
import { MAX_ID } from './constants'
import type * as native from './native'
"""
_GUARD: Final = """\
export function {name}(value: unknown): value is {hop}.{union} {{
  return total({check}, value)
}}
"""
# The guards that the extension needs: name, union, hop.
_GUARDS: Final = (
    ("isFromHost", "FromHost", "native"),
    ("isFromPage", "FromPage", "bridge"),
    ("isToPage", "ToPage", "bridge"),
)


def guards_ts(schema: Schema) -> str:
    """The module as text."""
    shapes = _Shapes(schema)
    guards = [
        _GUARD.format(name=name, union=union, hop=hop, check=shapes.name(union, hop)) for name, union, hop in _GUARDS
    ]
    checks = Path(__file__).with_name("checks.ts").read_text("utf-8")
    return "\n".join((BANNER + _HEAD, checks, shapes.text(), *guards))


class _Shapes:
    """Collects one `const` per definition, each after those it is made of."""

    def __init__(self, schema: Schema) -> None:
        self._definitions: dict[str, Schema] = schema["$defs"]
        self._consts: dict[str, str] = {}

    def text(self) -> str:
        """All that was named so far."""
        return "".join(f"const {name} = {check}\n" for name, check in self._consts.items())

    def name(self, definition: str, hop: str) -> str:
        """The const that checks `definition`; bytes differ by hop, and so does what contains them."""
        name = definition[0].lower() + definition[1:]
        if self._has_bytes(self._definitions[definition]):
            name = f"{hop}{definition}"
        if name not in self._consts:
            check = self._check(self._definitions[definition], hop)
            self._consts[name] = check
        return name

    def _has_bytes(self, node: object) -> bool:
        if isinstance(node, list):
            return any(self._has_bytes(entry) for entry in node)
        if not isinstance(node, dict):
            return False
        if "contentEncoding" in node:
            return True
        if "$ref" in node:
            return self._has_bytes(self._definitions[ref_name(node)])
        return any(self._has_bytes(entry) for entry in node.values())

    def _check(self, node: Schema, hop: str) -> str:
        if "$ref" in node:
            return self.name(ref_name(node), hop)
        if "enum" in node or "const" in node:
            values = node.get("enum", [node.get("const")])
            return f"oneOf({', '.join(literal(value) for value in values)})"
        if "oneOf" in node:
            return self._union(node, hop)
        makers: dict[str, Callable[[Schema, str], str]] = {
            "object": self._record,
            "array": self._array,
            "string": _string,
            "integer": _integer,
            "boolean": lambda _node, _hop: "boolean",
        }
        return makers[node["type"]](node, hop)

    def _union(self, node: Schema, hop: str) -> str:
        tag = node["discriminator"]["propertyName"]
        mapping: dict[str, str] = node["discriminator"]["mapping"]
        members = {value: self.name(ref_name({"$ref": ref}), hop) for value, ref in mapping.items()}
        return f"union({literal(tag)}, {_object(members)})"

    def _record(self, node: Schema, hop: str) -> str:
        fields = {name: self._check(field, hop) for name, field in node["properties"].items()}
        required = {name: check for name, check in fields.items() if name in node["required"]}
        optional = {name: check for name, check in fields.items() if name not in required}
        if not optional:
            return f"record({_object(required)})"
        return "record(\n" + indent(f"{_object(required)},\n{_object(optional)}", "  ") + "\n)"

    def _array(self, node: Schema, hop: str) -> str:
        if "prefixItems" in node:
            return f"tuple({', '.join(self._check(item, hop) for item in node['prefixItems'])})"
        return f"list({self._check(node['items'], hop)}, {literal(node['maxItems'])})"


def _object(entries: dict[str, str]) -> str:
    if not entries:
        return "{}"
    return "{\n" + indent(",\n".join(f"{name}: {value}" for name, value in entries.items()), "  ") + "\n}"


def _string(node: Schema, hop: str) -> str:
    if "contentEncoding" not in node:
        return f"text({literal(node.get('minLength', 0))}, {literal(node['maxLength'])})"
    return f"{'bytes' if hop == 'bridge' else 'base64'}({literal(node['maxBytes'])})"


def _integer(node: Schema, _hop: str) -> str:
    maximum = "MAX_ID" if node["maximum"] == MAX_ID else literal(node["maximum"])
    return f"integer({literal(node['minimum'])}, {maximum})"
