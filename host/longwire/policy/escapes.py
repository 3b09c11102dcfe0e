"""How encoders write a text in URLs, JSON and HTML: the forms in which a server may send back what it was sent.

No honest encoder escapes letters and digits. For the rest encoders differ in two ways: how they write a character
(`%2B` or `%2b`, `&#39;` or `&#x27;` or `&#039;`), and which characters they escape. Where a part of a key has few such
characters, every choice is tried; where it has many, the choices of encoders in use.
"""

from collections.abc import Callable, Mapping, Set
from itertools import chain, combinations
from typing import Final

# One character as bytes, in the encoding of the page around it.
Style = Callable[[str, str], str]

# RFC 3986 section 2.3 without `~`, which forms escape.
_NEVER: Final = frozenset("-_.")
# Up to here, every choice of those that are escaped.
_MOST_CHOICES: Final = 2
_JSON_SHORT: Final = {'"': '\\"', "\\": "\\\\", "/": "\\/"}
_HTML_TEXT: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_HTML_NAMED: Final = {**_HTML_TEXT, '"': "&quot;"}


def escaped_forms(text: str, encoding: str) -> set[bytes]:
    """`text` as it is, as encoders of URLs, JSON and HTML write it, and as it looks when some of them escape it twice.

    `encoding` is `latin-1` or `utf-8`. What it cannot write is left out.
    """
    forms = {text}
    special = [character for character in dict.fromkeys(text) if not _is_plain(character)]
    for chosen in _choices(special):
        forms |= {_written(text, chosen, style, encoding) for style in STYLES} if chosen else set()
    if special:
        forms |= {_written(once, set(once), outer, encoding) for once in _once(text, encoding) for outer in _TWICE}
    if "-" in text:  # Django's escapejs
        forms.add("".join(rf"\u{ord(each):04X}" if each == "-" or not _is_plain(each) else each for each in text))
    return {data for form in forms if (data := _encoded(form, encoding)) is not None}


def usual_forms(text: str, encoding: str) -> set[bytes]:
    """`text` as it is, and as encoders escape it before they write the result in base64."""
    usual = (('"\\', _json), ('"\\/', _json), (text, _percent), (text, _form), ('&<>"', _all_named))
    forms = {text, *(_written(text, set(chosen), style, encoding) for chosen, style in usual)}
    return {data for form in forms if (data := _encoded(form, encoding)) is not None}


def _choices(special: list[str]) -> set[frozenset[str]]:
    every = frozenset(special)
    if len(special) <= _MOST_CHOICES:
        sizes = range(len(special) + 1)
        return set(map(frozenset, chain.from_iterable(combinations(special, size) for size in sizes)))
    others = {character for character in special if not character.isascii()}
    escaped = [every & each for each in _ESCAPED]
    return {every, *(every - each for each in _SPARED), *escaped, *(each | others for each in escaped)}


def _is_plain(character: str) -> bool:
    return character in _NEVER or (character.isascii() and character.isalnum())


def _written(text: str, chosen: Set[str], style: Style, encoding: str) -> str:
    return "".join(style(each, encoding) if each in chosen and not _is_plain(each) else each for each in text)


def _encoded(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None


def _percent(character: str, encoding: str) -> str:
    return "".join(f"%{byte:02X}" for byte in _encoded(character, encoding) or character.encode())


def _percent_lower(character: str, encoding: str) -> str:
    return _percent(character, encoding).lower()


def _form(character: str, encoding: str) -> str:
    return "+" if character == " " else _percent(character, encoding)


def _form_lower(character: str, encoding: str) -> str:
    return _form(character, encoding).lower()


def _unicode(character: str, _: str) -> str:
    return f"\\u{ord(character):04x}"


def _unicode_upper(character: str, _: str) -> str:
    return f"\\u{ord(character):04X}"


def _json(character: str, _: str) -> str:
    return _JSON_SHORT.get(character, f"\\u{ord(character):04x}")


def _json_upper(character: str, _: str) -> str:
    return _JSON_SHORT.get(character, f"\\u{ord(character):04X}")


def _decimal(character: str, _: str) -> str:
    return f"&#{ord(character)};"


def _padded(character: str, _: str) -> str:
    return f"&#{ord(character):03};"


def _hexadecimal(character: str, _: str) -> str:
    return f"&#x{ord(character):x};"


def _hexadecimal_upper(character: str, _: str) -> str:
    return f"&#x{ord(character):X};"


def _all_named(character: str, _: str) -> str:
    # Here: two thousand names, and only a guarded secret needs them.
    from html.entities import codepoint2name

    name = codepoint2name.get(ord(character), "apos" if character == "'" else None)
    return f"&{name};" if name else character


def _named_or(style: Style, named: Mapping[str, str] = _HTML_NAMED) -> Style:
    return lambda character, encoding: named.get(character) or style(character, encoding)


STYLES: Final[tuple[Style, ...]] = (
    *(_percent, _percent_lower, _form, _form_lower),
    *(_unicode, _unicode_upper, _json, _json_upper),
    *(_decimal, _padded, _hexadecimal, _hexadecimal_upper, _all_named),
    *map(_named_or, (_decimal, _padded, _hexadecimal, _hexadecimal_upper)),
    _named_or(_decimal, _HTML_TEXT),
)


def _once(text: str, encoding: str) -> set[str]:
    """The forms that may be escaped once more: with only the quotes escaped, with the usual characters, with all."""
    usual = (({'"', "\\"}, _json), (set(text), _percent), (set('&<>"'), _all_named))
    return {_written(text, chosen, style, encoding) for chosen, style in usual} - {text}


# A URL in a URL, JSON as a string in JSON or as text in HTML, HTML in JSON.
_TWICE: Final[tuple[Style, ...]] = (
    lambda character, encoding: _percent(character, encoding) if character == "%" else character,
    lambda character, _: _JSON_SHORT[character] if character in '"\\' else character,
    lambda character, _: _JSON_SHORT.get(character, character),
    lambda character, _: _HTML_NAMED.get(character, character),
)

# What those leave as it is who escape nearly all: paths; encodeURIComponent and encodeURI; paths of URLs and of Go.
_SPARED: Final = (
    frozenset("/"),
    frozenset("~"),
    frozenset("!~*'()"),
    frozenset("!~*'();/?:@&=+$,#"),
    frozenset("!~*'();/:@&=+$,|[]%\\"),
    frozenset("~$&+=:@"),
)
# What those escape who leave nearly all: JSON; with slashes; for use in HTML (Go, Gson, .NET, PHP); HTML itself (text,
# attributes, Go, mustache); queries of URLs.
_ESCAPED: Final = (
    frozenset('"\\'),
    frozenset('"\\/'),
    frozenset('"\\&<>'),
    frozenset("\"\\&<>'="),
    frozenset("\"\\&<>'+`"),
    frozenset("\"\\&<>'/"),
    frozenset("&<>"),
    frozenset('&<>"'),
    frozenset("&<>\"'"),
    frozenset("&<>\"'+"),
    frozenset("&<>\"'/`="),
    frozenset(" \"#<>'"),
    frozenset(' "#<>?`{}^'),
)
