"""Sizes and durations as an administrator writes them: `"2GiB"`, `"5m"`. Results are bytes and milliseconds."""

import re
from typing import Final

# Decimal units are powers of 1000, binary ones of 1024 (IEC 80000-13). There is no bare "K": it means both.
_BYTES: Final = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
    "TiB": 1024**4,
}
_MILLISECONDS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_QUANTITY: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))? ?([A-Za-z]{1,3})", re.ASCII)


def parse_size(text: str) -> int:
    """Bytes of `"2GiB"`, `"500MB"`, `"1.5 MiB"`.

    Raises:
        ValueError: not a number with one of the units, or not a whole number of bytes.
    """
    return _parse(text, _BYTES, 'a size such as "2GiB" or "500MB"')


def parse_duration(text: str) -> int:
    """Milliseconds of `"5m"`, `"1.5h"`, `"30s"`, `"250ms"`.

    Raises:
        ValueError: not a number with one of the units, or not a whole number of milliseconds.
    """
    return _parse(text, _MILLISECONDS, 'a duration such as "30s", "5m" or "2h"')


def _with_unit(text: str, units: dict[str, int]) -> str:
    """What a bare number may have meant. A short one cannot be a key."""
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return ""
    usual = "s" if "s" in units else "B"
    return f': write "{text}{usual}"'


def _parse(text: str, units: dict[str, int], wanted: str) -> int:
    match = _QUANTITY.fullmatch(text)
    factor = units.get(match[3]) if match else None
    if match is None or factor is None:
        raise ValueError(f"must be {wanted}; the units are {', '.join(units)}{_with_unit(text, units)}")
    # Integers throughout: 0.1 is not a float's 0.1.
    decimals = match[2] or ""
    scaled = int(match[1] + decimals) * factor
    whole, rest = divmod(scaled, int(10 ** len(decimals)))
    if rest:
        raise ValueError(f"must be {wanted} that comes to a whole number")
    return whole


def duration_text(milliseconds: int) -> str:
    """As people write it, exactly: `15m`, `1d 30s`."""
    parts = []
    for unit, factor in (("d", 86_400_000), *reversed(_MILLISECONDS.items())):
        count, milliseconds = divmod(milliseconds, factor)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"
