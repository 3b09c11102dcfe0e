"""The form of recordings as one JSON Schema document (draft 2020-12)."""

from pydantic import TypeAdapter

from longwire.protocol.export.schema import Schema, tidy
from longwire.recording.model import RecordingHead, RecordingLine


def recording_schema() -> Schema:
    """The head of a file and each kind of line under `$defs`; a line is one of `RecordingLine`."""
    lines = TypeAdapter(RecordingLine).json_schema()
    definitions = {name: tidy(definition) for name, definition in lines.pop("$defs").items()}
    definitions["RecordingHead"] = tidy(RecordingHead.model_json_schema())
    definitions["RecordingLine"] = {"oneOf": lines["oneOf"], "discriminator": lines["discriminator"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A recording of Longwire",
        "description": "Lines of JSON: the first is a RecordingHead, each other one a RecordingLine. "
        "Generated from the pydantic models by `python -m longwire.protocol.export`.",
        "$defs": definitions,
    }
