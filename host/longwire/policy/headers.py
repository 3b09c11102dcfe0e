"""Which header fields go upstream and which come back, by the tables in `header_rules` (threats 11 and 12)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from longwire.policy.decision import Decision, PolicyDeniedError
from longwire.policy.grants import Grant
from longwire.policy.header_rules import (
    KNOWN_CHARSETS,
    RANGE_FIELDS,
    Setter,
    asked_charsets,
    is_hidden,
    overriding_methods,
    setter_of,
    tells_length,
)
from longwire.policy.matching import FORBIDDEN_METHODS, TOKEN
from longwire.policy.secrets import Secret
from longwire.policy.urls import shorten
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.field_types import HeaderPair
from longwire.protocol.header_names import METHOD_OVERRIDES, same_to_servers
from longwire.protocol.limits import MAX_HEADER_PAIRS, MAX_HEADERS_CHARS

# RFC 9110 section 5.5, one character per byte: visible ASCII, obs-text, and inner spaces and tabs.
_FIELD_VALUE: Final = re.compile(r"(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")


def build_request_headers(
    page_headers: Sequence[HeaderPair], decision: Decision, secrets: Mapping[str, Secret]
) -> list[HeaderPair]:
    """The header pairs that go upstream for this decision, in the page's order, the injected ones last.

    `secrets` are those of the grant, by name (`SecretReader.read_all(decision.grant.secrets)`). A page's value for an
    injected name is silently replaced, so that a page can neither set it nor learn that it is set. A header
    that the grant's `request_headers` does not list is left out.

    Where the grant guards secrets, a HEAD asks for the body as it is: the length of a coded one tells how well the
    secret in it compresses with what the page put beside it (threat 31).

    Raises:
        StreamError: PROTOCOL, a name or value that RFC 9110 or the fetch standard forbids, or more than the limits
            allow. PolicyDeniedError: POLICY_DENIED, a header that overrides the method with one that is not
            granted, or where the grant guards secrets one that asks for part of an answer, or for a charset in which
            they would not be found.
    """
    _check_size(page_headers)
    grant = decision.grant
    injected = {same_to_servers(name) for name, _ in grant.inject}
    pairs = []
    for name, value in page_headers:
        _check_pair(name, value)
        spelling = same_to_servers(name)
        if spelling in METHOD_OVERRIDES:
            _check_override(spelling, value, grant)
        if spelling not in injected and _passes(name.lower(), grant.request_headers):
            if spelling in RANGE_FIELDS and grant.guards and not grant.ranges:
                raise _range_refused(name, grant)
            if spelling == "accept" and grant.guards:
                _check_charsets(value, grant)
            pairs.append((name, value))
    for name, template in grant.inject:
        pairs.append((name, template.fill(lambda secret: secrets[secret].reveal())))
    if decision.method == "HEAD" and grant.guards:
        pairs.append(("Accept-Encoding", "identity"))
    return pairs


def filter_response_headers(pairs: Iterable[HeaderPair], grant: Grant, status: int) -> list[HeaderPair]:
    """The response's header pairs that the page may see, duplicates and order kept.

    Where the grant guards secrets, nothing tells the length of a coded body: not of this one, and not of the one that a
    304 speaks of without saying how it would have been coded.
    """
    kept = list(pairs)
    lengths_hidden = grant.guards and (status == 304 or _is_coded(kept))
    # RFC 9110 section 7.6.1: what Connection names belongs to the connection too.
    named = {
        option.strip(" \t").lower()
        for name, value in kept
        if name.lower() == "connection"
        for option in value.split(",")
    }
    return [
        (name, value)
        for name, value in kept
        if not is_hidden(name)
        and name.lower() not in named
        and not (lengths_hidden and tells_length(name))
        and _passes(name.lower(), grant.response_headers)
    ]


def _check_size(pairs: Sequence[HeaderPair]) -> None:
    if len(pairs) > MAX_HEADER_PAIRS:
        raise _protocol(f"more than {MAX_HEADER_PAIRS} request headers")
    if sum(len(name) + len(value) for name, value in pairs) > MAX_HEADERS_CHARS:
        raise _protocol(f"the request headers are longer than {MAX_HEADERS_CHARS} characters together")


def _check_pair(name: str, value: str) -> None:
    if not TOKEN.fullmatch(name):
        raise _protocol(f'"{shorten(name, 60)}" is not a header name')
    if not _FIELD_VALUE.fullmatch(value):
        raise _protocol(f'the value of the header "{shorten(name, 60)}" contains characters that no header may carry')
    if Setter.PAGE not in setter_of(name):
        raise _protocol(f'the header "{shorten(name, 60)}" may not be set by a page')


def _check_override(name: str, value: str, grant: Grant) -> None:
    for method in overriding_methods(value):
        if method in FORBIDDEN_METHODS:
            raise _protocol(f'the header "{name}" names a forbidden method')
        if method not in grant.methods:
            raise PolicyDeniedError(
                f'the header "{name}" asks for {shorten(method, 40)}, which grant "{grant.name}" does not allow'
            )


def _range_refused(name: str, grant: Grant) -> PolicyDeniedError:
    return PolicyDeniedError(
        f'the header "{shorten(name, 60)}" asks for part of an answer, and the grant "{grant.name}" injects a secret '
        "and guards it: whoever cuts answers can read an echo piece by piece. The policy can say ranges = true "
        "in that grant, and the guard then promises less"
    )


def _check_charsets(value: str, grant: Grant) -> None:
    for charset in asked_charsets(value):
        if not KNOWN_CHARSETS.fullmatch(charset):
            raise PolicyDeniedError(
                f'the header "Accept" asks for the charset "{shorten(charset, 40)}", in which the guard of the grant '
                f'"{grant.name}" would not find the secret that it injects; ask for utf-8, or for none'
            )


def _is_coded(pairs: Iterable[HeaderPair]) -> bool:
    codings = (value for name, value in pairs if name.lower() == "content-encoding")
    return any(coding.strip(" \t").lower() not in ("", "identity") for value in codings for coding in value.split(","))


def _passes(lowered: str, allowed: Sequence[str] | None) -> bool:
    """Whether a narrowing list (lower case, a trailing `*` for the rest of a name) holds this name; None holds all."""
    if allowed is None:
        return True
    return any(lowered.startswith(pattern[:-1]) if pattern.endswith("*") else lowered == pattern for pattern in allowed)


def _protocol(message: str) -> StreamError:
    return StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
