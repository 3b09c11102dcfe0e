"""The reflection guard (threat 12): a stream ends instead of delivering the piece that completes an injected secret.

It looks for the secret raw, in base64 at each of the three alignments and in both alphabets, and URL-encoded. It
never holds bytes back to look further: a delay that depends on a match would tell the page what it matched.
"""

import base64
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote_from_bytes, quote_plus

from longwire.policy.secrets import Secret

# Shorter ones turn up in honest bodies by chance, and a scanner that ends streams by chance is an attack of its own.
MIN_SECRET_BYTES: Final = 12


class ReflectionScanner:
    """Scans one stream. Memory: the last piece's tail, shorter than the longest form of a secret."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        forms: set[bytes] = set()
        for secret in secrets:
            value = secret.reveal().encode("latin-1")
            if len(value) >= MIN_SECRET_BYTES:
                forms |= secret_forms(value)
        self._forms = tuple(sorted(forms))
        self._keep = max(map(len, self._forms), default=1) - 1
        self._tail = b""

    @property
    def active(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._forms)

    def feed(self, data: bytes) -> bool:
        """Whether this piece completes a secret. The caller then drops it and ends the stream with SECRET_REFLECTED."""
        if not self._forms:
            return False
        # The seam is scanned apart from the piece, so that a large piece is never copied.
        seam = self._tail + data[: self._keep]
        if any(form in seam or form in data for form in self._forms):
            return True
        self._tail = (seam if len(data) < self._keep else data)[-self._keep :]
        return False


def secret_forms(value: bytes) -> set[bytes]:
    """Every form of `value` that the guard looks for."""
    forms = {value}
    for alignment in range(3):
        forms |= _base64_forms(value, alignment)
    text = value.decode("latin-1")
    for encoded in (quote_from_bytes(value, safe=""), quote_plus(text, encoding="latin-1")):
        forms |= {encoded.encode(), _lower_escapes(encoded).encode()}
    return forms


def _base64_forms(value: bytes, alignment: int) -> set[bytes]:
    """The part of the base64 text that depends on `value` alone, `alignment` bytes into a group of three."""
    encoded = base64.b64encode(b"\0" * alignment + value).rstrip(b"=")
    # A character holds six bits: those that share bits with a neighbour of the secret are not known.
    first = -(-8 * alignment // 6)
    last = (8 * (alignment + len(value))) // 6
    known = encoded[first:last]
    return {known, known.translate(bytes.maketrans(b"+/", b"-_"))}


def _lower_escapes(text: str) -> str:
    parts = text.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])
