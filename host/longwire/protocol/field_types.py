"""What messages are made of: the strict base model, and the bounded types of their fields.

Every text, list and number on the wire has a bound here or beside its field. Lengths of text count code points.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from longwire.protocol.limits import (
    INLINE_BODY_BYTES,
    MAX_CHUNK_BYTES,
    MAX_HEADER_NAME_CHARS,
    MAX_HEADER_PAIRS,
    MAX_HEADER_VALUE_CHARS,
    MAX_ID,
    MAX_MESSAGE_CHARS,
    MAX_TIMEOUT_MS,
    MAX_URL_CHARS,
    UPLOAD_CHUNK_BYTES,
)


def base64_chars(size: int) -> int:
    """Length of the base64 text of `size` bytes (RFC 4648 section 4, with padding)."""
    return (size + 2) // 3 * 4


class Message(BaseModel):
    """One frame. Unknown fields and wrong types are errors: skew is found in HELLO, not guessed around."""

    # Built when first used, and not again within each union: a host that starts has its first stream waiting.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Offset = Annotated[int, Field(ge=0, le=MAX_ID)]
Milliseconds = Annotated[int, Field(ge=1, le=MAX_TIMEOUT_MS)]
HumanText = Annotated[str, Field(max_length=MAX_MESSAGE_CHARS)]
ShortText = Annotated[str, Field(max_length=200)]
Url = Annotated[str, Field(min_length=1, max_length=MAX_URL_CHARS)]
Origin = Annotated[str, Field(min_length=1, max_length=MAX_URL_CHARS)]
HeaderName = Annotated[str, Field(min_length=1, max_length=MAX_HEADER_NAME_CHARS)]
HeaderValue = Annotated[str, Field(max_length=MAX_HEADER_VALUE_CHARS)]
Subprotocol = Annotated[str, Field(min_length=1, max_length=MAX_HEADER_NAME_CHARS)]  # of a WebSocket: a token
HeaderPair = tuple[HeaderName, HeaderValue]  # not a mapping: duplicates and their order are part of HTTP
HeaderPairs = Annotated[list[HeaderPair], Field(max_length=MAX_HEADER_PAIRS)]


@dataclass(frozen=True, slots=True)
class _Base64:
    """At most `max_bytes` bytes. Only the length is looked at: whoever decodes them judges the alphabet for nothing.

    The schema's two keywords are what the generators go by where the bridge has a `Uint8Array`.
    """

    max_bytes: int

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(max_length=base64_chars(self.max_bytes))
        return core_schema.no_info_after_validator_function(self._check, text)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "contentEncoding": "base64", "maxBytes": self.max_bytes}

    def _check(self, text: str) -> str:
        if len(text) % 4 != 0:
            raise PydanticCustomError("base64_length", "not whole groups of base64")
        if len(text) // 4 * 3 - text.count("=", -2) > self.max_bytes:
            raise PydanticCustomError("bytes_too_long", "too many bytes", {"max_bytes": self.max_bytes})
        return text


InlineBody = Annotated[str, _Base64(INLINE_BODY_BYTES)]
UploadBody = Annotated[str, _Base64(UPLOAD_CHUNK_BYTES)]
ChunkBody = Annotated[str, _Base64(MAX_CHUNK_BYTES)]
