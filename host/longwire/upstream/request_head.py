"""The request head as it goes out: the hop's fields, and what HTTP/1.1 and the fetch standard ask to be added.

Only what the caller gave is taken from anywhere: no environment, no netrc, no cookies, no defaults of a library.
"""

from collections.abc import Sequence
from typing import Final

import httpcore2

import longwire
from longwire.authority import authority
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.upstream.decoding import ACCEPT_ENCODING
from longwire.upstream.model import Hop, RequestBody, StreamedBody
from longwire.upstream.upload import Upload

USER_AGENT: Final = f"Longwire/{longwire.__version__}"

# Written here from the hop and the body, or part of the connection, which belongs to this room.
_OURS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect"}
)
# Fetch standard, HTTP-network-or-cache fetch, step 8.7: these say "no body" explicitly.
_BODY_METHODS: Final = frozenset({"POST", "PUT"})


def build_request(
    method: str, hop: Hop, body: RequestBody, content: Upload, codings: str = ACCEPT_ENCODING
) -> httpcore2.Request:
    """The request for httpcore2; `content` is the iterable that will give `body`'s bytes.

    `codings` are those that the response may have, where the hop does not say.

    Raises:
        StreamError: PROTOCOL, phase `policy`; a field that only this module writes, or one that is not latin-1. Policy
            builds the fields, so this is a second lock.
    """
    fields = [("Host", host_field(hop)), *hop.headers]
    given = {name.lower() for name, _ in hop.headers}
    if not given.isdisjoint(_OURS):
        raise _bad_field("a header field that belongs to the connection was given")
    if "user-agent" not in given:
        fields.append(("User-Agent", USER_AGENT))
    if "accept" not in given:
        fields.append(("Accept", "*/*"))
    if "accept-encoding" not in given:
        # Fetch standard: a range is a range of the plain bytes.
        fields.append(("Accept-Encoding", "identity" if "range" in given else codings))
    fields += _framing(method, body)
    return httpcore2.Request(
        method=method.encode("ascii"),
        url=request_url(hop),
        headers=encoded(fields),
        content=content,
        # A certificate is never issued for the dot that makes a DNS name absolute; Host keeps it.
        extensions={"sni_hostname": hop.host.removesuffix(".")},
    )


def request_url(hop: Hop) -> httpcore2.URL:
    """What a request line and its Host are made of."""
    return httpcore2.URL(
        scheme=hop.scheme.encode("ascii"),
        host=hop.host.encode("ascii"),
        port=hop.port,
        target=request_target(hop).encode("ascii"),
    )


def request_target(hop: Hop) -> str:
    """What stands in the request line."""
    return f"{hop.scheme}://{host_field(hop)}{hop.target}" if hop.asks_proxy else hop.target


def host_field(hop: Hop) -> str:
    """The value of `Host`."""
    return authority(hop.host, hop.port, hop.scheme)


def _framing(method: str, body: RequestBody) -> list[tuple[str, str]]:
    if body is None:
        return [("Content-Length", "0")] if method in _BODY_METHODS else []
    size = body.size if isinstance(body, StreamedBody) else len(body)
    return [("Transfer-Encoding", "chunked")] if size is None else [("Content-Length", str(size))]


def encoded(fields: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Header fields as bytes.

    Raises:
        StreamError: PROTOCOL, phase `policy`: one is not latin-1.
    """
    try:
        return [(name.encode("ascii"), value.encode("latin-1")) for name, value in fields]
    except UnicodeEncodeError:
        # `from None`: the original quotes the value.
        raise _bad_field("a header field has characters outside latin-1") from None


def _bad_field(text: str) -> StreamError:
    return StreamError(ErrorCode.PROTOCOL, text, Phase.POLICY)
