"""How Longwire carried the bodies that were measured: from the counters in the log's lines about ends."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench.figures import Row
from tests.e2e.browser import Browser

_KIB = 1024
# Of rows that say how, and not how well: no build is worse for them.
UNITS = frozenset({"bytes", "of all", "KiB", "ms/MB"})


class Carriage:
    """Rows of each kind of body. None for a build whose log does not count."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._ends: dict[str, list[dict[str, Any]]] = defaultdict(list)

    @contextmanager
    def of(self, kind: str) -> Iterator[None]:
        """The streams that end in the block carry that kind."""
        before = self._browser.logged()
        yield
        self._ends[kind] += ends(self._browser.logs_since(before).splitlines())

    def rows(self) -> list[Row]:
        """What a byte of body became, how large chunks were, and how long the host waited for the page."""
        return [row for kind, its in self._ends.items() for row in _rows(kind, its)]


def ends(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The lines about ends that count chunks."""
    found = [json.loads(line) for line in lines]
    return [line for line in found if line.get("event") == "end" and line.get("chunks")]


def _rows(kind: str, its: list[dict[str, Any]]) -> list[Row]:
    if not its:
        return []
    carried = [end["carried_bytes"] / end["bytes"] for end in its]
    packed = [end["packed_chunks"] / end["chunks"] for end in its]
    sizes = [end["bytes"] / end["chunks"] / _KIB for end in its]
    joined = [end["pieces"] / end["chunks"] for end in its]
    waited = [end["credit_wait_ms"] / (end["bytes"] / 1e6) for end in its]
    return [
        Row(f"{kind}: carried for a byte of body, Longwire", "bytes", carried, "before base64"),
        Row(f"{kind}: chunks compressed, Longwire", "of all", packed),
        Row(f"{kind}: body in a chunk, Longwire", "KiB", sizes, f"of {joined[-1]:.3g} pieces each"),
        Row(f"{kind}: waited for credit, Longwire", "ms/MB", waited),
    ]
