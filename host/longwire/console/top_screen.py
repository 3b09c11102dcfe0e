"""`longwire top` for people: what lives, as lines no wider than the console. Texts of pages are shown, not obeyed."""

from collections.abc import Sequence
from typing import Any, Final

from rich.text import Text

from longwire.console.figures import milliseconds, size
from longwire.protocol.errors import printable

# One look after another: what came meanwhile, by process and stream.
Key = tuple[int, int, int]

_CELLS: Final = (("state", 9), ("age", 8), ("down", 9), ("rate", 11), ("up", 9), ("rate", 11), ("waits for", 10))
_STATES: Final = {"open": "waiting", "body": "open", "aborting": "ending", "closed": "ended"}
_LINES_OF_HEAD: Final = 2
_LINES_OF_STREAM: Final = 2


class Rates:
    """Bytes per second since the last look, both ways."""

    def __init__(self) -> None:
        self._last: dict[Key, tuple[float, int, int]] = {}
        self._now: dict[Key, tuple[float, int, int]] = {}

    def begin(self) -> None:
        """Another look."""
        self._last, self._now = self._now, {}

    def of(self, key: Key, at_s: float, down: int, up: int) -> tuple[float, float] | None:
        """None the first time."""
        self._now[key] = at_s, down, up
        if key not in self._last:
            return None
        then_s, was_down, was_up = self._last[key]
        passed = max(at_s - then_s, 0.001)
        return max(0, down - was_down) / passed, max(0, up - was_up) / passed


def rows_of(
    processes: Sequence[tuple[int, str, Sequence[dict[str, Any]]]], rates: Rates, at_s: float
) -> list[dict[str, Any]]:
    """Every stream with its process, its rates, and who holds it back: nobody, where bytes flow. The fastest first."""
    rates.begin()
    rows = []
    for pid, kind, streams in processes:
        for number, stream in enumerate(streams):
            whose = _whole(stream, "connection"), _whole(stream, "stream") or -number
            rate = rates.of((pid, *whose), at_s, _whole(stream, "down"), _whole(stream, "up"))
            flows = rate is not None and any(rate)
            row = {**stream, "pid": pid, "process": kind}
            row |= {"down_per_s": rate and round(rate[0]), "up_per_s": rate and round(rate[1])}
            row["waits_for"] = None if flows else stream.get("waits_for")
            rows.append(row)
    return sorted(rows, key=lambda row: (-(row["down_per_s"] or 0) - (row["up_per_s"] or 0), _whole(row, "age_ms")))


def screen(rows: Sequence[dict[str, Any]], processes: int, width: int, height: int) -> list[Text]:
    """Lines of one look: never more than `height`, none wider than `width`."""
    down, up = (sum(row[name] or 0 for row in rows) for name in ("down_per_s", "up_per_s"))
    hosts = "1 host" if processes == 1 else f"{processes} hosts"
    streams = "1 stream" if len(rows) == 1 else f"{len(rows)} streams"
    lines = [
        Text.assemble(("longwire top", "bold"), f"  {streams}, {hosts}  {size(down)}/s down  {size(up)}/s up   q ends"),
        Text("".join(f"{word:>{chars}}" for word, chars in _CELLS) + "  grant", "dim"),
    ]
    room = max(0, height - _LINES_OF_HEAD)
    fitting = len(rows) if len(rows) * _LINES_OF_STREAM <= room else max(0, (room - 1) // _LINES_OF_STREAM)
    for row in rows[:fitting]:
        lines += _lines(row)
    if fitting < len(rows):
        lines.append(Text(f"and {len(rows) - fitting} more", "dim"))
    if not rows:
        lines.append(Text("no stream lives", "dim"))
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines[: max(1, height)]


def _lines(row: dict[str, Any]) -> list[Text]:
    held = row["waits_for"] or ""
    figures = (
        _STATES.get(str(row.get("state")), "?"),
        milliseconds(_whole(row, "age_ms")),
        size(_whole(row, "down")),
        _rate(row["down_per_s"]),
        size(_whole(row, "up")),
        _rate(row["up_per_s"]),
        printable(str(held)),
    )
    cells = [f"{text:>{chars}}" for text, (_, chars) in zip(figures, _CELLS, strict=True)]
    style = "yellow" if held == "page" else ""
    marks = [word for word, there in (("writer", row.get("principal")), ("durable", row.get("durable"))) if there]
    names = [row.get("page"), "→", row.get("method"), row.get("destination"), *(f"({mark})" for mark in marks)]
    return [
        Text(" ".join(printable(str(name)) for name in names if name), "bold"),
        Text.assemble("".join(cells[:-1]), (cells[-1], style), "  ", printable(str(row.get("grant") or ""))),
    ]


def _rate(value: int | None) -> str:
    return "" if value is None else f"{size(value)}/s"


def _whole(row: dict[str, Any], name: str) -> int:
    value = row.get(name)
    return value if isinstance(value, int) else 0
