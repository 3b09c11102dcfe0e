"""Whether this host has to be a pipe to the daemon: only where a policy file says something of durable requests, or
where responses lie that were kept by an earlier policy: the daemon deletes them when their time is over.

Asked before anything large is imported, so the files are read as they are: who may write them, and whether all of a
file is right, is looked at where it decides something. At worst a daemon runs that has nothing durable to do.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from longwire.folders import administrator_policy, durable_folder, user_policy
from longwire.storage.opening import READ_FLAGS

# A policy is at most a quarter of it; what is larger is refused anyway.
_MAX_BYTES: Final = 1024 * 1024
_KEY: Final = "durable"


def wants_daemon(files: tuple[Path, ...] | None = None, kept: Path | None = None) -> bool:
    """Whether a grant in one of the policy `files` (by default this user's and the administrator's) says `durable`, or
    responses lie in `kept` (by default where they do).
    """
    paths = (administrator_policy(), user_policy()) if files is None else files
    return any(_says_durable(_read(path)) for path in paths) or _keeps_responses(kept or durable_folder())


def _keeps_responses(folder: Path) -> bool:
    """Whether a response lies there. Records alone do not count: one that is unknown stays until it is forgotten."""
    try:
        with os.scandir(folder) as entries:
            return any(entry.is_dir(follow_symlinks=False) for entry in entries)
    except OSError:
        return False


def _read(path: Path) -> bytes:
    """Its first bytes; none where it cannot be read."""
    try:
        descriptor = os.open(path, READ_FLAGS)
    except OSError:
        return b""
    try:
        return os.read(descriptor, _MAX_BYTES)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _says_durable(data: bytes) -> bool:
    # A backslash: TOML lets a key be written in escapes.
    if _KEY.encode() not in data and b"\\" not in data:
        return False
    import tomllib  # here: most policies have no use for it yet

    # What cannot be parsed grants nothing. When it is mended, the host that runs then finds out by itself.
    with suppress(ValueError, RecursionError):
        return _has_durable_grant(tomllib.loads(data.decode("utf-8")))
    return False


def _has_durable_grant(content: dict[str, Any]) -> bool:
    grants = content.get("grant")
    return isinstance(grants, list) and any(isinstance(each, dict) and _KEY in each for each in grants)
