"""The command line: which figures a run has, and what it is called."""

import pytest

from tests.bench import runs
from tests.bench.__main__ import kind_of, parser
from tests.bench.figures import Row
from tests.bench.runs import Measured
from tests.bench.targets import TARGETS, judged, unmeasured


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ([], "full"),
        (["--quick"], "quick"),
        (["--growth"], "growth"),
        (["--growth", "--quick"], "growth-quick"),
        (["--policy"], "policy"),
        (["--only", "bodies", "--only", "delays", "--quick"], "bodies-delays"),
    ],
)
def test_a_run_is_called_by_what_it_measures(arguments: list[str], kind: str) -> None:
    assert kind_of(parser().parse_args(arguments)) == kind


@pytest.mark.parametrize("name", ["policy", "first-second", "neighbours", "generation", "sockets", "memory"])
def test_the_figures_of_old_options_can_still_be_asked_for(name: str) -> None:
    assert parser().parse_args([f"--{name}"]).only == [name]
    assert name in runs.names()


def test_a_figure_that_nobody_knows_is_refused_with_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--only", "speed"])
    assert "bodies" in capsys.readouterr().err


def test_a_quick_run_has_fewer_figures_and_none_of_its_own() -> None:
    assert set(runs.everything(quick=True)) < set(runs.everything(quick=False)) < set(runs.names())


def test_a_figure_that_fails_leaves_the_others_and_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    def fails() -> list[Row]:
        raise RuntimeError("no channel")

    measured = Measured(Console())
    measured.take("one", lambda: [Row("a", "ms", [1])])
    measured.take("two", fails)
    measured.take("three", lambda: [Row("b", "ms", [1])])
    assert [row.name for row in measured.rows] == ["a", "b"]
    assert measured.failures == ["two: RuntimeError: no channel"]
    assert "no channel" in capsys.readouterr().out


def test_a_target_without_a_figure_is_found() -> None:
    rows = [Row(name, "ms", [1]) for name in TARGETS]
    assert unmeasured(rows) == []
    assert unmeasured(rows[1:]) == [rows[0].name]


def test_rows_get_the_targets_of_their_names() -> None:
    first = next(iter(TARGETS))
    named, free = judged([Row(first, "x", [1]), Row("free", "x", [1])])
    assert (named.target, free.target) == (TARGETS[first], None)
