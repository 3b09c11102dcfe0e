"""Input cut to what a provider is to get: at the border of a hunk, of a line, or else of a character."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from longwire.generation.failures import Failure, failure
from longwire.protocol.generation import FailureCode

# Where the next piece of a diff begins: of a file, or of a place in it.
_BORDER: Final = re.compile(r"^(?:diff --git |@@ |Index: )", re.MULTILINE)
_IS_DIFF: Final = re.compile(r"^(?:diff --git |@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@|Index: )", re.MULTILINE)
_LONGEST_BORDER: Final = len("diff --git ")
# A border is used if it keeps this part of what fits; else half of the input would go for the sake of one long hunk.
_KEEPS_ENOUGH: Final = 0.5


class Cut(NamedTuple):
    """A text that fits. Sizes are bytes of UTF-8."""

    text: str
    original_size: int
    size: int

    @property
    def truncated(self) -> bool:
        """Whether something is missing."""
        return self.size < self.original_size


class CutAll(NamedTuple):
    """Texts that fit together. Sizes are bytes of UTF-8, of all of them."""

    texts: dict[str, str]
    original_size: int
    size: int

    @property
    def truncated(self) -> bool:
        """Whether something is missing."""
        return self.size < self.original_size


class DoesNotFit(Exception):
    """What may not be cut is too long by itself."""

    def __init__(self, size: int, limit: int) -> None:
        text = f"{size} bytes of system text, tools and earlier messages, where max_input allows {limit}"
        self.failure: Failure = failure(FailureCode.CONTEXT_TOO_LONG, text)
        super().__init__(text)


def size_of(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def cut(text: str, limit: int) -> Cut:
    """The beginning of `text` that fits into `limit` bytes: whole hunks of a diff, else lines, else characters."""
    size = size_of(text)
    if size <= limit:
        return Cut(text, size, size)
    kept = text.encode("utf-8", "replace")[: max(limit, 0)].decode("utf-8", "ignore")
    kept = kept[: _last_border(text, len(kept))]
    return Cut(kept, size, size_of(kept))


def cut_longest(texts: Mapping[str, str], limit: int, fixed_size: int = 0, keep: Sequence[str] = ()) -> CutAll:
    """`texts`, the longest of them cut first, until all and `fixed_size` bytes of other things fit into `limit` bytes.

    Raises:
        DoesNotFit: `fixed_size` and the texts of `keep`, which are never cut, are too long alone.
    """
    cuttable = sorted((name for name in texts if name not in keep), key=lambda name: (-size_of(texts[name]), name))
    original = sum(map(size_of, texts.values()))
    held = fixed_size + original - sum(size_of(texts[name]) for name in cuttable)
    if held > limit or (held == limit and cuttable):
        raise DoesNotFit(held, limit)
    result = dict(texts)
    excess = fixed_size + original - limit
    for name in cuttable:
        if excess <= 0:
            break
        one = cut(result[name], size_of(result[name]) - excess)
        result[name] = one.text
        excess -= one.original_size - one.size
    return CutAll(result, original, sum(map(size_of, result.values())))


def _last_border(text: str, end: int) -> int:
    """Where to cut so that what is kept, at most `text[:end]`, is made of whole pieces."""
    least = int(end * _KEEPS_ENOUGH)
    if _IS_DIFF.search(text, 0, end) is not None:
        # A border may be at `end` itself, and what makes it one then lies behind.
        borders = (match.start() for match in _BORDER.finditer(text, least, end + _LONGEST_BORDER))
        border = max((start for start in borders if start <= end), default=0)
        if border > least:
            return border
    line = text.rfind("\n", 0, end) + 1
    return line or end
