"""When what lies on disk is believed: after two equal looks, some time apart. No clock and no disk of its own.

Editors and tools write a file in pieces, truncate it first, or delete and create it. Nobody meant what lies there in
between: it may deny what runs, and it may allow more than the whole file does, because the line that narrows it is not
written yet. So a change counts when a second look, `SETTLE_S` later, shows the same.
"""

from enum import Enum
from typing import Final

SETTLE_S: Final = 0.2
# A file that could not be read is tried again this often; one that never comes to rest is looked at no more often.
RETRY_S: Final = 0.5
# A file without two equal looks for that long is one that never comes to rest.
RESTLESS_S: Final = 2.0


class Verdict(Enum):
    """What a look means."""

    SAME = "same"  # what is believed already
    WAIT = "wait"  # something else, seen once: look again
    BELIEVE = "believe"  # something else, seen twice: it counts from now on


class Settling:
    """One place, looked at again and again. Times are seconds of one monotonic clock, whichever."""

    def __init__(self, settle_s: float = SETTLE_S) -> None:
        self._settle_s = settle_s
        self._signature: object = None
        self._believed: object = None
        self._failed = False  # the believed content is a failure to read
        self._candidate: object = None  # signature and content: what is written again and again is not at rest
        self._since: float | None = None  # when something else than the believed was first seen
        self._looked = 0.0
        self._due: float | None = None  # when the content must be looked at again, whatever the signature

    @property
    def settled(self) -> bool:
        """Whether the latest look showed what is believed."""
        return self._believed is not None and self._candidate is None

    def restless(self, now: float) -> bool:
        """Whether no two looks have been equal for so long that it is not a file being saved."""
        return self._since is not None and now - self._since >= RESTLESS_S

    def wants_content(self, now: float, signature: object) -> bool:
        """Whether this look has to read the content: cheap to ask with only the signature at hand."""
        if self._due is not None and now >= self._due:
            return True
        if signature == self._signature:
            return False
        # This is asked often. A candidate that changes once more is looked at when it is due, not before.
        return self._due is None or (self._failed and self._candidate is None)

    def look(
        self, now: float, signature: object, content: object, *, failed: bool = False, quiet_s: float = 0
    ) -> Verdict:
        """Take a look's result. `now` and `signature` are from before the content was read.

        `failed` says that content stands for a failure to read. `quiet_s` is how long ago the place changed last, by
        its own account: for the very first look that is as good as another look at that time.
        """
        self._signature, self._looked = signature, now
        if content == self._believed:
            return self._rest(failed=failed)
        candidate = (signature, content)
        if candidate == self._candidate and self._due is not None and now >= self._due:
            return self._believe(content, failed=failed)
        if self._since is None:
            self._since = now
        if candidate != self._candidate:
            self._candidate = candidate
            first = self._believed is None
            wait = max(0.0, self._settle_s - quiet_s) if first and quiet_s >= 0 else self._settle_s
            if wait == 0.0:
                return self._believe(content, failed=failed)
            self._due = now + (max(wait, RETRY_S) if self.restless(now) else wait)
        return Verdict.WAIT

    def wait_s(self, now: float) -> float | None:
        """Seconds until the next look is due; None if nothing is, until the signature changes."""
        return None if self._due is None else max(0.0, self._due - now)

    def _believe(self, content: object, *, failed: bool) -> Verdict:
        self._believed = content
        self._rest(failed=failed)
        return Verdict.BELIEVE

    def _rest(self, *, failed: bool) -> Verdict:
        self._candidate = self._since = None
        self._failed = failed
        self._due = self._looked + RETRY_S if failed else None
        return Verdict.SAME
