"""Where each key of a TOML document stands. tomllib keeps no positions, and an error without a line is no help.

The scanner runs only on text that tomllib has accepted, so it need not check: it skips over strings,
comments, arrays and inline tables, and notes the line on which each key, table or array element begins.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Final

Location = tuple[str | int, ...]

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_BASIC_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_LITERAL_STRING: Final = re.compile(r"'[^']*'")
# Up to two quotes may stand directly before the closing three.
_MULTILINE_BASIC: Final = re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})', re.DOTALL)
_MULTILINE_LITERAL: Final = re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL)
_NAME: Final = rf"(?:{_BARE_KEY.pattern}|{_BASIC_STRING.pattern}|{_LITERAL_STRING.pattern})"
# The format's longest path has four parts. tomllib takes quadratic time over the parts of one key, and so would we.
MAX_DEPTH: Final = 32
_LONG_KEY: Final = re.compile(rf"(?:^|[\[{{,])[ \t]*+{_NAME}(?:[ \t]*+\.[ \t]*+{_NAME}){{{MAX_DEPTH}}}", re.MULTILINE)
_SCALAR: Final = re.compile(r"[^,\]}\n#]+")  # never empty: each step of the scanner moves on


class NestedTooDeeplyError(Exception):
    """A path of the document has more than MAX_DEPTH parts."""


def check_key_depth(text: str) -> None:
    """Refuse a dotted key that would take very long to parse. For any text, before it is parsed.

    Raises:
        NestedTooDeeplyError: a key has more than MAX_DEPTH parts.
    """
    if _LONG_KEY.search(text):
        raise NestedTooDeeplyError


def locate_keys(text: str) -> dict[Location, int]:
    """Line (from 1) of every key path in a valid TOML document; array elements have their index in the path.

    Raises:
        NestedTooDeeplyError: a path has more than MAX_DEPTH parts.
    """
    return _Scanner(text).run()


def line_of(lines: Mapping[Location, int], location: Location) -> int:
    """Line of `location`, or of the closest table above it (for a key that is missing); 1 where nothing is known."""
    for length in range(len(location), 0, -1):
        line = lines.get(location[:length])
        if line is not None:
            return line
    return 1


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")  # as tomllib does; lines count alike
        self._position = 0
        self._counted_to = 0
        self._line = 1
        self._lines: dict[Location, int] = {}
        self._tables: dict[Location, int] = {}  # array of tables -> how many so far

    def run(self) -> dict[Location, int]:
        prefix: Location = ()
        while True:
            self._skip(_BLANK)
            if self._position >= len(self._text):
                return self._lines
            if self._peek("["):
                prefix = self._header()
            else:
                self._pair(prefix)

    def _header(self) -> Location:
        array = self._peek("[[")
        line = self._here()
        self._position += 2 if array else 1
        parts = self._key()
        self._skip(_SPACE)
        self._position += 2 if array else 1
        resolved: Location = ()
        for part in parts[:-1]:
            resolved += (part,)
            self._note(resolved, line)
            if resolved in self._tables:  # "[[a]] … [a.b]": b belongs to the last a
                resolved += (self._tables[resolved] - 1,)
        resolved += (parts[-1],)
        self._note(resolved, line)
        if array:
            index = self._tables.get(resolved, 0)
            self._tables[resolved] = index + 1
            resolved += (index,)
            self._note(resolved, line)
        return resolved

    def _pair(self, prefix: Location) -> None:
        line = self._here()
        for part in self._key():
            prefix += (part,)
            self._note(prefix, line)
        self._skip(_SPACE)
        self._position += 1  # "="
        self._value(prefix)

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip(_SPACE)
            if self._peek('"'):
                quoted = self._take(_BASIC_STRING)
                parts.append(str(tomllib.loads(f"key = {quoted}")["key"]))
            elif self._peek("'"):
                parts.append(self._take(_LITERAL_STRING)[1:-1])
            else:
                parts.append(self._take(_BARE_KEY))
            self._skip(_SPACE)
            if not self._peek("."):
                return parts
            self._position += 1

    def _value(self, location: Location) -> None:
        self._skip(_SPACE)
        self._note(location, self._here())
        if self._peek('"""'):
            self._skip(_MULTILINE_BASIC)
        elif self._peek("'''"):
            self._skip(_MULTILINE_LITERAL)
        elif self._peek('"'):
            self._skip(_BASIC_STRING)
        elif self._peek("'"):
            self._skip(_LITERAL_STRING)
        elif self._peek("["):
            self._array(location)
        elif self._peek("{"):
            self._inline_table(location)
        else:
            self._skip(_SCALAR)

    def _array(self, location: Location) -> None:
        self._position += 1
        index = 0
        while True:
            self._skip(_BLANK)
            if self._peek("]"):
                self._position += 1
                return
            self._value((*location, index))
            index += 1
            self._skip(_BLANK)
            if self._peek(","):
                self._position += 1

    def _inline_table(self, location: Location) -> None:
        self._position += 1
        while True:
            self._skip(_BLANK)
            if self._peek("}"):
                self._position += 1
                return
            self._pair(location)
            self._skip(_BLANK)
            if self._peek(","):
                self._position += 1

    def _peek(self, token: str) -> bool:
        return self._text.startswith(token, self._position)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._take(pattern)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._position)
        if match is None:
            # Only a document that tomllib has not accepted gets here; standing still would be an endless loop.
            raise ValueError(f"line {self._here()}: not TOML")
        self._position = match.end()
        return match[0]

    def _here(self) -> int:
        self._line += self._text.count("\n", self._counted_to, self._position)
        self._counted_to = self._position
        return self._line

    def _note(self, location: Location, line: int) -> None:
        if len(location) > MAX_DEPTH:
            raise NestedTooDeeplyError
        self._lines.setdefault(location, line)
