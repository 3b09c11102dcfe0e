"""The unions of messages as one JSON Schema document (draft 2020-12)."""

from typing import Any, Final

from pydantic import TypeAdapter

from longwire.protocol.generation import AnyGenerationEvent
from longwire.protocol.generation_request import GenerationRequest
from longwire.protocol.messages import FromHost, FromPage, ToHost, ToPage

Schema = dict[str, Any]

_UNIONS: Final[dict[str, Any]] = {"ToHost": ToHost, "FromHost": FromHost, "FromPage": FromPage, "ToPage": ToPage}
NATIVE_UNIONS: Final = ("ToHost", "FromHost")
BRIDGE_UNIONS: Final = ("FromPage", "ToPage")


def protocol_schema() -> Schema:
    """Every message under `$defs`, and one entry per union of them.

    Two things differ from what pydantic says by itself. Titles of fields are gone, because a type generator would
    make a named type of each. And a field that may be None is not nullable but optional: the wire leaves it out.
    """
    definitions: dict[str, Schema] = {}
    for name, union in _UNIONS.items():
        schema = TypeAdapter(union).json_schema()
        definitions |= {model: tidy(definition) for model, definition in schema.pop("$defs").items()}
        definitions[name] = {"oneOf": schema["oneOf"], "discriminator": schema["discriminator"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Longwire protocol",
        "description": "Generated from the pydantic models by `python -m longwire.protocol.export`. "
        "Fields with `contentEncoding` are base64 text on the native hop and a Uint8Array on the bridge.",
        "$defs": definitions,
    }


def generation_schema() -> Schema:
    """A generation's request, as it is read, and its events, as they are written; each model under `$defs`."""
    request = TypeAdapter(GenerationRequest).json_schema(mode="validation")
    events = TypeAdapter(AnyGenerationEvent).json_schema(mode="serialization")
    written = {name: tidy(_with_written(definition)) for name, definition in events["$defs"].items()}
    read = {name: tidy(definition) for name, definition in request.pop("$defs").items()}
    unions = {"GenerationRequest": tidy(request), "AnyGenerationEvent": {"oneOf": events["oneOf"]}}
    return {"$defs": read | written | unions}


def _with_written(definition: Schema) -> Schema:
    """A field is left out where it is None, and else written, its default too."""
    fields = definition.get("properties", {})
    always = [name for name, field in fields.items() if field.get("default") is not None]
    return {**definition, "required": [*definition.get("required", ()), *always]} if fields else definition


def union_members(schema: Schema, union: str) -> tuple[str, ...]:
    """Names of the messages in one union of `protocol_schema()`, in the order they are written."""
    return tuple(ref_name(member) for member in schema["$defs"][union]["oneOf"])


def ref_name(schema: Schema) -> str:
    """The definition that a `$ref` leads to."""
    return str(schema["$ref"]).removeprefix("#/$defs/")


def tidy(definition: Schema) -> Schema:
    """A definition without titles, and with fields that may be left out instead of null."""
    tidied = {key: value for key, value in definition.items() if key != "title"}
    if "properties" in tidied:
        tidied["properties"] = {name: _tidy_field(field) for name, field in tidied["properties"].items()}
        tidied.setdefault("required", [])
    return tidied


def _tidy_field(field: Schema) -> Schema:
    tidied = {key: value for key, value in field.items() if key not in {"title", "default"}}
    choices = [choice for choice in tidied.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del tidied["anyOf"]
        tidied |= choices[0]
    return tidied
