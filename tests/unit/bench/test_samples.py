"""What is made of samples."""

import pytest

from tests.bench.samples import best, jain, percentile, ratios


@pytest.mark.parametrize(
    ("shares", "index"),
    [
        pytest.param([5, 5, 5, 5], 1.0, id="all the same"),
        pytest.param([7, 0, 0, 0], 0.25, id="one has all"),
        pytest.param([1, 3], 0.8, id="one has three times as much"),
        pytest.param([0, 0], 0.0, id="nobody has anything"),
    ],
)
def test_fairness_is_jains_index(shares: list[float], index: float) -> None:
    assert jain(shares) == pytest.approx(index)


def test_a_percentile_is_a_sample_by_rank() -> None:
    samples = [float(number) for number in reversed(range(200))]
    assert [percentile(samples, percent) for percent in (0, 50, 99, 100)] == [0, 100, 198, 199]


def test_ratios_are_of_the_same_round() -> None:
    assert ratios([2, 9], [4, 3]) == [0.5, 3]
    with pytest.raises(ValueError, match="longer"):
        ratios([1], [1, 2])


def test_the_best_has_the_highest_median() -> None:
    assert best({"steady": [5, 5, 5], "lucky": [1, 2, 90]}) == "steady"
