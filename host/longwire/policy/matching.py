"""What `pages` and `destinations` of a grant match, and what `methods` may be.

A leading `*.` stands for one or more whole labels and never for none, as in Content Security Policy:
`*.example.com` is every host below example.com, and not example.com itself. There is no other wildcard in a host,
and none directly below a public suffix, where the hosts belong to different people.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from longwire.authority import DEFAULT_PORTS, HTTP_SCHEMES, authority
from longwire.policy.urls import CONSOLE, CanonicalUrl, comparable_path, parse_lenient, scoped_path_hazard
from longwire.protocol.errors import StreamError
from longwire.protocol.limits import MAX_METHOD_CHARS

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MAX_PATTERN_CHARS: Final = 2048

# RFC 9110 section 5.6.2.
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
# Fetch standard, "forbidden method": they would make the host a tunnel, or echo what it injected.
FORBIDDEN_METHODS: Final = frozenset({"CONNECT", "TRACE", "TRACK"})
# The methods that fetch writes in upper case whatever the page wrote; in lower case they are a mistake.
_NORMALISED_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH"})

_PATTERN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<wildcard>\*\.)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/?#\\@:\[\]*%]+)"
    r"(?::(?P<port>[0-9]{1,5}|\*))?"
    r"(?P<path>/\S*)?"
)
# Lower case with a name of letters at its end, or an IPv4 address; a port and a plain path may follow.
_BARE_HOST: Final = re.compile(
    r"(?P<host>(?:\*\.)?(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}|localhost|[0-9]{1,3}(?:\.[0-9]{1,3}){3})"
    r"(?::[0-9]{1,5})?(?:/[a-z0-9/._-]{0,32})?"
)


@dataclass(frozen=True, slots=True)
class HostPattern:
    """Scheme, host and port of a pattern. `port` None means any. `host` is canonical, without brackets and wildcard."""

    scheme: str
    host: str
    wildcard: bool
    port: int | None

    def matches(self, url: CanonicalUrl) -> bool:
        """Whether the URL's origin falls under this pattern."""
        return (
            self.scheme == url.scheme and (self.port is None or self.port == url.port) and self.matches_host(url.host)
        )

    def matches_host(self, host: str) -> bool:
        """Whether the host does. A wildcard takes whole labels only."""
        if not self.wildcard:
            return host == self.host
        return host.endswith("." + self.host) and len(host) > len(self.host) + 1

    def overlaps(self, other: "HostPattern") -> bool:
        """Whether some origin falls under both."""
        if self.scheme != other.scheme or (self.port != other.port and None not in (self.port, other.port)):
            return False
        wide, narrow = (self, other) if len(self.host) <= len(other.host) else (other, self)
        # What is below a name that is itself below another, is below that one too.
        return (wide.wildcard and wide.matches_host(narrow.host)) or (
            wide.host == narrow.host and wide.wildcard == narrow.wildcard
        )

    def __str__(self) -> str:
        at = authority(self.host, self.port or "*", self.scheme)
        return f"{self.scheme}://{'*.' if self.wildcard else ''}{at}"


_CONSOLE: Final = HostPattern(CONSOLE.scheme, CONSOLE.host, wildcard=False, port=CONSOLE.port)


@dataclass(frozen=True, slots=True)
class PagePattern:
    """One entry of `pages`. Its text is canonical: lower case, ASCII, no default port."""

    origin: HostPattern

    @classmethod
    def parse(cls, text: str) -> "PagePattern":
        """Read `https://chat.example.com`, `http://localhost:5173`, `https://*.example.com`, `http://127.0.0.1:*`, or
        `longwire:terminal`.

        Raises:
            ValueError: it is none of those; the text says what to write.
        """
        if text == CONSOLE.origin:
            return cls(_CONSOLE)
        if text.lower().startswith(f"{CONSOLE.scheme}:"):
            raise ValueError(f'Longwire\'s own page is "{CONSOLE.origin}"')
        origin, path = _parse_pattern(text)
        if origin.scheme not in HTTP_SCHEMES:
            raise ValueError(f'a page is named by where it lies: write "{_of_page(origin)}"')
        if path:
            raise ValueError(f'a page is named by its origin, without a path: write "{origin}"')
        return cls(origin)

    @property
    def is_console(self) -> bool:
        """Whether it is the terminal, which no browser knows."""
        return self.origin == _CONSOLE

    def matches(self, origin: CanonicalUrl) -> bool:
        """Whether the page origin falls under this pattern."""
        return self.origin.matches(origin)

    def __str__(self) -> str:
        return CONSOLE.origin if self.is_console else str(self.origin)


@dataclass(frozen=True, slots=True)
class DestinationPattern:
    """One entry of `destinations`: an origin, and a path prefix that ends on a segment boundary (`/`: every path).

    `path` is a `comparable_path`.
    """

    origin: HostPattern
    path: str

    @classmethod
    def parse(cls, text: str) -> "DestinationPattern":
        """Read `https://api.example.com`, `https://*.example.com:8443/v1/`, `wss://live.example.com`.

        Raises:
            ValueError: it is none of those; the text says what to write.
        """
        origin, path = _parse_pattern(text)
        if origin.port is None:
            raise ValueError("a destination names its port: a wildcard is for pages only")
        return cls(origin, comparable_path(path) or "/")

    @property
    def scoped(self) -> bool:
        """Whether it is held to part of the server's paths."""
        return self.path != "/"

    def matches(self, url: CanonicalUrl) -> bool:
        """Whether the URL may be reached by this entry, its path free of what could lead out of the prefix."""
        return (
            self.origin.matches(url)
            and self.holds_path(url.path)
            and not (self.scoped and scoped_path_hazard(url.path))
        )

    def holds_path(self, path: str) -> bool:
        """Whether `path` is at or below the prefix: `/v1` holds `/v1` and `/v1/x`; `/v1/` holds only what is below."""
        path = comparable_path(path)
        if self.path.endswith("/"):
            return path.startswith(self.path)
        return path == self.path or path.startswith(self.path + "/")

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"


def parse_method(text: str) -> str:
    """Check a method that a grant may name.

    Raises:
        ValueError: no token, too long, forbidden by the fetch standard, or a standard method not in upper case.
    """
    if text == "*":
        raise ValueError('methods are named one by one, there is no wildcard: write ["GET", "POST"]')
    if not TOKEN.fullmatch(text) or len(text) > MAX_METHOD_CHARS:
        raise ValueError("is not an HTTP method")
    if text.upper() in FORBIDDEN_METHODS:
        raise ValueError(f"{', '.join(sorted(FORBIDDEN_METHODS))} can never be granted")
    if text != text.upper() and text.upper() in _NORMALISED_METHODS:
        raise ValueError(f'methods are case-sensitive: write "{text.upper()}"')
    return text


def _parse_pattern(text: str) -> tuple[HostPattern, str]:
    match = _PATTERN.fullmatch(text) if len(text) <= MAX_PATTERN_CHARS else None
    if match is None:
        raise ValueError(f'must be "scheme://host[:port]", the host with at most one leading "*."{_right_form(text)}')
    scheme, host, port, path = match["scheme"], match["host"], match["port"], match["path"] or ""
    wildcard = match["wildcard"] is not None
    if scheme not in DEFAULT_PORTS:
        raise ValueError("the scheme must be http or https, or for the destination of a WebSocket ws or wss")
    any_port = port == "*"
    if "?" in path or "#" in path:
        raise ValueError("a pattern has no query and no fragment")
    try:
        url = parse_lenient(f"{scheme}://{host}{f':{port}' if port and not any_port else ''}{path}")
    except StreamError:
        raise ValueError("the host or the port is not valid") from None
    bare = host.removeprefix("[").removesuffix("]")
    if bare.isascii() and bare.lower() != url.host:
        # Short and numeric IPv4, mixed IPv6: an administrator should read what will be matched.
        raise ValueError(f'the host has another canonical form: write "{url.host}"')
    if path and url.path != path:
        raise ValueError(f'the path has another canonical form: write "{url.path}"')
    if hazard := scoped_path_hazard(path):
        raise ValueError(f"the path {hazard}")
    if wildcard and url.is_ip:
        raise ValueError("an IP address has no subdomains: name it without the wildcard")
    if wildcard and is_public_suffix(url.host):
        # Not quoted: a key that was pasted into the middle of a host is one label, and that makes a public suffix.
        raise ValueError("the wildcard would take in servers of different owners: its host is a public suffix")
    return HostPattern(scheme, url.host, wildcard, None if any_port else url.port), path


def _of_page(origin: HostPattern) -> str:
    """The origin of pages that lie on a server of WebSockets."""
    return str(replace(origin, scheme={"ws": "http", "wss": "https"}[origin.scheme]))


def _right_form(text: str) -> str:
    """What to write instead. Only what is plainly a host is quoted: keys are pasted here too, with dots in them."""
    if text == "*":
        return ': nothing stands for every host; name each, as in "https://chat.example.com"'
    scheme, separator, rest = text.rpartition("://")
    if separator and scheme.lower() in DEFAULT_PORTS and _PATTERN.fullmatch(scheme.lower() + separator + rest):
        return f': write "{scheme.lower()}" in lower case'
    if not separator and (match := _BARE_HOST.fullmatch(text)):
        here = match["host"] in ("localhost", "127.0.0.1")
        return f': write "{"http" if here else "https"}://{text}"'
    return ', as in "https://chat.example.com"'


def is_public_suffix(host: str) -> bool:
    """Whether names directly below `host` belong to different owners (publicsuffix.org, private section included).

    A single label that the list does not know counts as one, by the list's own default rule.
    """
    return bool(_public_suffixes().is_public(host))


@lru_cache(maxsize=1)
def _public_suffixes() -> "PublicSuffixList":
    # 40 ms to read the list: only a policy with a wildcard pays it, so it is imported here.
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()
