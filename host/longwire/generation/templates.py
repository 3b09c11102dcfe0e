"""A prompt with named fields: `Describe {PR_TITLE}.`

Fields are put in once, into the template and never into another's value: a diff that has `{PR_TITLE}` in it keeps it.
A brace that is not around a name in upper case is text, so that a template may show JSON.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from longwire.generation.cutting import size_of
from longwire.generation.requests import RequestRefused

_FIELD: Final = re.compile(r"\{([A-Z][A-Z0-9_]{0,63})\}", re.ASCII)


class Template(NamedTuple):
    """Literals and names in turn, beginning and ending with a literal: `len(literals) == len(names) + 1`."""

    literals: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Split a template. Every text is one; one without fields is a text."""
        parts = _FIELD.split(text)
        return cls(tuple(parts[0::2]), tuple(parts[1::2]))

    def check(self, fields: Mapping[str, str]) -> None:
        """Whether these are the template's fields.

        Raises:
            RequestRefused: one is missing, or unknown.
        """
        wanted = sorted(set(self.names))
        for name in wanted:
            if name not in fields:
                raise RequestRefused(f"fields.{name}", "is missing: the template has it")
        for name in sorted(fields):
            if name not in wanted:
                raise RequestRefused(
                    f"fields.{name}", f"is not in the template; its fields: {', '.join(wanted) or 'none'}"
                )

    @property
    def size(self) -> int:
        """Bytes of UTF-8 without the fields."""
        return sum(map(size_of, self.literals))

    def render(self, fields: Mapping[str, str]) -> str:
        """The prompt.

        Raises:
            RequestRefused: as `check`.
        """
        self.check(fields)
        parts = [self.literals[0]]
        for name, literal in zip(self.names, self.literals[1:], strict=True):
            parts += (fields[name], literal)
        return "".join(parts)
