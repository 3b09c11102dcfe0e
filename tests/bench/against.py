"""This build beside another one, in alternation: the ratio of every figure, and the spread of this build by itself.

Each round measures this build, the other one, and this one again, in rotating order. All are measured by the code of
this checkout (`once`), each with the interpreter, the host and the extension of its own.
"""

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.figures import HIGHER_IS_BETTER, is_machine
from tests.bench.targets import AGAINST

ROOT = Path(__file__).resolve().parents[2]
# Slower by no more than this is not called slower.
TOLERANCE = 0.03
_ROUND_TIMEOUT_S = 600
# What is added can be nothing, or less on a restless machine: of that no ratio can be taken.
_LEAST = 0.001


class BenchError(Exception):
    """The other build cannot be made or measured."""


@dataclass(frozen=True)
class Comparison:
    """One figure. `ratios` are this build by the other, a round each; `selves` this build by itself."""

    name: str
    unit: str
    this: float
    other: float
    ratios: list[float]
    selves: list[float]

    @property
    def ratio(self) -> float:
        """The median."""
        return statistics.median(self.ratios)

    @property
    def slower(self) -> bool:
        """Whether this build is worse by more than the tolerance and by more than it ever was against itself."""
        if is_machine(self.name):
            return False
        worse, selves = self.ratio, self.selves
        if self.unit in HIGHER_IS_BETTER:
            worse, selves = 1 / worse, [1 / value for value in selves]
        return worse > max(1 + TOLERANCE, *selves)

    @property
    def reached(self) -> bool | None:
        """Whether this build is as many times the other as it is to be; None where nothing says so."""
        if (target := AGAINST.get(self.name)) is None:
            return None
        return self.ratio >= target.bound if self.unit in HIGHER_IS_BETTER else self.ratio <= target.bound

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.name,
            "unit": self.unit,
            "this": self.this,
            "other": self.other,
            "ratio": self.ratio,
            "ratios": self.ratios,
            "selves": self.selves,
            "slower": self.slower,
            "reached": self.reached,
        }


def against(commit: str, rounds: int, console: Console) -> list[Comparison]:
    """Build `commit` below build/against and compare.

    Raises:
        BenchError: no such commit, or its build or its measurement failed.
    """
    other = built(commit, console)
    measured: dict[str, list[dict[str, float]]] = {"this": [], "other": [], "again": []}
    units: dict[str, str] = {}
    sides = ["this", "other", "again"]
    for number in range(rounds):
        for side in sides[number % 3 :] + sides[: number % 3]:
            console.print(f"round {number + 1} of {rounds}: {side} …", style="dim")
            rows = _once(other if side == "other" else ROOT)
            units |= {row["name"]: row["unit"] for row in rows}
            measured[side].append({row["name"]: row["median"] for row in rows})
    everywhere = set.intersection(*(set(figures) for side in measured.values() for figures in side))
    return [compare(name, unit, measured) for name, unit in units.items() if name in everywhere]


def compare(name: str, unit: str, measured: dict[str, list[dict[str, float]]]) -> Comparison:
    """One figure of all rounds. `measured`: of the sides "this", "other", "again" the figures of each round by name."""
    this, other, again = (
        [max(_LEAST, figures[name]) for figures in measured[side]] for side in ("this", "other", "again")
    )
    both = [statistics.mean(pair) for pair in zip(this, again, strict=True)]
    return Comparison(
        name,
        unit,
        statistics.median(both),
        statistics.median(other),
        [mine / theirs for mine, theirs in zip(both, other, strict=True)],
        [ratio for one, two in zip(this, again, strict=True) for ratio in (one / two, two / one)],
    )


def show(comparisons: list[Comparison], commit: str, console: Console) -> None:
    """The table."""
    table = Table("figure", "this", commit[:10], "ratio", "by itself", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.columns[0].no_wrap = table.columns[4].no_wrap = True
    for row in comparisons:
        ratio = f"[red]{row.ratio:.2f} slower[/]" if row.slower else f"{row.ratio:.2f}"
        table.add_row(
            row.name,
            f"{row.this:.3g} {row.unit}",
            f"{row.other:.3g} {row.unit}",
            f"[dim]{ratio}[/]" if is_machine(row.name) else ratio,
            f"{min(row.selves):.2f} - {max(row.selves):.2f}",
        )
    console.print(table)
    console.print("ratio: median of this by the other; by itself: this by this; dim: the machine alone", style="dim")


def built(commit: str, console: Console) -> Path:
    """The folder of `commit`, built with everything it needs.

    Raises:
        BenchError: no such commit, or it does not build.
    """
    sha = _run(["git", "rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}"], ROOT, f"no such commit: {commit}")
    folder = ROOT / "build" / "against" / sha.strip()[:12]
    if not folder.exists():
        _run(["git", "worktree", "prune"], ROOT, "git worktree prune failed")
        _run(["git", "worktree", "add", "--detach", str(folder), sha.strip()], ROOT, f"{commit} cannot be checked out")
    console.print(f"building {commit} (a minute, the first time) …", style="dim")
    _run(["make", "--silent", "build", ".make/python"], folder, f"{commit} does not build")
    return folder


def python_of(build: Path) -> Path:
    """The interpreter that runs this build."""
    return build / ".venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"


def _once(build: Path) -> list[dict[str, Any]]:
    text = _run(
        [str(python_of(build)), "-m", "tests.bench.once"], ROOT, f"the benchmark does not run with {build.name}"
    )
    rows: list[dict[str, Any]] = json.loads(text)
    return rows


def _run(command: list[str], folder: Path, failure: str) -> str:
    # Not the variables of the make that runs this: they name this build's folders.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        command, cwd=folder, env=inherited, capture_output=True, text=True, timeout=_ROUND_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise BenchError(f"{failure}\n{done.stderr[-2000:]}")
    return done.stdout
