"""What a 3xx response means (fetch standard, HTTP-redirect fetch), as pure rules. The caller decides what is allowed.

Two rules are stricter than the standard: https never leads to http, and names that usually carry credentials are
dropped across origins, not `Authorization` alone.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote

import ada_url

from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.protocol.header_names import CREDENTIAL_FIELDS, same_to_servers
from longwire.protocol.limits import MAX_REDIRECTS, MAX_URL_CHARS
from longwire.protocol.records import RedirectMode
from longwire.upstream.model import Redirect, RequestBody, can_repeat, repeated

REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})

# Fetch standard, "request-body-header name": they describe a body that is no longer sent.
_BODY_FIELDS: Final = frozenset({"content-encoding", "content-language", "content-location", "content-type"})


class Chain(NamedTuple):
    """Where a request stands after the redirects so far."""

    method: str
    url: str
    body: RequestBody
    redirects: int = 0
    crossed_origin: bool = False
    body_dropped: bool = False


def location_of(status: int, headers: Sequence[tuple[str, str]]) -> str | None:
    """The Location of a response that is a redirect, None of one that is delivered as it is.

    A redirect status without a Location, or with an empty one, is an ordinary response, as in browsers.

    Raises:
        StreamError: UPSTREAM_PROTOCOL, several that differ; phase `headers`.
    """
    if status not in REDIRECT_STATUSES:
        return None
    values = {value for name, value in headers if name == "location" and value}
    if len(values) > 1:
        raise StreamError(
            ErrorCode.UPSTREAM_PROTOCOL,
            "the server sent several Location fields that differ; the server must be fixed",
            Phase.HEADERS,
        )
    return values.pop() if values else None


def follow(chain: Chain, status: int, location: str, mode: RedirectMode) -> Chain:
    """The request that `location` asks for after `chain`.

    Raises:
        StreamError: REDIRECT_DENIED, TOO_MANY_REDIRECTS, UPSTREAM_PROTOCOL; phase `headers`.
    """
    if mode is RedirectMode.ERROR:
        raise _denied('The server redirects, and the request says redirect: "error".')
    if chain.redirects >= MAX_REDIRECTS:
        raise StreamError(
            ErrorCode.TOO_MANY_REDIRECTS, f"more than {MAX_REDIRECTS} redirects; probably a loop", Phase.HEADERS
        )
    current = ada_url.URL(chain.url)
    target = _parse(location, current)
    if target.protocol not in ("http:", "https:"):
        raise _denied("the server redirects to something that is neither http nor https")
    if current.protocol == "https:" and target.protocol == "http:":
        raise _denied("the server redirects from https to http, where anyone on the way could read the request")
    if target.username or target.password:
        raise _denied("the server redirects to a URL with a user name or password in it")
    if status != 303 and not can_repeat(chain.body):
        raise _denied(
            "the server redirects a request whose body is a stream, which cannot be sent twice. Send a string, a Blob, "
            "a form or bytes instead, or send it to the final URL"
        )
    if not target.hash and current.hash:
        target.hash = current.hash
    becomes_get = (status in (301, 302) and chain.method == "POST") or (
        status == 303 and chain.method not in ("GET", "HEAD")
    )
    return Chain(
        method="GET" if becomes_get else chain.method,
        url=target.href,
        body=None if becomes_get else repeated(chain.body),
        redirects=chain.redirects + 1,
        crossed_origin=chain.crossed_origin or target.origin != current.origin,
        body_dropped=chain.body_dropped or becomes_get,
    )


def as_redirect(chain: Chain) -> Redirect:
    """`chain` as the caller who decides it sees it."""
    return Redirect(
        method=chain.method,
        url=chain.url,
        crossed_origin=chain.crossed_origin,
        body_dropped=chain.body_dropped,
        replays_body=chain.body is not None,
    )


def carried_headers(page_headers: Sequence[tuple[str, str]], redirect: Redirect) -> list[tuple[str, str]]:
    """The fields a page gave for its request that may go on to the redirect's target.

    For the caller of `next_hop`, before it adds injected fields: those are decided anew for every hop.
    """
    return [
        (name, value)
        for name, value in page_headers
        # A credential is what the page set for one server and does not mean for another.
        if not (redirect.crossed_origin and same_to_servers(name) in CREDENTIAL_FIELDS)
        and not (redirect.body_dropped and same_to_servers(name) in _BODY_FIELDS)
    ]


def _parse(location: str, current: ada_url.URL) -> ada_url.URL:
    # Bytes beyond ASCII are escaped as they are, which for UTF-8 gives what a browser sends.
    ascii_location = "".join(
        character if character.isascii() else quote(character, encoding="latin-1") for character in location
    )
    try:
        target = ada_url.URL(ascii_location, base=current.href)
    except ValueError:
        target = None
    if target is None or len(target.href) > MAX_URL_CHARS:
        raise StreamError(
            ErrorCode.UPSTREAM_PROTOCOL,
            "the server redirects to something that is not a URL; the server must be fixed",
            Phase.HEADERS,
        )
    return target


def _denied(text: str) -> StreamError:
    return StreamError(ErrorCode.REDIRECT_DENIED, text, Phase.HEADERS)
