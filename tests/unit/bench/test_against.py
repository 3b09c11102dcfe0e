"""When a build is called slower than another one."""

import pytest
from rich.console import Console

from tests.bench.against import BenchError, against, compare


def judged(this: list[float], other: list[float], again: list[float], unit: str = "ms", name: str = "delay") -> bool:
    """Whether `this` is called slower, from one figure of each round."""
    measured = {
        side: [{name: figure} for figure in figures]
        for side, figures in {"this": this, "other": other, "again": again}.items()
    }
    return compare(name, unit, measured).slower


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.02])
def test_as_fast_or_within_the_tolerance_is_not_slower(factor: float) -> None:
    assert not judged([factor] * 3, [1.0] * 3, [factor] * 3)


def test_worse_by_more_than_it_ever_was_by_itself_is_slower() -> None:
    assert judged([1.10, 1.11, 1.12], [1.0] * 3, [1.11, 1.10, 1.12])
    assert judged([90, 90, 91], [100] * 3, [90, 91, 90], unit="MB/s")


def test_worse_by_less_than_it_was_by_itself_is_not_slower() -> None:
    assert not judged([1.0, 1.2, 1.1], [1.0] * 3, [1.2, 1.0, 1.1])


def test_better_is_not_slower_where_more_is_better() -> None:
    assert not judged([120] * 3, [100] * 3, [120] * 3, unit="MB/s")


@pytest.mark.parametrize(
    "name", ["random: browser's fetch", "upload: bare channel, 64 KiB frames", "text: extension only, worker port"]
)
def test_what_has_no_longwire_in_it_is_not_judged(name: str) -> None:
    assert not judged([2.0] * 3, [1.0] * 3, [2.0] * 3, name=name)


@pytest.mark.parametrize("name", ["random: Longwire", "random: Longwire / bare channel", "host: an event"])
def test_what_has_longwire_in_it_is_judged(name: str) -> None:
    assert judged([2.0] * 3, [1.0] * 3, [2.0] * 3, name=name)


def test_a_build_is_held_against_the_ratio_that_it_is_to_reach() -> None:
    def reached(this: float, name: str, unit: str) -> bool | None:
        return compare(
            name,
            unit,
            {
                side: [{name: figure}]
                for side, figure in zip(("this", "other", "again"), (this, 1.0, this), strict=True)
            },
        ).reached

    assert [reached(3.1, "text: Longwire", "MB/s"), reached(2.9, "text: Longwire", "MB/s")] == [True, False]
    assert [reached(0.6, "events, 100/s: added, median", "ms"), reached(0.8, "events, 100/s: added, median", "ms")] == [
        True,
        False,
    ]
    assert reached(0.1, "host: an event", "CPU us") is None


def test_nothing_added_at_all_gives_a_ratio() -> None:
    assert not judged([-0.1] * 3, [0.5] * 3, [0.0] * 3)


def test_a_commit_that_is_not_there_is_said_to_be() -> None:
    with pytest.raises(BenchError, match="no such commit: 0123456789abcdef"):
        against("0123456789abcdef", 1, Console(quiet=True))
