"""Values of `inject`: literal text with `{secret:name}` in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SECRET_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
MAX_TEMPLATE_CHARS: Final = 8192

# RFC 9110 section 5.5 without obs-text: a policy file is text, and header text beyond ASCII has no agreed meaning.
_LITERAL: Final = re.compile(r"[\t\x20-\x7e]*")
_PLACEHOLDER: Final = re.compile(r"\{secret:([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class ValueTemplate:
    """Literals and secret names in turn, beginning and ending with a literal: `len(literals) == len(secrets) + 1`."""

    literals: tuple[str, ...]
    secrets: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "ValueTemplate":
        """Split `Bearer {secret:openai}`.

        Raises:
            ValueError: a brace that is not part of `{secret:name}`, bytes that a header value cannot hold, or spaces
                around the value. The template itself is not quoted: people paste keys where the placeholder belongs.
        """
        if len(text) > MAX_TEMPLATE_CHARS:
            raise ValueError(f"is longer than {MAX_TEMPLATE_CHARS} characters")
        parts = _PLACEHOLDER.split(text)
        literals, secrets = tuple(parts[0::2]), tuple(parts[1::2])
        if any("{" in literal or "}" in literal for literal in literals):
            raise ValueError('has a brace that is not part of a placeholder such as "{secret:name}"')
        if not all(_LITERAL.fullmatch(literal) for literal in literals):
            raise ValueError("has characters that a header value cannot have (printable ASCII can)")
        if text != text.strip(" \t") or not text:
            raise ValueError("is empty, or begins or ends with a space")
        if any(not SECRET_NAME.fullmatch(name) for name in secrets):
            raise ValueError("names a secret by something that is not a name (letters, digits, '_', '.', '-')")
        return cls(literals, secrets)

    def fill(self, reveal: Callable[[str], str]) -> str:
        """The header value, `reveal` giving the value of a secret by its name."""
        parts = [self.literals[0]]
        for name, literal in zip(self.secrets, self.literals[1:], strict=True):
            parts += (reveal(name), literal)
        return "".join(parts)
