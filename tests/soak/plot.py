"""The picture of a run: memory, descriptors, threads, CPU and wake-ups over time, as a small SVG of its own."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final, TypeAlias

from longwire.protocol.limits import MIB
from tests.soak.judging import by_process, thinned
from tests.soak.load import Phase
from tests.soak.sampling import ROLES, Role, Sample

Points: TypeAlias = list[tuple[float, float]]

WIDTH, PANEL, GAP = 860, 120, 30
HEAD, LINE = 58, 13
LEFT, RIGHT = 52, 16
POINTS_PER_LINE: Final = 180
# Dark enough on white for lines (WCAG 2.2, 1.4.11), told apart by people who see few colours.
COLOURS: Final[dict[Role, str]] = {"host": "#c2410c", "worker": "#1d4ed8", "page": "#15803d", "browser": "#57534e"}
SHADES: Final = {"idle": "#eef2ff", "rounds": "#fafaf9", "long streams": "#fff7ed", "deaths": "#fef2f2"}


@dataclass(frozen=True)
class Panel:
    """`series` gives the points of one process from its samples."""

    title: str
    series: Callable[[Sequence[Sample]], Points]


def _level(value: Callable[[Sample], float]) -> Callable[[Sequence[Sample]], Points]:
    return lambda samples: [(sample.at, value(sample)) for sample in samples]


def _rate(value: Callable[[Sample], float]) -> Callable[[Sequence[Sample]], Points]:
    return lambda samples: [
        (after.at, (value(after) - value(before)) / (after.at - before.at))
        for before, after in pairwise(samples)
        if after.at > before.at
    ]


PANELS: Final = (
    Panel("memory of its own, MiB", _level(lambda sample: sample.memory / MIB)),
    Panel("descriptors", _level(lambda sample: sample.descriptors)),
    Panel("threads", _level(lambda sample: sample.threads)),
    Panel("CPU, % of a core", _rate(lambda sample: 100 * sample.cpu)),
    Panel("wake-ups per second", _rate(lambda sample: sample.wakeups)),
)


def plot(samples: Sequence[Sample], phases: Sequence[Phase], moments: Sequence[tuple[float, str]], title: str) -> str:
    """The SVG. A process has a line of its own, in the colour of its role."""
    end = max((sample.at for sample in samples), default=1.0) or 1.0

    def x(at: float) -> float:
        return LEFT + at / end * (WIDTH - LEFT - RIGHT)

    top = HEAD + LINE * len(moments)
    height = top + len(PANELS) * (PANEL + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{LEFT}" y="18" font-size="13" font-weight="bold">{escape(title)}</text>',
    ]
    for index, role in enumerate(ROLES):
        at = LEFT + index * 90
        parts.append(f'<path d="M{at} 32h16" stroke="{COLOURS[role]}" stroke-width="3"/>')
        parts.append(f'<text x="{at + 21}" y="36">{role}</text>')
    for phase in phases:
        left, right = x(phase.start), x(min(phase.end, end))
        parts.append(
            f'<rect x="{left:.1f}" y="{HEAD - 8}" width="{max(0.0, right - left):.1f}" height="{height - HEAD - 12}" '
            f'fill="{SHADES.get(phase.name, "#fff")}"><title>{escape(phase.name)}</title></rect>'
        )
        if right - left > 7 * len(phase.name):
            parts.append(f'<text x="{left + 3:.1f}" y="{HEAD - 11}" fill="#57534e">{escape(phase.name)}</text>')
    for row, (when, text) in enumerate(sorted(moments)):
        place, foot = x(when), HEAD + LINE * row
        # What comes late is named on the left of its line, so that it fits.
        side, anchor = (-4, "end") if place > WIDTH / 2 else (4, "start")
        parts.append(f'<path d="M{place:.1f} {foot - 6}V{height - 20}" stroke="#a8a29e" stroke-dasharray="2 3"/>')
        parts.append(
            f'<text x="{place + side:.1f}" y="{foot + 4}" fill="#57534e" text-anchor="{anchor}">{escape(text)}</text>'
        )
    for index, panel in enumerate(PANELS):
        parts += _panel(panel, samples, top + index * (PANEL + GAP), x, end)
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, samples: Sequence[Sample], top: int, x: Callable[[float], float], end: float) -> list[str]:
    lines = [(role, _thin(panel.series(mine))) for (role, _), mine in by_process(samples).items()]
    highest = max((value for _, points in lines for _, value in points), default=1.0)
    ceiling, step = _scale(highest)
    bottom = top + PANEL

    def y(value: float) -> float:
        return bottom - value / ceiling * (PANEL - 18)

    parts = [f'<text x="{LEFT}" y="{top + 8}" font-weight="bold">{escape(panel.title)}</text>']
    for index in range(round(ceiling / step) + 1):
        value = index * step
        parts.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#e7e5e4"/>')
        parts.append(f'<text x="{LEFT - 5}" y="{y(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    minutes = end / 60
    step_minutes = next((step for step in (1, 2, 5, 10, 20, 30) if minutes / step <= 12), 60)
    parts += [
        f'<text x="{x(minute * 60):.1f}" y="{bottom + 13}" text-anchor="middle">{minute} min</text>'
        for minute in range(0, int(minutes) + 1, step_minutes)
    ]
    colours: defaultdict[str, list[str]] = defaultdict(list)
    for role, points in lines:
        if points:
            colours[COLOURS[role]].append(_line([(round(x(at)), round(y(value), 1)) for at, value in points]))
    for colour, paths in colours.items():
        parts.append(f'<path d="{"".join(paths)}" fill="none" stroke="{colour}" stroke-width="1.3"/>')
    return parts


def _line(points: Points) -> str:
    """A path, without the points in the middle of what is level."""
    inner = [
        here
        for before, here, after in zip(points, points[1:], points[2:], strict=False)
        if not before[1] == here[1] == after[1]
    ]
    kept = [points[0], *inner, *points[-1:]]
    return "M" + " ".join(f"{at:g},{value:g}" for at, value in kept)


def _thin(points: Points) -> Points:
    return thinned(points, POINTS_PER_LINE)


def _scale(highest: float) -> tuple[float, float]:
    """(end of the axis, step of its lines): round numbers, three to five lines."""
    power = 1.0
    while power * 10 < highest:
        power *= 10
    while power > highest > 0:
        power /= 10
    step = next(step for step in (power / 2, power, 2 * power, 5 * power) if highest <= 5 * step)
    count = 1
    while count * step < highest:
        count += 1
    return count * step, step
