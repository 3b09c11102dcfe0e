"""One request of a replay: its steps, at their pace, until they or the client are at their end."""

import statistics
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from longwire.recording.reader import RecordedStream
from longwire.replay.pace import Pace
from longwire.replay.steps import Act, Step
from longwire.replay.telling import Watcher

Do = Callable[[Step], Awaitable[None]]
Play = Callable[[Do], Coroutine[Any, Any, Act]]
_WORDS: Final = {Act.FINISH: "whole", Act.STALL: "stalled", Act.BREAK: "broken off"}


class Exchange:
    """Goes through the steps of a stream, and tells of it."""

    def __init__(self, number: int, stream: RecordedStream, watcher: Watcher) -> None:
        self._number = number
        self._stream = stream
        self._watcher = watcher
        self._late: list[float] = []
        self._bytes = 0
        self._how = "left by the client"

    async def play(self, steps: list[Step], pace: Pace, do: Do) -> Act:
        """Do all of them; gives the last one's act, which is left to the caller where it is no FINISH."""
        for step in steps:
            self._watcher.waits(self._number, step)
            late = await pace.until(step.t)
            await do(step)
            self._late.append(late)
            self._bytes += len(step.data)
            self._watcher.did(self._number, step, late)
            if step.act in _WORDS:
                self._how = _WORDS[step.act]
        return steps[-1].act

    def over(self, seconds: float) -> None:
        """However it came to that."""
        late = self._late or [0.0]
        self._watcher.ended(
            self._number,
            how=self._how,
            bytes=self._bytes,
            seconds=round(seconds, 3),
            late_median_ms=round(statistics.median(late), 3),
            late_worst_ms=round(max(late), 3),
        )
