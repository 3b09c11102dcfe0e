"""What a replay tells while it goes on."""

from typing import Any, Protocol

from longwire.recording.reader import RecordedStream
from longwire.replay.steps import Step


class Watcher(Protocol):
    """Whoever shows it. Each call is of one request; `exchange` counts them."""

    def began(self, exchange: int, method: str, target: str, stream: RecordedStream) -> None:
        """A request is answered by this stream."""

    def refused(self, method: str, target: str, why: str) -> None:
        """A request that none answers."""

    def waits(self, exchange: int, step: Step) -> None:
        """This one is next."""

    def did(self, exchange: int, step: Step, late_ms: float) -> None:
        """It is done, and by so much too late."""

    def ended(self, exchange: int, **figures: Any) -> None:
        """The answer is over: `how`, `bytes`, `seconds`, and median and worst of what came too late."""
