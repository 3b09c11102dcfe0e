import pytest

from longwire.policy.units import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("1B", 1), ("2GiB", 2 * 1024**3), ("500MB", 500_000_000), ("1.5 MiB", 1_572_864), ("0.001kB", 1), ("3KB", 3000)],
)
def test_sizes_are_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("250ms", 250), ("30s", 30_000), ("5m", 300_000), ("1.5h", 5_400_000), ("2 h", 7_200_000)],
)
def test_durations_are_milliseconds(text: str, milliseconds: int) -> None:
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "5", "5K", "GiB", "-1MB", "1e3B", "1.0001MB", "٣MB", "1MB ", "1,5MB", "0.5B"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as"):
        parse_size(text)


@pytest.mark.parametrize("text", ["", "5", "5min", "1d", "-1s", "0.5ms", "5 M"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as"):
        parse_duration(text)
