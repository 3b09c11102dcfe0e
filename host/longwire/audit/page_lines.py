"""What a page may write into the log: a share of lines, and numbers for what is beyond it.

The log is bounded: a page that could write without bound would push out the trail of others, and its own. What it does
still shows. At the end of each minute, and of the process, one line for each of its grants counts what was not written:
events by their codes, and bytes of bodies.

One person can have ten thousand pages, by a pattern with a wildcard or by ports. So all pages of one grant share a
bound, all refused pages share one, and beyond a number of pages the counts are added up.
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
# All pages of one grant have as many lines together as so many pages; all refusals, too.
PAGES_AT_ONCE: Final = 10
# Lines with numbers in a minute, of each of the two kinds; those of the pages with the largest, and one of all others.
NUMBERS_PER_MINUTE: Final = 50
_MINUTE_S: Final = 60.0
# What this module itself writes.
_REFUSALS: Final = "refusals not written"
_LINES: Final = "lines not written"


@dataclass(slots=True)
class _Share:
    """One page's, or that of so many `pages`."""

    at_s: float
    pages: int = 1
    used: float = 0
    refusals: int = 0

    def has_line(self, now_s: float) -> bool:
        """Whether there is room for one more, with what came back since it was last looked at."""
        back = (now_s - self.at_s) * self.pages * PAGE_LINES_PER_MINUTE / _MINUTE_S
        self.used, self.at_s = max(0.0, self.used - back), now_s
        return self.used + 1 <= self.pages * PAGE_LINES_AT_ONCE

    @property
    def has_refusal(self) -> bool:
        """The same of refusals."""
        return self.refusals < self.pages * REFUSALS_PER_MINUTE


@dataclass(slots=True)
class _Unwritten:
    """Of one page and grant."""

    events: Counter[str] = field(default_factory=Counter)
    body_bytes: int = 0

    def count(self, event: MutableMapping[str, Any]) -> None:
        """One line more."""
        self.events[" ".join(str(event[name]) for name in ("event", "code") if event.get(name))] += 1
        self.body_bytes += event.get("bytes") or 0

    def add(self, other: "_Unwritten") -> None:
        """Those of another page, too."""
        self.events += other.events
        self.body_bytes += other.body_bytes

    def numbers(self) -> dict[str, Any]:
        """The fields of the line."""
        return {"count": self.events.total(), "events": dict(self.events), "bytes": self.body_bytes}


class PageLines:
    """structlog processor: drops what is over a page's share, and counts it. `now_s` is a clock, in seconds."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._began_s = now_s()
        self._shares: dict[object, _Share] = {}
        self._shares_of_grants: dict[object, _Share] = {}  # that of all refusals under None
        self._unwritten: dict[tuple[object, object], _Unwritten] = {}
        self._refused: Counter[object] = Counter()

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
        now_s = self._began_s = self._now_s()
        self._shares = _still_used(self._shares, now_s)
        self._shares_of_grants = _still_used(self._shares_of_grants, now_s)
        unwritten, self._unwritten = self._unwritten, {}
        refused, self._refused = self._refused, Counter()
        log = structlog.get_logger("longwire.stream")
        for page, count in refused.most_common(NUMBERS_PER_MINUTE):
            del refused[page]
            log.warning(_REFUSALS, page=page, count=count)
        if refused:
            log.warning(_REFUSALS, page=None, pages=len(refused), count=refused.total())
        by_count = sorted(unwritten.items(), key=lambda item: item[1].events.total(), reverse=True)
        for (page, grant), it in by_count[:NUMBERS_PER_MINUTE]:
            log.warning(_LINES, page=page, grant=grant, **it.numbers())
        if others := by_count[NUMBERS_PER_MINUTE:]:
            all_others = _Unwritten()
            for _, it in others:
                all_others.add(it)
            log.warning(_LINES, page=None, pages=len({page for (page, _), _ in others}), **all_others.numbers())

    def _takes(self, event: MutableMapping[str, Any]) -> bool:
        """Whether the page has room for this line, and all of its kind together; counts it."""
        # The writer's lines are no page's share: a page could else keep them out.
        page = f"{event['page']} (writer)" if event.get("principal") else event["page"]
        grant = event.get("grant")
        now_s = self._now_s()
        share = self._shares.setdefault(page, _Share(now_s))
        of_all = self._shares_of_grants.setdefault(grant, _Share(now_s, PAGES_AT_ONCE))
        if "outcome" in event and grant is None:
            if not (share.has_refusal and of_all.has_refusal):
                self._refused[page] += 1
                return False
            share.refusals += 1
            of_all.refusals += 1
            return True
        if share.has_line(now_s) and of_all.has_line(now_s):
            share.used += 1
            of_all.used += 1
            return True
        self._unwritten.setdefault((page, grant), _Unwritten()).count(event)
        return False


def _still_used(shares: dict[object, _Share], now_s: float) -> dict[object, _Share]:
    """Those that are not full again, with the refusals of a new minute."""
    for share in shares.values():
        share.refusals = 0
        share.has_line(now_s)
    return {whose: share for whose, share in shares.items() if share.used}
