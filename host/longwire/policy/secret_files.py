"""Secrets in files, and who else could read them.

The rule is the one of ssh for private keys (`sshkey_perm_ok` in OpenSSH's authfile.c): a file of one's own that group
or others may open is refused, because nobody meant that. A file that belongs to root is the administrator's to open
to whom they like (`/run/secrets`), but not to have written by anybody else. And who may write a folder above a file, or
turn round a link to it, may put another in its place: that is asked as for the policy (`ownership`).
"""

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from longwire.policy.ownership import ROOT_UID, Lstat, OwnGroup, own_group, walk, writable_by_others
from longwire.policy.secrets import MAX_SECRET_BYTES, SecretProblem, UnusableSecret
from longwire.storage.opening import READ_FLAGS

_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

_REPLACEABLE: Final = "lies where others could put another file in its place"

Fstat = Callable[[int], os.stat_result]


def own_uid() -> int:
    """The user that this process acts as; -1 where there are no user ids (Windows)."""
    if sys.platform == "win32":
        return -1
    return os.geteuid()


def read_secret_file(
    path: str, *, uid: int, fstat: Fstat = os.fstat, lstat: Lstat = os.lstat, in_own_group: OwnGroup = own_group
) -> bytes:
    """The file's bytes without the line end. `uid` is the user that reads; -1 skips the question of ownership.

    Blocks for one small file. What is checked is the file that was opened, so nothing can be swapped in between.

    Raises:
        UnusableSecret: not there, no regular file, not this user's alone, or others could put another in its place.
    """
    try:
        descriptor = os.open(path, READ_FLAGS)
    except FileNotFoundError:
        raise UnusableSecret("does not exist", problem=SecretProblem.MISSING) from None
    except PermissionError:
        what = "may not be read by the user that runs the browser"
        raise UnusableSecret(what, problem=SecretProblem.FORBIDDEN) from None
    except OSError:
        raise UnusableSecret("cannot be opened") from None
    try:
        status = fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnusableSecret("is not a regular file")
        if uid >= 0 and (problem := mode_problem(status, uid)):
            raise UnusableSecret(problem)
        # The file itself was judged above, as it was opened; what is left is the way to it.
        above = walk(Path(path), lstat).nodes[:-1] if uid >= 0 else ()
        if problem := writable_by_others(above, uid, in_own_group):
            raise UnusableSecret(_REPLACEABLE, f"{_REPLACEABLE}: {problem}")
        # One read of a regular file this small is the whole of it. Three more bytes: a line end, and one too many.
        data = os.read(descriptor, MAX_SECRET_BYTES + 3)
    except OSError:
        raise UnusableSecret("cannot be read") from None
    finally:
        os.close(descriptor)
    # Editors and `echo` end a file with a newline that is not part of the secret.
    return data.removesuffix(b"\n").removesuffix(b"\r")


def mode_problem(status: os.stat_result, uid: int) -> str | None:
    """Who but `uid` and root could read or change a file, with the command that mends it; or None."""
    if status.st_uid not in (uid, ROOT_UID):
        return "belongs neither to you nor to root: make a file of your own"  # who else is nothing for a page
    if status.st_mode & _OTHERS_WRITE:
        return "may be written by others: run `chmod go-w` on it, and see that the secret is still yours"
    if status.st_uid != ROOT_UID and status.st_mode & _OTHERS:
        return "may be read by others: run `chmod 600` on it"
    return None
