"""The plots of a run: which rows they show, and in which form."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.bench.figures import Row
from tests.bench.svg import bars, lines


class _Plot(NamedTuple):
    """`across` says what x is; None: groups of bars."""

    file: str
    title: str
    unit: str
    across: str | None = None
    from_zero: bool = False


# By the name that rows give.
PLOTS: Final[dict[str, _Plot]] = {
    "bodies": _Plot("bodies.svg", "A body at the page", "MB/s of body, medians; more is better"),
    "random by size": _Plot("random-by-size.svg", "Random bytes by size of the body", "MB/s", "bytes"),
    "text by size": _Plot("text-by-size.svg", "SSE text by size of the body", "MB/s", "bytes"),
    "delay by pace": _Plot("delay.svg", "How late an event is", "ms, medians; less is better", "events a second"),
    "events a second": _Plot("events.svg", "Events through one stream", "events a second; more is better"),
    "uploads": _Plot("uploads.svg", "An upload at the server", "MB/s; more is better"),
    "streams": _Plot("streams.svg", "Many downloads at once", "MB/s of all together", "streams", from_zero=True),
    "cost by size": _Plot("cost-by-size.svg", "What a byte costs, by size of the body", "CPU s/GiB", "bytes"),
    "cost by streams": _Plot("cost-by-streams.svg", "What a byte costs, by streams", "CPU s/GiB", "streams"),
    "event by streams": _Plot("event-by-streams.svg", "What an event costs, by streams", "CPU ms", "streams"),
}


def pictures(rows: Sequence[Row]) -> dict[str, str]:
    """The plots that these rows make, by the name of the file."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.point is not None:
            found[row.point.plot].append(row)
    return {PLOTS[name].file: _picture(PLOTS[name], sorted(its, key=_ours_first)) for name, its in found.items()}


def write_pictures(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Put them into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pictures(rows).items():
        file = folder / name
        file.write_text(text, encoding="utf-8")
        written.append(file)
    return written


def _ours_first(row: Row) -> bool:
    """Longwire has the first place and the first colour in every plot; all else stays in its order."""
    return row.point is None or row.point.series != "Longwire"


def _picture(plot: _Plot, rows: Sequence[Row]) -> str:
    if plot.across is None:
        groups: dict[str, dict[str, float]] = defaultdict(dict)
        for row in rows:
            assert row.point is not None
            groups[str(row.point.at)][row.point.series] = row.median
        return bars(plot.title, plot.unit, groups)
    series: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        assert row.point is not None
        series[row.point.series].append((float(row.point.at), row.median))
    return lines(plot.title, plot.unit, plot.across, series, from_zero=plot.from_zero)
