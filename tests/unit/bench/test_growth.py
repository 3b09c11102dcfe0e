"""When cost is said to rise."""

import pytest

from tests.bench.growth import Spent, rise


@pytest.mark.parametrize(
    ("costs", "most"),
    [
        pytest.param([9.0, 3.0, 3.0], 1.0, id="falling"),
        pytest.param([2.0, 2.0, 3.0], 1.5, id="at the end"),
        pytest.param([4.0, 2.0, 3.0, 2.0], 1.5, id="in the middle"),
        pytest.param([2.0], 1.0, id="one"),
        pytest.param([0.0, 0.0], 1.0, id="nothing"),
    ],
)
def test_a_rise_is_by_what_was_cheapest_before(costs: list[float], most: float) -> None:
    assert rise(costs) == pytest.approx(most)


def test_cost_is_told_by_kind_of_process_and_together() -> None:
    cost = Spent({"host": 2.0, "page": 6.0}).each(4)
    assert (cost.total, cost.text) == (2.0, "host 0.5, page 1.5")
