"""Where the daemon listens: a folder that is its user's alone, and in it a socket for each place of policy and state.

    FOLDER/NAME.sock         the daemon that serves new hosts
    FOLDER/NAME.OWNER.sock   one of an earlier version, which finishes what it has
    FOLDER/NAME.lock         held by the first of them for as long as it serves new hosts
    FOLDER/NAME.starting     held by the host that starts one
    FOLDER/NAME.watched      touched while somebody wants to see the streams of hosts
    FOLDER/NAME.PID.top      of a host by itself, for that; and only meanwhile

NAME stands for the policy file and the state folder: who has others (another HOME) has another daemon. On Windows a
file lies in each socket's place, which names a pipe (`named_pipe`). Who may write to a folder of the user's profile is
not looked at there, as with the policy file; both ends look at each other.
"""

import os
import stat
import sys
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from longwire.folders import runtime_folder, state_folder, user_policy

# `sun_path` has 104 bytes on macOS and the BSDs, 108 on Linux, and its end is one.
MAX_SOCKET_PATH_BYTES: Final = 103
# In the place of a user's number where they have none: Windows.
NO_UID: Final = -1
_FOLDER: Final = 0o700
_OTHERS: Final = 0o077
_OTHERS_WRITE: Final = 0o022
# As long as the longest name of a file in the folder, see below.
_NAME_CHARS: Final = len("/12345678.0123456789abcdef.sock")


class UnsafeAddress(Exception):
    """Others could be behind the socket, or get at it. The text names the path and the fix."""


class Address(NamedTuple):
    """`folder` may be missing; nothing about it was looked at."""

    folder: Path
    name: str

    @property
    def socket(self) -> Path:
        """Of the daemon that serves new hosts."""
        return self.folder / f"{self.name}.sock"

    @property
    def lock(self) -> Path:
        """Held by that daemon."""
        return self.folder / f"{self.name}.lock"

    @property
    def starting(self) -> Path:
        """Held by whoever starts one."""
        return self.folder / f"{self.name}.starting"

    def retired(self, owner: str) -> Path:
        """Of a daemon that serves no new hosts."""
        return self.folder / f"{self.name}.{owner}.sock"

    @property
    def watched(self) -> Path:
        """Touched once a second or so by whoever wants to see the streams of hosts."""
        return self.folder / f"{self.name}.watched"

    def shown_by(self, pid: int) -> Path:
        """Of a host that is no daemon's, while somebody watches."""
        return self.folder / f"{self.name}.{pid}.top"

    def shown(self) -> list[Path]:
        """Those that lie there. One may be a leftover.

        Raises:
            UnsafeAddress, FileNotFoundError: as `check_folder`.
        """
        check_folder(self.folder)
        return sorted(self.folder.glob(f"{self.name}.*.top"))

    def sockets(self) -> list[Path]:
        """Those that lie there: of the daemon that serves new hosts, and then of earlier ones. One may be a leftover.

        Raises:
            UnsafeAddress: as `check_folder`.
        """
        try:
            check_folder(self.folder)
        except FileNotFoundError:
            return []
        earlier = sorted(self.folder.glob(f"{self.name}.*.sock"))
        return [path for path in (self.socket, *earlier) if os.path.lexists(path)]


def own_address(uid: int | None = None) -> Address:
    """Of the daemon for this process's policy and state."""
    uid = own_uid() if uid is None else uid
    state = state_folder()
    mark = zlib.crc32(b"\0".join(map(os.fsencode, (state, user_policy()))))
    if uid == NO_UID:
        return Address(state / "run", f"{mark:08x}")
    runtime = runtime_folder(uid)
    folders = [*([runtime / "longwire"] if runtime is not None else []), state / "run"]
    fitting = (each for each in folders if len(os.fsencode(each)) + _NAME_CHARS <= MAX_SOCKET_PATH_BYTES)
    # Where no socket fits into these: whoever else makes that folder first is found out, and refused.
    return Address(next(fitting, Path(f"/tmp/longwire-{uid}")), f"{mark:08x}")  # noqa: S108


def own_uid() -> int:
    """Of this process; NO_UID on Windows."""
    if sys.platform == "win32":
        return NO_UID
    return os.getuid()


def prepare_folder(folder: Path, uid: int | None = None) -> None:
    """Make the folder where it is missing, and look at it.

    Raises:
        UnsafeAddress: as `check_folder`; or it cannot be made.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER)
        folder.mkdir(exist_ok=True, mode=_FOLDER)
    except FileExistsError:
        pass  # no folder: told below
    except OSError as error:
        raise UnsafeAddress(f"{folder} cannot be made: {error.strerror}; make {folder.parent} yours") from None
    check_folder(folder, uid)


def check_folder(folder: Path, uid: int | None = None) -> None:
    """Make sure that nobody else can put a socket there, or get at one.

    Raises:
        UnsafeAddress: it is another's, a link, open to others, or others could put another in its place.
        FileNotFoundError: there is none.
    """
    uid = own_uid() if uid is None else uid
    status = _looked_at(folder)
    if not stat.S_ISDIR(status.st_mode) or _leads_elsewhere(status):
        raise UnsafeAddress(f"{folder} is a link or a file, and should be a folder: remove it")
    if uid == NO_UID:
        return
    if status.st_uid != uid:
        raise UnsafeAddress(f"{folder} belongs to user id {status.st_uid}: have it removed")
    if status.st_mode & _OTHERS:
        raise UnsafeAddress(f"{folder} is open to others: run `chmod 700 {folder}`")
    above = folder.parent.stat()
    if above.st_uid not in (uid, 0):
        raise UnsafeAddress(f"{folder.parent} belongs to user id {above.st_uid}, who could put another {folder} there")
    # In a sticky folder nobody can move what belongs to somebody else.
    if above.st_mode & _OTHERS_WRITE and not above.st_mode & stat.S_ISVTX:
        raise UnsafeAddress(f"{folder.parent} may be written by others: run `chmod go-w {folder.parent}`")


def check_socket(path: Path, uid: int | None = None) -> None:
    """Make sure that this is a socket of this user's own.

    Raises:
        UnsafeAddress: it is something else.
        FileNotFoundError: there is nothing.
    """
    uid = own_uid() if uid is None else uid
    status = _looked_at(path)
    if not is_socket(status):
        raise UnsafeAddress(f"{path} is no socket: remove it")
    if uid not in (NO_UID, status.st_uid):
        raise UnsafeAddress(f"{path} belongs to user id {status.st_uid}: have it removed")


def is_socket(status: os.stat_result, platform: str = sys.platform) -> bool:
    """Whether it is what a daemon listens at: on Windows the file that names a pipe."""
    if platform == "win32":
        return stat.S_ISREG(status.st_mode) and not _leads_elsewhere(status)
    return stat.S_ISSOCK(status.st_mode)


def _leads_elsewhere(status: os.stat_result) -> bool:
    """Whether it is a junction, which looks like a folder, or whatever else Windows has of that kind."""
    return bool(getattr(status, "st_reparse_tag", 0))


def _looked_at(path: Path) -> os.stat_result:
    try:
        return path.lstat()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnsafeAddress(f"{path} cannot be looked at: {error.strerror}") from None
