"""Two kinds of charts as small SVG files of their own: groups of bars, and lines over a scale of powers of ten.

They are read in a light page and in a dark one, and by people who see few colours: each line has its own dashes, and
each bar says its number.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final, TypeAlias

Points: TypeAlias = Sequence[tuple[float, float]]

WIDTH: Final = 760
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 78, 44
_PLOT: Final = 240
_BAR, _GAP = 19, 22
_NAMES: Final = 206
# Each with a contrast of three to one and more against its background (WCAG 2.2, 1.4.11).
_LIGHT: Final = ("#c2410c", "#57534e", "#1d4ed8", "#15803d", "#7e22ce", "#a16207")
_DARK: Final = ("#fb923c", "#a8a29e", "#7aa2ff", "#4ade80", "#d8b4fe", "#facc15")
_DASHES: Final = ("", "6 3", "2 3", "9 3 2 3", "1 4", "12 4")
_LEGEND_CHARS: Final = 6.6


def bars(title: str, unit: str, values: Mapping[str, Mapping[str, float]]) -> str:
    """A group for each key, with a bar for each series of it that has a value; longer is more."""
    series = _in_order(values.values())
    largest = max((value for group in values.values() for value in group.values()), default=1.0) or 1.0
    room = WIDTH - _NAMES - _RIGHT - 70
    at = 52
    parts: list[str] = []
    for group, by_series in values.items():
        parts.append(f'<text class="t" x="{_LEFT / 4:g}" y="{at + 8}">{escape(group)}</text>')
        at += 16
        for name, value in by_series.items():
            long = max(1.0, value / largest * room)
            parts += [
                f'<text class="m" x="{_NAMES - 6}" y="{at + 13}" text-anchor="end">{escape(name)}</text>',
                f'<rect class="f{series.index(name)}" x="{_NAMES}" y="{at}" width="{long:.1f}" height="{_BAR - 4}"/>',
                f'<text x="{_NAMES + long + 6:.1f}" y="{at + 13}">{value:.3g}</text>',
            ]
            at += _BAR
        at += _GAP - 8
    return _document(title, unit, at + 8, parts)


def lines(title: str, unit: str, across: str, values: Mapping[str, Points], *, from_zero: bool = False) -> str:
    """A line for each series. `across` says what x is: a scale of powers of ten; so is y, unless it is `from_zero`."""
    drawn = {name: [(x, y) for x, y in points if x > 0 and (y > 0 or from_zero)] for name, points in values.items()}
    drawn = {name: points for name, points in drawn.items() if points}
    xs = [x for points in drawn.values() for x, _ in points] or [1.0]
    ys = [y for points in drawn.values() for _, y in points] or [1.0]
    x_low, x_high = _powers(xs)
    y_low, y_high = (0.0, _round_up(max(ys))) if from_zero else _powers(ys)
    bottom = _TOP + _PLOT

    def place_x(x: float) -> float:
        return _LEFT + (math.log10(x) - x_low) / (x_high - x_low) * (WIDTH - _LEFT - _RIGHT)

    def place_y(y: float) -> float:
        height = y if from_zero else math.log10(y)
        return bottom - (height - y_low) / (y_high - y_low) * _PLOT

    parts: list[str] = []
    steps = [y_high * part / 4 for part in range(5)] if from_zero else [10.0**p for p in _between(y_low, y_high)]
    for y in steps:
        parts.append(f'<path class="g" d="M{_LEFT} {place_y(y):.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text class="m" x="{_LEFT - 6}" y="{place_y(y) + 4:.1f}" text-anchor="end">{_short(y)}</text>')
    parts += [
        f'<text class="m" x="{place_x(x):.1f}" y="{bottom + 18}" text-anchor="middle">{_short(x)}</text>'
        for x in (10.0**power for power in _between(x_low, x_high))
    ]
    parts.append(f'<text class="m" x="{WIDTH - _RIGHT}" y="{bottom + 36}" text-anchor="end">{escape(across)}</text>')
    legend = float(_LEFT)
    for index, (name, points) in enumerate(drawn.items()):
        path = "L".join(f"{place_x(x):.1f} {place_y(y):.1f}" for x, y in sorted(points))
        dashes = f' stroke-dasharray="{_DASHES[index % len(_DASHES)]}"' if _DASHES[index % len(_DASHES)] else ""
        parts.append(f'<path class="s{index}" d="M{path}"{dashes}/>')
        parts += [
            f'<circle class="f{index}" cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="3">'
            f"<title>{_short(x)}: {y:.3g} {escape(unit)}</title></circle>"
            for x, y in points
        ]
        parts.append(f'<path class="s{index}" d="M{legend:.0f} 56h24"{dashes}/>')
        parts.append(f'<text x="{legend + 30:.0f}" y="60">{escape(name)}</text>')
        legend += 30 + _LEGEND_CHARS * len(name) + 22
    return _document(title, unit, bottom + _BOTTOM, parts)


def _document(title: str, unit: str, height: float, parts: Sequence[str]) -> str:
    light = "".join(f".f{n}{{fill:{c}}}.s{n}{{stroke:{c}}}" for n, c in enumerate(_LIGHT))
    dark = "".join(f".f{n}{{fill:{c}}}.s{n}{{stroke:{c}}}" for n, c in enumerate(_DARK))
    style = (
        "svg{color-scheme:light dark}text{fill:#1c1917}.m{fill:#57534e}.t{font-weight:bold}.b{fill:#fff}"
        "path{fill:none;stroke-width:2}.g{stroke:#d6d3d1;stroke-width:1}"
        f"{light}@media(prefers-color-scheme:dark){{text{{fill:#f5f5f4}}.m{{fill:#a8a29e}}.b{{fill:#1c1917}}"
        f".g{{stroke:#44403c}}{dark}}}"
    )
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img"'
        ' font-family="system-ui,sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f"<style>{style}</style>",
        f'<rect class="b" width="{WIDTH}" height="{height:.0f}"/>',
        f'<text class="t" x="16" y="22" font-size="15">{escape(title)}</text>',
        f'<text class="m" x="16" y="39">{escape(unit)}</text>',
    ]
    return "\n".join([*head, *parts, "</svg>", ""])


def _in_order(groups: Iterable[Mapping[str, float]]) -> list[str]:
    """Every name of the groups, once, as they first come."""
    return list(dict.fromkeys(name for group in groups for name in group))


def _powers(values: Sequence[float]) -> tuple[float, float]:
    """The powers of ten around the values, at least one apart."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return float(low), float(max(high, low + 1))


def _between(low: float, high: float) -> range:
    return range(math.ceil(low), math.floor(high) + 1)


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 5, 10 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 10) if step * power >= value * 0.999999)


def _short(value: float) -> str:
    for bound, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= bound:
            return f"{value / bound:.3g} {unit}"
    return f"{value:.3g}"
