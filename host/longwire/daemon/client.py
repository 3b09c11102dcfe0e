"""Connecting to the daemon, with both ends looked at; and asking it, as a command does.

Nothing here starts a daemon: see `native.starting`.
"""

import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from longwire import __version__
from longwire.daemon.address import Address, check_folder, check_socket, own_address
from longwire.daemon.connected import Connected, unconnected
from longwire.daemon.lines import (
    MAX_GREETING_BYTES,
    MAX_LINE_BYTES,
    BadLine,
    Greeting,
    Hail,
    Role,
    hail_line,
    line,
    read_greeting,
    read_line,
)
from longwire.daemon.peer import own_peer
from longwire.protocol.limits import PROTOCOL_VERSION

# A daemon answers at once, unless it is stopped or its machine is asleep.
PATIENCE_S: Final = 2.0
_READ_BYTES: Final = 64 * 1024


class NoDaemonThere(Exception):
    """Nothing listens, or what listened is just ending."""


class DaemonMute(Exception):
    """It is there and does not answer as it should. The text says which process, and what to do."""


def connect(
    path: Path, role: Role, patience_s: float = PATIENCE_S, *, uid: int | None = None
) -> tuple[Connected, Greeting]:
    """Connect to the daemon behind `path` and exchange lines. What is connected blocks, without a timeout.

    `uid` is whose daemon it has to be; by default this user's.

    Raises:
        NoDaemonThere: nothing listens.
        DaemonMute: no line came in `patience_s`, or not the right one.
        UnsafeAddress, ForeignPeer: it may be another's.
    """
    try:
        check_folder(path.parent, uid)
        check_socket(path, uid)
    except FileNotFoundError:
        raise NoDaemonThere(f"nothing at {path}") from None
    connected = unconnected()
    pid = 0
    try:
        connected.settimeout(patience_s)
        connected.connect(str(path))
        pid = own_peer(connected, uid).pid
        connected.sendall(hail_line(Hail(__version__, PROTOCOL_VERSION, role)))
        answer = receive_line(connected, MAX_GREETING_BYTES)
        if not answer:
            raise NoDaemonThere("it is just ending")
        greeting = read_greeting(answer)
        connected.settimeout(None)
    except (FileNotFoundError, ConnectionError):  # a socket that is left over; or the daemon is just ending
        connected.close()
        raise NoDaemonThere(f"nothing listens at {path}") from None
    except (TimeoutError, BlockingIOError):  # the latter: its queue is full
        connected.close()
        raise DaemonMute(f"the daemon{_process(pid)} does not answer; end it, and try again") from None
    except BadLine as bad:
        connected.close()
        raise DaemonMute(f"the daemon{_process(pid)} answers with {bad}; end it, and try again") from None
    except BaseException:
        connected.close()
        raise
    return connected, greeting


def ask(what: dict[str, Any], address: Address | None = None, patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """Ask the daemon that serves new hosts one thing: `{"do": "status"}` and the like. See `native.serving`.

    Returns its answer: `{"error": TEXT}` where it refuses.

    Raises:
        NoDaemonThere: none runs.
        DaemonMute, UnsafeAddress, ForeignPeer: as `connect`.
    """
    return ask_at((address or own_address()).socket, what, patience_s)


def ask_at(path: Path, what: dict[str, Any], patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """As `ask`, of the daemon behind `path`. Raises what that does."""
    connected, greeting = connect(path, "admin", patience_s)
    with connected:
        try:
            connected.settimeout(patience_s)
            connected.sendall(line(what))
            answer = receive_line(connected, MAX_LINE_BYTES)
            return read_line(answer) if answer else {"error": "the daemon ended meanwhile"}
        except TimeoutError:
            raise DaemonMute(f"the daemon{_process(greeting.pid)} does not answer; end it, and try again") from None
        except ConnectionError:
            return {"error": "the daemon ended meanwhile"}
        except BadLine as bad:
            raise DaemonMute(f"the daemon{_process(greeting.pid)} answers with {bad}; end it, and try again") from None


def statuses(address: Address | None = None, patience_s: float = PATIENCE_S) -> list[tuple[Path, dict[str, Any]]]:
    """Of every daemon that runs, that which serves new hosts first: its socket, and its answer to `status`.

    Raises:
        DaemonMute, UnsafeAddress, ForeignPeer: as `connect`.
    """
    found: list[tuple[Path, dict[str, Any]]] = []
    for path in (address or own_address()).sockets():
        with suppress(NoDaemonThere):
            found.append((path, ask_at(path, {"do": "status"}, patience_s)))
    return found


def receive_line(connected: Connected, max_bytes: int) -> bytes:
    """One line, and nothing of what comes after it; b"" where the other end closed before its end.

    Raises:
        BadLine: it is longer.
        TimeoutError, ConnectionError: as `recv`.
    """
    data = bytearray()
    while not data.endswith(b"\n"):
        seen = connected.recv(_READ_BYTES, socket.MSG_PEEK)
        if not seen:
            return b""
        data += connected.recv(seen.find(b"\n") + 1 or len(seen))
        if len(data) > max_bytes:
            raise BadLine("a line that does not end")
    return bytes(data)


def retire(address: Address) -> None:
    """Tell the daemon there to take no new hosts. Whether it heard is seen at the next look."""
    with suppress(NoDaemonThere, DaemonMute):
        ask({"do": "retire"}, address)


def _process(pid: int) -> str:
    return f" (process {pid})" if pid else ""
