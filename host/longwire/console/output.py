"""How commands speak: tables and colour to a console, plain lines to anything else, JSON where a machine reads."""

import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_GAP: Final = 2  # blanks between two columns


def say(text: str = "") -> None:
    """A line for people, as it is: never wrapped, never interpreted as markup."""
    print(text)


def say_marked(word: str, rest: str, style: str, width: int = 10) -> None:
    """A line that begins with a word in colour, where the console has colours. The console wraps it, not we."""
    line = f"{word:<{width}} {rest}"
    if not sys.stdout.isatty():
        print(line)
        return
    Console(highlight=False, markup=False).print(
        Text.assemble((line[: len(word)], style), line[len(word) :]), soft_wrap=True
    )


def print_hanging(console: Console, head: Text, body: Text) -> None:
    """`head`, and `body` beside it, wrapped between words only: the console breaks a path or URL that is longer than
    its line, and copies it whole.
    """
    # rich's own wrapping breaks inside words, or not at all.
    lines = textwrap.wrap(
        body.plain, max(console.width - len(head), 1), break_long_words=False, break_on_hyphens=False,
        drop_whitespace=False, replace_whitespace=False, expand_tabs=False,
    )  # fmt: skip
    for number, line in enumerate(body.divide(accumulate(map(len, lines[:-1])))):
        line.rstrip()
        # The blank at which a line was broken begins the next one where it did not fit any more.
        rest = line[len(line) - len(line.plain.lstrip()) :] if number else line
        console.print(Text.assemble(head, rest), soft_wrap=True)
        head = Text(" " * len(head))


def complain(text: str) -> None:
    """A line for people on stderr."""
    print(text, file=sys.stderr)


def say_json(value: object) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def say_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table to a console; tab-separated lines, without a heading, to anything else.

    Where a row does not fit, each is a block of lines: half a path or URL says something else than the whole, and
    cannot be copied.
    """
    rows = [tuple(row) for row in rows]
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    console = Console(highlight=False, markup=False)
    needed = [max(map(cell_len, cells)) + _GAP for cells in zip(columns, *rows, strict=True)]
    if sum(needed) - _GAP <= console.width:
        table = Table(*columns, box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    width = max(map(len, columns))
    for number, row in enumerate(rows):
        if number:
            print()
        for column, cell in zip(columns, row, strict=True):
            print(f"{column:<{width}}  {cell}".strip())
