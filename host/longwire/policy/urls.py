"""One parse of a URL (threats 8 and 9): what is decided about is what is sent.

The worker canonicalises with the browser's own `URL`. Here the same text goes through ada, a WHATWG parser, and
must come out unchanged: whatever two parsers could read differently (backslash, userinfo, escapes in the host,
short IPv4, dot segments, IDNA) does not survive that and is refused. Chromium's form is a fixed point of ada for
every ASCII character in path, query and host; the converse does not hold (Chromium escapes `|` in a path, ada
leaves it), which is why nothing here insists that ada's own output be Chromium's.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

import ada_url

from longwire.protocol.errors import ErrorCode, Phase, StreamError, printable
from longwire.protocol.limits import MAX_URL_CHARS

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
MAX_HOST_CHARS: Final = 253  # RFC 1035 section 2.3.4, without the root's dot

# Letters, digits, hyphen, and the underscore that real DNS names have. WHATWG lets through more (`*`, `!`, `~` …),
# which no server needs and some resolver might mind.
_DNS_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_MAX_DISPLAY_CHARS: Final = 200
# A server may decode a path more than once. Each round shortens it, so this is for paths made to waste time.
_MAX_DECODE_ROUNDS: Final = 8


@dataclass(frozen=True, slots=True)
class CanonicalUrl:
    """A URL that has one reading.

    `host` has no brackets around IPv6; `port` is always the effective one; `target` is path and query, ASCII, as
    they go into the request line; `href` is all of it, without fragment.
    """

    href: str
    scheme: str
    host: str
    port: int
    target: str

    @property
    def path(self) -> str:
        """`target` without the query."""
        return self.target.partition("?")[0]

    @property
    def origin(self) -> str:
        """`scheme://host[:port]`, the port only where it is not the scheme's own (WHATWG serialisation)."""
        return self.href[: len(self.href) - len(self.target)]

    @property
    def is_ip(self) -> bool:
        """Whether `host` is an address rather than a name."""
        return ":" in self.host or _is_ipv4(self.host)

    def display(self) -> str:
        """For messages: without the query, which may hold what is nobody's business, and short."""
        return shorten(self.origin + self.path)


def shorten(text: str, limit: int = _MAX_DISPLAY_CHARS) -> str:
    """`text` for a message: printable, on one line, at most `limit` characters."""
    safe = printable(text)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def parse_canonical(text: str) -> CanonicalUrl:
    """Parse a URL that claims to be canonical already, as every URL in a frame must.

    Raises:
        StreamError: PROTOCOL; it is relative, no http(s) URL, has credentials, or is not what ada would have written.
    """
    url = parse_lenient(text)
    if text.partition("#")[0] != url.href:
        raise _refuse(f"the URL is not in canonical form; a WHATWG parser reads it as {url.display()}")
    return url


def parse_lenient(text: str) -> CanonicalUrl:
    """Parse a URL that a person typed, making it canonical as a browser would. Never for what came in a frame.

    Raises:
        StreamError: PROTOCOL; it is relative, no http(s) URL, has credentials, or a host that is not one.
    """
    if len(text) > MAX_URL_CHARS:
        raise _refuse(f"the URL is longer than {MAX_URL_CHARS} characters")
    try:
        parsed = ada_url.URL(text)
    except (ValueError, UnicodeEncodeError):  # the latter: a lone surrogate, which no browser's URL contains
        raise _refuse("the URL is not an absolute URL") from None
    scheme = parsed.protocol.removesuffix(":")
    if scheme not in DEFAULT_PORTS:
        raise _refuse(f'the scheme "{shorten(scheme, 20)}" is not supported: only http and https are')
    if parsed.username or parsed.password:
        raise _refuse("the URL contains a user name or a password; the policy's inject is the place for those")
    host = parsed.hostname.removeprefix("[").removesuffix("]")
    if problem := _host_problem(host):
        raise _refuse(f"the URL's host {problem}")
    href = parsed.href.partition("#")[0]
    if len(href) > MAX_URL_CHARS:
        raise _refuse(f"the URL is longer than {MAX_URL_CHARS} characters")
    port = int(parsed.port) if parsed.port else DEFAULT_PORTS[scheme]
    if port == 0:
        raise _refuse("the URL's port is 0")
    target = href[len(f"{scheme}://{parsed.host}") :]
    return CanonicalUrl(href=href, scheme=scheme, host=host, port=port, target=target)


def parse_origin(text: str) -> CanonicalUrl | None:
    """The page origin that the browser attested, or None for what can never have a grant.

    That is `null`, every opaque or non-http(s) origin, and everything that is not exactly a serialised origin.
    """
    try:
        url = parse_lenient(text)
    except StreamError:
        return None
    return url if url.origin == text else None


def scoped_path_hazard(path: str) -> str | None:
    """Why a path cannot be held to a prefix, or None.

    A server may decode escapes, collapse or parametrise segments after we compared. So under a path prefix,
    decoding (once or repeatedly) may not bring forth a dot, a slash or a backslash, a segment may not be dots
    before a `;`, and the bytes must be UTF-8 (overlong forms of `/` and `.` are the classic way round such a
    check). Characters that compatibility normalisation (NFKC) turns into those three count as those.
    """
    current = path
    for _ in range(_MAX_DECODE_ROUNDS):
        if any(segment.partition(";")[0] in (".", "..") for segment in current.split("/")):
            return "contains a dot segment with parameters"
        if "%" not in current:
            return None
        try:
            decoded = unicodedata.normalize("NFKC", unquote_to_bytes(current).decode("utf-8"))
        except UnicodeDecodeError:
            return "contains escapes that are not UTF-8"
        if decoded == current:
            return None  # a bare "%" that escapes nothing
        if any(decoded.count(char) > current.count(char) for char in "./\\"):
            return "contains an escaped dot, slash or backslash"
        current = decoded
    return "is escaped too many times over"


def _host_problem(host: str) -> str | None:
    if ":" in host or _is_ipv4(host):
        return None
    if host.endswith("."):
        return "ends in a dot"
    if len(host) > MAX_HOST_CHARS or not _DNS_NAME.fullmatch(host):
        return "is not a DNS name"
    return None


def _is_ipv4(host: str) -> bool:
    # ada has turned every numeric form into dotted decimal, and refuses names whose last label is a number.
    return host.rpartition(".")[2].isdigit()


def _refuse(message: str) -> StreamError:
    return StreamError(ErrorCode.PROTOCOL, message, Phase.POLICY)
