from decimal import Decimal

import pytest

from longwire.console.figures import amount, count, milliseconds, share, size


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (count(0), "0"),
        (count(9_999_999), "9,999,999"),
        (count(12_345_678), "12.3M"),
        (size(0), "0 B"),
        (size(999), "999 B"),
        (size(1_000), "1 kB"),
        (size(12_345_678_901), "12.3 GB"),
        (size(345_000_000), "345 MB"),
        (size(10**19), "10000 PB"),
        (milliseconds(None), "-"),
        (milliseconds(999), "999 ms"),
        (milliseconds(1_234), "1.23 s"),
        (milliseconds(59_400), "59.4 s"),
        (milliseconds(245_000), "4m 05s"),
        (milliseconds(7_400_000), "2h 03m"),
        (share(0.0163), "1.6 %"),
        (amount(Decimal("0.00012345")), "0.0001234"),
        (amount(Decimal(1500)), "1500"),
    ],
)
def test_a_figure_is_said_in_three_digits_or_so(told: str, says: str) -> None:
    assert told == says


@pytest.mark.parametrize("value", [0, 999, 1_000, 59_999, 60_000, 3_599_999, 3_600_000, 359_999_000])
def test_a_duration_fits_into_its_column(value: int) -> None:
    assert len(milliseconds(value)) <= 8
