"""The reflection guard (threat 12): a stream ends instead of delivering the piece that completes an injected secret.

It looks for the secret raw, in base64 at each of the three alignments and in both alphabets, and as URLs, JSON and
HTML escape it, each character by itself: encoders differ in what they leave alone. It never holds bytes back to look
further: a delay that depends on a match would tell the page what it matched.
"""

import base64
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote_from_bytes, quote_plus

from longwire.policy.secrets import Secret

# Shorter ones turn up in honest bodies by chance, and a scanner that ends streams by chance is an attack of its own.
MIN_SECRET_BYTES: Final = 12
# Of the longest way to write a character that `escaped_pattern` knows: `&#x0000e9;`.
_MAX_ESCAPE_BYTES: Final = 10


class ReflectionScanner:
    """Scans one stream. Memory: the last piece's tail, shorter than the longest form of a secret."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        names = {secret.reveal().encode("latin-1"): secret.name for secret in secrets}
        guarded = [value for value in names if len(value) >= MIN_SECRET_BYTES]
        # Most keys have nothing that anybody escapes, and are found without a pattern.
        escapable = [value for value in guarded if not value.isalnum()]
        self._forms = {form: names[value] for value in guarded for form in _base64_forms(value) | {value}}
        # A pattern costs ten times a search for bytes, and cannot match where the letters in it are not.
        self._patterns = [(_longest_letters(value), escaped_pattern(value), names[value]) for value in escapable]
        longest = max([*map(len, self._forms), *map(_longest_escaped, escapable)], default=1)
        self._keep = longest - 1
        self._tail = b""

    @property
    def active(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._forms)

    def feed(self, data: bytes) -> str | None:
        """The name of the secret that this piece completes. The caller drops the piece and ends what carries it."""
        if not self._forms:
            return None
        # The seam is scanned apart from the piece, so that a large piece is never copied.
        seam = self._tail + data[: self._keep]
        found = self._found_in(seam) or (self._found_in(data) if len(data) > self._keep else None)
        self._tail = (seam if len(data) < self._keep else data)[-self._keep :]
        return found

    def _found_in(self, data: bytes) -> str | None:
        found = (name for form, name in self._forms.items() if form in data)
        escaped = (name for letters, pattern, name in self._patterns if letters in data and pattern.search(data))
        return next(found, None) or next(escaped, None)


def secret_forms(value: bytes) -> set[bytes]:
    """The usual forms of `value`, as texts: raw, base64, URL-encoded. For a search that knows no patterns."""
    forms = {value, *_base64_forms(value)}
    text = value.decode("latin-1")
    for encoded in (quote_from_bytes(value, safe=""), quote_plus(text, encoding="latin-1")):
        forms |= {encoded.encode(), _lower_escapes(encoded).encode()}
    return forms


def escaped_pattern(value: bytes) -> re.Pattern[bytes]:
    """Matches `value` with any of its characters as they are, or as URLs, JSON or HTML write them.

    Letters and digits are escaped by nobody who means it well. Every character ends where its alternative ends, so
    the search is linear.
    """
    return re.compile(b"".join(map(_alternatives, value)))


def _alternatives(code: int) -> bytes:
    raw = bytes([code])
    if raw.isalnum():
        return raw
    escapes = {
        b"%%(?i:%02x)" % code,
        rb"\\u(?i:%04x)" % code,
        rb"&#0{0,4}%d;" % code,
        rb"&#[xX]0{0,4}(?i:%x);" % code,
        *_NAMED_ESCAPES.get(raw, ()),
    }
    if code >= 0x80:  # a server that takes the field for latin-1 text and writes UTF-8
        utf8 = chr(code).encode("utf-8")
        escapes |= {re.escape(utf8), b"".join(b"%%(?i:%02x)" % byte for byte in utf8)}
    # What begins with the character itself comes first: `&amp;` before `&`.
    return b"(?:%b|%b)" % (b"|".join(sorted(escapes)), re.escape(raw))


_NAMED_ESCAPES: Final = {
    b" ": (rb"\+",),
    b"/": (rb"\\/",),
    b'"': (rb"\\\"", b"&quot;"),
    b"\\": (rb"\\\\",),
    b"'": (b"&apos;",),
    b"&": (b"&amp;",),
    b"<": (b"&lt;",),
    b">": (b"&gt;",),
}


def _longest_letters(value: bytes) -> bytes:
    return max((match[0] for match in re.finditer(rb"[0-9A-Za-z]*", value)), key=len)


def _longest_escaped(value: bytes) -> int:
    return sum(1 if bytes([code]).isalnum() else _MAX_ESCAPE_BYTES for code in value)


def _base64_forms(value: bytes) -> set[bytes]:
    """The parts of the base64 text that depend on `value` alone, for each place in a group of three, both alphabets."""
    forms = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value).rstrip(b"=")
        # A character holds six bits: those that share bits with a neighbour of the secret are not known.
        first = -(-8 * before // 6)
        last = (8 * (before + len(value))) // 6
        known = encoded[first:last]
        forms |= {known, known.translate(bytes.maketrans(b"+/", b"-_"))}
    return forms


def _lower_escapes(text: str) -> str:
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])
