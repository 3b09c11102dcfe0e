"""`--accept`: the last full run, and the last run of growth if there is one, into docs/performance.md and its plots."""

from pathlib import Path
from typing import Final

from tests.bench.figures import Row
from tests.bench.machine import ROOT
from tests.bench.pictures import PLOTS, write_pictures
from tests.bench.report import NoRunError, Run, load

PAGE: Final = ROOT / "docs" / "performance.md"
PLOTS_FOLDER: Final = "performance"
BEGIN: Final = "<!-- begin of the accepted run: written by `python -m tests.bench --accept` -->"
END: Final = "<!-- end of the accepted run -->"
# What stands in the page: every figure would be a wall.
_SHOWN_PREFIXES: Final = ("random: ", "text: ", "json: ", "events", "beside a download", "upload: ", "to headers")


class AcceptError(Exception):
    """The run is not whole, or the page has no place for it."""


def accept(page: Path = PAGE) -> list[Path]:
    """Write the block and the plots; returns the files.

    Raises:
        NoRunError: there is no full run.
        AcceptError: the run lost a figure, or the page lacks the lines between which it goes.
    """
    run = load("full")
    if run.failures:
        raise AcceptError(f"the last full run lost a figure: {run.failures[0]}. `make bench` makes another")
    try:
        growth = load("growth").rows
    except NoRunError:
        growth = []
    page.write_text(with_block(page.read_text(encoding="utf-8"), block(run, growth)), encoding="utf-8")
    return [page, *write_pictures([*run.rows, *growth], page.parent / PLOTS_FOLDER)]


def with_block(text: str, inside: str) -> str:
    """`text` with `inside` between its two lines. Raises AcceptError."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise AcceptError(f"docs/performance.md lacks the line `{BEGIN if not begin else END}`: put it back")
    return f"{before}{BEGIN}\n\n{inside}\n{END}{after}"


def block(run: Run, growth: list[Row]) -> str:
    """Markdown: the machine, what has targets, what people compare, and the plots."""
    missed = [row.name for row in [*run.rows, *growth] if row.verdict == "missed"]
    lines = [f"{run.machine.text}.", ""]
    lines += [f"Not reached: {', '.join(missed)}." if missed else "Every target was reached.", ""]
    judged = [row for row in [*run.rows, *growth] if row.target is not None]
    lines += _table(["figure", "this run", "to reach"], [[row.name, reached(row), row.wanted] for row in judged])
    shown = [row for row in run.rows if row.target is None and row.name.startswith(_SHOWN_PREFIXES)]
    lines += _table(["figure", "median", "note"], [[row.name, reached(row), row.note] for row in shown])
    present = {row.point.plot for row in [*run.rows, *growth] if row.point is not None}
    for name, plot in PLOTS.items():
        if name in present:
            lines += [f"![{plot.title}, {plot.unit}.]({PLOTS_FOLDER}/{plot.file})", ""]
    return "\n".join(lines)


def reached(row: Row) -> str:
    """What is held against the target, with its unit."""
    return f"{row.reached:.3g} {row.unit}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    if not rows:
        return []
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows), ""]
