"""The policy that a running host decides by: looked at again and again, believed at the second look, read in a thread.

Running streams keep their policy until another one is believed. A new request waits for that, for a bounded time, and
is then refused with a text that says to try again.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import anyio
import anyio.lowlevel
import structlog

from longwire.policy.files import PolicyFiles, load
from longwire.policy.policy import Policy
from longwire.policy.settling import SETTLE_S, Settling, Verdict
from longwire.protocol.errors import ErrorCode, Phase, StreamError

log: structlog.stdlib.BoundLogger = structlog.get_logger("longwire.policy")

# How long a request waits between looks at a policy that keeps changing or cannot be read before it is refused, and how
# long in all. The looks themselves count for the second alone: a slow machine takes its time over them, and waiting
# leads to something then.
WAIT_S: Final = 2.0
LONGEST_S: Final = 10.0


class LivePolicy:
    """One per host. `follow` sees changes by itself once it is told to look (`poke`); every request looks too."""

    def __init__(
        self, files: PolicyFiles | None = None, settle_s: float = SETTLE_S, *, at_console: bool = False
    ) -> None:
        """`at_console` says that this process runs for a person at a console, and for no browser."""
        self._files = files or PolicyFiles()
        self._at_console = at_console
        self._settling = Settling(settle_s)
        self._policy = self._files.unread()
        self._read = self._policy  # the latest that was believed, which stands in for none if it could not be read
        # A thread of its own: a lookup of names that hangs must not keep a policy from being revoked.
        self._thread = ThreadPoolExecutor(1, "longwire-policy")
        self._looking: asyncio.Future[None] | None = None
        self._poked = anyio.Event()
        self._watchers: dict[int, Callable[[Policy], None]] = {}
        self._watches = 0

    def current(self) -> Policy:
        """What is in force: the last good policy, or a closed one that says why."""
        return self._policy

    @property
    def at_rest(self) -> bool:
        """Whether what is in force is what lies on disk. A few `lstat` calls."""
        if self._looking is not None or not self._settling.settled:
            return False
        return not self._settling.wants_content(anyio.current_time(), self._files.signature())

    def poke(self) -> None:
        """Have `follow` look, if there is anything to see. A few `lstat` calls."""
        if not self.at_rest:
            self._poked.set()

    async def follow(self) -> None:
        """See changes without being asked by a request. Runs until it is cancelled; several may at once."""
        while True:
            # One event for all who follow: whoever goes first may end first.
            if self._poked.is_set():
                self._poked = anyio.Event()
            poked = self._poked
            wait = await self._look()
            if wait is None:
                await poked.wait()
            else:
                await anyio.sleep(wait)

    async def settled(self) -> Policy:
        """The policy that decides what begins now. Does not give the loop back where nothing changed.

        Raises:
            StreamError: POLICY_INVALID, retryable: a file keeps changing, takes too long, or cannot be read just now.
        """
        left_s = WAIT_S
        with anyio.move_on_after(LONGEST_S):
            # A file tells nobody that it is another.
            while (wait := await self._look()) is not None and not self._decides and left_s > 0:
                await anyio.sleep(min(wait, left_s))
                left_s -= wait
        if self._looking is not None or not self._decides:
            raise self._refusal()
        return self._policy

    def watch(self, changed: Callable[[Policy], None]) -> Callable[[], None]:
        """Have `changed` called with each policy that comes into force. It must not raise. Returns what ends that."""
        self._watches += 1
        number = self._watches
        self._watchers[number] = changed

        def unwatch() -> None:
            self._watchers.pop(number, None)

        return unwatch

    @property
    def _decides(self) -> bool:
        return self._settling.settled and not self._read.unread

    def _refusal(self) -> StreamError:
        if self._settling.settled and self._read.unread:
            what = f"cannot be read just now: {self._read.problems[0].finding}"
        elif self._settling.restless(anyio.current_time()):
            what = "keeps changing; it counts when it has been left alone for a moment"
        else:
            what = "is still being read"
        message = f"the policy file {what}. Try again; `longwire policy show` says more"
        return StreamError(ErrorCode.POLICY_INVALID, message, Phase.POLICY, retryable=True)

    async def _look(self) -> float | None:
        """Look once; returns the seconds until the next look is due, None where nothing is."""
        if self._looking is None:
            now = anyio.current_time()
            if not self._settling.wants_content(now, self._files.signature()):
                return self._settling.wait_s(now)
            # Not a task of whoever asks: it may be aborted, and the others wait for the same look.
            self._looking = asyncio.ensure_future(self._look_closely(now))
        await asyncio.shield(self._looking)
        return self._settling.wait_s(anyio.current_time())

    async def _look_closely(self, now: float) -> None:
        try:
            loop = asyncio.get_running_loop()
            look = await loop.run_in_executor(self._thread, self._files.look)
            quiet_s = (time.time_ns() - look.changed_ns) / 1e9
            verdict = self._settling.look(now, look.signature, look.seen, failed=look.seen.failed, quiet_s=quiet_s)
            if verdict is Verdict.BELIEVE:
                policy = await loop.run_in_executor(self._thread, load, look.seen)
                await self._believe(replace(policy, at_console=self._at_console))
        finally:
            self._looking = None

    async def _believe(self, policy: Policy) -> None:
        self._read = policy
        if policy.unread:
            log.warning("policy not read", reason=policy.problem, keeps=self._policy.digest)
            if not self._policy.unread:
                return  # the last good one stays in force
        if policy.identity == self._policy.identity:
            return
        self._policy = policy
        for number, changed in list(self._watchers.items()):
            if number in self._watchers:
                changed(policy)
            # Each of a thousand streams is judged again, and none of them holds the others up.
            await anyio.lowlevel.checkpoint()
