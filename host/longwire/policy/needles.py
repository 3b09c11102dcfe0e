"""What the reflection guard looks for: parts of a secret, in every form that a server may send them back in.

A part of 47 bits is not met by chance: not once in a hundred thousand GiB of text in the same alphabet, for one part.
It is short enough that a page which has all but the last character of it has fewer than 16 of the secret.
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote_from_bytes, quote_plus

from longwire.policy.escapes import escaped_forms, usual_forms
from longwire.policy.own_part import own_bits

# 8 characters of base62 (47.6 bits), 12 of hexadecimal (48), 15 digits (49.8).
NEEDLE_BITS: Final = 47
# A secret with fewer bits than a needle is looked for as a whole. One with fewer than this occurs in honest bodies by
# chance, and a guard that ends streams by chance does harm itself.
LEAST_BITS: Final = 39
# What a page may come to know is less than one character more. Separators make a part of so many bits longer.
MAX_NEEDLE_CHARS: Final = 15
# Where every character begins a part. Beyond, and in forms but the plain one, parts are as far apart as they may be
# with one in any 15 characters.
_DENSE_CHARS: Final = 128
# Of longer secrets (tokens that carry a document), this much of the beginning and of the end is looked for.
_SIDE_CHARS: Final = 512
# Of a secret that needs more because it is full of characters that are escaped, the other parts are looked for as they
# are and in base64 only: no such secret is to cost seconds and hundreds of MiB.
_MANY_FORMS: Final = 1500

_Part = tuple[int, int]


def needles(value: str) -> set[bytes]:
    """The byte strings to look for, given a secret's `value` (one character per byte). None if it has too few bits."""
    found: set[bytes] = set()
    for text in _readings(value):
        parts = list(_parts(own_bits(text)))
        spaced = set(_spaced(parts))
        for part in parts:
            if part in spaced:
                found |= _forms(text[slice(*part)], escaped=len(found) < _MANY_FORMS)
            elif part[0] < _DENSE_CHARS:
                found |= _plain(text[slice(*part)])
    return found


def secret_forms(value: bytes) -> set[bytes]:
    """The usual forms of the whole `value`: raw, base64, URL-encoded. For a search of what was written."""
    forms = {value, *_base64_forms(value)}
    text = value.decode("latin-1")
    for encoded in (quote_from_bytes(value, safe=""), quote_plus(text, encoding="latin-1")):
        forms |= {encoded.encode(), _lower_escapes(encoded).encode()}
    return forms


def _readings(value: str) -> Iterator[str]:
    """`value` as the texts that a server may take it for: its bytes, UTF-8, and the password in HTTP Basic's base64."""
    yield value
    data = value.encode("latin-1")
    for candidate in (data, _decoded(value)):
        try:
            text = candidate.decode()
        except ValueError:
            continue
        if candidate is not data:
            user, colon, password = text.partition(":")
            text = (password or user) if colon and text.isprintable() else value
        if text != value:
            yield text


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _parts(bits: Sequence[float | None]) -> Iterator[_Part]:
    """The shortest part that tells enough, from each character that tells anything."""
    total = sum(filter(None, bits))
    if total < LEAST_BITS:
        return
    enough = min(total, NEEDLE_BITS) - 1e-6  # sums of logarithms are not exact
    end, told, size = 0, 0.0, 0
    for start, own in enumerate(bits):
        while told < enough and not (told >= LEAST_BITS and size >= MAX_NEEDLE_CHARS):
            if end == len(bits):
                return
            told += bits[end] or 0
            size += bits[end] is not None
            end += 1
        if own and (end <= _SIDE_CHARS or start >= len(bits) - _SIDE_CHARS):
            yield start, end
        told -= own or 0
        size -= own is not None


def _spaced(parts: Sequence[_Part]) -> Iterator[_Part]:
    """Of them, the fewest of which one lies in any `MAX_NEEDLE_CHARS` characters, wherever they begin."""
    index = 0
    while index < len(parts):
        yield parts[index]
        reach = parts[index][0] + 1 + MAX_NEEDLE_CHARS
        index += 1
        while index + 1 < len(parts) and parts[index + 1][1] <= reach:
            index += 1


def _plain(text: str) -> set[bytes]:
    if text.isascii():
        return {text.encode()}
    try:
        return {text.encode("latin-1"), text.encode()}
    except UnicodeEncodeError:
        return {text.encode()}


def _forms(text: str, *, escaped: bool) -> set[bytes]:
    encodings = ("utf-8",) if text.isascii() else ("latin-1", "utf-8")
    forms = _plain(text)
    coded = {each for data in forms for each in _base64_forms(data)}
    if escaped:
        forms = {form for encoding in encodings for form in escaped_forms(text, encoding)}
        usual = {form for encoding in encodings for form in usual_forms(text, encoding)}
        coded = {each for data in usual for each in _base64_forms(data)}
    for each in coded:
        forms |= {each} if each.isalnum() or not escaped else escaped_forms(each.decode(), "utf-8")
    return forms


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
