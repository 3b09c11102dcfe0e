"""Who else could choose the authorities of a grant: those who may write its `ca_file`, or a folder or link above it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from longwire.policy.ownership import Lstat, OwnGroup, own_group, walk, writable_by_others
from longwire.policy.secret_files import own_uid
from longwire.protocol.errors import ErrorCode, Phase, StreamError

_LOGS_COMMAND: Final = "longwire logs"


def check_ca_file(
    path: str, *, uid: Callable[[], int] = own_uid, lstat: Lstat = os.lstat, in_own_group: OwnGroup = own_group
) -> None:
    """Refuse a file that others than this user and root could have written, or could put another in the place of.

    A path without a file is not judged here: loading it fails with a text of its own. Costs a few `lstat` calls.

    Raises:
        StreamError: UPSTREAM_TLS; the page reads that it is so, the log reads which path, and what to run.
    """
    problem = writable_by_others(walk(Path(path), lstat).nodes, uid(), in_own_group)
    if problem is not None:
        what = "the grant's ca_file could be changed or replaced by others, so it vouches for nobody"
        raise StreamError(
            ErrorCode.UPSTREAM_TLS,
            f"{what}; `{_LOGS_COMMAND}` says what to mend",
            Phase.POLICY,
            reason=f"{what}: {problem}",
            command=_LOGS_COMMAND,
        )
