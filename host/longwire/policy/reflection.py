"""The reflection guard (threat 12): a stream ends before it delivers a piece that completes part of an injected secret.
The part is long enough not to occur by chance.

What it looks for is in `needles`. It never holds bytes back to look further: a delay that depends on a match would tell
the page what it matched.
"""

import re
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes
from weakref import WeakValueDictionary

from longwire.policy.needles import needles
from longwire.policy.secrets import Secret
from longwire.protocol.field_types import HeaderPair

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick


# What may stand inside an echo and is no part of it: the line breaks of base64 and of quoted-printable (`=` before one,
# which tells nothing of a secret either: it is taken out of needles too), and the other half of UTF-16's characters.
# The end of lines in JSON is two characters.
_BETWEEN: Final = b"\0\n\r="
_WRITTEN_BREAK: Final = re.compile(rb"\\[nr]")
# A key has 2 KiB of needles, a token of any length 6. A password with many characters that are escaped has more: the
# fast machine would take seconds to make, in which no other stream is served.
_MOST_DFA_BYTES: Final = 32 * 1024


class ReflectionScanner:
    """Scans one body. Memory: the last pieces' tail, shorter than the longest needle, and what `_Needles` has."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._needles = _needles_of(secrets)
        self._tail = b""
        self._half = b""  # the first character of what may be a break

    @property
    def active(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._needles.names)

    def feed(self, data: bytes) -> str | None:
        """The name of a secret of which this piece completes a part. The caller drops it, and ends what carries it."""
        if not self.active:
            return None
        text = self._tail + self._needles.joined(self._half + data)
        self._half = b"\\" if self._needles.joins_written and text.endswith(b"\\") else b""
        self._tail = text.removesuffix(self._half)[-self._needles.keep :]
        return self._needles.found(self._needles.exact, text)


def secret_in_headers(pairs: Iterable[HeaderPair], secrets: Iterable[Secret]) -> str | None:
    """The name of a secret of which these hold a part: in a name, in a value, or spread over several values or lines.

    In letters of any case: names of headers and hosts come in lower case.
    """
    wanted = _needles_of(secrets)
    if not wanted.names:
        return None
    texts = [text for name, value in pairs for text in (name, "\t", value, "\t")]
    values = "".join(texts[2::4])
    # A field that was folded has a space where its line ended.
    whole = "".join([*texts, values, "\t", values.replace(" ", "")]).encode("latin-1", "replace")
    # A head is small enough to look at it once more as a URL whose every character is escaped.
    return wanted.found(wanted.folded, wanted.joined(whole + b"\t" + unquote_to_bytes(whole)).lower())


class _Needles:
    """All needles of some secrets, and the machines that find them, each made when it is first asked for.

    The one for bodies takes a millisecond to make for a key of 50 characters and runs at 2 to 4 ms per MiB; the one for
    heads, and for the bodies of unusual secrets, is made five times as fast and runs half as fast.
    """

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        self.names: Final = {
            needle.translate(None, _BETWEEN): name for name, value in secrets for needle in needles(value)
        }
        self.keep: Final = max(map(len, self.names), default=1) - 1
        # Not where a secret has a backslash that may be read as the beginning of one.
        self.joins_written: Final = not any(map(_WRITTEN_BREAK.search, self.names))

    def joined(self, text: bytes) -> bytes:
        """`data` without what may stand inside an echo and is no part of it."""
        text = text.translate(None, _BETWEEN)
        return _WRITTEN_BREAK.sub(b"", text) if self.joins_written else text

    @cached_property
    def exact(self) -> tuple["BytesAhoCorasick", list[str]]:
        from ahocorasick_rs import BytesAhoCorasick, Implementation  # hosts without secrets do not need it

        small = sum(map(len, self.names)) <= _MOST_DFA_BYTES
        kind = Implementation.DFA if small else Implementation.ContiguousNFA
        return BytesAhoCorasick(list(self.names), implementation=kind), list(self.names.values())

    @cached_property
    def folded(self) -> tuple["BytesAhoCorasick", list[str]]:
        from ahocorasick_rs import BytesAhoCorasick, Implementation

        names = {needle.lower(): name for needle, name in self.names.items()}
        return BytesAhoCorasick(list(names), implementation=Implementation.ContiguousNFA), list(names.values())

    @staticmethod
    def found(machine: tuple["BytesAhoCorasick", list[str]], text: bytes) -> str | None:
        matcher, names = machine
        matches = matcher.find_matches_as_indexes(text)
        return names[matches[0][0]] if matches else None


# Streams that carry the same secrets share one; without streams there is none.
_shared: Final[WeakValueDictionary[frozenset[tuple[str, str]], _Needles]] = WeakValueDictionary()


def _needles_of(secrets: Iterable[Secret]) -> _Needles:
    key = frozenset((secret.name, secret.reveal()) for secret in secrets)
    made = _shared.get(key)
    if made is None:
        made = _shared[key] = _Needles(key)
    return made
