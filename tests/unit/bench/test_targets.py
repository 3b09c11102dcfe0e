"""When a figure of the benchmark misses its target, and how that is said."""

import io
import math

import pytest
from rich.console import Console

from tests.bench.figures import Row, Target, exit_code
from tests.bench.report import show


def verdict(samples: list[float], bound: float, unit: str = "ms", percent: int = 50) -> str | None:
    """Of a row with these samples."""
    return Row("figure", unit, samples, target=Target(bound, percent)).verdict


@pytest.mark.parametrize(
    ("samples", "bound", "unit", "said"),
    [
        pytest.param([1, 2, 300], 2, "ms", "met", id="the median counts"),
        pytest.param([1, 3, 3], 2, "ms", "missed", id="less is better"),
        pytest.param([0.5, 0.45, 0.1], 0.45, "x", "met", id="more is better where the unit says so"),
        pytest.param([0.5, 0.44, 0.1], 0.45, "x", "missed", id="under where more is better"),
        pytest.param([math.nan], 1, "ms", "missed", id="no number meets nothing"),
        pytest.param([-1], 0, "ms", "met", id="ahead"),
    ],
)
def test_a_figure_is_held_against_its_target(samples: list[float], bound: float, unit: str, said: str) -> None:
    assert verdict(samples, bound, unit) == said


def test_a_percentile_leaves_the_few_worst_out() -> None:
    assert verdict([1.0] * 97 + [90.0] * 3, 50, percent=99) == "missed"
    assert verdict([1.0] * 198 + [90.0], 50, percent=99) == "met"
    assert verdict([9.0] * 198 + [1.0], 5, "MB/s", percent=99) == "met"
    assert verdict([9.0] * 98 + [1.0] * 2, 5, "MB/s", percent=99) == "missed"


def test_a_figure_without_a_target_is_not_judged() -> None:
    row = Row("figure", "ms", [1e9])
    assert (row.verdict, row.wanted, row.as_dict()["target"], row.as_dict()["verdict"]) == (None, "", None, None)


def test_the_exit_code_is_of_the_worst_figure() -> None:
    free, met, missed = (
        Row("a", "ms", [9]),
        Row("b", "ms", [1], target=Target(1)),
        Row("c", "ms", [2], target=Target(1)),
    )
    assert [exit_code(rows) for rows in ([], [free, met], [free, missed, met])] == [0, 0, 1]


def test_target_and_verdict_are_told_to_machines_and_to_people() -> None:
    row = Row("page / ceiling", "x", [0.4, 0.4, 0.5], "a note", Target(0.45))
    assert row.as_dict() == {
        "name": "page / ceiling",
        "unit": "x",
        "samples": [0.4, 0.4, 0.5],
        "median": 0.4,
        "note": "a note",
        "target": {"bound": 0.45, "percent": 50, "text": "not under 0.45 x"},
        "verdict": "missed",
        "point": None,
    }
    terminal = io.StringIO()
    show([row, Row("events", "ms", [1], target=Target(50, 99))], Console(file=terminal, width=200))
    shown = terminal.getvalue()
    assert "not under 0.45 x: missed" in shown
    assert "99 in 100 not over 50 ms: met" in shown


def test_what_every_kind_of_process_has_is_a_table_of_its_own() -> None:
    terminal = io.StringIO()
    rows = [Row("CPU, text, Longwire: host", "CPU s/GiB", [2]), Row("CPU, text, Longwire: page", "CPU s/GiB", [0.5])]
    show([*rows, Row("events", "ms", [1])], Console(file=terminal, width=120))
    (line,) = [line for line in terminal.getvalue().splitlines() if "text, Longwire" in line]
    assert [cell.strip() for cell in line.split("│")[1:-1]] == ["text, Longwire", "", "", "", "0.5", "2", "2.5"]
