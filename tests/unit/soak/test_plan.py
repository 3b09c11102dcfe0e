"""What a run of so many minutes does, and what it says that it leaves out."""

import pytest

from longwire.protocol.limits import MIB
from tests.soak.plan import IDLE_S, plan_for


def test_an_hour_has_everything_in_full() -> None:
    plan = plan_for(60)

    assert (plan.silent, plan.download_bytes, plan.idles) == (31 * 60, 10 * 1024 * MIB, 2)
    assert plan.warm_up == 600


@pytest.mark.parametrize("minutes", [2, 3, 5, 6, 10, 15, 30, 60, 600])
def test_the_phases_fit_into_the_minutes_there_are(minutes: float) -> None:
    plan = plan_for(minutes)

    assert plan.opening + plan.idles * IDLE_S + plan.long < plan.total == minutes * 60
    assert max(plan.silent, plan.late, plan.download) < plan.long - plan.quiet / 2
    assert plan.warm_up < plan.long / 2


def test_what_is_left_out_is_said() -> None:
    words = " ".join(plan_for(3).words)

    for part in ("no idle phase", "silent stream", "late first byte", "slow download", "growth"):
        assert part in words
