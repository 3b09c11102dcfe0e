"""Many streams at once: does each get on, and as much as the others? Only Longwire: browsers have six to a server."""

import time
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Frame

from tests.bench.figures import Point, Row
from tests.bench.samples import jain
from tests.bench.stage import LONGWIRE, Stage
from tests.e2e.scripts import script

COUNTS: Final = (1, 10, 100, 1000)
# A document may have 256.
_PER_FRAME: Final = 250
# Until the last of them has begun.
_BEGIN_S: Final = 90.0
_LOOK_EVERY_MS: Final = 100
# Eight turns of a stream whose window does not grow.
_TURNS_BYTES: Final = 8 * 32 * 1024
_AT_MOST_S: Final = 60.0

_OPEN_FRAMES: Final = script("open_frames.js")


@dataclass(frozen=True)
class Span:
    """What each stream got in so many seconds, and what those that failed said."""

    got: list[int]
    seconds: float
    failures: list[str]


class ManyStreams:
    """Streams of one tab, which go on until its pages are closed."""

    def __init__(self, stage: Stage, count: int, target: str) -> None:
        self._page = stage.page()
        self._frames = self._open_frames(-(-count // _PER_FRAME))
        for number, frame in enumerate(self._frames):
            here = min(_PER_FRAME, count - number * _PER_FRAME)
            what = {"url": stage.url(LONGWIRE, target), "count": here, "through": LONGWIRE}
            frame.evaluate("(what) => openMany(what)", what)
        self._wait_begun()

    def span(self, seconds: float, bytes_each: int = 0, at_most_s: float = 0) -> Span:
        """Watch for so long, and on until they have `bytes_each` on average, or `at_most_s` are over."""
        before, _ = self._counts()
        began = time.perf_counter()
        self._page.wait_for_timeout(1000 * seconds)
        while True:
            after, failures = self._counts()
            took = time.perf_counter() - began
            if sum(after) - sum(before) >= bytes_each * len(after) or took >= at_most_s:
                break
            self._page.wait_for_timeout(_LOOK_EVERY_MS)
        return Span([then - first for first, then in zip(before, after, strict=True)], took, failures)

    def _open_frames(self, count: int) -> list[Frame]:
        if count == 1:
            return [self._page.main_frame]
        self._page.evaluate(_OPEN_FRAMES, count)
        return [frame for frame in self._page.main_frame.child_frames if frame.url == self._page.url]

    def _wait_begun(self) -> None:
        """Until each has a byte or has failed. Those that have not in time count as without progress."""
        deadline = time.monotonic() + _BEGIN_S
        while time.monotonic() < deadline:
            counts, failures = self._counts()
            if sum(not count for count in counts) <= len(failures):
                return
            self._page.wait_for_timeout(_LOOK_EVERY_MS)

    def _counts(self) -> tuple[list[int], list[str]]:
        counts: list[int] = []
        failures: list[str] = []
        for frame in self._frames:
            found: dict[str, Any] = frame.evaluate("counts()")
            counts += found["counts"]
            failures += found["failures"]
        return counts, failures


def many(stage: Stage, seconds: float, counts: tuple[int, ...] = COUNTS) -> list[Row]:
    """Rows for each count of endless downloads of random bytes: what each got after all had begun, in `seconds`, and in
    as many more as it takes until a turn more or less makes no difference.
    """
    rows: list[Row] = []
    for count in counts:
        span = ManyStreams(stage, count, "/endless-work?kind=random").span(seconds, _TURNS_BYTES, _AT_MOST_S)
        stage.close_pages()
        name = f"{count} stream{'s' if count > 1 else ''}"
        stuck = float(sum(not share for share in span.got))
        failed = span.failures[0][:60] if span.failures else ""
        total = sum(span.got) / 1e6 / span.seconds
        rows += [
            Row(f"{name}: fairness", "of 1", [jain(span.got)], "Jain's index of what each got"),
            Row(f"{name}: without progress", "streams", [stuck], f"in {span.seconds:.1f} s"),
            Row(f"{name}: failed", "streams", [float(len(span.failures))], failed),
            Row(f"{name}: all together", "MB/s", [total], point=Point("streams", "all together", count)),
        ]
    return rows
