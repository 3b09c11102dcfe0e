"""What a page may write into the log: a share of lines, and of what is over it the numbers.

The log is bounded, so whoever could write without bound would write the trail of others away, and its own. What a page
does still shows: with the end of each minute, and of the process, one line for each of its grants says what was not
written, every event by its code, and how many bytes of bodies that was.
"""

import time
from collections import Counter
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

# Of each page, and of those together whose page could not be read: lines about what no grant allowed.
REFUSALS_PER_MINUTE: Final = 30
# All other lines of a page: so many at once, and then as they come back. A request has four.
PAGE_LINES_AT_ONCE: Final = 600
PAGE_LINES_PER_MINUTE: Final = 30
_MINUTE_S: Final = 60.0
# What this module itself writes.
_REFUSALS: Final = "refusals not written"
_LINES: Final = "lines not written"


@dataclass(slots=True)
class _Share:
    """One page's."""

    at_s: float
    lines: float = PAGE_LINES_AT_ONCE
    refusals: int = 0

    def refill(self, now_s: float) -> None:
        """What came back since it was last looked at."""
        back = (now_s - self.at_s) * PAGE_LINES_PER_MINUTE / _MINUTE_S
        self.lines, self.at_s = min(PAGE_LINES_AT_ONCE, self.lines + back), now_s


@dataclass(slots=True)
class _Unwritten:
    """Of one page and grant."""

    events: Counter[str] = field(default_factory=Counter)
    body_bytes: int = 0


class PageLines:
    """structlog processor: drops what is over a page's share, and counts it. `now_s` is a clock, in seconds."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._began_s = now_s()
        self._shares: dict[object, _Share] = {}
        self._unwritten: dict[tuple[object, object], _Unwritten] = {}

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        self.tick()
        if "page" not in event or event["event"] in (_REFUSALS, _LINES):
            return event
        if not self._takes(event):
            raise structlog.DropEvent
        return event

    def tick(self) -> None:
        """Where a minute is over, tell what was not written in it, and begin a new one."""
        if self._now_s() - self._began_s >= _MINUTE_S:
            self.flush()

    def flush(self) -> None:
        """Tell what was not written, and begin a new minute."""
        shares, self._shares = self._shares, {}
        unwritten, self._unwritten = self._unwritten, {}
        self._began_s = self._now_s()
        log = structlog.get_logger("longwire.stream")
        for page, share in shares.items():
            if share.refusals > REFUSALS_PER_MINUTE:
                log.warning(_REFUSALS, page=page, count=share.refusals - REFUSALS_PER_MINUTE)
            share.refusals = 0
            share.refill(self._began_s)
            if share.lines < PAGE_LINES_AT_ONCE:
                self._shares[page] = share
        for (page, grant), it in unwritten.items():
            count = it.events.total()
            log.warning(_LINES, page=page, grant=grant, count=count, events=dict(it.events), bytes=it.body_bytes)

    def _takes(self, event: MutableMapping[str, Any]) -> bool:
        """Whether the page has room for this line; counts it."""
        page, grant = event["page"], event.get("grant")
        share = self._shares.setdefault(page, _Share(self._now_s()))
        if "outcome" in event and grant is None:
            share.refusals += 1
            return share.refusals <= REFUSALS_PER_MINUTE
        share.refill(self._now_s())
        if share.lines >= 1:
            share.lines -= 1
            return True
        unwritten = self._unwritten.setdefault((page, grant), _Unwritten())
        unwritten.events[" ".join(str(event[name]) for name in ("event", "code") if event.get(name))] += 1
        unwritten.body_bytes += event.get("bytes") or 0
        return False
