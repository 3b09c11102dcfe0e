"""An administrator's secret that users may use: a file of root's that one group can read.

The host runs as the user, so what it can read that user can read, with any program. A group says who: there is no
place that the host could read for a user and that the user could not. Who must not know the secret must not be in it.
"""

import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from longwire.console.errors import CommandError, MisuseError
from longwire.policy import Policy, SecretSource, default_locations
from longwire.policy.files import read_policy
from longwire.policy.ownership import ROOT_UID
from longwire.policy.secret_files import own_uid
from longwire.policy.secrets import is_absolute_path
from longwire.storage.files import make_folder, write_atomically

SYSTEM_GROUP: Final = "longwire"
_PRIVATE_FILE: Final = 0o600
_GROUPS_FILE: Final = 0o640


@dataclass(frozen=True, slots=True)
class Readers:
    """The group that may read a secret."""

    name: str
    gid: int


@dataclass(frozen=True, slots=True)
class UnreadableForUsers:
    """What no user's host can read. `what` is the rest of a sentence that begins with the secret, `fix` what to do."""

    what: str
    fix: str


def group_for_everyone(name: str | None, uid: int | None = None) -> Readers:
    """The group of this name, by default `longwire`.

    Raises:
        CommandError: it does not exist, or whoever asks is not root (`uid`, by default of this process).
    """
    if sys.platform == "win32":
        raise CommandError("--system is for Linux and macOS", "have each user store it: `longwire secret set NAME`")
    if (own_uid() if uid is None else uid) != ROOT_UID:
        raise CommandError("a secret for users of this machine is written by root", "run the command with sudo")
    import grp

    wanted = name or SYSTEM_GROUP
    try:
        return Readers(wanted, grp.getgrnam(wanted).gr_gid)
    except KeyError:
        raise CommandError(
            f"there is no group {wanted}, whose members would read the secret",
            f"make it, and add who may use the secret: `groupadd {wanted}`, then `usermod -aG {wanted} USER` for each; "
            "they log in again. Or name another with --group",
        ) from None


def system_place(name: str, file: Path | None, *, keyring: bool) -> SecretSource:
    """Where the administrator's policy says that the secret lies; else beside that policy.

    Raises:
        MisuseError: it is to lie where no file is, or at a path that is not absolute.
    """
    elsewhere = MisuseError(
        "a keyring or an environment belongs to one user",
        f"name a file in [secret.{name}], or have each user run `longwire secret set {name}`",
    )
    if keyring:
        raise elsewhere
    if file is not None:
        if not is_absolute_path(str(file)):
            raise MisuseError("the path is not absolute", "the policy needs an absolute one: --file /…")
        return SecretSource(name, "file", str(file))
    policy = default_locations().administrator
    document = read_policy(policy, "administrator") if policy.is_file() else None
    if document is not None and document.problems:
        raise CommandError(f"{policy}: {document.problems[0]}", "mend the policy file first, or say --file")
    named = next((source for source in document.secrets if source.name == name), None) if document else None
    if named is not None and named.kind == "command":
        raise MisuseError(
            f"{named.describe()} is what that program prints, for each user", f"name a file in [secret.{name}]"
        )
    if named is not None and named.kind != "file":
        raise elsewhere
    return named or SecretSource(name, "file", str(policy.parent / "secrets" / name))


def store_in_file(path: Path, data: bytes, readers: Readers | None) -> None:
    """Write it for this user alone, or for a group.

    Raises:
        OSError: the system refuses.
    """
    make_folder(path.parent, exact_mode=readers is not None)
    if readers is None:
        write_atomically(path, data, _PRIVATE_FILE)
    else:
        write_atomically(path, data, _GROUPS_FILE, readers.gid)


def problem_for_users(source: SecretSource, policy: Policy, uid: int | None = None) -> UnreadableForUsers | None:
    """Why no user's host can read a file of the administrator's policy, though root can; or None, also for a user.

    `uid` is who asks, by default this process.
    """
    named = any(source in grant.all_secrets for grant in policy.grants if grant.source == "administrator")
    if not named or source.kind != "file" or (own_uid() if uid is None else uid) != ROOT_UID:
        return None
    try:
        status = Path(source.where).stat()
    except OSError:
        return None  # which reading it tells better
    if status.st_mode & stat.S_IROTH or (status.st_mode & stat.S_IRGRP and status.st_gid != ROOT_UID):
        return None
    fix = f"store it with `longwire secret set {source.name} --system`"
    return UnreadableForUsers("can be read by root only", fix)
