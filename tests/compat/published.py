"""The table of docs/compatibility.md, rendered and read back; `python -m tests.compat.published` writes it there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.compat.rows import COLUMNS, DIFFERENCES, ROWS, Row
from tests.upstreams.vendors.stage import Scenario

PAGE: Final = Path(__file__).parents[2] / "docs" / "compatibility.md"
BEGIN: Final = "<!-- clients: written by python -m tests.compat.published -->"
END: Final = "<!-- clients: end -->"
SAME: Final = "✓"
NOT_THERE: Final = "—"

Cells = Mapping[tuple[str, Scenario], bool]


def table(results: Cells | None = None) -> str:
    """As Markdown: of a run if `results` are given, with nothing in cells that did not run; else as it should be."""
    lines = [
        "| client | version | " + " | ".join(COLUMNS.values()) + " |",
        "|---|---|" + "---|" * len(COLUMNS),
    ]
    for row in ROWS:
        cells = [_cell(row, scenario, results) for scenario in COLUMNS]
        versions = ", ".join(pinned()[package] for package in row.packages)
        lines.append(f"| {row.name} | {versions} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def pinned() -> dict[str, str]:
    """Package to exact version, of package.json."""
    versions: dict[str, str] = json.loads((Path(__file__).parent / "package.json").read_text())["dependencies"]
    return versions


def block() -> str:
    """The published table, as it stands on the page."""
    return PAGE.read_text().split(BEGIN)[1].split(END)[0].strip()


def read() -> dict[tuple[str, Scenario], str]:
    """The cells of the published table."""
    cells: dict[tuple[str, Scenario], str] = {}
    for line in block().splitlines()[2:]:
        name, _, *rest = (cell.strip() for cell in line.strip("|").split("|"))
        cells |= {(name, scenario): cell for scenario, cell in zip(COLUMNS, rest, strict=True)}
    return cells


def _cell(row: Row, scenario: Scenario, results: Cells | None) -> str:
    if scenario in row.without:
        return NOT_THERE
    key = (row.name, scenario)
    if results is not None and key not in results:
        return ""
    same = results[key] if results is not None else key not in DIFFERENCES
    return SAME if same else str(DIFFERENCES.get(key, "differs"))


def write() -> None:
    """Put the table into the page."""
    before, rest = PAGE.read_text().split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")


if __name__ == "__main__":
    write()
