"""The accepted run: what is put into the page, where, and when not."""

import json
from pathlib import Path

import pytest

from tests.bench import accept as accepting
from tests.bench import report
from tests.bench.accept import BEGIN, END, AcceptError, accept, block, with_block
from tests.bench.figures import Point, Row, Target
from tests.bench.machine import Machine, processor
from tests.bench.report import NoRunError, Run, load

MACHINE = Machine("2026-11-30", "abc123", 2, "Some | Processor", 3.9, "6.1", "3.11.2", "Chromium 156", 0.25)
ROWS = [
    Row("random: Longwire", "MB/s", [40.0, 44.0, 42.0], "64 MB a round", point=Point("bodies", "Longwire", "random")),
    Row("random: Longwire / bare channel", "x", [0.7, 0.71, 0.8], "", Target(0.75)),
    Row("CPU, random, Longwire: host", "CPU s/GiB", [1.0]),
]


def run(**changes: object) -> Run:
    return Run(**{"kind": "full", "machine": MACHINE, "rows": ROWS} | changes)  # type: ignore[arg-type]


def test_a_run_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    files = run(failures=["events: gone"]).save(tmp_path)
    assert [file.relative_to(tmp_path).as_posix() for file in files] == ["full.json", "full/bodies.svg"]
    found = load("full", tmp_path)
    assert found == run(failures=["events: gone"])
    assert json.loads(files[0].read_text())["machine"]["cores"] == 2


def test_a_run_that_is_not_there_is_said_with_what_makes_one() -> None:
    with pytest.raises(NoRunError, match="`make bench-growth` makes one"):
        load("growth", report.FOLDER / "nowhere")


def test_the_block_says_machine_targets_and_what_was_missed() -> None:
    text = block(run(), [])
    assert "2026-11-30, commit abc123; 2 cores (Some | Processor)" in text
    assert "Not reached: random: Longwire / bare channel." in text
    assert "| random: Longwire / bare channel | 0.71 x | not under 0.75 x |" in text
    assert "| random: Longwire | 42 MB/s | 64 MB a round |" in text
    assert "](performance/bodies.svg)" in text
    assert "CPU, random" not in text


def test_a_run_that_reached_all_says_so() -> None:
    assert "Every target was reached." in block(run(rows=ROWS[:1]), [])


def test_what_stood_between_the_lines_goes_and_the_rest_stays() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = with_block(page, "new")
    assert (once.startswith("before\n"), once.endswith("\nafter\n"), "old" in once) == (True, True, False)
    assert with_block(once, "new") == once


@pytest.mark.parametrize("page", ["", BEGIN, END])
def test_a_page_without_the_lines_is_not_touched(page: str) -> None:
    with pytest.raises(AcceptError, match="put it back"):
        with_block(page, "new")


def test_a_run_that_lost_a_figure_is_not_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    monkeypatch.setattr(accepting, "load", lambda _: run(failures=["events: gone"]))
    with pytest.raises(AcceptError, match="events: gone"):
        accept(page)
    assert page.read_text() == f"{BEGIN}\n{END}\n"


def test_an_accepted_run_brings_its_plots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(kind: str) -> Run:
        if kind == "growth":
            raise NoRunError
        return run()

    page = tmp_path / "performance.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    monkeypatch.setattr(accepting, "load", found)
    files = accept(page)
    assert [file.relative_to(tmp_path).as_posix() for file in files] == ["performance.md", "performance/bodies.svg"]


def test_the_page_has_a_place_for_the_run() -> None:
    assert with_block(accepting.PAGE.read_text(encoding="utf-8"), "x")


def test_a_processor_is_named_or_its_kind_is() -> None:
    assert processor("processor\t: 0\nmodel name\t: Fast CPU @ 3 GHz\n") == "Fast CPU @ 3 GHz"
    assert processor("processor\t: 0\n")
