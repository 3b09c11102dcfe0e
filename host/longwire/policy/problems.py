"""What is wrong with a policy file, in words an administrator can act on: file, line, field, and what was expected.

Values are never quoted. The commonest mistake is an API key pasted where a placeholder belongs, and it may be pasted
where a name belongs just as well: names that could be one are not quoted either.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from longwire.policy.model import (
    GrantEntry,
    LimitsEntry,
    PolicyFile,
    PricesEntry,
    ProviderEntry,
    ProviderLimitsEntry,
    SecretEntry,
    WriterEntry,
)
from longwire.policy.toml_lines import Location, line_of
from longwire.policy.urls import shorten


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `line` counts from 1 and is None for the file as a whole; `field` is `grant[0].pages[1]`.

    `blocks`: what it is about does not work, although the file can be used.
    """

    text: str
    line: int | None = None
    field: str = ""
    blocks: bool = False

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (f"line {self.line}" if self.line else "", f"field {self.field}" if self.field else "")
            if part
        )
        return f"{place}: {self.text}" if place else self.text


# pydantic's error types in our words. Placeholders are keys of the error's context.
_TEXTS: Final[Mapping[str, str]] = {
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "literal_error": "must be {expected}",
    "too_short": "must have at least {min_length} entry",
    "too_long": "must have at most {max_length} entries",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "value_error": "{error}",
}
# What a list is written like, by its key.
_LISTS: Final[Mapping[str, str]] = {
    "pages": '["https://chat.example.com"]',
    "destinations": '["https://api.example.com/v1/"]',
    "methods": '["GET", "POST"]',
    "generate": '["openai"]',
    "models": '["gpt-5*"]',
    "request_headers": '["accept", "content-type"]',
    "response_headers": '["content-type"]',
}
# No key of the format and hardly any header's name is as long; nearly every API key is.
_MAX_SHOWN_NAME: Final = 28
_FALLBACK: Final = "has a value that does not belong here"

_TOML_PLACE: Final = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
# tomllib quotes single characters of syntax; anything longer is text of the file.
_QUOTES_FILE: Final = re.compile(r"'[^']{3,}'|\"[^\"]{3,}\"|\(")


def syntax_problem(error: tomllib.TOMLDecodeError, text: str) -> Problem:
    """The problem that tomllib met, without the file's own text in it."""
    match = _TOML_PLACE.match(str(error))
    what = match["what"] if match else str(error)
    if _QUOTES_FILE.search(what):
        what = "a key or a table is there twice"
    line = int(match["line"]) if match and match["line"] else text.count("\n") + 1
    return Problem(f"not valid TOML: {shorten(what)}", line)


def validation_problems(error: ValidationError, lines: Mapping[Location, int]) -> list[Problem]:
    """One problem for each of pydantic's errors, in the order of the file, missing keys last.

    A mistyped key is two errors, an unknown key and a missing one; the first shows where the slip is. A list whose
    every entry is wrong is an empty one too to pydantic; that is left out.
    """
    everything = error.errors(include_url=False, include_input=False)
    above = {details["loc"][:-1] for details in everything}
    found = [details for details in everything if details["type"] != "too_short" or details["loc"] not in above]
    problems = [(details["type"] == "missing", _translate(details, lines)) for details in found]
    return [problem for _, problem in sorted(problems, key=lambda entry: (entry[0], entry[1].line or 0))]


def problem_at(location: Location, text: str, lines: Mapping[Location, int], *, blocks: bool = False) -> Problem:
    """A problem found at a key by a check of our own."""
    return Problem(text, line_of(lines, location), field_name(location), blocks)


def field_name(location: Location) -> str:
    """`('grant', 0, 'pages', 1)` as `grant[0].pages[1]`."""
    name = ""
    for part in location:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            name += f".{shown_name(part)}" if name else shown_name(part)
    return name


def shown_name(name: str) -> str:
    """A name from the file as it may be shown: short ones as they are, of others the length."""
    return shorten(name) if len(name) <= _MAX_SHOWN_NAME else f"({len(name)} characters)"


def _translate(details: ErrorDetails, lines: Mapping[Location, int]) -> Problem:
    location: Location = tuple(part for part in details["loc"] if part != "[key]")
    kind = details["type"]
    if kind == "missing":
        *table, key = location
        return problem_at(tuple(table), f'the key "{key}" is missing', lines)
    if kind == "extra_forbidden":
        return problem_at(location, f"unknown key{_suggestion(location)}", lines)
    if kind == "tuple_type" and (example := _LISTS.get(str(location[-1]))):
        return problem_at(location, f"must be a list: write {example}", lines)
    context: dict[str, Any] = details.get("ctx", {})
    return problem_at(location, _TEXTS.get(kind, _FALLBACK).format(**context), lines)


def _suggestion(location: Location) -> str:
    *table, key = location
    allowed = sorted(_model_of(tuple(table)).model_fields)
    import difflib  # here: most files are right, and a host that starts has its first stream waiting

    close = difflib.get_close_matches(str(key), allowed, n=1)
    return f', did you mean "{close[0]}"?' if close else f"; the keys here are {', '.join(allowed)}"


def _model_of(table: Location) -> type[BaseModel]:
    if table[:1] == ("grant",):
        return LimitsEntry if table[-1] == "limits" else GrantEntry
    if table[:1] == ("provider",):
        if "prices" in table:
            return PricesEntry
        return ProviderLimitsEntry if table[-1] == "limits" else ProviderEntry
    if table[:1] == ("secret",):
        return SecretEntry
    return WriterEntry if table[:1] == ("writer",) else PolicyFile
