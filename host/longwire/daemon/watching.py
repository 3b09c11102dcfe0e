"""Seeing the streams of all hosts of this user, and of the daemon. See `native.showing` for the other end."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from longwire.daemon.address import Address, check_socket, own_address, prepare_folder
from longwire.daemon.client import DaemonMute, NoDaemonThere, ask_at
from longwire.daemon.peer import ForeignPeer

# One that does not answer in time is left out of this look.
PATIENCE_S: Final = 1.0
_OWN_FILE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Seen:
    """One process that has streams: `kind` is host or daemon; `streams` as `Exchange.look` has them."""

    pid: int
    kind: str
    streams: tuple[dict[str, Any], ...]


class Watching:
    """`keep` has hosts offer what they have; a second later `look` sees it."""

    def __init__(self, address: Address | None = None) -> None:
        """Raises UnsafeAddress."""
        self._address = address or own_address()
        prepare_folder(self._address.folder)

    def keep(self) -> None:
        """To be called once a second or so, as long as somebody looks.

        Raises:
            OSError: the folder cannot be written to.
        """
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(self._address.watched, flags, _OWN_FILE)
        try:
            os.utime(descriptor if os.utime in os.supports_fd else self._address.watched)
        finally:
            os.close(descriptor)

    def look(self) -> list[Seen]:
        """What each says, the daemon first.

        Raises:
            UnsafeAddress, ForeignPeer: somebody else could be behind a socket.
        """
        found: list[Seen] = []
        for path in (*self._address.sockets(), *self._address.shown()):
            try:
                found += _seen(ask_at(path, {"do": "streams"}, PATIENCE_S))
            except NoDaemonThere:
                self._forget(path)
            except DaemonMute:
                continue
        return found

    def _forget(self, path: Path) -> None:
        """What a host left that was killed."""
        if path.suffix == ".top":
            with suppress(OSError, ForeignPeer):
                check_socket(path)
                path.unlink()


def _seen(answer: dict[str, Any]) -> list[Seen]:
    pid, kind, streams = answer.get("pid"), answer.get("kind"), answer.get("streams")
    if not isinstance(pid, int) or not isinstance(kind, str) or not isinstance(streams, list):
        return []  # of a version that does not know the question
    return [Seen(pid, kind, tuple(each for each in streams if isinstance(each, dict)))]
