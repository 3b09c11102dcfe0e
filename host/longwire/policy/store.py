"""The policy for one look: by a command, or a check of the doctor. A host follows it: `policy.live_policy`."""

import os
from collections.abc import Callable

from longwire.policy.files import Look, PolicyFiles, load
from longwire.policy.locations import Locations
from longwire.policy.ownership import Lstat
from longwire.policy.policy import Policy
from longwire.policy.secret_files import own_uid


class PolicyStore:
    """The policy as it is on disk now, believed at the first look."""

    def __init__(
        self, locations: Locations | None = None, *, lstat: Lstat = os.lstat, uid: Callable[[], int] = own_uid
    ) -> None:
        self._files = PolicyFiles(locations, lstat=lstat, uid=uid)
        self._look: Look | None = None
        self._policy = self._files.unread()

    @property
    def locations(self) -> Locations:
        """Where this store looks."""
        return self._files.locations

    def current(self) -> Policy:
        """The policy, read again if a file changed or could not be read. Otherwise a few `lstat` calls."""
        known = self._look
        if known is None or known.seen.failed or known.signature != self._files.signature():
            self._look = self._files.look()
            if known is None or known.seen != self._look.seen:
                self._policy = load(self._look.seen)
        return self._policy
