"""The policy file's format, as pydantic models: the letter of what `docs` and the JSON Schema say.

An unknown key is an error: a misspelt restriction that is silently ignored is an open door. Patterns, sizes
and durations come out of the models parsed.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticCustomError

from longwire.addresses import Network
from longwire.policy.providers import KINDS, parse_base_url
from longwire.policy.urls import CanonicalUrl
from longwire.policy.values import (
    AbsolutePath,
    BaseUrl,
    Command,
    CostText,
    Destinations,
    Duration,
    FeatureNames,
    GrantName,
    HeaderPatterns,
    InjectedName,
    KeyringEntry,
    MessageSize,
    Methods,
    ModelPattern,
    ModelPatterns,
    NetworkName,
    Pages,
    PriceText,
    ProviderKind,
    ProviderName,
    ProviderNames,
    Proxy,
    RateText,
    SecretName,
    Size,
    Template,
    Variable,
    WebPages,
)
from longwire.protocol.limits import (
    MAX_STREAMS_PER_HOST,
    MIB,
)
from longwire.protocol.records import Principal

FORMAT_VERSION: Final = 1
MAX_GRANTS: Final = 1000
MAX_PROVIDERS: Final = 100
MAX_REQUESTS_PER_MINUTE: Final = 100_000
# Of `durable = {}`.
DURABLE_BYTES: Final = 64 * MIB
DURABLE_KEEP_MS: Final = 3_600_000
DURABLE_DETACHED_MS: Final = 1_800_000
_MISSING: Final = ()


class Entry(BaseModel):
    """A table of the file. Strict: TOML has types, and `"8"` is not 8."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True, defer_build=True)


def _needed(value: object, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
    """`destinations` and `methods` may be missing where a grant lets pages generate, both or none of them."""
    if value is not _MISSING:
        return read(value)
    # A `generate` that is itself wrong is in no `data`, and told by its own error.
    if info.data.get("generate", True) and not info.data.get("destinations"):
        return ()
    raise PydanticCustomError("missing", "Field required")


def _needs_something(schema: dict[str, Any]) -> None:
    """Of a grant, in the JSON Schema: requests, generation, or both."""
    for name in ("destinations", "methods"):
        schema["properties"][name].pop("default", None)
    schema["required"] = [name for name in schema["required"] if name not in ("destinations", "methods")]
    schema["anyOf"] = [{"required": ["destinations", "methods"]}, {"required": ["generate"]}]
    schema["dependentRequired"] = {"destinations": ["methods"], "methods": ["destinations"]}


def _list_of_tables(value: object, info: ValidationInfo) -> object:
    if isinstance(value, dict):
        text = f"is a list of tables: write [[{info.field_name}]], with two brackets on each side"
        raise ValueError(text)  # noqa: TRY004
    return value


class _WithoutTitles(GenerateJsonSchema):
    """pydantic titles every field with its own name, which tells a reader nothing."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


class LimitsEntry(Entry):
    """`limits` of a grant. Durations in milliseconds, sizes in bytes."""

    streams: Annotated[int, Field(ge=1, le=MAX_STREAMS_PER_HOST)] | None = None
    sockets: Annotated[int, Field(ge=1, le=MAX_STREAMS_PER_HOST)] | None = None
    requests_per_minute: Annotated[int, Field(ge=1, le=MAX_REQUESTS_PER_MINUTE)] | None = None
    message_bytes: MessageSize | None = None
    bytes: Size | None = None
    header_timeout: Duration | None = None
    total_timeout: Duration | None = None


class DurableEntry(Entry):
    """`durable` of a grant: its pages may have requests that outlive them. Bytes, and milliseconds."""

    max_bytes: Size = DURABLE_BYTES
    keep: Duration = DURABLE_KEEP_MS
    detached: Duration = DURABLE_DETACHED_MS


class GrantEntry(Entry):
    """One `[[grant]]`."""

    model_config = ConfigDict(json_schema_extra=_needs_something)

    name: GrantName
    principal: Principal = "page"
    pages: Pages
    generate: ProviderNames | None = None
    destinations: Annotated[Destinations, WrapValidator(_needed), Field(validate_default=True)] = _MISSING
    methods: Annotated[Methods, WrapValidator(_needed), Field(validate_default=True)] = _MISSING
    network: NetworkName = "public"
    inject: dict[InjectedName, Template] = {}
    enabled: bool = True
    private_windows: bool = False
    request_headers: HeaderPatterns | None = None
    response_headers: HeaderPatterns | None = None
    reflection_guard: bool = True
    ranges: bool = False
    proxy: Proxy | None = None
    ca_file: AbsolutePath | None = None
    durable: DurableEntry | None = None
    features: FeatureNames | None = None
    limits: LimitsEntry = Field(default_factory=LimitsEntry)  # made here it would be built at each start of a host


class PricesEntry(Entry):
    """What the tokens of a model cost, those that go in and those that come out. One currency for both."""

    input: PriceText
    output: PriceText


class ProviderLimitsEntry(Entry):
    """`limits` of a provider, for each entry of a grant's `pages`. Timeouts in milliseconds."""

    requests: RateText | None = None
    tokens: RateText | None = None
    cost: CostText | None = None
    header_timeout: Duration | None = None
    total_timeout: Duration | None = None


class ProviderEntry(Entry):
    """One `[[provider]]`."""

    name: ProviderName
    kind: ProviderKind
    models: ModelPatterns
    base_url: BaseUrl | None = None
    secret: SecretName | None = None
    network: NetworkName | None = None
    max_input: Size | None = None
    prices: dict[ModelPattern, PricesEntry] = {}
    limits: ProviderLimitsEntry = Field(default_factory=ProviderLimitsEntry)
    proxy: Proxy | None = None
    ca_file: AbsolutePath | None = None


class SecretEntry(Entry):
    """One `[secret.NAME]`: exactly one place to read it from."""

    env: Variable | None = None
    file: AbsolutePath | None = None
    keyring: KeyringEntry | None = None
    command: Command | None = None


class WriterEntry(Entry):
    """`[writer]`: where the extension's own writer is. What it may do there, the grants of this file say."""

    pages: WebPages


class PolicyFile(Entry):
    """A whole file."""

    version: Literal[1]
    enabled: bool = True
    user_grants: bool = False
    grant: Annotated[
        tuple[GrantEntry, ...], Field(strict=False, max_length=MAX_GRANTS), BeforeValidator(_list_of_tables)
    ] = ()
    provider: Annotated[
        tuple[ProviderEntry, ...], Field(strict=False, max_length=MAX_PROVIDERS), BeforeValidator(_list_of_tables)
    ] = ()
    secret: dict[SecretName, SecretEntry] = {}
    writer: WriterEntry | None = None


def base_url_of(entry: ProviderEntry) -> CanonicalUrl:
    """Where it is: the vendor's own service if nothing is said."""
    return entry.base_url or parse_base_url(KINDS[entry.kind] or "")


def network_of(entry: ProviderEntry) -> Network:
    """What its address may be: if nothing at all is said of where it is, Ollama is on this machine."""
    if entry.network is not None:
        return entry.network
    return "loopback" if entry.kind == "ollama" and entry.base_url is None else "public"


def policy_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the file, for editors; checked in as `manifests/policy.schema.json`."""
    schema = PolicyFile.model_json_schema(schema_generator=_WithoutTitles)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Longwire policy",
        **{key: value for key, value in schema.items() if key != "title"},
    }
