"""One parse of a URL (threats 8 and 9): what is decided about is what is sent.

The worker canonicalises with the browser's own `URL`. Here the same text goes through ada, a WHATWG parser, and
must come out unchanged: whatever two parsers could read differently (backslash, userinfo, escapes in the host,
short IPv4, dot segments, IDNA) does not survive that and is refused. Chromium's form is a fixed point of ada for
every ASCII character in path, query and host; the converse does not hold (Chromium escapes `|` in a path, ada and
Firefox leave it), which is why nothing here insists that ada's own output be Chromium's. What is compared with a
policy's path is `comparable_path`, in which both are one; what is sent is what the page's browser wrote.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

import ada_url

from longwire.authority import DEFAULT_PORTS, HTTP_SCHEMES
from longwire.protocol.errors import ErrorCode, Phase, StreamError, printable
from longwire.protocol.limits import MAX_URL_CHARS

MAX_HOST_CHARS: Final = 253  # RFC 1035 section 2.3.4, without the root's dot

# Letters, digits, hyphen, and the underscore that real DNS names have. WHATWG lets through more (`*`, `!`, `~` …),
# which no server needs and some resolver might mind.
_DNS_NAME: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_MAX_DISPLAY_CHARS: Final = 200
# A server may decode a path more than once. Each round shortens it, so this is for paths made to waste time.
_MAX_DECODE_ROUNDS: Final = 8
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_NO_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What some fonts, and some servers that fold to ASCII, make a slash of. Normalisation (NFKD) knows the fullwidth ones.
_SLASHES: Final = "\u2044\u2215\u29f8\u2571\u27cb\u2afd\u1735\U0001d23a"
_BACKSLASHES: Final = "\u2216\u29f5\u29f9\u2572\u27cd\U0001d20f\U0001d23b"
_LOOK_ALIKE: Final = re.compile(f"[{_SLASHES}{_BACKSLASHES}]")
# Controls, format characters (zero width, direction, tags), line and paragraph separators, surrogates.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Where a segment ends for a server that has decoded it, and what of it is its name for one that cuts off the rest.
_SEPARATORS: Final = re.compile(r"[/\\]")
_REST: Final = re.compile(r"[;?#].*", re.DOTALL)
_ROOTED: Final = re.compile(r"[/\\]|[A-Za-z]:[/\\]")
# Characters of a path that one browser escapes and another leaves (`tests/e2e/test_url_forms.py` compares all).
_DISPUTED: Final = re.compile(r"\||%[0-9a-f]{2}", re.IGNORECASE)


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
        """For messages: short, and without the query, which may hold private data."""
        return shorten(self.origin + self.path)


# The page that a person at a console is (`longwire generate`). Nothing that a browser attests is written so.
CONSOLE: Final = CanonicalUrl(href="longwire:terminal", scheme="longwire", host="terminal", port=0, target="")


def shorten(text: str, limit: int = _MAX_DISPLAY_CHARS) -> str:
    """`text` for a message: printable, on one line, at most `limit` characters."""
    safe = printable(text)
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"


def parse_canonical(text: str) -> CanonicalUrl:
    """Parse a URL that claims to be canonical already, as every URL in a frame must.

    Raises:
        StreamError: PROTOCOL; it is relative, not http(s) or ws(s), has credentials, or is not what ada would have
            written.
    """
    url = parse_lenient(text)
    if text.partition("#")[0] != url.href:
        raise _refuse(f"the URL is not in canonical form; a WHATWG parser reads it as {url.display()}")
    return url


def parse_lenient(text: str) -> CanonicalUrl:
    """Parse a URL that a person typed, making it canonical as a browser would. Never for what came in a frame.

    Raises:
        StreamError: PROTOCOL; it is relative, not http(s) or ws(s), has credentials, or a host that is not one.
    """
    if len(text) > MAX_URL_CHARS:
        raise _refuse(f"the URL is longer than {MAX_URL_CHARS} characters")
    try:
        parsed = ada_url.URL(text)
    except (ValueError, UnicodeEncodeError):  # the latter: a lone surrogate, which no browser's URL contains
        raise _refuse("the URL is not an absolute URL") from None
    scheme = parsed.protocol.removesuffix(":")
    if scheme not in DEFAULT_PORTS:
        raise _refuse(f'the scheme "{shorten(scheme, 20)}" is not supported: only http and https, ws and wss are')
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
    """The page origin that the browser attested, or `CONSOLE`; None for what can never have a grant.

    That is `null`, every opaque or non-http(s) origin, and everything that is not exactly a serialised origin.
    """
    if text == CONSOLE.origin:
        return CONSOLE
    try:
        url = parse_lenient(text)
    except StreamError:
        return None
    return url if url.origin == text and url.scheme in HTTP_SCHEMES else None


@lru_cache(maxsize=8)
def comparable_path(path: str) -> str:
    """A canonical path in the one form in which paths are compared, whichever browser wrote it.

    Characters that browsers disagree about are escaped, escapes are upper case (RFC 3986 section 6.2.2.1). Nothing is
    decoded: `%2F` is data, and no boundary of segments.
    """
    return _DISPUTED.sub(lambda match: f"%{ord('|'):02X}" if match[0] == "|" else match[0].upper(), path)


@lru_cache(maxsize=8)  # asked of one URL for each destination of a policy
def scoped_path_hazard(path: str) -> str | None:
    """Why a path cannot be held to a prefix, or None.

    Paths are compared as they are written, and a server may decode, normalise or cut segments afterwards. So under a
    prefix a path is refused if any order of decoding leads out of it: where a segment, between slashes or backslashes
    that decoding brings forth, is nothing but dots and spaces (what compatibility normalisation makes into those, and
    a `+` beside a dot, included), or begins as an absolute path does. An escape that is data passes
    (`group%2Fproject`, `report%2Epdf`). Also refused is what two readers may see differently: a `%` that escapes
    nothing, bytes that are not UTF-8, unseen characters, and look-alikes of slashes.
    """
    if _NO_ESCAPE.search(path):
        return "contains a % that is not followed by two hexadecimal digits"
    hazard = _hazard_as_read(path, escaped=False)
    for _ in range(_MAX_DECODE_ROUNDS):
        if hazard is not None or not _ESCAPE.search(path):
            return hazard
        path, hazard = _decode(path)
    return "is escaped too many times over"


def _decode(path: str) -> tuple[str, str | None]:
    """A path after one more decoding, and what is wrong with it then."""
    try:
        segments = [(segment, unquote_to_bytes(segment).decode("utf-8")) for segment in path.split("/")]
    except UnicodeDecodeError:
        return path, "contains escapes that are not UTF-8"
    if any(_ROOTED.match(decoded) and not _ROOTED.match(segment) for segment, decoded in segments):
        return path, "contains a segment that begins with an escaped slash or backslash"
    text = "/".join(decoded for _, decoded in segments)
    # Decomposed (NFKD), not composed: a mark would take the last digit of an escape that is still to be decoded.
    normal = unicodedata.normalize("NFKD", text)
    if _LOOK_ALIKE.search(text) or any(normal.count(slash) > text.count(slash) for slash in "/\\"):
        return path, "contains a character that looks like a slash"
    if any(unicodedata.category(char) in _UNSEEN for char in text):
        return path, "contains an escaped control or invisible character"
    return normal, _hazard_as_read(normal, escaped=True)


def _hazard_as_read(text: str, *, escaped: bool) -> str | None:
    """What is wrong with a path after some decoding."""
    for segment in _SEPARATORS.split(text):
        name = _REST.sub("", segment)
        if name and not _has_substance(name):
            return f"contains {'an escaped' if escaped else 'a'} segment of dots or spaces only"
    return None


def _has_substance(name: str) -> bool:
    """Whether a segment has anything but dots, spaces, and marks that do not stand alone."""
    if "." in name:
        name = name.replace("+", " ")  # what decoders of forms make of it; `+` alone is a name (`/+/refs/heads/main`)
    return any(char != "." and unicodedata.category(char) not in ("Zs", "Mn", "Me") for char in name)


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
