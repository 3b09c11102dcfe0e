"""Requests in both directions: which wait for an answer, here and there, and what is to be sent of them."""

import math
from collections import deque
from typing import Final

from longwire.rpc import events as event
from longwire.rpc.errors import RpcError, WireError, wire_error
from longwire.rpc.link import Link
from longwire.rpc.messages import Request, written

# What was said that nobody answers, and handlers are still busy with.
MAX_TOLD: Final = 20_000


class Requests:
    """Those of this side, with until when they wait, and those of the other one."""

    def __init__(self, most: int, link: Link) -> None:
        """`most` may wait for an answer, in each direction."""
        self._most = most
        self._link = link
        self._asked: dict[str, float] = {}
        self._served: dict[str, None] = {}
        # Text, and whether it is an answer: a side that does not read may not ask for ever.
        self._sending: deque[tuple[str, bool]] = deque()
        self._unread = 0
        self._told = 0

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, request_id: str, data: str, deadline: float) -> None:
        """`data` is JSON.

        Raises:
            RpcError: TOO_MANY_REQUESTS.
        """
        if len(self._asked) >= self._most:
            raise RpcError("TOO_MANY_REQUESTS")
        self._asked[request_id] = deadline
        self._send(f'{{"category":"request","requestId":{written(request_id)},"data":{data}}}', answers=False)

    def notify(self, request_id: str, data: str) -> None:
        """One that nobody answers."""
        quoted = written(request_id)
        self._send(f'{{"category":"request","requestId":{quoted},"notify":true,"data":{data}}}', answers=False)

    def on_request(self, message: Request) -> None:
        """The other side asks, or says what nobody answers."""
        request_id = message.request_id
        if not message.notify:
            if request_id in self._served:
                error = RpcError("BAD_MESSAGE", "A request has the id of one that is not answered yet")
                self._link.tell(event.Violation(error))
                return
            if self._unread >= 2 * self._most:
                self._link.tell(event.CloseSocket(1008, "too many answers unread"))
                return
            if len(self._served) + self._unread >= self._most:
                self._answer(request_id, None, wire_error(RpcError("TOO_MANY_REQUESTS")))
                return
            self._served[request_id] = None
        elif self._told >= MAX_TOLD:
            self._link.tell(event.CloseSocket(1008, "too many messages unhandled"))
            return
        else:
            self._told += 1
        self._link.tell(event.Requested(request_id, message.data, message.notify))

    def handled(self) -> None:
        """A handler is done with what nobody answers."""
        self._told -= 1

    def respond(self, request_id: str, data: str | None, error: WireError | None) -> None:
        """Answer with JSON, or with an error."""
        if self.served(request_id):
            self._answer(request_id, data, error)

    def ignore(self, request_id: str) -> None:
        """Answer nothing: a peer that knows no better waits until its patience is over."""
        if self.served(request_id) and self._link.extended:
            self._answer(request_id, None, wire_error(RpcError("NO_ANSWER")))

    def _answer(self, request_id: str, data: str | None, error: WireError | None) -> None:
        quoted = written(request_id)
        if error is None:
            text = f'{{"category":"response","requestId":{quoted},"data":{data or "null"}}}'
        elif self._link.extended:
            text = f'{{"category":"response","requestId":{quoted},"error":{written(error.as_json())}}}'
        else:
            text = written({"category": "error", "error": error.message, "details": {"requestId": request_id}})
        self._send(text, answers=True)

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
