"""Whether only its owner can change a policy file (threat 20): root the administrator's, the user the user's.

The file, every folder above it, and whatever a link on the way leads to must belong to the owner and be writable by
nobody else. A POSIX access list that lets someone write shows up in the group bits (they are its mask), so it is
caught too.
"""

import errno
import os
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT_UID: Final = 0
_MAX_LINKS: Final = 40  # what Linux follows before ELOOP
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
# What `lstat` says until somebody changes something. A disk that does not answer may answer in a moment.
_LASTING: Final = frozenset({errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})

Lstat = Callable[[str], os.stat_result]
# Whether a group (by its id) is a user's (by theirs) alone.
OwnGroup = Callable[[int, int], bool]


class Node(NamedTuple):
    """One thing passed on the way: a folder, a link or the file, and what `lstat` says of it."""

    path: str
    status: os.stat_result


class Trail(NamedTuple):
    """Everything between the root folder and a file, in the order in which the kernel passes it.

    `missing` is the path at which nothing was found. `through_link` says that a link led there: then somebody meant
    a file to be there. `problem` is what stands in the way until somebody changes something, `failure` what may pass
    by itself.
    """

    nodes: tuple[Node, ...]
    missing: str | None = None
    through_link: bool = False
    problem: str | None = None
    failure: str | None = None

    @property
    def changed_ns(self) -> int:
        """When the file, a link to it, or the folder where it is missing, last changed: by the wall clock.

        A new file in an old one's place has a new time, whatever `utime` says of its contents.
        """
        deciding = [node.status for node in self.nodes if stat.S_ISLNK(node.status.st_mode)]
        deciding += [node.status for node in self.nodes[-1:]]
        return max((max(status.st_mtime_ns, status.st_ctime_ns) for status in deciding), default=0)

    def signature(self) -> tuple[object, ...]:
        """Changes whenever the answer of `ownership_problem` or the file's contents may have."""
        folders = tuple(
            (node.status.st_dev, node.status.st_ino, node.status.st_mode, node.status.st_uid) for node in self.nodes
        )
        if not self.nodes or self.missing:
            return (*folders, self.missing, self.problem, self.failure)
        last = self.nodes[-1].status
        return (*folders, last.st_size, last.st_mtime_ns, last.st_ctime_ns)


def walk(path: Path, lstat: Lstat = os.lstat) -> Trail:
    """Look at every component of an absolute path, following links as the kernel would.

    Raises nothing: what stands in the way is in the trail.
    """
    todo = list(reversed(path.parts[1:]))
    here = path.anchor
    nodes: list[Node] = []
    links = 0
    try:
        nodes.append(Node(here, lstat(here)))
        while todo:
            name = todo.pop()
            here = str(Path(here).parent) if name == ".." else str(Path(here) / name)
            status = lstat(here)
            nodes.append(Node(here, status))
            if stat.S_ISLNK(status.st_mode):
                links += 1
                if links > _MAX_LINKS:
                    return Trail(tuple(nodes), problem=f"{path} is a circle of links")
                target = Path(here).readlink()
                todo += reversed(target.parts[1:] if target.is_absolute() else target.parts)
                here = target.anchor if target.is_absolute() else str(Path(here).parent)
    except FileNotFoundError:
        return Trail(tuple(nodes), missing=here, through_link=links > 0)
    except OSError as error:
        if error.errno not in _LASTING:
            return Trail(tuple(nodes), failure=f"{here} cannot be looked at")
        reason = "may not be looked at by this user" if error.errno == errno.EACCES else "cannot be looked at"
        return Trail(tuple(nodes), problem=f"{here} {reason}")
    return Trail(tuple(nodes))


def ownership_problem(trail: Trail, platform: str = sys.platform) -> str | None:
    """Why others than root could change this file, with the command that mends it; None if they cannot."""
    if platform == "win32":
        # Access lists are read by none of the modules above; an unverified file must not be trusted.
        return "this version of Longwire cannot check who may write the administrator's policy on Windows"
    for node in trail.nodes:
        if node.status.st_uid != ROOT_UID:
            return (
                f"{node.path} belongs to user id {node.status.st_uid}, not to root: "
                f"run `chown --no-dereference root:root {node.path}`"
            )
        # A link's own mode means nothing: what counts is who may replace it, and that is its folder.
        if not stat.S_ISLNK(node.status.st_mode) and node.status.st_mode & _OTHERS_WRITE:
            return f"{node.path} may be written by others than root: run `chmod go-w {node.path}`"
    if not stat.S_ISREG(trail.nodes[-1].status.st_mode):
        return f"{trail.nodes[-1].path} is not a regular file"
    return None


def own_group(gid: int, uid: int) -> bool:
    """Whether the group is the one that a system makes for each user, with nobody else in it.

    Where there are such groups new files are writable by them (umask 002), and nobody else gains by it.
    """
    if sys.platform == "win32":
        return False
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    except KeyError:
        return False
    return user.pw_gid == gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}


def user_file_problem(trail: Trail, uid: int, in_own_group: OwnGroup = own_group) -> str | None:
    """Who but the user `uid` and root could write the user's file or put another in its place; or None.

    -1 as `uid` skips the question, where there are no user ids (Windows).
    """
    return writable_by_others(trail.nodes, uid, in_own_group)


def writable_by_others(nodes: Sequence[Node], uid: int, in_own_group: OwnGroup = own_group) -> str | None:
    """Which of `nodes` others than `uid` and root could change, and what to do about it; None if none. -1 as above."""
    for node in nodes if uid >= 0 else ():
        mode = node.status.st_mode
        if node.status.st_uid not in (uid, ROOT_UID):
            return (
                f"{node.path} belongs to user id {node.status.st_uid}, who could change what lies there: keep the file "
                "where everything above it is yours or root's"
            )
        # In a sticky folder nobody can move what belongs to somebody else.
        if stat.S_ISLNK(mode) or (stat.S_ISDIR(mode) and mode & stat.S_ISVTX):
            continue
        by_group = mode & stat.S_IWGRP and not in_own_group(node.status.st_gid, uid)
        if mode & stat.S_IWOTH or by_group:
            return f"{node.path} may be written by others than you: run `chmod go-w {node.path}`"
    return None
