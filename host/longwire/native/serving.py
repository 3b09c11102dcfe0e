"""What the daemon does while it lives: everything put together once, for every connection; and when it is over."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from signal import Signals
from typing import Any, Final

import anyio
import structlog

from longwire import __version__
from longwire.audit import log as host_log
from longwire.audit.last_words import LAST_WORDS
from longwire.engine.authorization import Authorizer
from longwire.engine.engine import Engine
from longwire.engine.status import PolicyStatus
from longwire.engine.suspending import SuspensionKeeper
from longwire.native.guests import Guests
from longwire.native.kinds import kinds_of
from longwire.native.memory import memory_bytes
from longwire.native.place import Place
from longwire.policy import SuspensionFile, Suspensions
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.limits import EXIT_DEADLINE_MS
from longwire.turns import Turns
from longwire.upstream.client import UpstreamClient

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.daemon")

TICK_S: Final = 1.0


def serve(place: Place, ready: Callable[[], None], *, linger_s: float, signals: Sequence[Signals]) -> None:
    """Serve until it is over. `ready` is called once connections are taken."""
    LAST_WORDS.file = host_log.configure()
    LAST_WORDS.welcomed = True  # whatever ends it from here on is not a start that failed
    log.info("daemon started", version=__version__, python=sys.version.split()[0], owner=place.owner)
    try:
        anyio.run(Daemon(place, linger_s).run, ready, signals)
    finally:
        host_log.finish()


class Daemon:
    """One life of it."""

    def __init__(self, place: Place, linger_s: float) -> None:
        self._place = place
        self._linger_s = linger_s
        self._looked = anyio.Event()  # something may be over
        self._reason = ""
        self._alone_since: float | None = None

    async def run(self, ready: Callable[[], None], signals: Sequence[Signals]) -> None:
        """From the first connection to the end, whose reason is in the log."""
        loop = asyncio.get_running_loop()
        for number in signals:
            loop.add_signal_handler(number, self._end, f"ended by {number.name}")
        turns = Turns()
        upstream = UpstreamClient(turns=turns)
        policy, keeper = LivePolicy(), SuspensionKeeper(Suspensions(SuspensionFile()))
        authorizer = Authorizer(policy, keeper)
        self._rules = PolicyStatus(policy, keeper)
        try:
            kinds = kinds_of(upstream, authorizer, turns)
            self._guests = Guests(self._place, Engine(kinds, self._rules, turns=turns), self.answer)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._rules.follow)
                tasks.start_soon(self._tick_forever)
                tasks.start_soon(self._guests.accept_forever, tasks)
                ready()
                await self._until_over()
                # First of all: who connects from now on starts another one.
                self._place.leave()
                log.info("daemon over", reason=self._reason, connections=self._guests.hosts)
                tasks.cancel_scope.cancel()
        finally:
            authorizer.close()
            with anyio.move_on_after(EXIT_DEADLINE_MS / 3000, shield=True):
                await upstream.aclose()

    # --- for commands ----------------------------------------------------------------------------------------

    async def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """What a command asks, by its `do`."""
        match question.get("do"):
            case "status":
                return {
                    "longwire": __version__,
                    "pid": os.getpid(),
                    "owner": self._place.owner,
                    "connections": self._guests.hosts,
                    "retired": self._place.retired,
                    "memory": memory_bytes(),
                }
            case "stop":
                self._end("stopped by a command")
                return {"stopping": True}
            case "retire":
                if not self._place.retired:
                    self._place.retire()
                    log.info("retired", reason="a host of another version asked")
                self._looked.set()
                return {"retired": True}
            case other:
                return {"error": f"a daemon of the version {__version__} does not know {other!r}"}

    # --- its end ---------------------------------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._looked.set()

    async def _until_over(self) -> None:
        while not self._reason and not self._is_over():
            with anyio.move_on_after(min(TICK_S, self._linger_s)):
                await self._looked.wait()
            self._looked = anyio.Event()

    def _is_over(self) -> bool:
        now = time.monotonic()
        if self._guests.hosts:
            self._alone_since = None
            return False
        if self._place.retired:
            self._reason = "retired, and nothing runs any more"
            return True
        if self._alone_since is None:
            self._alone_since = now
        if now - self._alone_since < self._linger_s:
            return False
        self._reason = "nobody is connected, and nothing is kept"
        return True

    async def _tick_forever(self) -> None:
        """Each connection does this, too; there may be none."""
        while True:
            await anyio.sleep(TICK_S)
            host_log.tick()
            with suppress(OSError):
                await self._rules.tick()
