"""One measured thing: its samples, what it has to reach, and where it stands in a plot."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from tests.bench.samples import percentile

# Units of which more is better; of all others less is. "x" is a ratio to be large, "times" one to be small.
HIGHER_IS_BETTER = frozenset({"MB/s", "1/s", "x", "of 1"})
# Peers, in the names of figures.
BROWSERS_OWN = "browser's fetch"
BARE_CHANNEL = "bare channel"
EXTENSION_ONLY = "extension only"
_MACHINE = (BROWSERS_OWN, BARE_CHANNEL, EXTENSION_ONLY)


@dataclass(frozen=True)
class Target:
    """What a row's samples are held against, in its unit: their median, or another percentile of them."""

    bound: float
    percent: int = 50


class Point(NamedTuple):
    """Where a row stands in a plot: which plot, which line or colour, and at what. Text is a group of bars."""

    plot: str
    series: str
    at: float | str


@dataclass
class Row:
    """One line of the table: samples of one thing, in one unit, and what they have to reach, if anything."""

    name: str
    unit: str
    samples: list[float]
    note: str = ""
    target: Target | None = None
    point: Point | None = None

    @property
    def median(self) -> float:
        """Of the samples."""
        return statistics.median(self.samples)

    @property
    def more_is_better(self) -> bool:
        """Else less is."""
        return self.unit in HIGHER_IS_BETTER

    @property
    def reached(self) -> float:
        """What is held against the target: the median, or the target's percentile."""
        percent = 50 if self.target is None else self.target.percent
        if percent == 50:
            return self.median
        return percentile(self.samples, 100 - percent if self.more_is_better else percent)

    @property
    def verdict(self) -> Literal["met", "missed"] | None:
        """Whether the target is met; None without one. A figure that is no number meets nothing."""
        if self.target is None:
            return None
        bound = self.target.bound
        met = self.reached >= bound if self.more_is_better else self.reached <= bound
        return "met" if met else "missed"

    @property
    def wanted(self) -> str:
        """The target, for people."""
        if self.target is None:
            return ""
        which = "" if self.target.percent == 50 else f"{self.target.percent} in 100 "
        return f"{which}{'not under' if self.more_is_better else 'not over'} {self.target.bound:g} {self.unit}"

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        target = self.target and {"bound": self.target.bound, "percent": self.target.percent, "text": self.wanted}
        return {
            "name": self.name,
            "unit": self.unit,
            "samples": self.samples,
            "median": self.median,
            "note": self.note,
            "target": target,
            "verdict": self.verdict,
            "point": self.point and list(self.point),
        }

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> "Row":
        """The row that `as_dict` told of."""
        target = given["target"] and Target(given["target"]["bound"], given["target"]["percent"])
        point = given["point"] and Point(*given["point"])
        return cls(given["name"], given["unit"], given["samples"], given["note"], target, point)


def is_machine(name: str) -> bool:
    """Whether a figure of this name has no Longwire in it, and so says how fast the machine was."""
    return any(peer in name for peer in _MACHINE) and "Longwire" not in name


def exit_code(rows: Sequence[Row]) -> int:
    """1 if any target is missed."""
    return int(any(row.verdict == "missed" for row in rows))
