"""From the bytes of one policy file to its grants, or to what is wrong with it."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from longwire.policy.doubts import doubts
from longwire.policy.grants import DurableLimits, Grant, GrantLimits, WriterPages
from longwire.policy.locations import Source
from longwire.policy.model import (
    FORMAT_VERSION,
    GrantEntry,
    PolicyFile,
    ProviderEntry,
    SecretEntry,
    base_url_of,
    network_of,
)
from longwire.policy.problems import Problem, problem_at, shown_name, syntax_problem, validation_problems
from longwire.policy.provider_doubts import provider_doubts
from longwire.policy.providers import KINDS, Provider, ProviderLimits
from longwire.policy.secrets import SecretSource
from longwire.policy.toml_lines import Location, NestedTooDeeplyError, check_key_depth, line_of, locate_keys
from longwire.policy.writer_doubts import writer_doubts
from longwire.prices import Prices
from longwire.protocol.header_names import same_to_servers

# WELCOME carries the page patterns of all grants, so the file must fit a frame with room to spare.
MAX_POLICY_BYTES: Final = 256 * 1024
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
# To a proxy, 127.0.0.1 is its own machine.
_PROXY_OF_LOOPBACK: Final = (
    'leads away from this machine, and network = "loopback" names nothing else: remove one of the two'
)


class PolicyDocument(NamedTuple):
    """One file, read. With `problems` it has no grants. `digest` is the SHA-256 of its bytes, in hex."""

    path: Path
    digest: str
    grants: tuple[Grant, ...] = ()
    enabled: bool = True
    user_grants: bool = False
    secrets: tuple[SecretSource, ...] = ()
    providers: tuple[Provider, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    writer: WriterPages | None = None


def parse_policy(data: bytes, path: Path, source: Source) -> PolicyDocument:
    """Parse a file's bytes; `path` is for messages."""
    digest = hashlib.sha256(data).hexdigest()
    lines: dict[Location, int] = {}
    try:
        text = _decode(data)
        content, lines = _parse_toml(text)
        _check_version(content, lines)
        file = PolicyFile.model_validate(content)
    except _Unusable as unusable:
        return PolicyDocument(path, digest, problems=(unusable.problem,))
    except ValidationError as error:
        return PolicyDocument(path, digest, problems=tuple(validation_problems(error, lines)))
    if problems := tuple(_cross_check(file, lines)):
        return PolicyDocument(path, digest, problems=problems)
    secrets = {name: _secret(name, entry, source) for name, entry in file.secret.items()}
    providers = {
        entry.name: _provider(entry, secrets, source, line_of(lines, ("provider", index)))
        for index, entry in enumerate(file.provider)
    }
    writer = None if file.writer is None else WriterPages(file.writer.pages, source, line_of(lines, ("writer",)))
    grants = tuple(
        _grant(entry, secrets, providers, source, line_of(lines, ("grant", index)), writer=writer)
        for index, entry in enumerate(file.grant)
    )
    return PolicyDocument(
        path,
        digest,
        grants,
        file.enabled,
        file.user_grants,
        tuple(secrets.values()),
        tuple(providers.values()),
        warnings=(*doubts(file, lines, source), *provider_doubts(file, lines), *writer_doubts(file, lines)),
        writer=writer,
    )


class _Unusable(Exception):
    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def _decode(data: bytes) -> str:
    if len(data) > MAX_POLICY_BYTES:
        raise _Unusable(Problem(f"it is larger than {MAX_POLICY_BYTES // 1024} KiB"))
    if data.startswith(_BYTE_ORDER_MARK):
        raise _Unusable(Problem("it begins with a byte-order mark: save it as UTF-8 without one", 1))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Unusable(Problem("it is not UTF-8", data.count(b"\n", 0, error.start) + 1)) from None


def _parse_toml(text: str) -> tuple[dict[str, Any], dict[Location, int]]:
    try:
        check_key_depth(text)
        return tomllib.loads(text), locate_keys(text)
    except tomllib.TOMLDecodeError as error:
        raise _Unusable(syntax_problem(error, text)) from None
    except (RecursionError, NestedTooDeeplyError):
        raise _Unusable(Problem("its keys, lists or tables are nested too deeply")) from None
    except ValueError:  # Python's own bound on the digits of a number
        raise _Unusable(Problem("it holds a number that is too long")) from None


def _check_version(content: Mapping[str, Any], lines: Mapping[Location, int]) -> None:
    # First of all: in a file of another version every other complaint would mislead.
    version = content.get("version", FORMAT_VERSION)
    if type(version) is not int or version != FORMAT_VERSION:  # `true` equals 1 in Python, and is not meant
        raise _Unusable(problem_at(("version",), "this version of Longwire reads version = 1 of the file only", lines))


def _cross_check(file: PolicyFile, lines: Mapping[Location, int]) -> Iterator[Problem]:
    """Mistakes that no single key shows: names used twice, and references that lead nowhere."""
    seen: dict[str, int] = {}
    for index, grant in enumerate(file.grant):
        place: Location = ("grant", index)
        if grant.name in seen:
            yield problem_at((*place, "name"), f"grant[{seen[grant.name]}] has the same name", lines)
        seen.setdefault(grant.name, index)
        yield from _check_inject(grant, place, set(file.secret), lines)
        yield from _check_generate(grant, place, {provider.name for provider in file.provider}, lines)
        if grant.methods and not grant.destinations:
            yield problem_at(place, 'the key "destinations" is missing', lines)
        if grant.proxy is not None and grant.network == "loopback":
            yield problem_at((*place, "proxy"), _PROXY_OF_LOOPBACK, lines)
    yield from _check_providers(file, lines)
    for name, secret in file.secret.items():
        if sum(place is not None for place in (secret.env, secret.file, secret.keyring, secret.command)) != 1:
            yield problem_at(("secret", name), "must have exactly one of env, file, keyring, command", lines)


def _check_inject(
    grant: GrantEntry, place: Location, known: set[str], lines: Mapping[Location, int]
) -> Iterator[Problem]:
    names: set[str] = set()
    for header, template in grant.inject.items():
        field = (*place, "inject", header)
        spelling = same_to_servers(header)
        if spelling in names:
            yield problem_at(field, "the same header is injected twice", lines)
        names.add(spelling)
        for secret in template.secrets:
            if secret not in known:
                yield problem_at(field, f"there is no [secret.{shown_name(secret)}]", lines)


def _check_generate(
    grant: GrantEntry, place: Location, known: set[str], lines: Mapping[Location, int]
) -> Iterator[Problem]:
    for number, name in enumerate(grant.generate or ()):
        if name not in known:
            text = f"this file has no [[provider]] of the name {shown_name(name)}; those of another file do not count"
            yield problem_at((*place, "generate", number), text, lines)


def _check_providers(file: PolicyFile, lines: Mapping[Location, int]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, provider in enumerate(file.provider):
        place: Location = ("provider", index)
        if provider.name in seen:
            yield problem_at((*place, "name"), f"provider[{seen[provider.name]}] has the same name", lines)
        seen.setdefault(provider.name, index)
        if provider.base_url is None and KINDS[provider.kind] is None:
            text = f'the key "base_url" is missing: a provider of the kind {provider.kind} may be anywhere'
            yield problem_at(place, text, lines)
        if provider.secret is not None and provider.secret not in file.secret:
            # Not quoted, however short: here a key is pasted sooner than anywhere.
            text = "there is no [secret.NAME] of that name; the key itself stands where that says, and never here"
            yield problem_at((*place, "secret"), text, lines)
        if provider.proxy is not None and network_of(provider) == "loopback":
            yield problem_at((*place, "proxy"), _PROXY_OF_LOOPBACK, lines)
        yield from _check_currencies(provider, place, lines)


def _check_currencies(provider: ProviderEntry, place: Location, lines: Mapping[Location, int]) -> Iterator[Problem]:
    cost = provider.limits.cost
    for model, prices in provider.prices.items():
        field = (*place, "prices", model)
        if prices.input.currency != prices.output.currency:
            yield problem_at(field, "must name one currency for input and output", lines)
        elif cost is not None and prices.input.currency != cost.currency:
            yield problem_at(field, f"must be in {cost.currency}, as the limit of the cost is", lines)


def _provider(entry: ProviderEntry, secrets: Mapping[str, SecretSource], source: Source, line: int) -> Provider:
    limits = entry.limits
    return Provider(
        name=entry.name,
        kind=entry.kind,
        base_url=base_url_of(entry),
        models=entry.models,
        secret=None if entry.secret is None else secrets[entry.secret],
        network=network_of(entry),
        max_input=entry.max_input,
        prices=tuple((model, Prices(each.input, each.output)) for model, each in entry.prices.items()),
        limits=ProviderLimits(limits.requests, limits.tokens, limits.cost),
        proxy=entry.proxy,
        ca_file=entry.ca_file,
        header_timeout_ms=limits.header_timeout,
        total_timeout_ms=limits.total_timeout,
        source=source,
        line=line,
    )


def _secret(name: str, entry: SecretEntry, source: Source) -> SecretSource:
    if entry.env is not None:
        return SecretSource(name, "env", entry.env)
    if entry.keyring is not None:
        return SecretSource(name, "keyring", entry.keyring)
    if entry.command is not None:
        return SecretSource.of_command(name, entry.command, by_root=source == "administrator")
    return SecretSource(name, "file", entry.file or "")


def _grant(
    entry: GrantEntry,
    secrets: Mapping[str, SecretSource],
    providers: Mapping[str, Provider],
    source: Source,
    line: int,
    *,
    writer: WriterPages | None,
) -> Grant:
    used = {name for template in entry.inject.values() for name in template.secrets}
    return Grant(
        name=entry.name,
        pages=entry.pages,
        destinations=entry.destinations,
        methods=entry.methods,
        network=entry.network,
        inject=tuple(entry.inject.items()),
        secrets=tuple(secrets[name] for name in sorted(used)),
        enabled=entry.enabled,
        private_windows=entry.private_windows,
        request_headers=entry.request_headers,
        response_headers=entry.response_headers,
        reflection_guard=entry.reflection_guard,
        ranges=entry.ranges,
        proxy=entry.proxy,
        ca_file=entry.ca_file,
        limits=GrantLimits(
            streams=entry.limits.streams,
            sockets=entry.limits.sockets,
            requests_per_minute=entry.limits.requests_per_minute,
            message_bytes=entry.limits.message_bytes,
            bytes=entry.limits.bytes,
            header_timeout_ms=entry.limits.header_timeout,
            total_timeout_ms=entry.limits.total_timeout,
        ),
        durable=_durable(entry),
        features=None if entry.features is None else tuple(dict.fromkeys(entry.features)),
        source=source,
        line=line,
        generate=tuple(providers[name] for name in dict.fromkeys(entry.generate or ())),
        principal=entry.principal,
        writer_pages=writer.pages if writer is not None and entry.principal == "writer" else (),
    )


def _durable(entry: GrantEntry) -> DurableLimits | None:
    durable = entry.durable
    return None if durable is None else DurableLimits(durable.max_bytes, durable.keep, durable.detached)
