"""Requests in both directions: which wait for an answer, here and there, and what is to be sent of them."""

import math
from collections import deque
from typing import Literal

from longwire.rpc.messages import written


class Requests:
    """Those of this side, with until when they wait, and those of the other one."""

    def __init__(self) -> None:
        self._asked: dict[str, float] = {}
        self._served: dict[str, None] = {}
        # Text, and whether it is an answer: a side that does not read may not ask for ever.
        self._sending: deque[tuple[str, bool]] = deque()
        self._unread = 0

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, request_id: str, data: str, deadline: float) -> None:
        """`data` is JSON."""
        self._asked[request_id] = deadline
        self._send(f'{{"category":"request","requestId":{written(request_id)},"data":{data}}}', answers=False)

    def notify(self, request_id: str, data: str) -> None:
        """One that nobody answers."""
        quoted = written(request_id)
        self._send(f'{{"category":"request","requestId":{quoted},"notify":true,"data":{data}}}', answers=False)

    def respond(self, request_id: str, data: str) -> None:
        """An answer, as JSON."""
        self._send(f'{{"category":"response","requestId":{written(request_id)},"data":{data}}}', answers=True)

    def fail(self, message: dict[str, object]) -> None:
        """An answer that is an error."""
        self._send(written(message), answers=True)

    def _send(self, text: str, *, answers: bool) -> None:
        self._sending.append((text, answers))
        self._unread += answers

    def next(self) -> str | None:
        """What is to be sent."""
        if not self._sending:
            return None
        text, answers = self._sending.popleft()
        self._unread -= answers
        return text

    def answered(self, request_id: str) -> bool:
        """Whether somebody waited for it, and now does no more."""
        return self._asked.pop(request_id, None) is not None

    def serve(self, request_id: str, most: int) -> Literal["again", "many", "unread"] | None:
        """Why the other side may not ask that; None if it may."""
        if request_id in self._served:
            return "again"
        if self._unread >= 2 * most:
            return "unread"
        if len(self._served) + self._unread >= most:
            return "many"
        self._served[request_id] = None
        return None

    def served(self, request_id: str) -> bool:
        """Whether the other side waits for it, and now does no more."""
        if request_id not in self._served:
            return False
        del self._served[request_id]
        return True

    @property
    def deadline(self) -> float:
        """The first of all."""
        return min(self._asked.values(), default=math.inf)

    def expired(self, now: float) -> list[str]:
        """Those that have waited too long, and do no more."""
        over = [request_id for request_id, deadline in self._asked.items() if now >= deadline]
        for request_id in over:
            del self._asked[request_id]
        return over

    def take_asked(self) -> list[str]:
        """All of this side's, which nobody will answer."""
        asked = list(self._asked)
        self._asked.clear()
        self._sending.clear()
        self._unread = 0
        return asked

    def take_served(self) -> list[str]:
        """All of the other side's, for which nobody waits."""
        served = list(self._served)
        self._served.clear()
        return served
