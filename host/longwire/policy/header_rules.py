"""Which header fields may be set by a page, injected by a grant, or shown to a page. One table each way.

Sources: Fetch standard, "forbidden request-header" and "forbidden response-header name"; RFC 9110 section 7.6.1 and
    RFC 9112 for what belongs to one connection.
"""

import re
from enum import Flag, auto
from typing import Final

from longwire.protocol.header_names import same_to_servers


class Setter(Flag):
    """Who may set a request header."""

    NOBODY = 0
    PAGE = auto()
    GRANT = auto()
    ANYONE = PAGE | GRANT


# A server or proxy that honours these serves another path than the request line's, which no grant was asked about.
URL_OVERRIDES: Final = frozenset(
    {
        "x-forwarded-path",
        "x-forwarded-prefix",
        "x-forwarded-uri",
        "x-http-destinationurl",
        "x-original-uri",
        "x-original-url",
        "x-override-url",
        "x-rewrite-url",
    }
)

# Names that are not listed, and under no listed prefix, are Setter.ANYONE's.
#
# NOBODY: the HTTP stack writes these, or they would change how the message is framed, routed or answered. GRANT:
#     the fetch standard keeps pages from setting them because servers trust them, or they lead out of a grant's
#     path; an administrator may have a server that wants one.
REQUEST_HEADERS: Final[dict[str, Setter]] = {
    "accept-charset": Setter.NOBODY,
    "accept-encoding": Setter.NOBODY,
    "access-control-request-headers": Setter.NOBODY,
    "access-control-request-method": Setter.NOBODY,
    "access-control-request-private-network": Setter.NOBODY,
    "connection": Setter.NOBODY,
    "content-length": Setter.NOBODY,
    "cookie": Setter.GRANT,
    "cookie2": Setter.NOBODY,
    "date": Setter.NOBODY,
    "dnt": Setter.GRANT,
    "expect": Setter.NOBODY,
    "host": Setter.NOBODY,
    "http2-settings": Setter.NOBODY,
    "keep-alive": Setter.NOBODY,
    "origin": Setter.GRANT,
    "referer": Setter.GRANT,
    "set-cookie": Setter.NOBODY,
    "te": Setter.NOBODY,
    "trailer": Setter.NOBODY,
    "transfer-encoding": Setter.NOBODY,
    "upgrade": Setter.NOBODY,
    "via": Setter.NOBODY,
    **dict.fromkeys(URL_OVERRIDES, Setter.GRANT),
}
REQUEST_HEADER_PREFIXES: Final[dict[str, Setter]] = {
    "proxy-": Setter.NOBODY,
    "sec-": Setter.GRANT,
}

_ACTS: Final = "it is for a browser to obey, and no page's script shall hand it on to one"
_CONNECTION: Final = "it belongs to the connection, which is the host's (RFC 9110 section 7.6.1)"
# Never shown to a page, and why: what fetch forbids, what would act on a browser, and what belongs to one connection.
# A challenge (WWW-Authenticate) is shown: clients read from it where to log in (RFC 9728). No prompt can come of it,
# since the browser never sees this answer: the page makes its Response. An echo in it is the reflection guard's.
HIDDEN_RESPONSE_HEADERS: Final[dict[str, str]] = {
    "alt-svc": _ACTS,
    "clear-site-data": _ACTS,
    "connection": _CONNECTION,
    "keep-alive": _CONNECTION,
    "set-cookie": "fetch forbids it; no cookie is kept, and one that logs in is not for scripts",
    "set-cookie2": "as `Set-Cookie`",
    "strict-transport-security": _ACTS,
    "te": _CONNECTION,
    "trailer": _CONNECTION,
    "transfer-encoding": _CONNECTION,
    "upgrade": _CONNECTION,
}
HIDDEN_RESPONSE_PREFIXES: Final[dict[str, str]] = {"proxy-": "it is between the host and a proxy"}


# With these a page has part of an answer sent, and so chooses where an echo in it is cut. `Request-Range` is what
# Apache and Squid take for `Range`, `x-ms-range` what Azure's stores do; `A-IM` (RFC 3229) asks for ranges and for
# codings that nobody here undoes. `Content-Range` is none of them: in a request it says where an upload belongs.
RANGE_FIELDS: Final = frozenset({"a-im", "if-range", "range", "request-range", "x-ms-range"})

# With the parameter `charset` in `Accept` a page chooses how an answer's characters are written, of servers that go by
# it (Spring, ASP.NET). In these a secret is what it is to the guard; in EBCDIC or UTF-7 it is not.
KNOWN_CHARSETS: Final = re.compile(r"utf-?8|(?:us-)?ascii|iso-8859-\d{1,2}|windows-125\d|\*", re.IGNORECASE)
_CHARSET: Final = re.compile(r"charset\*?[ \t]*(?:=[ \t]*\"?([^\",; \t]*))?", re.IGNORECASE)


def asked_charsets(value: str) -> list[str]:
    """The charsets that an `Accept` value names; "" for one that readers may understand differently."""
    return [match[1] or "" for match in _CHARSET.finditer(value)]


def setter_of(name: str) -> Setter:
    """Who may set the request header `name` (any spelling)."""
    spelling = same_to_servers(name)
    rule = REQUEST_HEADERS.get(spelling)
    if rule is not None:
        return rule
    for prefix, prefix_rule in REQUEST_HEADER_PREFIXES.items():
        if spelling.startswith(prefix):
            return prefix_rule
    return Setter.ANYONE


def is_hidden(name: str) -> bool:
    """Whether the response header `name` (any case) is never shown to a page."""
    lowered = name.lower()
    return lowered in HIDDEN_RESPONSE_HEADERS or lowered.startswith(tuple(HIDDEN_RESPONSE_PREFIXES))


def tells_length(name: str) -> bool:
    """Whether the response header `name` (any case) says how long a body is as it was sent.

    `Content-Length`, `Content-Range`, and what stores and proxies call them: `X-Goog-Stored-Content-Length`.
    """
    lowered = name.lower()
    return lowered == "content-range" or lowered.endswith("content-length")


def overriding_methods(value: str) -> list[str]:
    """The methods that a METHOD_OVERRIDES value names, in upper case (Fetch: "get, decode, and split")."""
    return [method for part in value.split(",") if (method := part.strip(' \t"').upper())]
