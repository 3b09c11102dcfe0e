"""How commands speak: tables and colour to a terminal, plain lines to anything else, JSON where a machine reads."""

import json
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table


def say(text: str = "") -> None:
    """A line for people, as it is: never wrapped, never interpreted as markup."""
    print(text)


def complain(text: str) -> None:
    """A line for people on stderr."""
    print(text, file=sys.stderr)


def say_json(value: object) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def say_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table to a terminal; tab-separated lines, without a heading, to anything else."""
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")  # half a URL says something else than the whole
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)
