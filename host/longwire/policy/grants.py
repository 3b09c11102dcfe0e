"""A grant as the host decides by it: compiled, and with the secrets that its own file defines."""

import hashlib
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING

from longwire.addresses import Network
from longwire.policy.features import Feature, feature_of
from longwire.policy.locations import Source
from longwire.policy.matching import DestinationPattern, HostPattern, PagePattern
from longwire.policy.proxies import ProxyAddress
from longwire.policy.secrets import SecretSource
from longwire.policy.templates import ValueTemplate
from longwire.policy.urls import CanonicalUrl, comparable_path
from longwire.protocol.records import Principal

if TYPE_CHECKING:
    from longwire.policy.providers import Provider


@dataclass(frozen=True, slots=True)
class GrantLimits:
    """Upper bounds; None is no bound of the grant's own.

    `streams`, `sockets` and `requests_per_minute` count for each page, the others for each response; `bytes` are those
    of its body, decoded. A socket is no stream here, its handshake is a request, and its `bytes` are all that came.
    """

    streams: int | None = None
    sockets: int | None = None
    requests_per_minute: int | None = None
    message_bytes: int | None = None
    bytes: int | None = None
    header_timeout_ms: int | None = None
    total_timeout_ms: int | None = None


@dataclass(frozen=True, slots=True)
class DurableLimits:
    """What lets requests outlive their pages. `max_bytes` is the sum of what is kept for one entry of `pages`; what has
    ended is kept for `keep_ms`; and without a reader a request goes on for `detached_ms` at most.
    """

    max_bytes: int
    keep_ms: int
    detached_ms: int


@dataclass(frozen=True, slots=True)
class WriterPages:
    """The `[writer]` of one file: where the writer is, if a grant of the same file is for it there."""

    pages: tuple[PagePattern, ...]
    source: Source = "user"
    line: int = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """One `[[grant]]`. `name` is unique in the whole policy; `source` and `line` say where it is written.

    `inject` holds header names as written and their values; `secrets` what those values refer to. The narrowing
    lists are lower case, possibly with a trailing `*`; None narrows nothing, nor do `features` where they are None.
    `generate` are the providers of its own
    file that its pages may ask; what they are asked by is a grant made for it (`for_provider`), and `of` is then
    the one in the file. `principal` is whose it is on those pages: their own scripts', or the writer's alone, and the
    writer's only where `writer_pages`, the `[writer]` of its own file, names the page too.
    """

    name: str
    pages: tuple[PagePattern, ...]
    destinations: tuple[DestinationPattern, ...]
    methods: tuple[str, ...]
    network: Network = "public"
    inject: tuple[tuple[str, ValueTemplate], ...] = ()
    secrets: tuple[SecretSource, ...] = ()
    enabled: bool = True
    private_windows: bool = False
    request_headers: tuple[str, ...] | None = None
    response_headers: tuple[str, ...] | None = None
    reflection_guard: bool = True
    ranges: bool = False
    proxy: ProxyAddress | None = None
    ca_file: str | None = None
    limits: GrantLimits = field(default_factory=GrantLimits)
    durable: DurableLimits | None = None
    features: tuple[Feature, ...] | None = None
    source: Source = "user"
    line: int = 1
    generate: tuple["Provider", ...] = ()
    of: "Grant | None" = None
    principal: Principal = "page"
    writer_pages: tuple[PagePattern, ...] = ()

    @property
    def guards(self) -> bool:
        """Whether it injects secrets and keeps its pages from reading them in answers."""
        return self.reflection_guard and bool(self.secrets)

    @property
    def all_secrets(self) -> tuple[SecretSource, ...]:
        """Those that it injects, and those of its providers, each once."""
        of_providers = (provider.secret for provider in self.generate if provider.secret is not None)
        return tuple(dict.fromkeys((*self.secrets, *of_providers)))

    @property
    def fingerprint(self) -> str:
        """Changes whenever the grant does, or a provider or the place of a secret of it; not with a line in the file.

        Fields at their default are left out, so that a field that a later version adds changes no fingerprint.
        """
        told = self if self.of is None else self.of
        return hashlib.sha256(_told(told, without="line").encode()).hexdigest()[:32]

    def names_page(self, origin: CanonicalUrl, principal: Principal = "page") -> bool:
        """Whether it is for this principal on a page of that origin. Who does not say that it asks for the writer, gets
        none of the writer's.
        """
        return self.entry_for(origin, principal) is not None

    def entry_for(self, origin: CanonicalUrl, principal: Principal = "page") -> PagePattern | None:
        """The first of `pages` that names the page, if the grant is for this principal there."""
        if principal != self.principal:
            return None
        if principal == "writer" and not any(page.matches(origin) for page in self.writer_pages):
            return None
        return next((page for page in self.pages if page.matches(origin)), None)

    def not_for(self, origin: CanonicalUrl, principal: Principal) -> tuple[str, ...]:
        """Why it is not for this principal there, for people who may know the policy; nothing if it is."""
        why: list[str] = []
        if principal != self.principal:
            theirs = "the writer's alone" if self.principal == "writer" else "the page's own scripts', not the writer's"
            why.append(f"it is {theirs}")
        if not any(page.matches(origin) for page in self.pages):
            pages = ", ".join(map(str, self.pages[:3])) + (" …" if len(self.pages) > 3 else "")
            why.append(f"it is for other pages ({pages})")
        elif self.principal == "writer" and not any(page.matches(origin) for page in self.writer_pages):
            why.append("the [writer] of its file does not name this page")
        return tuple(why)

    def names(self, url: CanonicalUrl) -> bool:
        """Whether one of `destinations` matches the URL."""
        return any(destination.matches(url) for destination in self.destinations)

    def has(self, feature: Feature) -> bool:
        """Whether its `features` let that pass."""
        return self.features is None or feature in self.features

    def reaches(self, url: CanonicalUrl) -> bool:
        """Whether it names the URL, and is for such requests."""
        return self.has(feature_of(url.scheme)) and self.names(url)

    @property
    def open_destinations(self) -> tuple[DestinationPattern, ...]:
        """Those of `destinations` that its `features` leave."""
        return tuple(each for each in self.destinations if self.has(feature_of(each.origin.scheme)))

    @property
    def open_providers(self) -> tuple["Provider", ...]:
        """Those of `generate`, if its `features` leave them."""
        return self.generate if self.has("generate") else ()

    def reaching(self, provider: "Provider") -> "Grant":
        """What its pages need of this provider, whatever they ask: to judge by before they do."""
        return self.for_provider(provider, "Authorization", "", "/")

    def for_provider(self, provider: "Provider", key_header: str, key_prefix: str, path: str) -> "Grant":
        """What lets its pages POST to that path of this provider, with the provider's secret in `key_header`.

        It has the fingerprint of this grant, so that a suspension of the secret is this grant's.
        """
        base, secret = provider.base_url, provider.secret
        place = HostPattern(base.scheme, base.host, wildcard=False, port=base.port)
        inject = () if secret is None else ((key_header, ValueTemplate((key_prefix, ""), (secret.name,))),)
        limits = replace(
            self.limits,
            header_timeout_ms=_least(self.limits.header_timeout_ms, provider.header_timeout_ms),
            total_timeout_ms=_least(self.limits.total_timeout_ms, provider.total_timeout_ms),
        )
        return Grant(
            name=self.name,
            pages=self.pages,
            destinations=(DestinationPattern(place, comparable_path(provider.url(path).path)),),
            methods=("POST",),
            network=provider.network,
            inject=inject,
            secrets=() if secret is None else (secret,),
            enabled=self.enabled,
            private_windows=self.private_windows,
            proxy=provider.proxy,
            ca_file=provider.ca_file,
            limits=limits,
            durable=self.durable,
            features=None if self.features is None else (*self.features, "fetch"),
            source=self.source,
            line=self.line,
            of=self,
            principal=self.principal,
            writer_pages=self.writer_pages,
        )

    def carries_otherwise(self, other: "Grant") -> tuple[str, ...]:
        """The fields in which `other` would carry a request differently: other addresses, another proxy, other
        authorities, other headers, or a guard that this grant does without.
        """
        differs = {
            "network": self.network != other.network,
            "proxy": self.proxy != other.proxy,
            "ca_file": self.ca_file != other.ca_file,
            "inject": (self.inject, self.secrets) != (other.inject, other.secrets),
            "reflection_guard": other.reflection_guard and not self.reflection_guard,
            "ranges": self.ranges and not other.ranges,
        }
        return tuple(field for field, it in differs.items() if it)


def _least(*bounds: int | None) -> int | None:
    return min((bound for bound in bounds if bound is not None), default=None)


def _told(value: object, without: str = "") -> str:
    """A text for a value; equal texts mean equal values."""
    if is_dataclass(value) and not isinstance(value, type):
        told = ((each.name, getattr(value, each.name), each.default) for each in fields(value))
        parts = [
            f"{name}={_told(part, without)}" for name, part, default in told if name != without and part != default
        ]
        return f"{type(value).__name__}({','.join(parts)})"
    if isinstance(value, tuple):
        return f"({','.join(_told(each, without) for each in value)})"
    return repr(value)
