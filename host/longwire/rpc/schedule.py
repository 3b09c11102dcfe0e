"""Which stream sends next: the most urgent, in turn among equals, and none before its time."""

import math
from typing import Final

from longwire.rpc.outgoing import Outgoing

URGENCIES: Final = 8


class Schedule:
    """Dictionaries without values: sets that keep their order."""

    def __init__(self) -> None:
        self._ready: list[dict[Outgoing, None]] = [{} for _ in range(URGENCIES)]
        # Those that wait for a clock: a batch that is not full, a rate.
        self._later: dict[Outgoing, None] = {}

    def add(self, outgoing: Outgoing) -> None:
        """Something of it has changed."""
        if outgoing.due:
            self._later.pop(outgoing, None)
            self._ready[outgoing.options.urgency].setdefault(outgoing)

    def remove(self, outgoing: Outgoing) -> None:
        """It is over."""
        self._later.pop(outgoing, None)
        self._ready[outgoing.options.urgency].pop(outgoing, None)

    def next(self, now: float) -> Outgoing | None:
        """Whose turn it is; it is in no queue any more until it is added again."""
        for outgoing in list(self._later):
            at = outgoing.send_at(now)
            if at is None or at <= now:
                self.add(outgoing)
        for ready in self._ready:
            while ready:
                outgoing = next(iter(ready))
                del ready[outgoing]
                at = outgoing.send_at(now)
                if at is not None and at <= now:
                    return outgoing
                # Without credit it is added again when there is some.
                if at is not None:
                    self._later[outgoing] = None
        return None

    def deadline(self, now: float) -> float:
        """When the first of those that wait may go."""
        times = (outgoing.send_at(now) for outgoing in self._later)
        return min((at for at in times if at is not None), default=math.inf)
