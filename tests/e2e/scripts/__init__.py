"""What tests have pages run, as files that the linter reads.

A file is either what a page loads as it is, or one function, exported as the default, for `page.evaluate`.
"""

from pathlib import Path

_HERE = Path(__file__).parent
_EXPORT = "export default "


def script(name: str) -> str:
    """The text of a whole file, or of the function that it exports, as an expression."""
    text = (_HERE / name).read_text(encoding="utf-8")
    _, exported, function = text.partition(_EXPORT)
    return function if exported else text
