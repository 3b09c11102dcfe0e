"""How figures are said to people: three digits or so, and at most eight characters."""

from decimal import Context, Decimal
from typing import Final

_SIZES: Final = ("B", "kB", "MB", "GB", "TB", "PB")
_SECOND_MS: Final = 1000
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_MANY: Final = 10_000_000
_COST: Final = Context(prec=4)


def count(value: int) -> str:
    """`12,345`; from ten million on `12.3M`."""
    return f"{value:,}" if value < _MANY else f"{value / 1e6:,.1f}M"


def size(value: float) -> str:
    """`1.23 MB`, in powers of 1000."""
    for unit in _SIZES:
        if value < 1000 or unit == _SIZES[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.3g} {unit}"


def milliseconds(value: int | None) -> str:
    """`12 ms`, `1.23 s`, `4m 05s`, `2h 03m`; a dash for None."""
    if value is None:
        return "-"
    seconds = value / _SECOND_MS
    if seconds < 1:
        return f"{value} ms"
    if seconds < _MINUTE_S:
        return f"{seconds:.3g} s"
    whole = round(seconds)
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S}m {whole % _MINUTE_S:02}s"
    return f"{whole // _HOUR_S}h {whole % _HOUR_S // _MINUTE_S:02}m"


def share(value: float) -> str:
    """`1.6 %`."""
    return f"{100 * value:.1f} %"


def amount(value: Decimal) -> str:
    """Of money, to four digits."""
    return f"{_COST.plus(value).normalize(_COST):f}"
