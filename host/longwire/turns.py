"""One rule for everything that brings bytes in: after a bounded amount of work the event loop goes round.

A socket, a decoder or the browser's pipe can hold thousands of small things that are there already: interim answers,
one-byte chunks, tiny frames. Whoever works through them never has to wait, and without a rule nobody else gets a turn.
So each of them asks for a `step` before each small piece of work. All of them together have `TURN_S` in one round of
the loop; who asks beyond that waits, and is let in one after the other while there is time in a round, the pages in
rotation. However many streams one page has, another page's step comes after at most one turn of each page that wants
one; and none of its own streams has two steps while another waits for one.

Work that cannot be cut so small goes `aside`, into a thread; each page has one.

A turn is a span of time and not a checkpoint for each step, because a round of the loop costs as much as many steps.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import Final, TypeVar
from weakref import WeakValueDictionary

import anyio
import anyio.lowlevel
import anyio.to_thread

T = TypeVar("T")

# Work in one round of the loop. An event takes three or four rounds through the host, an ordinary step 0.02 to 0.2 ms.
TURN_S: Final = 0.0005
# So many are let in for one round, and go on waiting in front where the time is over before they come.
_MOST_IN_A_ROUND: Final = 32


class Turns:
    """Shared by everything in one event loop. `who` is whose work it is: a page, as far as it can be told."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        # When the turn that is on is used up; None while the loop has gone round and nobody has asked again.
        self._ends_at: float | None = None
        # The longest waiting first, and of each page its longest waiting first.
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()
        # Let in in this round, for whom there was no time: in front of all others in the next.
        self._put_off: list[tuple[Hashable, asyncio.Future[None]]] = []
        self._first = False  # whoever was let in and comes first has a turn in any case
        # Those in use: a task that is in one, or waits for it, holds it.
        self._lanes: WeakValueDictionary[Hashable, anyio.CapacityLimiter] = WeakValueDictionary()

    async def step(self, who: Hashable) -> None:
        """Come before each piece of work that takes no longer than a millisecond or so.

        Returns at once while there is time. Cancelling it is harmless.
        """
        # Not past those of the same page that wait: they would be passed again and again.
        if who not in self._waiting:
            if self._ends_at is None:
                self._begin()
                return
            if self._clock() < self._ends_at:
                return
        turn = self._turn()
        self._waiting.setdefault(who, deque()).append(turn)
        while not await self._let_in(turn):
            turn = self._turn()
            self._put_off.append((who, turn))

    async def _let_in(self, turn: asyncio.Future[None]) -> bool:
        """Wait for it; whether there is time."""
        await turn
        # anyio delivers no cancellation to a task whose future is done already, as this one's is in each round.
        await anyio.lowlevel.checkpoint_if_cancelled()
        now = self._clock()
        if self._first:
            # What the loop did before it came here is not this turn's work.
            self._first = False
            self._ends_at = now + TURN_S
            return True
        return self._ends_at is None or now < self._ends_at

    @staticmethod
    def _turn() -> "asyncio.Future[None]":
        return asyncio.get_running_loop().create_future()

    async def aside(self, who: Hashable, work: Callable[[], T]) -> T:
        """Have a thread do what takes longer than `step` is for; one thread for all that comes from `who`.

        Cancelling it while it waits for the thread takes effect at once. Work that has begun is waited for, so whoever
        comes back from here may release what the work was done on.
        """
        lane = self._lanes.get(who)
        if lane is None:
            lane = self._lanes[who] = anyio.CapacityLimiter(1)
        done = await anyio.to_thread.run_sync(work, limiter=lane)
        await anyio.lowlevel.checkpoint_if_cancelled()
        return done

    def _begin(self) -> None:
        self._ends_at = self._clock() + TURN_S
        # Runs in the next round, after the work that this turn lets in.
        asyncio.get_running_loop().call_soon(self._over)

    def _over(self) -> None:
        self._ends_at = None
        for who, turn in reversed(self._put_off):
            self._waiting.setdefault(who, deque()).appendleft(turn)
            self._waiting.move_to_end(who, last=False)
        self._put_off.clear()
        let_in = 0
        while let_in < _MOST_IN_A_ROUND and self._waiting:
            who, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[who] = queue  # behind the others
            if not turn.done():  # cancelled
                turn.set_result(None)
                let_in += 1
        if let_in:
            self._first = True
            self._begin()
