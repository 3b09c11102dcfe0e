"""A run: its rows and its machine, as a table, as JSON in a file, and as plots."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Row
from tests.bench.machine import ROOT, Machine
from tests.bench.pictures import write_pictures
from tests.bench.processes import ROLES

FOLDER = ROOT / "build" / "bench"
# Rows whose names end in a kind of process.
BY_ROLE = ("CPU, ", "memory, ")
_WIDTH = 150


class NoRunError(Exception):
    """There is no run of that kind to tell of."""


@dataclass(frozen=True)
class Run:
    """What was measured. `kind`: `full`, `quick`, `growth`, or the figures that were asked for."""

    kind: str
    machine: Machine
    rows: list[Row]
    failures: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "kind": self.kind,
            "machine": self.machine.as_dict(),
            "rows": [row.as_dict() for row in self.rows],
            "failures": self.failures,
        }

    def save(self, folder: Path = FOLDER) -> list[Path]:
        """Write KIND.json and KIND/*.svg; returns what was written."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{self.kind}.json"
        file.write_text(json.dumps(self.as_dict(), indent=1), encoding="utf-8")
        return [file, *write_pictures(self.rows, folder / self.kind)]


def load(kind: str, folder: Path = FOLDER) -> Run:
    """The last run of that kind. Raises NoRunError if there is none."""
    file = folder / f"{kind}.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        command = {"full": "make bench", "growth": "make bench-growth", "quick": "make bench-quick"}.get(kind, "a run")
        raise NoRunError(f"no run in {file.relative_to(ROOT)}: `{command}` makes one") from None
    rows = [Row.from_dict(row) for row in found["rows"]]
    return Run(found["kind"], Machine(**found["machine"]), rows, found["failures"])


def console_of_output() -> Console:
    """For a table on standard output: as wide as the console, or as a table needs where it is none."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH)


def show(rows: list[Row], console: Console) -> None:
    """The tables: one for figures, and one for each thing that every kind of process has."""
    for prefix in BY_ROLE:
        _show_by_role([row for row in rows if row.name.startswith(prefix)], prefix, console)
    table = Table("figure", "median", "range", "target", "note")
    for row in rows:
        if row.name.startswith(BY_ROLE):
            continue
        low, high = min(row.samples), max(row.samples)
        verdict = (
            f"{row.wanted}: [{'red' if row.verdict == 'missed' else 'green'}]{row.verdict}[/]" if row.verdict else ""
        )
        table.add_row(row.name, f"{row.median:.3g} {row.unit}", f"{low:.3g} - {high:.3g}", verdict, row.note)
    console.print(table)


def _show_by_role(rows: list[Row], prefix: str, console: Console) -> None:
    by_work: dict[str, dict[str, float]] = {}
    for row in rows:
        work, _, role = row.name.removeprefix(prefix).rpartition(": ")
        by_work.setdefault(work, {})[role] = row.median
    if not rows:
        return
    table = Table(f"{prefix.rstrip(', ')}, {rows[0].unit}", *ROLES, "together")
    for work, found in by_work.items():
        cells = [f"{found[role]:.3g}" if role in found else "" for role in ROLES]
        table.add_row(work, *cells, f"{sum(found.values()):.3g}")
    console.print(table)
