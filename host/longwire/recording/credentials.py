"""What of heads, URLs and bodies is a credential, and what stands in its place.

The rules are in `manifests/credentials.json`, for the extension too; `tests/vectors/recordings` holds both to the same
answers. They lean to the safe side: what may be one is replaced, and a query says no more than it must.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final
from urllib.parse import unquote_plus

import pybase64

from longwire.assets import read_manifest

# A shorter one would be found everywhere.
MIN_NEEDLE_CHARS: Final = 8
_SCHEMES: Final = re.compile(r"(?:bearer|basic|token|apikey|digest|negotiate|aws4-hmac-sha256)\s+", re.IGNORECASE)
_HARMLESS_VALUE: Final = re.compile(r"-?[0-9]{0,6}")
_MAX_NAME_CHARS: Final = 64
# A URL is the value, or the end of it; in the other one there are several, in angle brackets.
_WITH_URLS: Final = frozenset({"location", "content-location", "referer", "origin", "refresh"})
_LINKS: Final = "link"
_LINKED: Final = re.compile(r"<([^>]*)>")
_CHOSEN_PROTOCOL: Final = "sec-websocket-protocol"
_USER_INFO: Final = re.compile(r"(?<=://)[^/@]*(?=@)")
# What a body is read by: a word in it is no credential, though one was the same.
_OF_THE_BODY: Final = re.compile(r"(?:content|accept)(?:-|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rules:
    """`manifests/credentials.json`, compiled."""

    names: re.Pattern[str]
    harmless_headers: re.Pattern[str]
    harmless_words: frozenset[str]
    request_fields: re.Pattern[str]
    harmless_fields: re.Pattern[str]
    response_fields: re.Pattern[str]
    shapes: re.Pattern[str]


@cache
def rules() -> Rules:
    """Read once.

    Raises:
        AssetError: the file is not there.
    """
    table = read_manifest("credentials.json")
    weak = "|".join(table["weak"])
    return Rules(
        names=re.compile(rf"{table['strong']}|(?:^|[-_.])(?:{weak})(?:$|[-_.])", re.IGNORECASE),
        harmless_headers=re.compile(table["harmless_headers"], re.IGNORECASE),
        harmless_words=frozenset(table["harmless_words"]),
        request_fields=re.compile(table["request_fields"], re.IGNORECASE),
        harmless_fields=re.compile(table["harmless_fields"], re.IGNORECASE),
        response_fields=re.compile(table["response_fields"], re.IGNORECASE),
        shapes=re.compile("|".join(table["shapes"]), re.ASCII),
    )


def placeholder(name: str) -> str:
    """What stands for a credential: it may be in a URL and in a header, and says which it was."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"(secret:{slug[:_MAX_NAME_CHARS] or 'value'})"


def is_credential_header(name: str) -> bool:
    """Whether a header of this name has one, whatever its value looks like."""
    return bool(rules().names.search(name)) and not rules().harmless_headers.search(name)


@dataclass(slots=True)
class Redaction:
    """Takes the credentials out of one stream's heads, and remembers them as `needles` for its bodies."""

    needles: set[str] = field(default_factory=set)

    def headers(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """The same fields. URLs in them lose what `url` takes from one."""
        return [(name, self._header(name, value)) for name, value in pairs]

    def url(self, url: str) -> str:
        """Path as it is, save what looks like a key; of a query the names, and values that say nothing."""
        rest, hash_, _fragment = url.partition("#")
        path, mark, query = rest.partition("?")
        path = self._known(self._shapes(_USER_INFO.sub(placeholder("user-info"), path), "path"), "path")
        return path + (mark and mark + "&".join(self._parameter(each) for each in query.split("&"))) + hash_

    def protocols(self, names: Sequence[str]) -> list[str]:
        """Subprotocols, in which pages hand over tokens. What is replaced keeps what stands before its last dot."""
        return [self._protocol(name) for name in names]

    def _header(self, name: str, value: str) -> str:
        if is_credential_header(name):
            scheme = _SCHEMES.match(value)
            kept = scheme[0] if scheme else ""
            self._remember(value[len(kept) :])
            return kept + placeholder(name) if value else value
        field = name.lower()
        if field in _WITH_URLS:
            return self.url(value)
        if field == _LINKS:
            value = _LINKED.sub(lambda found: f"<{self.url(found[1])}>", value)
        elif field == _CHOSEN_PROTOCOL:
            value = ", ".join(self._protocol(each.strip()) for each in value.split(","))
        value = self._shapes(value, name)
        return value if _OF_THE_BODY.match(name) else self._known(value, name)

    def _parameter(self, text: str) -> str:
        name, equals, value = text.partition("=")
        if not equals:  # a value without a name
            return text if self._harmless(text) else placeholder("query")
        if len(name) > _MAX_NAME_CHARS or rules().shapes.search(name):
            name = placeholder("query")
        decoded = unquote_plus(name)
        if rules().names.search(decoded):
            self._remember(value)
            return f"{name}={placeholder(decoded)}" if value else text
        if self._harmless(value):
            return f"{name}={value}"
        if rules().shapes.search(value):
            self._remember(value)
        return f"{name}={placeholder(decoded)}"

    def _protocol(self, name: str) -> str:
        if not rules().names.search(name) and not rules().shapes.search(name) and len(name) <= _MAX_NAME_CHARS:
            return name
        kept, dot, secret = name.rpartition(".")
        self._remember(secret)
        return f"{kept}{dot}{placeholder('protocol')}"

    def _harmless(self, value: str) -> bool:
        return _HARMLESS_VALUE.fullmatch(value) is not None or value.lower() in rules().harmless_words

    def _shapes(self, text: str, name: str) -> str:
        for found in rules().shapes.finditer(text):
            self._remember(found[0])
        return rules().shapes.sub(placeholder(name), text)

    def _known(self, text: str, name: str) -> str:
        """What a head had before, in whatever it comes again."""
        for needle in sorted(self.needles, key=len, reverse=True):
            text = text.replace(needle, placeholder(name))
        return text

    def _remember(self, secret: str) -> None:
        """In the forms in which it may come back."""
        forms = {secret, unquote_plus(secret), *_basic(secret)}
        self.needles |= {form for form in forms if len(form) >= MIN_NEEDLE_CHARS}


def _basic(secret: str) -> Iterator[str]:
    """The password in a value of HTTP's basic scheme."""
    try:
        user_password = pybase64.b64decode(secret, validate=True).decode()
    except ValueError:
        return
    if ":" in user_password and user_password.isprintable():
        yield user_password.partition(":")[2]
