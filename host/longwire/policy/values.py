"""The values that a policy file has, as types for its models: each comes out parsed, or says what to write."""

import re
from collections.abc import Callable
from typing import Annotated, Final, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from longwire.addresses import Network
from longwire.policy.features import FEATURES, Feature
from longwire.policy.header_rules import Setter, setter_of
from longwire.policy.matching import MAX_PATTERN_CHARS, TOKEN, DestinationPattern, PagePattern, parse_method
from longwire.policy.providers import KINDS, CostRate, Rate, parse_base_url
from longwire.policy.proxies import ProxyAddress
from longwire.policy.secrets import MAX_PLACE_CHARS, is_absolute_path
from longwire.policy.templates import SECRET_NAME, ValueTemplate
from longwire.policy.units import parse_duration, parse_size
from longwire.policy.urls import CanonicalUrl
from longwire.prices import Price
from longwire.protocol.limits import (
    MAX_HEADER_NAME_CHARS,
    MAX_ID,
    MAX_METHOD_CHARS,
    MAX_SOCKET_MESSAGE_BYTES,
    MAX_TIMEOUT_MS,
    MIB,
)

MAX_PATTERNS_PER_GRANT: Final = 256
MAX_COMMAND_PARTS: Final = 64
MAX_COMMAND_CHARS: Final = 4096
_NETWORKS: Final = get_args(Network)
# As `protocol.generation_request.ProviderName` and `ModelName`.
_PROVIDER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_MODEL_NAME: Final = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)


class Parsed:
    """As pydantic's PlainValidator, without the schemas of what comes out, which nobody writes back. To make them takes
    as long as all else in a host's first look at a policy.
    """

    __slots__ = ("_parse",)

    def __init__(self, parse: Callable[[object], object]) -> None:
        """`parse` raises ValueError for what is not right."""
        self._parse = parse

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._parse)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")  # noqa: TRY004  (pydantic collects ValueErrors only)
    return value


def _page(value: object) -> PagePattern:
    return PagePattern.parse(_text(value))


def _web_page(value: object) -> PagePattern:
    page = _page(value)
    if page.is_console:
        raise ValueError('the writer is on web pages, as in "https://github.com", and not at a terminal')
    return page


def _destination(value: object) -> DestinationPattern:
    return DestinationPattern.parse(_text(value))


def _template(value: object) -> ValueTemplate:
    return ValueTemplate.parse(_text(value))


def _proxy(value: object) -> ProxyAddress:
    return ProxyAddress.parse(_text(value))


def _duration(value: object) -> int:
    # A number without its unit is answered as the text is.
    milliseconds = parse_duration(str(value) if type(value) is int else _text(value))
    if not 1 <= milliseconds <= MAX_TIMEOUT_MS:
        raise ValueError(f'must be between "1ms" and "{MAX_TIMEOUT_MS // 3_600_000}h"')
    return milliseconds


def _size(value: object) -> int:
    size = value if isinstance(value, int) and not isinstance(value, bool) else parse_size(_text(value))
    if not 1 <= size <= MAX_ID:
        raise ValueError("must be at least 1 byte")
    return size


def _message_size(value: object) -> int:
    size = _size(value)
    if size > MAX_SOCKET_MESSAGE_BYTES:
        raise ValueError(f'must be at most "{MAX_SOCKET_MESSAGE_BYTES // MIB}MiB"')
    return size


def _name(value: str) -> str:
    if not value.isprintable() or value != value.strip() or '"' in value:
        raise ValueError("must be printable, without quotes and without spaces around it")
    return value


def _secret_name(value: str) -> str:
    if not SECRET_NAME.fullmatch(value):
        raise ValueError("a secret's name has letters, digits, '_', '.' and '-' only")
    return value


def _injected_name(value: str) -> str:
    if not TOKEN.fullmatch(value) or len(value) > MAX_HEADER_NAME_CHARS:
        raise ValueError("is not a header name")
    if Setter.GRANT not in setter_of(value):
        raise ValueError("belongs to the HTTP stack and cannot be injected")
    return value


def _header_pattern(value: str) -> str:
    bare = value.removesuffix("*")
    if (bare and not TOKEN.fullmatch(bare)) or "*" in bare or not value:
        raise ValueError('must be a header name, or the beginning of one and "*"')
    return value.lower()


def _absolute(value: str) -> str:
    if not is_absolute_path(value):
        raise ValueError("must be an absolute path: the browser chooses the working folder")
    return value


def _variable(value: str) -> str:
    if not value or "=" in value or "\0" in value:
        raise ValueError("is not the name of an environment variable")
    return value


def _command(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        raise ValueError('is a list, because no shell splits it: write ["/usr/bin/tool", "argument"]')  # noqa: TRY004
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise ValueError('must be a program and its arguments: ["/usr/bin/tool", "argument"]')
    if len(value) > MAX_COMMAND_PARTS or sum(map(len, value)) > MAX_COMMAND_CHARS:
        raise ValueError(f"has more than {MAX_COMMAND_PARTS} parts, or than {MAX_COMMAND_CHARS} characters")
    if any("\0" in each for each in value):
        raise ValueError("has a character that no program can be given")
    if not is_absolute_path(value[0]):
        raise ValueError("must begin with the absolute path of a program: no PATH decides which one is run")
    return tuple(value)


def _keyring_entry(value: str) -> str:
    if not value.isprintable() or value != value.strip() or not 1 <= len(value) <= MAX_PLACE_CHARS:
        raise ValueError("must be the name of a keyring entry: printable, without spaces around it")
    return value


def _provider_name(value: str) -> str:
    if not _PROVIDER_NAME.fullmatch(value):
        raise ValueError("a provider's name has letters, digits, '_', '.' and '-' only, 64 at most")
    return value


def _kind(value: str) -> str:
    if value not in KINDS:
        raise ValueError(f"must be one of {', '.join(KINDS)}")
    return value


def _model_pattern(value: str) -> str:
    bare = value.removesuffix("*")
    if value == "*":
        raise ValueError('"*" alone would be every model, the dearest too: name each, or the beginning of some and "*"')
    if not _MODEL_NAME.fullmatch(value) or "*" in bare or not bare:
        raise ValueError('must be a model\'s name, or the beginning of one and "*"')
    return value


def _base_url(value: object) -> CanonicalUrl:
    return parse_base_url(_text(value))


def _price(value: object) -> Price:
    return Price.parse(_text(value))


def _rate(value: object) -> Rate:
    return Rate.parse(_text(value))


def _cost_rate(value: object) -> CostRate:
    return CostRate.parse(_text(value))


def _feature(value: object) -> object:
    if isinstance(value, str) and value not in FEATURES and value.lower() in FEATURES:
        raise ValueError(f'is written in lower case: write "{value.lower()}"')
    return value


def _network(value: object) -> object:
    if isinstance(value, str) and value not in _NETWORKS and value.lower() in _NETWORKS:
        raise ValueError(f'is written in lower case: write "{value.lower()}"')
    return value


# TOML gives lists; a policy is immutable, so it keeps tuples. That one conversion is allowed in strict mode.
_LIST: Final = Field(strict=False, min_length=1, max_length=MAX_PATTERNS_PER_GRANT)
_PATTERN_TEXT: Final = {"type": "string", "maxLength": MAX_PATTERN_CHARS}
_QUANTITY_TEXT: Final = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?[A-Za-z]+$"}

Page = Annotated[
    PagePattern,
    Parsed(_page),
    WithJsonSchema({**_PATTERN_TEXT, "examples": ["https://chat.example.com", "http://127.0.0.1:*"]}),
]
WebPage = Annotated[
    PagePattern,
    Parsed(_web_page),
    WithJsonSchema({**_PATTERN_TEXT, "examples": ["https://github.com", "https://*.example.com"]}),
]
Destination = Annotated[
    DestinationPattern,
    Parsed(_destination),
    WithJsonSchema({**_PATTERN_TEXT, "examples": ["https://api.example.com/v1/"]}),
]
Method = Annotated[str, Field(min_length=1, max_length=MAX_METHOD_CHARS), AfterValidator(parse_method)]
HeaderPattern = Annotated[str, Field(min_length=1, max_length=MAX_HEADER_NAME_CHARS), AfterValidator(_header_pattern)]
Template = Annotated[
    ValueTemplate,
    Parsed(_template),
    WithJsonSchema({"type": "string", "examples": ["Bearer {secret:openai}"]}),
]
Duration = Annotated[int, Parsed(_duration), WithJsonSchema({**_QUANTITY_TEXT, "examples": ["5m"]})]
Size = Annotated[
    int,
    Parsed(_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, _QUANTITY_TEXT], "examples": ["2GiB"]}),
]
Command = Annotated[
    tuple[str, ...],
    Parsed(_command),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": MAX_COMMAND_PARTS,
            "examples": [["/usr/bin/tool", "argument"]],
        }
    ),
]
MessageSize = Annotated[
    int,
    Parsed(_message_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, _QUANTITY_TEXT], "examples": ["16MiB"]}),
]
Pages = Annotated[tuple[Page, ...], _LIST]
WebPages = Annotated[tuple[WebPage, ...], _LIST]
Destinations = Annotated[tuple[Destination, ...], _LIST]
Methods = Annotated[tuple[Method, ...], _LIST]
ProviderName = Annotated[str, AfterValidator(_provider_name)]
ProviderNames = Annotated[tuple[ProviderName, ...], _LIST]
ModelPattern = Annotated[str, AfterValidator(_model_pattern)]
ModelPatterns = Annotated[tuple[ModelPattern, ...], _LIST]
BaseUrl = Annotated[
    CanonicalUrl,
    Parsed(_base_url),
    WithJsonSchema({**_PATTERN_TEXT, "examples": ["https://api.openai.com/v1"]}),
]
PriceText = Annotated[Price, Parsed(_price), WithJsonSchema({"type": "string", "examples": ["1.25 USD/1M"]})]
RateText = Annotated[Rate, Parsed(_rate), WithJsonSchema({"type": "string", "examples": ["10/15m", "200k/day"]})]
CostText = Annotated[CostRate, Parsed(_cost_rate), WithJsonSchema({"type": "string", "examples": ["5 USD/day"]})]
HeaderPatterns = Annotated[tuple[HeaderPattern, ...], _LIST]
FeatureName = Annotated[Feature, BeforeValidator(_feature)]
FeatureNames = Annotated[tuple[FeatureName, ...], _LIST]
Proxy = Annotated[
    ProxyAddress,
    Parsed(_proxy),
    WithJsonSchema({**_PATTERN_TEXT, "examples": ["http://proxy.example.com:3128"]}),
]
GrantName = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_name)]
SecretName = Annotated[str, AfterValidator(_secret_name)]
InjectedName = Annotated[str, AfterValidator(_injected_name)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
Variable = Annotated[str, AfterValidator(_variable)]
KeyringEntry = Annotated[str, AfterValidator(_keyring_entry)]
ProviderKind = Annotated[str, AfterValidator(_kind), WithJsonSchema({"enum": list(KINDS)})]
NetworkName = Annotated[Network, BeforeValidator(_network)]
