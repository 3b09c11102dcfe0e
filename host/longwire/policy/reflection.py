"""The reflection guard (threat 12): a stream ends instead of delivering the piece that completes a part of an injected
secret that is long enough to be no chance.

What it looks for is in `needles`. It never holds bytes back to look further: a delay that depends on a match would tell
the page what it matched.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from longwire.policy.needles import needles
from longwire.policy.secrets import Secret
from longwire.protocol.fields import HeaderPair

if TYPE_CHECKING:
    from ahocorasick_rs import BytesAhoCorasick


class ReflectionScanner:
    """Scans one body. Memory: the last pieces' tail, shorter than the longest needle, and what `_Needles` has."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._needles = _needles_of(secrets)
        self._tail = b""

    @property
    def active(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._needles.names)

    def feed(self, data: bytes) -> str | None:
        """The name of a secret of which this piece completes a part. The caller drops it, and ends what carries it."""
        if not self.active:
            return None
        # No secret has a line break in it; base64 in lines of 76 has.
        text = self._tail + data.translate(None, b"\r\n")
        self._tail = text[-self._needles.keep :]
        return self._needles.found(self._needles.exact, text)


def secret_in_headers(pairs: Iterable[HeaderPair], secrets: Iterable[Secret]) -> str | None:
    """The name of a secret of which these hold a part: in a name, in a value, or spread over several values.

    In letters of any case: names of headers and hosts come in lower case.
    """
    wanted = _needles_of(secrets)
    if not wanted.names:
        return None
    texts = [text for name, value in pairs for text in (name, "\n", value, "\n")]
    whole = "".join([*texts, *texts[2::4]]).encode("latin-1", "replace")
    return wanted.found(wanted.folded, whole.lower())


class _Needles:
    """All needles of some secrets, and the machines that find them, each made when it is first asked for.

    The one for bodies takes a millisecond to make for a key of 50 characters and runs at 2 to 4 ms per MiB; the one for
    heads is made five times as fast and runs half as fast.
    """

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        self.names: Final = {needle: name for name, value in secrets for needle in needles(value)}
        self.keep: Final = max(map(len, self.names), default=1) - 1

    @cached_property
    def exact(self) -> tuple["BytesAhoCorasick", list[str]]:
        from ahocorasick_rs import BytesAhoCorasick, Implementation  # hosts without secrets do not need it

        return BytesAhoCorasick(list(self.names), implementation=Implementation.DFA), list(self.names.values())

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
