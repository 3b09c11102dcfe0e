"""Who is connected to the daemon: hosts, other daemons, commands. Each is looked at before a byte of it is believed."""

import os
from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
import anyio.abc
import structlog

from longwire import __version__
from longwire.daemon.lines import (
    MAX_GREETING_BYTES,
    BadLine,
    Greeting,
    Hail,
    greeting_line,
    line,
    read_hail,
    read_line,
)
from longwire.daemon.peer import ForeignPeer, own_peer
from longwire.engine.channel import ChannelLost
from longwire.engine.engine import Engine
from longwire.native.own_system import SYSTEM
from longwire.native.place import Place
from longwire.native.system import Accepted, LocalChannel
from longwire.protocol.limits import PROTOCOL_VERSION

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.daemon")

# Browsers, and their profiles, at a time. Each has all that a host has: streams, windows, a pool of memory.
MAX_HOSTS: Final = 64
# Connections at a time, of every kind.
MAX_CONNECTIONS: Final = 128
# How long one may take to say what it is; and a command to say what it wants next.
HAIL_S: Final = 2.0
_QUESTION_S: Final = 10.0
# After a connection could not be accepted: descriptors are short, and the event loop would not come to rest.
_PAUSE_S: Final = 0.1

# What a command asks, and the answer.
Answering = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Guests:
    """All of them: `hosts` serves those that are hosts, `daemons` those that are other daemons, `answer` commands.

    `left` is called when a host or another daemon went away.
    """

    def __init__(
        self, place: Place, hosts: Engine, daemons: Engine, answer: Answering, left: Callable[[], None]
    ) -> None:
        self._place = place
        self._engines = {"host": hosts, "daemon": daemons}
        self._answer = answer
        self._left = left
        self.hosts = 0
        self._connections = 0
        self._number = 0

    async def accept_forever(self, tasks: anyio.abc.TaskGroup) -> None:
        """Take whoever connects into `tasks`. Runs until it is cancelled."""
        while True:
            try:
                connected = await SYSTEM.accept(self._place.listener)
            except OSError as error:
                log.warning("not accepted", reason=os.strerror(error.errno or 0))
                await anyio.sleep(_PAUSE_S)
                continue
            if self._connections >= MAX_CONNECTIONS:
                connected.close()
                continue
            self._connections += 1
            tasks.start_soon(self._serve, connected)

    async def _serve(self, connected: Accepted) -> None:
        self._number += 1
        structlog.contextvars.bind_contextvars(connection=self._number)
        channel = SYSTEM.channel(connected)
        try:
            own_peer(connected)
            with anyio.fail_after(HAIL_S):
                said = await receive_line(channel)
            if said:
                await self._by_role(channel, read_hail(said))
        except ForeignPeer as foreign:
            log.warning("refused peer", reason=str(foreign))
        except (BadLine, TimeoutError):
            log.warning("refused peer", reason="it does not say what it is")
        except ChannelLost:
            pass  # it went away before it was answered
        except Exception:  # one connection's defect must not take the others down
            log.exception("defect")
        finally:
            channel.drop()
            self._connections -= 1

    async def _by_role(self, channel: LocalChannel, hail: Hail) -> None:
        why = "" if hail.role == "admin" else self._why_not(hail)
        greeting = Greeting(__version__, PROTOCOL_VERSION, os.getpid(), self._place.owner, not why, why)
        if not why and hail.role != "admin":
            # Before it can send anything: what it starts keeps this daemon.
            self.hosts += 1
        try:
            await channel.write(greeting_line(greeting))
            if hail.role == "admin":
                await answer_forever(channel, self._answer)
            elif not why:
                log.info("connected", role=hail.role, version=hail.version)
                await self._engines[hail.role].serve(channel)
            await channel.close()
        finally:
            if not why and hail.role != "admin":
                self.hosts -= 1
                self._left()

    def _why_not(self, hail: Hail) -> str:
        """Why it is not served; empty if it is."""
        if hail.role == "host" and hail.version != __version__:
            return f"the daemon that runs is of the version {__version__}"
        if hail.role == "host" and self._place.retired:
            return "the daemon that runs takes no new hosts"
        if not self._place.listening:
            return "the daemon that runs is just ending"
        if self.hosts >= MAX_HOSTS:
            return f"the daemon serves {MAX_HOSTS} browsers already: close one"
        return ""


async def answer_forever(channel: LocalChannel, answer: Answering) -> None:
    """Give a command an answer to each line, until it has no more of them.

    Raises:
        BadLine: it says something else.
    """
    while True:
        with anyio.move_on_after(_QUESTION_S) as patience:
            question = await receive_line(channel)
        if patience.cancelled_caught or not question:
            return
        await channel.write(line(await answer(read_line(question))))


async def receive_line(channel: LocalChannel) -> bytes:
    """One line, and nothing of what comes after it; b"" at the end.

    Raises:
        BadLine: it is too long.
    """
    data = b""
    while b"\n" not in data:
        if len(data) > MAX_GREETING_BYTES:
            raise BadLine("a line that does not end")
        piece = await channel.receive()
        if not piece:
            return b""
        data += piece
    said, end, rest = data.partition(b"\n")
    channel.put_back(rest)
    return said + end
