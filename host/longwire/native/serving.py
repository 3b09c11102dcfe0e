"""What the daemon does while it lives: everything put together once, for every connection; and when it is over."""

import asyncio
import gc
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
from longwire.durable.listing import ListedRequest
from longwire.durable.store import FOLDER_NAME, Store, StoreUnusable
from longwire.engine.durable import DurableRequests
from longwire.engine.engine import Engine
from longwire.engine.status import PolicyStatus
from longwire.engine.suspending import SuspensionKeeper
from longwire.engine.switches import refusing
from longwire.folders import state_folder
from longwire.native.elsewhere import elsewhere_at
from longwire.native.guests import Guests
from longwire.native.kinds import Carriers, without_daemon
from longwire.native.memory import memory_bytes
from longwire.native.place import Place
from longwire.policy import SuspensionFile, Suspensions
from longwire.policy.live_policy import LivePolicy
from longwire.protocol.errors import ErrorCode, Phase, StreamError
from longwire.turns import Turns

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.daemon")

TICK_S: Final = 1.0


def serve(place: Place, ready: Callable[[], None], *, linger_s: float, signals: Sequence[Signals]) -> None:
    """Serve until it is over. `ready` is called once connections are taken."""
    LAST_WORDS.file = host_log.configure()
    LAST_WORDS.welcomed = True  # whatever ends it from here on is not a start that failed
    store = _store(place.owner)
    log.info("daemon started", version=__version__, python=sys.version.split()[0], owner=place.owner)
    # What was imported lives as long as the process; to look through it again and again takes 25 ms each time.
    gc.freeze()
    try:
        anyio.run(Daemon(place, store, linger_s).run, ready, signals)
    finally:
        host_log.finish()


class Daemon:
    """One life of it."""

    def __init__(self, place: Place, store: Store | None, linger_s: float) -> None:
        """Without a `store` nothing is durable; everything else is as ever."""
        self._place = place
        self._store = store
        self._linger_s = linger_s
        self._looked = anyio.Event()  # something may be over
        self._durable: DurableRequests | None = None
        self._reason = ""
        self._alone_since: float | None = None

    async def run(self, ready: Callable[[], None], signals: Sequence[Signals]) -> None:
        """From the first connection to the end, whose reason is in the log."""
        loop = asyncio.get_running_loop()
        for number in signals:
            with suppress(NotImplementedError):  # Windows' loop has none; nor is a process without a console sent any
                loop.add_signal_handler(number, self._end, f"ended by {number.name}")
        turns = Turns()
        policy, keeper = LivePolicy(), SuspensionKeeper(Suspensions(SuspensionFile()))
        carriers = Carriers(policy, keeper, turns)
        authorizer = self._authorizer = carriers.authorizer
        self._rules = PolicyStatus(policy, keeper)
        try:
            kinds = carriers.kinds
            if self._store is None:
                kinds = without_daemon(kinds, policy, _refuse_durable)
                switched = refusing
            else:
                elsewhere = elsewhere_at(self._place.address)
                durable = DurableRequests(kinds, authorizer, policy, self._store, turns=turns, elsewhere=elsewhere)
                kinds, self._durable = durable.kinds, durable
                switched = durable.switched
            self._for_hosts = Engine(kinds, self._rules, turns=turns, switched=switched)
            for_daemons = Engine(kinds, self._rules, turns=turns)
            self._guests = Guests(self._place, self._for_hosts, for_daemons, self.answer, self._release_secrets)
            async with anyio.create_task_group() as tasks:
                if self._durable is None:
                    tasks.start_soon(self._rules.follow)
                else:
                    tasks.start_soon(self._durable.run)
                tasks.start_soon(self._tick_forever)
                self._place.listen()
                tasks.start_soon(self._guests.accept_forever, tasks)
                ready()
                await self._until_over()
                # First of all: who connects from now on starts another one.
                self._place.leave()
                log.info("daemon over", reason=self._reason, connections=self._guests.hosts, unknown=self._running)
                tasks.cancel_scope.cancel()
        finally:
            await carriers.close()

    # --- for commands ----------------------------------------------------------------------------------------

    async def answer(self, question: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911  (a table of questions)
        """What a command asks, by its `do`."""
        match question.get("do"):
            case "status":
                return {
                    "longwire": __version__,
                    "pid": os.getpid(),
                    "owner": self._place.owner,
                    "connections": self._guests.hosts,
                    "running": self._running,
                    "kept": 0 if self._durable is None else self._durable.kept,
                    "retired": self._place.retired,
                    "memory": memory_bytes(),
                }
            case "list":
                entries = [] if self._durable is None else await self._all(self._durable)
                return {"requests": [each.told() for each in entries]}
            case "streams":
                kept = [] if self._durable is None else self._durable.look()
                return {"pid": os.getpid(), "kind": "daemon", "streams": [*self._for_hosts.look(), *kept]}
            case "forget":
                return await self._forget(str(question.get("id", "")))
            case "stop":
                self._end("stopped by a command")
                return {"stopping": True}
            case "retire":
                await self._retire("a host of another version asked")
                return {"retired": True}
            case other:
                return {"error": f"a daemon of the version {__version__} does not know {other!r}"}

    @staticmethod
    async def _all(durable: DurableRequests) -> list[ListedRequest]:
        """Also where a command comes before this daemon has looked at what an earlier one left."""
        await durable.ready()
        return durable.entries()

    async def _forget(self, key_id: str) -> dict[str, Any]:
        try:
            return {"forgot": self._durable is not None and await self._durable.forget(key_id)}
        except StreamError as error:
            return {"error": error.text}

    async def _retire(self, reason: str) -> None:
        if self._place.retired:
            return
        log.info("retired", reason=reason, running=self._running)
        self._place.retire()
        try:
            if self._durable is not None:
                await self._durable.retire()
        except StreamError as error:  # what has ended stays here until this process is gone
            log.warning("not handed over", reason=error.text)
        # What has ended is another daemon's from here on: the next host of these browsers finds that one.
        self._for_hosts.leave()
        self._looked.set()

    # --- its end ---------------------------------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        self._looked.set()

    async def _until_over(self) -> None:
        while not self._reason and not self._is_over():
            with anyio.move_on_after(min(TICK_S, self._linger_s)):
                await self._looked.wait()
            self._looked = anyio.Event()

    @property
    def _running(self) -> int:
        return 0 if self._durable is None else self._durable.running

    def _is_over(self) -> bool:
        now = time.monotonic()
        idle = self._durable is None or self._durable.idle
        # What is kept, the next daemon has taken over.
        if self._guests.hosts or not (self._running == 0 if self._place.retired else idle):
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

    def _release_secrets(self) -> None:
        """A host would have ended with its browser, and with it what it had in memory."""
        if not self._guests.hosts and not self._running:
            self._authorizer.release_secrets()

    async def _tick_forever(self) -> None:
        """Each connection does this, too; there may be none."""
        while True:
            await anyio.sleep(TICK_S)
            host_log.tick()
            with suppress(OSError):
                await self._rules.tick()
            self._release_secrets()
            if not self._place.retired and not self._place.found:
                # Nobody finds it any more: the next host starts another one.
                await self._retire("its socket was taken away")


def _store(owner: str) -> Store | None:
    try:
        return Store(state_folder() / FOLDER_NAME, owner)
    except StoreUnusable as unusable:
        log.error("nothing is durable", reason=f"{unusable.text}: {unusable.fix}")  # noqa: TRY400  (no place, but a fix)
        return None


def _refuse_durable() -> None:
    message = "durable requests cannot be kept on this machine just now; the log says why (`longwire logs`)"
    raise StreamError(ErrorCode.HOST_UNAVAILABLE, message, Phase.POLICY, retryable=True)
