import math

from hypothesis import given
from hypothesis import strategies as st

from longwire.stats.histogram import Histogram


def of(values: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


@given(
    values=st.lists(st.integers(0, 2**40), min_size=1, max_size=200),
    percent=st.sampled_from([1, 50, 90, 95, 99, 100]),
)
def test_a_percentile_is_the_nearest_rank_within_two_percent_and_never_below(values: list[int], percent: int) -> None:
    true = sorted(values)[max(1, math.ceil(len(values) * percent / 100)) - 1]
    told = of(values).percentile(percent)
    assert told is not None
    assert true <= told <= true * 65 / 64
    assert told <= max(values)


def test_small_durations_are_exact() -> None:
    assert [of([value]).percentile(50) for value in (0, 1, 127)] == [0, 1, 127]


def test_of_nothing_there_is_no_percentile() -> None:
    assert Histogram().percentile(50) is None


def test_a_month_of_different_milliseconds_takes_hundreds_of_counters() -> None:
    histogram = of([round(1.0003**step) for step in range(72_000)])
    assert histogram.most > 30 * 86_400_000 / 2
    assert histogram.buckets < 64 * 34
