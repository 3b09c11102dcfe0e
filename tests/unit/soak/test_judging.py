"""The judge of long runs: what leaks is found, and what only breathes is not."""

import math
from collections.abc import Callable

import pytest

from longwire.protocol.limits import MIB
from tests.soak.judging import Finding, findings, floor_of, rates, slope
from tests.soak.sampling import Role, Sample
from tests.unit.soak.samples import noise, series

WARM_UP_S = 600


def verdict(samples: list[Sample], what: str) -> Finding:
    (found,) = [finding for finding in findings(samples, WARM_UP_S) if finding.what == what]
    return found


def test_a_flat_noisy_host_passes() -> None:
    breath = noise(2 * MIB)

    found = verdict(series(lambda at: 40 * MIB + breath(at)), "memory")

    assert found.ok
    assert abs(found.per_hour) < 0.5 * MIB


def test_a_host_that_loses_two_mebibytes_an_hour_in_the_same_noise_fails() -> None:
    breath = noise(MIB)

    found = verdict(series(lambda at: 40 * MIB + 2 * MIB * at / 3600 + breath(at)), "memory")

    assert found.ok is False
    assert found.per_hour == pytest.approx(2 * MIB, rel=0.2)


def test_growth_of_the_first_ten_minutes_is_warming_up() -> None:
    found = verdict(series(lambda at: 30 * MIB + min(at, 600) * MIB / 60), "memory")

    assert (found.ok, found.per_hour) == (True, 0)


def test_a_few_great_outliers_do_not_make_a_slope() -> None:
    found = verdict(series(lambda at: 40 * MIB + (90 * MIB if at % 300 == 0 and at > 2400 else 0)), "memory")

    assert (found.ok, found.per_hour) == (True, 0)


@pytest.mark.parametrize("mode", ["busy", "idle"])
def test_only_samples_at_rest_count(mode: str) -> None:
    samples = [
        *series(lambda at: 40 * MIB),
        *series(lambda at: 40 * MIB + at * MIB, mode=mode),
    ]

    assert verdict(sorted(samples, key=lambda sample: sample.at), "memory").ok


@pytest.mark.parametrize("what", ["descriptors", "threads"])
def test_one_more_in_ten_minutes_is_not_flat(what: str) -> None:
    assert verdict(counting(lambda at: 12 + at // 600), what).ok is False


@pytest.mark.parametrize("what", ["descriptors", "threads"])
def test_what_comes_and_goes_is_flat(what: str) -> None:
    assert verdict(counting(lambda at: 12 + (at // 60) % 3), what).ok


def test_the_sockets_of_streams_that_begin_late_are_no_growth() -> None:
    def late(at: float) -> float:
        return 1 + (at > 1600) + (at > 2600)

    def sockets(at: float) -> float:
        return 10 + late(at)

    assert verdict(series(lambda _: 40 * MIB, descriptors=sockets, streams=late), "descriptors").ok
    assert verdict(series(lambda _: 40 * MIB, descriptors=sockets), "descriptors").ok is False


@pytest.mark.parametrize("what", ["descriptors", "threads"])
def test_a_pool_of_chromiums_may_add_one_but_not_one_for_each_reload(what: str) -> None:
    assert verdict(counting(lambda at: 13 + (at > 1200) + (at > 2500), role="page"), what).ok
    assert verdict(counting(lambda at: 13 + at // 60, role="page"), what).ok is False


def counting(count: Callable[[float], float], role: Role = "host") -> list[Sample]:
    return series(lambda _: 40 * MIB, role=role, descriptors=count, threads=count)


def saw(at: float) -> float:
    """A collected heap: it fills by 20 MiB in 100 s, and is emptied."""
    return 30 * MIB + 20 * MIB * ((at / 100) % 1)


@pytest.mark.parametrize("role", ["worker", "page", "browser"])
def test_a_collected_heap_is_judged_by_what_is_left_after_collecting(role: Role) -> None:
    assert verdict(series(saw, role=role), "memory").ok
    assert verdict(series(lambda at: saw(at) + 24 * MIB * at / 3600, role=role), "memory").ok is False


def test_a_collector_that_grows_lazy_is_no_leak() -> None:
    samples = series(lambda at: 30 * MIB + (10 * MIB + at * MIB / 60) * ((at / 100) % 1), role="page")

    assert verdict(samples, "memory").ok


def test_each_process_is_judged_by_itself() -> None:
    samples = [*series(lambda _: 40 * MIB, pid=1), *series(lambda at: 40 * MIB + at * MIB / 600, pid=2)]

    found = {finding.pid: finding.ok for finding in findings(samples, WARM_UP_S) if finding.what == "memory"}

    assert found == {1: True, 2: False}


def test_a_short_run_is_judged_only_by_what_it_can_tell() -> None:
    def step(at: float) -> float:
        return 40 * MIB + (0.5 * MIB if at > 400 else 0)

    # Half a mebibyte in five minutes is an allocator's step; one and a half is not.
    assert [found.ok for found in findings(series(step, seconds=600), 300) if found.what == "memory"] == [True]
    steep = series(lambda at: 40 * MIB + at * 0.005 * MIB, seconds=600)
    assert [found.ok for found in findings(steep, 300) if found.what == "memory"] == [False]
    assert [found.ok for found in findings(steep[:70], 300) if found.what == "memory"] == [None]


def test_the_slope_is_the_median_of_all_pairs() -> None:
    assert slope([(0, 0), (1, 1), (2, 2), (3, 300)]) == pytest.approx(1.0, abs=50)
    assert slope([(float(at), 3.0 * at) for at in range(2000)]) == pytest.approx(3.0)
    assert slope([(1, 1)]) == 0


def test_the_floor_is_the_least_of_each_stretch() -> None:
    assert floor_of([(0, 5), (10, 3), (31, 9), (40, 8)], 30) == [(10, 3), (40, 8)]


def test_rates_are_of_each_mode() -> None:
    samples = [*series(lambda _: MIB, seconds=100), *series(lambda _: MIB, pid=8, seconds=100)]

    (rate,) = rates(sorted(samples, key=lambda sample: sample.at))

    # Two processes at two per cent and 50 wake-ups each.
    assert (rate.role, rate.mode, rate.seconds) == ("host", "rest", 95.0)
    assert math.isclose(rate.cpu_percent, 4.0)
    assert math.isclose(rate.wakeups_per_s, 100.0)
